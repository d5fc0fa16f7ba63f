"""From evidence to an answer that is carried by it."""
