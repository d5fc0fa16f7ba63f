"""One outside thing per module, each behind a port."""
