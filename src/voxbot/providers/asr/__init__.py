"""Recognisers, one file each."""
