"""What the service talks about: plain frozen data, no behaviour that needs the outside world."""
