"""What tenants add to the policy, in versions that are only ever added."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_version",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("additions", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("preapprovals", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=18), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "version", name=op.f("pk_policy_version")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        wall.protect(connection, "policy_version", app_role, may="SELECT, INSERT")
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER policy_version_refuses_{change.lower()} BEFORE {change} ON policy_version "
            f"BEGIN SELECT RAISE(ABORT, '{change} of policy_version is refused: the table only grows'); END"
        )
