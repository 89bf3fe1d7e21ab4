"""A past call against the prompts and knowledge bases of today."""
