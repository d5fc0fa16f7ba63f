"""Model files on disk: where they are, that they are what they should be, and where things made of them are kept."""
