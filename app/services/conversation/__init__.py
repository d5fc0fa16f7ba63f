"""Conversations: what of them goes with a question, and what stands for the rest."""
