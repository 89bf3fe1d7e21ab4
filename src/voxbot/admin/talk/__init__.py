"""A call from the browser, handed through to a bot."""
