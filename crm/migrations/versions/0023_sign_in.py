"""Sessions of browsers, keys of programs, subjects of identity providers, and what groups may do."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = ("sign_in_session", "api_key", "external_identity", "group_right")


def upgrade() -> None:
    op.create_table(
        "sign_in_session",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member_id", sa.String(length=18), nullable=False),
        sa.Column("provider", sa.String(length=60), nullable=False),
        sa.Column("browser", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "session_id", name=op.f("pk_sign_in_session")),
    )
    op.create_index("ix_sign_in_session_secret", "sign_in_session", ["tenant", "secret_hash"], unique=True)
    op.create_index("ix_sign_in_session_member", "sign_in_session", ["tenant", "member_id"])
    op.create_table(
        "api_key",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("prefix", sa.String(length=60), nullable=False),
        sa.Column("member_id", sa.String(length=18), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=18), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "key_id", name=op.f("pk_api_key")),
    )
    op.create_index("ix_api_key_secret", "api_key", ["tenant", "secret_hash"], unique=True)
    op.create_index("ix_api_key_member", "api_key", ["tenant", "member_id"])
    op.create_table(
        "external_identity",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "issuer", "subject", name=op.f("pk_external_identity")),
    )
    op.create_index("ix_external_identity_user", "external_identity", ["tenant", "user_id"])
    op.create_table(
        "group_right",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("group_name", sa.String(length=255), nullable=False),
        sa.Column("permission_set", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group_name", "permission_set", name=op.f("pk_group_right")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in TABLES:
            wall.protect(connection, table, app_role)
