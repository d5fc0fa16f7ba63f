"""Where sessions and API keys are kept, and what signs cookies."""
