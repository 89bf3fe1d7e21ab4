"""The HTTP API of the unit `api`."""
