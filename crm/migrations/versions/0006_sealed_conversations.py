"""Conversations are sealed. Those from before, which were stored in clear, are removed; ledger and audit stay."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CLEAR_TABLES = ("run_event", "run", "thread", "vote", "approval")
LIBRARY_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_migrations")


def upgrade() -> None:
    for table in CLEAR_TABLES:
        op.drop_table(table)
    remove_library_checkpoints()
    create_checkpoints()
    create_threads()
    create_approvals()
    create_retention()
    if op.get_bind().dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in (*CLEAR_TABLES, "checkpoint", "checkpoint_write", "thread_item", "retention"):
            wall.protect(op.get_bind(), table, app_role)


def remove_library_checkpoints() -> None:
    """Tables on PostgreSQL; on SQLite a file of their own."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for table in LIBRARY_TABLES:
            op.drop_table(table)
        return
    for suffix in ("", "-wal", "-shm"):
        Path(f"{connection.engine.url.database}.checkpoints{suffix}").unlink(missing_ok=True)


def create_checkpoints() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("namespace", sa.String(length=200), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "thread_id", "namespace", "checkpoint_id", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "checkpoint_write",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("namespace", sa.String(length=200), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "thread_id", "namespace", "checkpoint_id", "task_id", "place", name=op.f("pk_checkpoint_write")
        ),
    )
    op.create_table(
        "thread_item",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "thread_id", "number", name=op.f("pk_thread_item")),
    )
    op.create_index("uq_thread_item_mark", "thread_item", ["tenant", "thread_id", "mark"], unique=True)


def create_threads() -> None:
    op.create_table(
        "thread",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("sealed_details", sa.LargeBinary(), nullable=True),
        sa.Column("detail_marks", sa.JSON(), nullable=False),
        sa.Column("sealed_kept", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_interrupts", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "thread_id", name=op.f("pk_thread")),
    )
    op.create_index("ix_thread_owner", "thread", ["tenant", "owner", "updated_at"], unique=False)
    op.create_table(
        "run",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("assistant_id", sa.String(length=60), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=18), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("sealed_request", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_details", sa.LargeBinary(), nullable=True),
        sa.Column("multitask_strategy", sa.String(length=12), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "run_id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_lease", "run", ["status", "lease_until"], unique=False)
    op.create_index("ix_run_thread", "run", ["tenant", "thread_id", "created_at"], unique=False)
    op.create_table(
        "run_event",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "run_id", "seq", name=op.f("pk_run_event")),
    )


def create_approvals() -> None:
    op.create_table(
        "approval",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=120), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("tool", sa.String(length=60), nullable=False),
        sa.Column("requester", sa.String(length=18), nullable=False),
        sa.Column("sealed_arguments", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_changes", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_card", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_labels", sa.LargeBinary(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("schema_hash", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("decided_by", sa.String(length=18), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_edited_arguments", sa.LargeBinary(), nullable=True),
        sa.Column("replaces", sa.String(length=36), nullable=True),
        sa.Column("sealed_result", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "approval_id", name=op.f("pk_approval")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_approval_tenant_key")),
    )
    op.create_index("ix_approval_status", "approval", ["tenant", "status", "created_at"], unique=False)
    op.create_index("ix_approval_thread", "approval", ["tenant", "thread_id"], unique=False)
    op.create_table(
        "vote",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("voter", sa.String(length=18), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "approval_id", "voter", name=op.f("pk_vote")),
    )


def create_retention() -> None:
    op.create_table(
        "retention",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("conversation_days", sa.Integer(), nullable=True),
        sa.Column("prompt_days", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_retention")),
    )
