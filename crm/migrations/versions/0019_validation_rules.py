"""Validation rules of tenants, which are records: an administrator decides who may set them up."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "validationrule",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("ValidationName", sa.String(length=255), nullable=False),
        sa.Column("ObjectName", sa.String(length=255), nullable=False),
        sa.Column("ErrorConditions", sa.Text(), nullable=False),
        sa.Column("Matching", sa.String(length=80), nullable=False),
        sa.Column("ErrorMessage", sa.String(length=255), nullable=False),
        sa.Column("Active", sa.Boolean(), nullable=False),
        sa.Column("Description", sa.Text(), nullable=True),
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
            name="fk_validationrule_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_validationrule")),
    )
    for column in ("ObjectName", "OwnerId", "CreatedDate"):
        op.create_index(f"ix_validationrule_{column}", "validationrule", ["tenant", column])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        wall.protect(connection, "validationrule", op.get_context().config.attributes["app_role"])
