"""From Markdown files to the passages that answer a question."""
