"""Who has said what a group of the directory gives."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("group_right") as right:
        right.add_column(sa.Column("given_by", sa.String(length=60), nullable=True))
