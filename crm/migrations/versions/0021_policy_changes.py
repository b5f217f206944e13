"""Changes to approval rules that people have countersigned; an administrator decides who may propose them."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policychange__c",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Operation__c", sa.String(length=80), nullable=False),
        sa.Column("RuleId__c", sa.String(length=255), nullable=False),
        sa.Column("Rule__c", sa.Text(), nullable=True),
        sa.Column("BasedOn__c", sa.Integer(), nullable=False),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_policychange__c_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_policychange__c")),
    )
    for column in ("OwnerId", "CreatedDate"):
        op.create_index(f"ix_policychange__c_{column}", "policychange__c", ["tenant", column])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        wall.protect(connection, "policychange__c", op.get_context().config.attributes["app_role"])
