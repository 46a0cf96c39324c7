"""EBD packages of peers on the platform interface."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; before, there was no platform interface."""
    op.create_table(
        "received_packages",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ebd_id", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("result", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("ebm_id", sa.Text(), nullable=True),
        sa.Column("related", sa.Text(), nullable=True),
        sa.Column("business", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("source", "ebd_id", name="pk_received_packages"),
    )
    op.create_index("ix_received_packages_received_at_ebd_id", "received_packages", ["received_at", "ebd_id"])
    op.create_index("ix_received_packages_ebm_id", "received_packages", ["ebm_id"])
