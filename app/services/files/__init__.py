"""Files attached to a conversation: checked, analysed chunk by chunk, told about, kept for that conversation alone."""
