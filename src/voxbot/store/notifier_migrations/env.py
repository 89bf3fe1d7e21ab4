"""What Alembic runs: the migrations, on the connection and in the transaction of the caller."""

from __future__ import annotations

from alembic import context

from voxbot.store.notifier_migrations import VERSION_TABLE
from voxbot.store.notifier_models import NotifierBase

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=NotifierBase.metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
