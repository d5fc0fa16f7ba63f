"""Measures retrieval and answers against questions whose right answers are known."""
