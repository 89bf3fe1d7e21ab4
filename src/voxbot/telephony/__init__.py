"""Asterisk: the ARI client, its typed events, and verbs on live channels and bridges."""
