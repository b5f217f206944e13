"""Servers of others and their tools, with what was reviewed of them."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = ("foreign_server", "foreign_tool")


def upgrade() -> None:
    op.create_table(
        "foreign_server",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("handles", sa.JSON(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=18), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "server_id", name=op.f("pk_foreign_server")),
        sa.UniqueConstraint("tenant", "name", name=op.f("uq_foreign_server_tenant_name")),
    )
    op.create_table(
        "foreign_tool",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("pinned", sa.JSON(), nullable=True),
        sa.Column("pinned_digest", sa.String(length=64), nullable=True),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.Column("found_digest", sa.String(length=64), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effect", sa.String(length=8), nullable=True),
        sa.Column("scope", sa.String(length=20), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=18), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "server_id", "name", name=op.f("pk_foreign_tool")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in TABLES:
            wall.protect(connection, table, app_role)
