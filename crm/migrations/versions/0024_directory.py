"""What a tenant's directory calls its people and groups."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = ("directory_user", "directory_group", "directory_member")


def upgrade() -> None:
    op.create_table(
        "directory_user",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", name=op.f("pk_directory_user")),
    )
    op.create_table(
        "directory_group",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group_id", name=op.f("pk_directory_group")),
    )
    op.create_index("ix_directory_group_name", "directory_group", ["tenant", "display_name"], unique=True)
    op.create_table(
        "directory_member",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group_id", "user_id", name=op.f("pk_directory_member")),
    )
    op.create_index("ix_directory_member_user", "directory_member", ["tenant", "user_id"])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in TABLES:
            wall.protect(connection, table, app_role)
