"""The state of the unit: versions, files followed, what went wrong with them."""
