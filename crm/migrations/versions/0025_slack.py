"""Cards in Slack: which webhooks are such, who somebody in Slack is, and which calls were taken."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = ("slack_person", "slack_call")


def upgrade() -> None:
    with op.batch_alter_table("webhook") as webhook:
        webhook.add_column(sa.Column("kind", sa.String(length=12), nullable=False, server_default="standard"))
    op.create_table(
        "slack_person",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("slack_user", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.Column("created_by", sa.String(length=18), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "webhook_id", "slack_user", name=op.f("pk_slack_person")),
    )
    op.create_table(
        "slack_call",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "signature", name=op.f("pk_slack_call")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in TABLES:
            wall.protect(connection, table, app_role)
