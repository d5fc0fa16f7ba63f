"""Who asks, and whether they may: sessions, API keys, and the one authorisation of all channels."""
