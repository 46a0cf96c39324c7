"""How the words of a warning's areas were read."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; before, areas of words alone were not read."""
    op.add_column("warnings", sa.Column("area_text", sa.JSON(), nullable=True))
