"""Alembic migrations of the notifier's tables, run by store/notifier_preparation.py when its database is opened."""

HEAD = "0003"
"""The newest revision. A database that has it is opened without loading Alembic."""

VERSION_TABLE = "notifier_alembic_version"
"""Apart from the call log's: on a database server both lie in one database."""
