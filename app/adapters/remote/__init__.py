"""Language models behind a server: Azure OpenAI, and everything that speaks OpenAI's chat completions."""
