"""Whose turn it is: a pure state machine. Time comes in as data; there is no clock, task or I/O here."""
