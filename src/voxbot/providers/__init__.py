"""Engines behind the protocols of speech, knowledge and agent: one file per vendor, one line in `registry`."""
