"""What an inbox needs of a request without opening it, webhooks, and notices to people."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("approval_record", "inbox_rules", "notice_choice", "notice", "webhook", "webhook_delivery")


def upgrade() -> None:
    for name, column_type in (
        ("assignee", sa.String(length=18)),
        ("object_name", sa.String(length=60)),
        ("is_external", sa.Boolean()),
        ("is_tainted", sa.Boolean()),
    ):
        op.add_column("approval", sa.Column(name, column_type, nullable=True))
    op.create_index("ix_approval_requester", "approval", ["tenant", "requester", "created_at"])
    op.create_index("ix_approval_expires", "approval", ["tenant", "status", "expires_at"])
    op.create_index("ix_approval_replaces", "approval", ["tenant", "replaces"])
    create_inbox_tables()
    create_webhook_tables()
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in TABLES:
            wall.protect(connection, table, app_role)


def create_inbox_tables() -> None:
    op.create_table(
        "approval_record",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("object_name", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "approval_id", "place", name=op.f("pk_approval_record")),
    )
    op.create_index("ix_approval_record_record", "approval_record", ["tenant", "record_id"])
    op.create_table(
        "inbox_rules",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("while_waiting", sa.String(length=12), nullable=False),
        sa.Column("changed_by", sa.String(length=18), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_inbox_rules")),
    )
    op.create_table(
        "notice_choice",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", name=op.f("pk_notice_choice")),
    )
    op.create_table(
        "notice",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("notice_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "notice_id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_due", "notice", ["tenant", "status", "due_at"])


def create_webhook_tables() -> None:
    op.create_table(
        "webhook",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=18), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "webhook_id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "delivery_id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index("ix_webhook_delivery_due", "webhook_delivery", ["tenant", "status", "next_attempt"])
    op.create_index("ix_webhook_delivery_webhook", "webhook_delivery", ["tenant", "webhook_id", "created_at"])
