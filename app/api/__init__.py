"""The HTTP side: routes, what goes in and out, and what happens to every request."""
