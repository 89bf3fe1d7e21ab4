"""Alembic migrations, run by store/preparation.py when a database is opened."""

HEAD = "0005"
"""The newest revision. A database that has it is opened without loading Alembic (a sixth of a second)."""
