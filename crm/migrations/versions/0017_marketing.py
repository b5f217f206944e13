"""Segments, campaign briefs and landing pages; a campaign knows the brief that it was made from."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from crm.migrations import search, wall

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("marketsegment", "campaignbrief__c", "landingpage__c")
_RIGHTS = {"marketing": "cred", "admin": "credvm", "sales_rep": "r", "sales_manager": "r"}
"""Permission set -> what those that a tenant starts with say of the new kinds of record."""
_OBJECTS = ("MarketSegment", "CampaignBrief__c", "LandingPage__c")


def upgrade() -> None:
    create_tables()
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in _TABLES:
            wall.protect(connection, table, app_role)
        op.add_column("campaign", _brief())
        op.create_foreign_key("fk_campaign_BriefId__c", "campaign", *_REFERS, initially="DEFERRED", deferrable=True)
    else:
        with op.batch_alter_table("campaign") as campaign:
            campaign.add_column(_brief())
            campaign.create_foreign_key("fk_campaign_BriefId__c", *_REFERS, initially="DEFERRED", deferrable=True)
        search.follow_on_sqlite(connection, "Campaign")  # a table that was made anew has no triggers
    op.create_index("ix_campaign_BriefId__c", "campaign", ["tenant", "BriefId__c"])
    grant_rights(connection)


def _brief() -> sa.Column[str]:
    return sa.Column("BriefId__c", sa.String(length=18), nullable=True)


_REFERS = ("campaignbrief__c", ["tenant", "BriefId__c"], ["tenant", "Id"])


def create_tables() -> None:
    op.create_table(
        "marketsegment",
        *common("marketsegment"),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Object__c", sa.String(length=80), nullable=False),
        sa.Column("Definition__c", sa.Text(), nullable=False),
        sa.Column("Description", sa.Text(), nullable=True),
    )
    op.create_table(
        "campaignbrief__c",
        *common("campaignbrief__c"),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Goal__c", sa.String(length=255), nullable=False),
        sa.Column("Audience__c", sa.String(length=255), nullable=True),
        sa.Column("SegmentId__c", sa.String(length=18), nullable=True),
        sa.Column("Product2Id__c", sa.String(length=18), nullable=True),
        sa.Column("KeyMessage__c", sa.Text(), nullable=True),
        sa.Column("CallToAction__c", sa.String(length=255), nullable=True),
        sa.Column("Channel__c", sa.String(length=80), nullable=True),
        sa.Column("Tone__c", sa.String(length=80), nullable=True),
        sa.Column("StartDate__c", sa.Date(), nullable=True),
        sa.Column("EndDate__c", sa.Date(), nullable=True),
        sa.Column("Budget__c", sa.BigInteger(), nullable=True),
        refers("campaignbrief__c", "SegmentId__c", "marketsegment"),
        refers("campaignbrief__c", "Product2Id__c", "product2"),
    )
    op.create_table(
        "landingpage__c",
        *common("landingpage__c"),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("CampaignId", sa.String(length=18), nullable=False),
        sa.Column("Html__c", sa.Text(), nullable=False),
        refers("landingpage__c", "CampaignId", "campaign"),
    )
    references = [("campaignbrief__c", "SegmentId__c"), ("campaignbrief__c", "Product2Id__c")]
    references += [("landingpage__c", "CampaignId")]
    for table, field in [*references, *((table, field) for table in _TABLES for field in ("CreatedDate", "OwnerId"))]:
        op.create_index(f"ix_{table}_{field}", table, ["tenant", field])


def common(table: str) -> Iterator["sa.Column[Any] | sa.Constraint"]:
    """What every kind of record has."""
    yield sa.Column("tenant", sa.String(length=40), nullable=False)
    yield sa.Column("Id", sa.String(length=18), nullable=False)
    yield sa.Column("OwnerId", sa.String(length=18), nullable=True)
    yield sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False)
    yield sa.Column("CreatedById", sa.String(length=18), nullable=True)
    yield sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False)
    yield sa.Column("LastModifiedById", sa.String(length=18), nullable=True)
    yield sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False)
    yield sa.Column("IsDeleted", sa.Boolean(), nullable=False)
    yield sa.Column("version", sa.Integer(), nullable=False)
    yield sa.PrimaryKeyConstraint("tenant", "Id", name=op.f(f"pk_{table}"))
    yield refers(table, "OwnerId", "user")


def refers(table: str, field: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", field],
        [f"{target}.tenant", f"{target}.Id"],
        name=f"fk_{table}_{field}",
        initially="DEFERRED",
        deferrable=True,
    )


def grant_rights(connection: sa.Connection) -> None:
    """In the tenants that are there already. The owner looks past the wall for it, inside this transaction."""
    columns = (sa.column("tenant"), sa.column("name"), sa.column("objects", sa.JSON), sa.column("fields", sa.JSON))
    sets = sa.table("permission_set", *columns)
    with wall.looked_past(connection, "permission_set"):
        found = connection.execute(sa.select(sets).where(sets.c.name.in_(_RIGHTS))).all()
        for row in found:
            letters = _RIGHTS[row.name]
            fields = {"*": "re" if set(letters) & set("ce") else "r"}
            changed = {
                "objects": dict.fromkeys(_OBJECTS, letters) | row.objects,
                "fields": {name: dict(fields) for name in _OBJECTS} | row.fields,
            }
            connection.execute(
                sa.update(sets).where(sets.c.tenant == row.tenant, sets.c.name == row.name).values(**changed)
            )
