"""Senders, the outbox, and whether a lead has agreed to be mailed."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sender",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("leads_need_consent", sa.Boolean(), nullable=False),
        sa.Column("wrong_reader", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_sender")),
    )
    op.create_table(
        "outbox",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("outbox_id", sa.String(length=36), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("requester", sa.String(length=18), nullable=False),
        sa.Column("message_id", sa.String(length=320), nullable=False),
        sa.Column("sender", sa.String(length=254), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "outbox_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("tenant", "approval_id", name=op.f("uq_outbox_tenant_approval_id")),
    )
    op.create_index("ix_outbox_status", "outbox", ["tenant", "status", "next_attempt"], unique=False)
    op.add_column("lead", sa.Column("HasEmailConsent__c", sa.Boolean(), nullable=False, server_default=sa.false()))
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        op.alter_column("lead", "HasEmailConsent__c", server_default=None)
        for table in ("sender", "outbox"):
            wall.protect(connection, table, app_role)
