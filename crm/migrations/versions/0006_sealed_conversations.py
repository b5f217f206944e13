"""Conversations are sealed. Those from before, which were stored in clear, are removed; ledger and audit stay."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LIBRARY_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_migrations")


def upgrade() -> None:
    drop_library_tables()
    create_checkpoints()
    if op.get_bind().dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in ("checkpoint", "checkpoint_write", "thread_item"):
            wall.protect(op.get_bind(), table, app_role)


def drop_library_tables() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in LIBRARY_TABLES:
            op.drop_table(table)


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
