"""What the service does: pure decisions over the ports, no vendor in sight."""
