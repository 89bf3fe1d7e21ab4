"""The text chat."""
