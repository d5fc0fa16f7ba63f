"""From documents to an index release."""
