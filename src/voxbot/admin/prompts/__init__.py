"""The greeting and the prompts: reading, saving, history."""
