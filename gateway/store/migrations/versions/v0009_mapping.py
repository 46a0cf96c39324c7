"""Which rule made what of a warning."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of warnings from before nothing is known."""
    op.add_column("warnings", sa.Column("mapping", sa.JSON(), nullable=True))
