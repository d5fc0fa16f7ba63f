"""Index releases in use: built aside, compared, switched, gone back to."""
