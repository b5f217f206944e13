"""Records, rights and the service's own tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=120), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("tool", sa.String(length=60), nullable=False),
        sa.Column("requester", sa.String(length=18), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("schema_hash", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("decided_by", sa.String(length=18), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("edited_arguments", sa.JSON(), nullable=True),
        sa.Column("replaces", sa.String(length=36), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "approval_id", name=op.f("pk_approval")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_approval_tenant_key")),
    )
    op.create_index("ix_approval_status", "approval", ["tenant", "status", "created_at"], unique=False)
    op.create_index("ix_approval_thread", "approval", ["tenant", "thread_id"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "seq", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_kind", "audit_entry", ["tenant", "kind"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "group_member",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("group_name", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group_name", "user_id", name=op.f("pk_group_member")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=True),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("tool", sa.String(length=60), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=18), nullable=False),
        sa.Column("effects", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_ledger_entry_tenant_key")),
    )
    op.create_index("ix_ledger_run", "ledger_entry", ["tenant", "run_id"], unique=False)
    op.create_table(
        "permission_set",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_permission_set")),
    )
    op.create_table(
        "permission_set_assignment",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=18), nullable=False),
        sa.Column("permission_set", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", "permission_set", name=op.f("pk_permission_set_assignment")),
    )
    op.create_table(
        "record_share",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("object_name", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("grantee", sa.String(length=90), nullable=False),
        sa.Column("can_edit", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "object_name", "record_id", "grantee", name=op.f("pk_record_share")),
    )
    op.create_table(
        "run",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("assistant_id", sa.String(length=60), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=18), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("multitask_strategy", sa.String(length=12), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "run_id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_lease", "run", ["status", "lease_until"], unique=False)
    op.create_index("ix_run_thread", "run", ["tenant", "thread_id", "created_at"], unique=False)
    op.create_table(
        "run_event",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "run_id", "seq", name=op.f("pk_run_event")),
    )
    op.create_table(
        "sharing_rule",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("object_name", sa.String(length=60), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("target", sa.JSON(), nullable=False),
        sa.Column("can_edit", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "rule_id", name=op.f("pk_sharing_rule")),
    )
    op.create_table(
        "tenant",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sharing_defaults", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenant")),
    )
    op.create_table(
        "thread",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("interrupts", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "thread_id", name=op.f("pk_thread")),
    )
    op.create_index("ix_thread_owner", "thread", ["tenant", "owner", "updated_at"], unique=False)
    op.create_table(
        "user",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Username", sa.String(length=255), nullable=False),
        sa.Column("Alias", sa.String(length=255), nullable=True),
        sa.Column("FirstName", sa.String(length=255), nullable=True),
        sa.Column("LastName", sa.String(length=255), nullable=False),
        sa.Column("Email", sa.String(length=254), nullable=True),
        sa.Column("Phone", sa.String(length=40), nullable=True),
        sa.Column("IsActive", sa.Boolean(), nullable=False),
        sa.Column("ManagerId", sa.String(length=18), nullable=True),
        sa.Column("UserRoleId", sa.String(length=255), nullable=True),
        sa.Column("ProfileId", sa.String(length=255), nullable=True),
        sa.Column("UserType", sa.String(length=80), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "ManagerId"],
            ["user.tenant", "user.Id"],
            name="fk_user_ManagerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_user_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_user")),
        sa.UniqueConstraint("tenant", "Username", name=op.f("uq_user_tenant_Username")),
    )
    op.create_index("ix_user_CreatedDate", "user", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_user_ManagerId", "user", ["tenant", "ManagerId"], unique=False)
    op.create_index("ix_user_OwnerId", "user", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "user_role",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("role_id", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("parent_id", sa.String(length=18), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "role_id", name=op.f("pk_user_role")),
    )
    op.create_table(
        "vote",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("voter", sa.String(length=18), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "approval_id", "voter", name=op.f("pk_vote")),
    )
    op.create_table(
        "account",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Industry", sa.String(length=80), nullable=True),
        sa.Column("Type", sa.String(length=80), nullable=True),
        sa.Column("NumberOfEmployees", sa.Integer(), nullable=True),
        sa.Column("AnnualRevenue", sa.BigInteger(), nullable=True),
        sa.Column("Phone", sa.String(length=40), nullable=True),
        sa.Column("Website", sa.String(length=255), nullable=True),
        sa.Column("BillingCity", sa.String(length=255), nullable=True),
        sa.Column("BillingState", sa.String(length=255), nullable=True),
        sa.Column("BillingCountry", sa.String(length=255), nullable=True),
        sa.Column("ShippingState", sa.String(length=255), nullable=True),
        sa.Column("ParentId", sa.String(length=18), nullable=True),
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
            name="fk_account_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ParentId"],
            ["account.tenant", "account.Id"],
            name="fk_account_ParentId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_account")),
    )
    op.create_index("ix_account_CreatedDate", "account", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_account_OwnerId", "account", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_account_ParentId", "account", ["tenant", "ParentId"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Type", sa.String(length=80), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=True),
        sa.Column("StartDate", sa.Date(), nullable=True),
        sa.Column("EndDate", sa.Date(), nullable=True),
        sa.Column("BudgetedCost", sa.BigInteger(), nullable=True),
        sa.Column("ActualCost", sa.BigInteger(), nullable=True),
        sa.Column("SegmentDefinition__c", sa.Text(), nullable=True),
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
            name="fk_campaign_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_campaign")),
    )
    op.create_index("ix_campaign_CreatedDate", "campaign", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_campaign_OwnerId", "campaign", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "event",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Subject", sa.String(length=255), nullable=False),
        sa.Column("Description", sa.Text(), nullable=True),
        sa.Column("StartDateTime", sa.DateTime(timezone=True), nullable=False),
        sa.Column("DurationInMinutes", sa.Integer(), nullable=True),
        sa.Column("IsAllDayEvent", sa.Boolean(), nullable=False),
        sa.Column("Location", sa.String(length=255), nullable=True),
        sa.Column("WhoId", sa.String(length=18), nullable=True),
        sa.Column("WhatId", sa.String(length=18), nullable=True),
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
            name="fk_event_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_CreatedDate", "event", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_event_OwnerId", "event", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_event_WhatId", "event", ["tenant", "WhatId"], unique=False)
    op.create_index("ix_event_WhoId", "event", ["tenant", "WhoId"], unique=False)
    op.create_table(
        "issue__c",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Description__c", sa.Text(), nullable=True),
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
            name="fk_issue__c_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_issue__c")),
    )
    op.create_index("ix_issue__c_CreatedDate", "issue__c", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_issue__c_OwnerId", "issue__c", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "pricebook2",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Description", sa.Text(), nullable=True),
        sa.Column("IsActive", sa.Boolean(), nullable=False),
        sa.Column("IsStandard", sa.Boolean(), nullable=False),
        sa.Column("ValidFrom", sa.Date(), nullable=True),
        sa.Column("ValidTo", sa.Date(), nullable=True),
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
            name="fk_pricebook2_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_pricebook2")),
    )
    op.create_index("ix_pricebook2_CreatedDate", "pricebook2", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_pricebook2_OwnerId", "pricebook2", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "product2",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("ProductCode", sa.String(length=255), nullable=True),
        sa.Column("Family", sa.String(length=80), nullable=True),
        sa.Column("Description", sa.Text(), nullable=True),
        sa.Column("IsActive", sa.Boolean(), nullable=False),
        sa.Column("External_ID__c", sa.String(length=255), nullable=True),
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
            name="fk_product2_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_product2")),
    )
    op.create_index("ix_product2_CreatedDate", "product2", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_product2_OwnerId", "product2", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "productcategory",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("CatalogId", sa.String(length=255), nullable=True),
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
            name="fk_productcategory_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_productcategory")),
    )
    op.create_index("ix_productcategory_CreatedDate", "productcategory", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_productcategory_OwnerId", "productcategory", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "task",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Subject", sa.String(length=255), nullable=False),
        sa.Column("Description", sa.Text(), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=False),
        sa.Column("Priority", sa.String(length=80), nullable=False),
        sa.Column("ActivityDate", sa.Date(), nullable=True),
        sa.Column("WhoId", sa.String(length=18), nullable=True),
        sa.Column("WhatId", sa.String(length=18), nullable=True),
        sa.Column("CallType", sa.String(length=80), nullable=True),
        sa.Column("TaskSubtype", sa.String(length=80), nullable=True),
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
            name="fk_task_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_CreatedDate", "task", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_task_OwnerId", "task", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_task_WhatId", "task", ["tenant", "WhatId"], unique=False)
    op.create_index("ix_task_WhoId", "task", ["tenant", "WhoId"], unique=False)
    op.create_table(
        "territory2",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
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
            name="fk_territory2_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_territory2")),
    )
    op.create_index("ix_territory2_CreatedDate", "territory2", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_territory2_OwnerId", "territory2", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "contact",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("AccountId", sa.String(length=18), nullable=True),
        sa.Column("FirstName", sa.String(length=255), nullable=True),
        sa.Column("LastName", sa.String(length=255), nullable=False),
        sa.Column("Title", sa.String(length=255), nullable=True),
        sa.Column("Email", sa.String(length=254), nullable=True),
        sa.Column("Phone", sa.String(length=40), nullable=True),
        sa.Column("HasOptedOutOfEmail", sa.Boolean(), nullable=False),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_contact_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_contact_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_AccountId", "contact", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_contact_CreatedDate", "contact", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_contact_OwnerId", "contact", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "contract",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("AccountId", sa.String(length=18), nullable=False),
        sa.Column("Status", sa.String(length=80), nullable=False),
        sa.Column("StartDate", sa.Date(), nullable=True),
        sa.Column("EndDate", sa.Date(), nullable=True),
        sa.Column("ContractTerm", sa.Integer(), nullable=True),
        sa.Column("CompanySignedDate", sa.Date(), nullable=True),
        sa.Column("CustomerSignedDate", sa.Date(), nullable=True),
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
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_contract_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_contract_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_contract")),
    )
    op.create_index("ix_contract_AccountId", "contract", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_contract_CreatedDate", "contract", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_contract_OwnerId", "contract", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "order",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("AccountId", sa.String(length=18), nullable=False),
        sa.Column("EffectiveDate", sa.Date(), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=False),
        sa.Column("OrderNumber", sa.String(length=255), nullable=True),
        sa.Column("TotalAmount", sa.BigInteger(), nullable=True),
        sa.Column("Pricebook2Id", sa.String(length=18), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_order_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_order_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Pricebook2Id"],
            ["pricebook2.tenant", "pricebook2.Id"],
            name="fk_order_Pricebook2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_order")),
        sa.UniqueConstraint("tenant", "OrderNumber", name=op.f("uq_order_tenant_OrderNumber")),
    )
    op.create_index("ix_order_AccountId", "order", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_order_CreatedDate", "order", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_order_OwnerId", "order", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_order_Pricebook2Id", "order", ["tenant", "Pricebook2Id"], unique=False)
    op.create_table(
        "pricebookentry",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Pricebook2Id", sa.String(length=18), nullable=False),
        sa.Column("Product2Id", sa.String(length=18), nullable=False),
        sa.Column("UnitPrice", sa.BigInteger(), nullable=False),
        sa.Column("IsActive", sa.Boolean(), nullable=False),
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
            name="fk_pricebookentry_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Pricebook2Id"],
            ["pricebook2.tenant", "pricebook2.Id"],
            name="fk_pricebookentry_Pricebook2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Product2Id"],
            ["product2.tenant", "product2.Id"],
            name="fk_pricebookentry_Product2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_pricebookentry")),
    )
    op.create_index("ix_pricebookentry_CreatedDate", "pricebookentry", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_pricebookentry_OwnerId", "pricebookentry", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_pricebookentry_Pricebook2Id", "pricebookentry", ["tenant", "Pricebook2Id"], unique=False)
    op.create_index("ix_pricebookentry_Product2Id", "pricebookentry", ["tenant", "Product2Id"], unique=False)
    op.create_table(
        "productcategoryproduct",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("ProductCategoryId", sa.String(length=18), nullable=False),
        sa.Column("ProductId", sa.String(length=18), nullable=False),
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
            name="fk_productcategoryproduct_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ProductCategoryId"],
            ["productcategory.tenant", "productcategory.Id"],
            name="fk_productcategoryproduct_ProductCategoryId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ProductId"],
            ["product2.tenant", "product2.Id"],
            name="fk_productcategoryproduct_ProductId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_productcategoryproduct")),
    )
    op.create_index(
        "ix_productcategoryproduct_CreatedDate", "productcategoryproduct", ["tenant", "CreatedDate"], unique=False
    )
    op.create_index("ix_productcategoryproduct_OwnerId", "productcategoryproduct", ["tenant", "OwnerId"], unique=False)
    op.create_index(
        "ix_productcategoryproduct_ProductCategoryId",
        "productcategoryproduct",
        ["tenant", "ProductCategoryId"],
        unique=False,
    )
    op.create_index(
        "ix_productcategoryproduct_ProductId", "productcategoryproduct", ["tenant", "ProductId"], unique=False
    )
    op.create_table(
        "userterritory2association",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("UserId", sa.String(length=18), nullable=False),
        sa.Column("Territory2Id", sa.String(length=18), nullable=False),
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
            name="fk_userterritory2association_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Territory2Id"],
            ["territory2.tenant", "territory2.Id"],
            name="fk_userterritory2association_Territory2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "UserId"],
            ["user.tenant", "user.Id"],
            name="fk_userterritory2association_UserId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_userterritory2association")),
    )
    op.create_index(
        "ix_userterritory2association_CreatedDate", "userterritory2association", ["tenant", "CreatedDate"], unique=False
    )
    op.create_index(
        "ix_userterritory2association_OwnerId", "userterritory2association", ["tenant", "OwnerId"], unique=False
    )
    op.create_index(
        "ix_userterritory2association_Territory2Id",
        "userterritory2association",
        ["tenant", "Territory2Id"],
        unique=False,
    )
    op.create_index(
        "ix_userterritory2association_UserId", "userterritory2association", ["tenant", "UserId"], unique=False
    )
    op.create_table(
        "opportunity",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("AccountId", sa.String(length=18), nullable=True),
        sa.Column("ContactId", sa.String(length=18), nullable=True),
        sa.Column("Amount", sa.BigInteger(), nullable=True),
        sa.Column("Probability", sa.BigInteger(), nullable=True),
        sa.Column("StageName", sa.String(length=80), nullable=False),
        sa.Column("CloseDate", sa.Date(), nullable=False),
        sa.Column("ContractID__c", sa.String(length=18), nullable=True),
        sa.Column("NextStep", sa.String(length=255), nullable=True),
        sa.Column("ForecastCategory", sa.String(length=80), nullable=True),
        sa.Column("LeadSource", sa.String(length=80), nullable=True),
        sa.Column("IsClosed", sa.Boolean(), nullable=False),
        sa.Column("IsWon", sa.Boolean(), nullable=False),
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
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_opportunity_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ContactId"],
            ["contact.tenant", "contact.Id"],
            name="fk_opportunity_ContactId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ContractID__c"],
            ["contract.tenant", "contract.Id"],
            name="fk_opportunity_ContractID__c",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_opportunity_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_opportunity")),
    )
    op.create_index("ix_opportunity_AccountId", "opportunity", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_opportunity_ContactId", "opportunity", ["tenant", "ContactId"], unique=False)
    op.create_index("ix_opportunity_ContractID__c", "opportunity", ["tenant", "ContractID__c"], unique=False)
    op.create_index("ix_opportunity_CreatedDate", "opportunity", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_opportunity_OwnerId", "opportunity", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "orderitem",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("OrderId", sa.String(length=18), nullable=False),
        sa.Column("Product2Id", sa.String(length=18), nullable=True),
        sa.Column("PriceBookEntryId", sa.String(length=18), nullable=True),
        sa.Column("Quantity", sa.BigInteger(), nullable=False),
        sa.Column("UnitPrice", sa.BigInteger(), nullable=False),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "OrderId"],
            ["order.tenant", "order.Id"],
            name="fk_orderitem_OrderId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_orderitem_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "PriceBookEntryId"],
            ["pricebookentry.tenant", "pricebookentry.Id"],
            name="fk_orderitem_PriceBookEntryId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Product2Id"],
            ["product2.tenant", "product2.Id"],
            name="fk_orderitem_Product2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_orderitem")),
    )
    op.create_index("ix_orderitem_CreatedDate", "orderitem", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_orderitem_OrderId", "orderitem", ["tenant", "OrderId"], unique=False)
    op.create_index("ix_orderitem_OwnerId", "orderitem", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_orderitem_PriceBookEntryId", "orderitem", ["tenant", "PriceBookEntryId"], unique=False)
    op.create_index("ix_orderitem_Product2Id", "orderitem", ["tenant", "Product2Id"], unique=False)
    op.create_table(
        "case",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("CaseNumber", sa.String(length=255), nullable=True),
        sa.Column("AccountId", sa.String(length=18), nullable=True),
        sa.Column("ContactId", sa.String(length=18), nullable=True),
        sa.Column("Subject", sa.String(length=255), nullable=True),
        sa.Column("Description", sa.Text(), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=False),
        sa.Column("Priority", sa.String(length=80), nullable=True),
        sa.Column("Origin", sa.String(length=80), nullable=True),
        sa.Column("Type", sa.String(length=80), nullable=True),
        sa.Column("Reason", sa.String(length=80), nullable=True),
        sa.Column("IssueId__c", sa.String(length=18), nullable=True),
        sa.Column("OrderItemId__c", sa.String(length=18), nullable=True),
        sa.Column("ClosedDate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("IsClosed", sa.Boolean(), nullable=False),
        sa.Column("IsEscalated", sa.Boolean(), nullable=False),
        sa.Column("ParentId", sa.String(length=18), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_case_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ContactId"],
            ["contact.tenant", "contact.Id"],
            name="fk_case_ContactId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "IssueId__c"],
            ["issue__c.tenant", "issue__c.Id"],
            name="fk_case_IssueId__c",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OrderItemId__c"],
            ["orderitem.tenant", "orderitem.Id"],
            name="fk_case_OrderItemId__c",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_case_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ParentId"],
            ["case.tenant", "case.Id"],
            name="fk_case_ParentId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_case")),
        sa.UniqueConstraint("tenant", "CaseNumber", name=op.f("uq_case_tenant_CaseNumber")),
    )
    op.create_index("ix_case_AccountId", "case", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_case_ContactId", "case", ["tenant", "ContactId"], unique=False)
    op.create_index("ix_case_CreatedDate", "case", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_case_IssueId__c", "case", ["tenant", "IssueId__c"], unique=False)
    op.create_index("ix_case_OrderItemId__c", "case", ["tenant", "OrderItemId__c"], unique=False)
    op.create_index("ix_case_OwnerId", "case", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_case_ParentId", "case", ["tenant", "ParentId"], unique=False)
    op.create_table(
        "lead",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("FirstName", sa.String(length=255), nullable=True),
        sa.Column("LastName", sa.String(length=255), nullable=False),
        sa.Column("Company", sa.String(length=255), nullable=True),
        sa.Column("Title", sa.String(length=255), nullable=True),
        sa.Column("Email", sa.String(length=254), nullable=True),
        sa.Column("Phone", sa.String(length=40), nullable=True),
        sa.Column("LeadSource", sa.String(length=80), nullable=True),
        sa.Column("Rating", sa.String(length=80), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=False),
        sa.Column("IsConverted", sa.Boolean(), nullable=False),
        sa.Column("ConvertedDate", sa.Date(), nullable=True),
        sa.Column("ConvertedAccountId", sa.String(length=18), nullable=True),
        sa.Column("ConvertedContactId", sa.String(length=18), nullable=True),
        sa.Column("ConvertedOpportunityId", sa.String(length=18), nullable=True),
        sa.Column("HasOptedOutOfEmail", sa.Boolean(), nullable=False),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "ConvertedAccountId"],
            ["account.tenant", "account.Id"],
            name="fk_lead_ConvertedAccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ConvertedContactId"],
            ["contact.tenant", "contact.Id"],
            name="fk_lead_ConvertedContactId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ConvertedOpportunityId"],
            ["opportunity.tenant", "opportunity.Id"],
            name="fk_lead_ConvertedOpportunityId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_lead_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_lead")),
    )
    op.create_index("ix_lead_ConvertedAccountId", "lead", ["tenant", "ConvertedAccountId"], unique=False)
    op.create_index("ix_lead_ConvertedContactId", "lead", ["tenant", "ConvertedContactId"], unique=False)
    op.create_index("ix_lead_ConvertedOpportunityId", "lead", ["tenant", "ConvertedOpportunityId"], unique=False)
    op.create_index("ix_lead_CreatedDate", "lead", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_lead_OwnerId", "lead", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "opportunitylineitem",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("OpportunityId", sa.String(length=18), nullable=False),
        sa.Column("Product2Id", sa.String(length=18), nullable=True),
        sa.Column("PricebookEntryId", sa.String(length=18), nullable=True),
        sa.Column("Quantity", sa.BigInteger(), nullable=False),
        sa.Column("UnitPrice", sa.BigInteger(), nullable=False),
        sa.Column("Discount", sa.BigInteger(), nullable=True),
        sa.Column("TotalPrice", sa.BigInteger(), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "OpportunityId"],
            ["opportunity.tenant", "opportunity.Id"],
            name="fk_opportunitylineitem_OpportunityId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_opportunitylineitem_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "PricebookEntryId"],
            ["pricebookentry.tenant", "pricebookentry.Id"],
            name="fk_opportunitylineitem_PricebookEntryId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Product2Id"],
            ["product2.tenant", "product2.Id"],
            name="fk_opportunitylineitem_Product2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_opportunitylineitem")),
    )
    op.create_index(
        "ix_opportunitylineitem_CreatedDate", "opportunitylineitem", ["tenant", "CreatedDate"], unique=False
    )
    op.create_index(
        "ix_opportunitylineitem_OpportunityId", "opportunitylineitem", ["tenant", "OpportunityId"], unique=False
    )
    op.create_index("ix_opportunitylineitem_OwnerId", "opportunitylineitem", ["tenant", "OwnerId"], unique=False)
    op.create_index(
        "ix_opportunitylineitem_PricebookEntryId", "opportunitylineitem", ["tenant", "PricebookEntryId"], unique=False
    )
    op.create_index("ix_opportunitylineitem_Product2Id", "opportunitylineitem", ["tenant", "Product2Id"], unique=False)
    op.create_table(
        "quote",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("OpportunityId", sa.String(length=18), nullable=False),
        sa.Column("AccountId", sa.String(length=18), nullable=True),
        sa.Column("ContactId", sa.String(length=18), nullable=True),
        sa.Column("Name", sa.String(length=255), nullable=False),
        sa.Column("Description", sa.Text(), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=False),
        sa.Column("ExpirationDate", sa.Date(), nullable=True),
        sa.Column("Discount", sa.BigInteger(), nullable=True),
        sa.Column("GrandTotal", sa.BigInteger(), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_quote_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ContactId"],
            ["contact.tenant", "contact.Id"],
            name="fk_quote_ContactId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OpportunityId"],
            ["opportunity.tenant", "opportunity.Id"],
            name="fk_quote_OpportunityId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_quote_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_quote")),
    )
    op.create_index("ix_quote_AccountId", "quote", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_quote_ContactId", "quote", ["tenant", "ContactId"], unique=False)
    op.create_index("ix_quote_CreatedDate", "quote", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_quote_OpportunityId", "quote", ["tenant", "OpportunityId"], unique=False)
    op.create_index("ix_quote_OwnerId", "quote", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "campaignmember",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("CampaignId", sa.String(length=18), nullable=False),
        sa.Column("LeadId", sa.String(length=18), nullable=True),
        sa.Column("ContactId", sa.String(length=18), nullable=True),
        sa.Column("Status", sa.String(length=80), nullable=True),
        sa.Column("HasResponded", sa.Boolean(), nullable=False),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "CampaignId"],
            ["campaign.tenant", "campaign.Id"],
            name="fk_campaignmember_CampaignId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ContactId"],
            ["contact.tenant", "contact.Id"],
            name="fk_campaignmember_ContactId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "LeadId"],
            ["lead.tenant", "lead.Id"],
            name="fk_campaignmember_LeadId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_campaignmember_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_campaignmember")),
    )
    op.create_index("ix_campaignmember_CampaignId", "campaignmember", ["tenant", "CampaignId"], unique=False)
    op.create_index("ix_campaignmember_ContactId", "campaignmember", ["tenant", "ContactId"], unique=False)
    op.create_index("ix_campaignmember_CreatedDate", "campaignmember", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_campaignmember_LeadId", "campaignmember", ["tenant", "LeadId"], unique=False)
    op.create_index("ix_campaignmember_OwnerId", "campaignmember", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "casecomment",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("ParentId", sa.String(length=18), nullable=False),
        sa.Column("CommentBody", sa.Text(), nullable=False),
        sa.Column("IsPublished", sa.Boolean(), nullable=False),
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
            name="fk_casecomment_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ParentId"],
            ["case.tenant", "case.Id"],
            name="fk_casecomment_ParentId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_casecomment")),
    )
    op.create_index("ix_casecomment_CreatedDate", "casecomment", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_casecomment_OwnerId", "casecomment", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_casecomment_ParentId", "casecomment", ["tenant", "ParentId"], unique=False)
    op.create_table(
        "casehistory__c",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("CaseId__c", sa.String(length=18), nullable=False),
        sa.Column("Field__c", sa.String(length=80), nullable=False),
        sa.Column("OldValue__c", sa.String(length=255), nullable=True),
        sa.Column("NewValue__c", sa.String(length=255), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "CaseId__c"],
            ["case.tenant", "case.Id"],
            name="fk_casehistory__c_CaseId__c",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_casehistory__c_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_casehistory__c")),
    )
    op.create_index("ix_casehistory__c_CaseId__c", "casehistory__c", ["tenant", "CaseId__c"], unique=False)
    op.create_index("ix_casehistory__c_CreatedDate", "casehistory__c", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_casehistory__c_OwnerId", "casehistory__c", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "emailmessage",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("ParentId", sa.String(length=18), nullable=True),
        sa.Column("RelatedToId", sa.String(length=18), nullable=True),
        sa.Column("FromAddress", sa.String(length=254), nullable=True),
        sa.Column("ToIds", sa.String(length=18), nullable=True),
        sa.Column("CcAddress", sa.String(length=255), nullable=True),
        sa.Column("Subject", sa.String(length=255), nullable=True),
        sa.Column("TextBody", sa.Text(), nullable=True),
        sa.Column("HtmlBody", sa.Text(), nullable=True),
        sa.Column("MessageDate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("Incoming", sa.Boolean(), nullable=False),
        sa.Column("Status", sa.String(length=80), nullable=False),
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
            name="fk_emailmessage_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ParentId"],
            ["case.tenant", "case.Id"],
            name="fk_emailmessage_ParentId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_emailmessage")),
    )
    op.create_index("ix_emailmessage_CreatedDate", "emailmessage", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_emailmessage_OwnerId", "emailmessage", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_emailmessage_ParentId", "emailmessage", ["tenant", "ParentId"], unique=False)
    op.create_index("ix_emailmessage_RelatedToId", "emailmessage", ["tenant", "RelatedToId"], unique=False)
    op.create_index("ix_emailmessage_ToIds", "emailmessage", ["tenant", "ToIds"], unique=False)
    op.create_table(
        "knowledge__kav",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("ArticleNumber", sa.String(length=255), nullable=True),
        sa.Column("Title", sa.String(length=255), nullable=False),
        sa.Column("Summary", sa.Text(), nullable=True),
        sa.Column("FAQ_Answer__c", sa.Text(), nullable=True),
        sa.Column("UrlName", sa.String(length=255), nullable=True),
        sa.Column("PublishStatus", sa.String(length=80), nullable=False),
        sa.Column("IsVisibleInPkb", sa.Boolean(), nullable=False),
        sa.Column("IsVisibleInCsp", sa.Boolean(), nullable=False),
        sa.Column("VersionNumber", sa.Integer(), nullable=False),
        sa.Column("SourceCaseId", sa.String(length=18), nullable=True),
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
            name="fk_knowledge__kav_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "SourceCaseId"],
            ["case.tenant", "case.Id"],
            name="fk_knowledge__kav_SourceCaseId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_knowledge__kav")),
        sa.UniqueConstraint(
            "tenant",
            "ArticleNumber",
            "VersionNumber",
            name=op.f("uq_knowledge__kav_tenant_ArticleNumber_VersionNumber"),
        ),
    )
    op.create_index("ix_knowledge__kav_CreatedDate", "knowledge__kav", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_knowledge__kav_OwnerId", "knowledge__kav", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_knowledge__kav_SourceCaseId", "knowledge__kav", ["tenant", "SourceCaseId"], unique=False)
    op.create_table(
        "livechattranscript",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("CaseId", sa.String(length=18), nullable=True),
        sa.Column("AccountId", sa.String(length=18), nullable=True),
        sa.Column("ContactId", sa.String(length=18), nullable=True),
        sa.Column("Body", sa.Text(), nullable=True),
        sa.Column("EndTime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("LiveChatVisitorId", sa.String(length=255), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "AccountId"],
            ["account.tenant", "account.Id"],
            name="fk_livechattranscript_AccountId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "CaseId"],
            ["case.tenant", "case.Id"],
            name="fk_livechattranscript_CaseId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ContactId"],
            ["contact.tenant", "contact.Id"],
            name="fk_livechattranscript_ContactId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_livechattranscript_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_livechattranscript")),
    )
    op.create_index("ix_livechattranscript_AccountId", "livechattranscript", ["tenant", "AccountId"], unique=False)
    op.create_index("ix_livechattranscript_CaseId", "livechattranscript", ["tenant", "CaseId"], unique=False)
    op.create_index("ix_livechattranscript_ContactId", "livechattranscript", ["tenant", "ContactId"], unique=False)
    op.create_index("ix_livechattranscript_CreatedDate", "livechattranscript", ["tenant", "CreatedDate"], unique=False)
    op.create_index("ix_livechattranscript_OwnerId", "livechattranscript", ["tenant", "OwnerId"], unique=False)
    op.create_table(
        "quotelineitem",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("QuoteId", sa.String(length=18), nullable=False),
        sa.Column("OpportunityLineItemId", sa.String(length=18), nullable=True),
        sa.Column("Product2Id", sa.String(length=18), nullable=True),
        sa.Column("PricebookEntryId", sa.String(length=18), nullable=True),
        sa.Column("Quantity", sa.BigInteger(), nullable=False),
        sa.Column("UnitPrice", sa.BigInteger(), nullable=False),
        sa.Column("Discount", sa.BigInteger(), nullable=True),
        sa.Column("TotalPrice", sa.BigInteger(), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "OpportunityLineItemId"],
            ["opportunitylineitem.tenant", "opportunitylineitem.Id"],
            name="fk_quotelineitem_OpportunityLineItemId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_quotelineitem_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "PricebookEntryId"],
            ["pricebookentry.tenant", "pricebookentry.Id"],
            name="fk_quotelineitem_PricebookEntryId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "Product2Id"],
            ["product2.tenant", "product2.Id"],
            name="fk_quotelineitem_Product2Id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "QuoteId"],
            ["quote.tenant", "quote.Id"],
            name="fk_quotelineitem_QuoteId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_quotelineitem")),
    )
    op.create_index("ix_quotelineitem_CreatedDate", "quotelineitem", ["tenant", "CreatedDate"], unique=False)
    op.create_index(
        "ix_quotelineitem_OpportunityLineItemId", "quotelineitem", ["tenant", "OpportunityLineItemId"], unique=False
    )
    op.create_index("ix_quotelineitem_OwnerId", "quotelineitem", ["tenant", "OwnerId"], unique=False)
    op.create_index("ix_quotelineitem_PricebookEntryId", "quotelineitem", ["tenant", "PricebookEntryId"], unique=False)
    op.create_index("ix_quotelineitem_Product2Id", "quotelineitem", ["tenant", "Product2Id"], unique=False)
    op.create_index("ix_quotelineitem_QuoteId", "quotelineitem", ["tenant", "QuoteId"], unique=False)
    op.create_table(
        "voicecalltranscript__c",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("Id", sa.String(length=18), nullable=False),
        sa.Column("OpportunityId__c", sa.String(length=18), nullable=True),
        sa.Column("LeadId__c", sa.String(length=18), nullable=True),
        sa.Column("Body__c", sa.Text(), nullable=True),
        sa.Column("EndTime__c", sa.DateTime(timezone=True), nullable=True),
        sa.Column("OwnerId", sa.String(length=18), nullable=True),
        sa.Column("CreatedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("CreatedById", sa.String(length=18), nullable=True),
        sa.Column("LastModifiedDate", sa.DateTime(timezone=True), nullable=False),
        sa.Column("LastModifiedById", sa.String(length=18), nullable=True),
        sa.Column("SystemModstamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("IsDeleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "LeadId__c"],
            ["lead.tenant", "lead.Id"],
            name="fk_voicecalltranscript__c_LeadId__c",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OpportunityId__c"],
            ["opportunity.tenant", "opportunity.Id"],
            name="fk_voicecalltranscript__c_OpportunityId__c",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "OwnerId"],
            ["user.tenant", "user.Id"],
            name="fk_voicecalltranscript__c_OwnerId",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "Id", name=op.f("pk_voicecalltranscript__c")),
    )
    op.create_index(
        "ix_voicecalltranscript__c_CreatedDate", "voicecalltranscript__c", ["tenant", "CreatedDate"], unique=False
    )
    op.create_index(
        "ix_voicecalltranscript__c_LeadId__c", "voicecalltranscript__c", ["tenant", "LeadId__c"], unique=False
    )
    op.create_index(
        "ix_voicecalltranscript__c_OpportunityId__c",
        "voicecalltranscript__c",
        ["tenant", "OpportunityId__c"],
        unique=False,
    )
    op.create_index("ix_voicecalltranscript__c_OwnerId", "voicecalltranscript__c", ["tenant", "OwnerId"], unique=False)
