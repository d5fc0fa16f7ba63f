"""Where conversations are kept: SQLite, MongoDB, or this process's memory for tests."""
