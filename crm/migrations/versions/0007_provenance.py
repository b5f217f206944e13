"""Where the values of fields come from, where that is more than the field's declaration says."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "field_provenance",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("integrity", sa.String(length=12), nullable=False),
        sa.Column("writers", sa.JSON(), nullable=False),
        sa.Column("readers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "record_id", "field", name=op.f("pk_field_provenance")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        wall.protect(connection, "field_provenance", op.get_context().config.attributes["app_role"])
