"""The command line: serve, index, ask, eval, doctor."""
