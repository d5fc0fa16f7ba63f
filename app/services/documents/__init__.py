"""Documents that live: handed in, read, made findable, replaced and deleted while the service runs."""
