"""One approval may send several letters, each to somebody by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_FORMER = "uq_outbox_tenant_approval_id"
_NEW = "uq_outbox_tenant_approval_id_place"


def upgrade() -> None:
    place = sa.Column("place", sa.Integer(), nullable=False, server_default="0")
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(place)
        outbox.drop_constraint(_FORMER, type_="unique")
        outbox.create_unique_constraint(_NEW, ["tenant", "approval_id", "place"])
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("outbox", "place", server_default=None)
