"""The catalogue of documents in SQLite, with their raw files beside it, and what it holds as a source of knowledge."""
