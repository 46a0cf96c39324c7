"""How a message sounds: language of its text, manner, recorded file."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; messages from before were warnings in Chinese, and nothing was streamed for them."""
    for name, before in (("language", "zh-CN"), ("manner", "warning")):
        op.add_column("messages", sa.Column(name, sa.Text(), nullable=False, server_default=before))
    op.add_column("messages", sa.Column("recording", sa.Text(), nullable=True))
