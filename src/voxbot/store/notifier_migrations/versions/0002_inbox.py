"""How far posted events have been moved out of the file that takes them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "notifier_inbox",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("moved_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("notifier_inbox")
