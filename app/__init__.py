"""An IT-support answering service: evidence-backed answers from a knowledge base."""

__version__ = "0.1.0"
