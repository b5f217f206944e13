"""Approval rules, escalations, delegations while away, and what was used of capped pre-approvals."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("policy_version", sa.Column("rules", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("vote", sa.Column("in_stead_of", sa.String(length=18), nullable=True))
    op.add_column("approval", sa.Column("escalates_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_approval_escalates", "approval", ["tenant", "status", "escalates_at"])
    op.create_table(
        "preapproval_use",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("preapproval_id", sa.String(length=36), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "preapproval_id", "period_start", name=op.f("pk_preapproval_use")),
    )
    op.create_table(
        "delegation",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("delegation_id", sa.String(length=36), nullable=False),
        sa.Column("delegator", sa.String(length=18), nullable=False),
        sa.Column("delegate", sa.String(length=18), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=18), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=18), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "delegation_id", name=op.f("pk_delegation")),
    )
    for side in ("delegate", "delegator"):
        op.create_index(f"ix_delegation_{side}", "delegation", ["tenant", side, "ends_at"])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in ("preapproval_use", "delegation"):
            wall.protect(connection, table, app_role)
