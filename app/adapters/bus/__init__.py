"""What carries live events: this process's memory, or Redis between several."""
