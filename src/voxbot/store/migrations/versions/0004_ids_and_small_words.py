"""Parts of ids are found, and dialogues by their prepositions, conjunctions and particles."""

from __future__ import annotations

from alembic import op

from voxbot.store.derived import ID_FULL_TEXT, ID_TRIGGERS

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Index the ids; the words of all dialogues are made anew later, while the units run."""
    op.execute(ID_FULL_TEXT)
    op.execute("INSERT INTO call_ids (call_ids) VALUES ('rebuild')")
    for statement in ID_TRIGGERS:
        op.execute(statement)
    op.execute("UPDATE call_facts SET pending = 1")


def downgrade() -> None:
    """Refuse: an older VoxBot would leave what is made from `logs` behind it."""
    raise NotImplementedError("restore the database from a backup instead")
