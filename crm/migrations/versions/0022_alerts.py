"""Reports and alerts on metrics, how far alerts have come, notices about them, and a tenant's own definitions."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = ("report", "metricalert__c", "alert_state", "metric_definitions")


def upgrade() -> None:
    create_record(
        "report",
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Metric__c", sa.String(length=255), nullable=False),
        sa.Column("Question__c", sa.Text(), nullable=False),
    )
    create_record(
        "metricalert__c",
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Metric__c", sa.String(length=255), nullable=False),
        sa.Column("Question__c", sa.Text(), nullable=False),
        sa.Column("Condition__c", sa.String(length=80), nullable=False),
        sa.Column("Threshold__c", sa.BigInteger(), nullable=False),
        sa.Column("Frequency__c", sa.String(length=80), nullable=False),
        sa.Column("IsActive__c", sa.Boolean(), nullable=False),
    )
    create_tables()
    with op.batch_alter_table("notice") as notice:
        notice.alter_column("approval_id", existing_type=sa.String(length=36), nullable=True)
        notice.add_column(sa.Column("alert_id", sa.String(length=18), nullable=True))
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in TABLES:
            wall.protect(connection, table, app_role)


def create_record(table: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        table,
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name=f"fk_{table}_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f(f"pk_{table}")),
    )
    for name in ("CreatedDate", "OwnerId"):
        op.create_index(f"ix_{table}_{name}", table, ["tenant", name])


def create_tables() -> None:
    op.create_table(
        "alert_state",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("alert_id", sa.String(length=18), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_met", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "alert_id", name=op.f("pk_alert_state")),
    )
    op.create_index("ix_alert_state_next", "alert_state", ["tenant", "next_at"])
    op.create_table(
        "metric_definitions",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(length=18), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_metric_definitions")),
    )
