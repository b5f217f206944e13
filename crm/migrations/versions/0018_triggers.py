"""Rules about what is started when records change."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trigger_rule",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("trigger_id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("person", sa.String(length=18), nullable=False),
        sa.Column("assistant", sa.String(length=60), nullable=False),
        sa.Column("object_name", sa.String(length=60), nullable=False),
        sa.Column("operation", sa.String(length=12), nullable=False),
        sa.Column("field_name", sa.String(length=80), nullable=True),
        sa.Column("becomes", sa.JSON(), nullable=True),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("stopped_because", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "trigger_id", name=op.f("pk_trigger_rule")),
    )
    op.create_index("ix_trigger_rule_owner", "trigger_rule", ["tenant", "owner", "created_at"])
    op.create_table(
        "trigger_firing",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("trigger_id", sa.String(length=36), nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "trigger_id", "entry_id", "place", name=op.f("pk_trigger_firing")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in ("trigger_rule", "trigger_firing"):
            wall.protect(connection, table, app_role)
