"""Vectors kept by an engine of their own."""
