"""Which graph a conversation or schedule goes by: there are several. All until now go by the one there was."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, name in (("thread", "graph"), ("schedule", "assistant")):
        op.add_column(table, sa.Column(name, sa.String(length=60), nullable=False, server_default="countersign"))
        if op.get_bind().dialect.name == "postgresql":
            op.alter_column(table, name, server_default=None)
