"""Doubles that speak the real protocols, shared by the tests."""
