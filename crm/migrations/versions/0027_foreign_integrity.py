"""How far the answers of a foreign tool are to be trusted."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("foreign_tool") as tool:
        tool.add_column(sa.Column("integrity", sa.String(length=16), nullable=True))
