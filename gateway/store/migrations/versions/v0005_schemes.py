"""The scheme 调度方案 of each message."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; messages from before had none."""
    op.add_column("messages", sa.Column("scheme", sa.JSON(), nullable=True))
