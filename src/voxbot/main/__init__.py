"""Wiring only: one module per unit, and the command line."""
