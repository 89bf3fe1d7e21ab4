"""Settings: the few of the older API, and all of them by their schema."""
