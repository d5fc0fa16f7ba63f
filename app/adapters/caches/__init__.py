"""Where answers are kept for a while: this process's memory, or Redis."""
