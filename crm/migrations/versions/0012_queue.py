"""Places of runs in the durable queue, runs that were given up, and schedules."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("ticket", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("run", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("run", sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "schedule",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("schedule_id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("audience", sa.String(length=80), nullable=True),
        sa.Column("cron", sa.String(length=120), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("sealed_message", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_because", sa.String(length=200), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "schedule_id", name=op.f("pk_schedule")),
    )
    op.create_index("ix_schedule_owner", "schedule", ["tenant", "owner", "created_at"], unique=False)
    op.create_index("ix_schedule_next", "schedule", ["tenant", "next_at"], unique=False)
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        op.alter_column("run", "ticket", server_default=None)
        wall.protect(connection, "schedule", app_role)
