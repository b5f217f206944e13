"""What a fresh tenant starts with: permission sets, sharing defaults and the rules between teams."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from crm.database import Database
from crm.errors import CrmError
from crm.fields import Kind, spec_of
from crm.ids import TenantId
from crm.records import OBJECTS
from crm.rights import PermissionSet, PermissionSetAssignment, SharingRule, Tenant
from crm.seed.people import MARKETING_TEAM, SALES_TEAM, SERVICE_TEAM

Row = dict[str, Any]
CHECKED = "every row carries the session's own tenant"

SHARING_DEFAULTS = {
    "Account": "Private",
    "Contact": "ControlledByParent",
    "Lead": "Private",
    "Opportunity": "Private",
    "OpportunityLineItem": "ControlledByParent",
    "Quote": "ControlledByParent",
    "QuoteLineItem": "ControlledByParent",
    "Contract": "ControlledByParent",
    "Order": "ControlledByParent",
    "OrderItem": "ControlledByParent",
    "Case": "Private",
    "CaseComment": "ControlledByParent",
    "CaseHistory__c": "ControlledByParent",
    "LiveChatTranscript": "ControlledByParent",
    "EmailMessage": "Private",
    "Task": "ControlledByParent",
    "Event": "ControlledByParent",
    "VoiceCallTranscript__c": "ControlledByParent",
    "Campaign": "Read",
    "CampaignMember": "ControlledByParent",
    "CampaignBrief__c": "Read",
    "LandingPage__c": "ControlledByParent",
    "MarketSegment": "Read",
    "Product2": "Read",
    "ProductCategory": "Read",
    "ProductCategoryProduct": "Read",
    "Pricebook2": "Read",
    "PricebookEntry": "Read",
    "Knowledge__kav": "Read",
    "Issue__c": "Read",
    "Territory2": "Read",
    "UserTerritory2Association": "Read",
    "User": "Read",
    "Report": "Private",
    "MetricAlert__c": "Private",
    "ValidationRule": "Read",
    "PolicyChange__c": "Read",
}


class TenantExistsError(CrmError):
    """The tenant is already there; nothing was written."""

    def __init__(self, tenant: str) -> None:
        super().__init__(f"tenant {tenant!r} already exists: use an empty database or another tenant")


@dataclass(frozen=True)
class RightsTemplate:
    """A permission set before it belongs to a tenant."""

    name: str
    label: str
    objects: Mapping[str, str]
    fields: Mapping[str, Mapping[str, str]]
    permissions: tuple[str, ...] = ()


def _template(
    name: str,
    label: str,
    objects: Mapping[str, str],
    *,
    fields: Mapping[str, Mapping[str, str]] | None = None,
    permissions: tuple[str, ...] = (),
) -> RightsTemplate:
    """Fields follow the object: editable where records are, readable elsewhere, unless `fields` says less."""
    chosen = fields or {}
    complete = {
        name: {"*": "re" if set(letters) & set("ce") else "r", **chosen.get(name, {})}
        for name, letters in objects.items()
    }
    return RightsTemplate(name, label, objects, complete, permissions)


def _addresses(object_name: str) -> dict[str, str]:
    """The object's personal e-mail addresses and phone numbers, all hidden."""
    columns = OBJECTS[object_name].__table__.columns
    return {
        column.name: ""
        for column in columns
        if (spec := spec_of(column)) and spec.is_personal and spec.kind in (Kind.EMAIL, Kind.PHONE)
    }


_CATALOGUE = {
    "Product2": "r",
    "ProductCategory": "r",
    "ProductCategoryProduct": "r",
    "Pricebook2": "r",
    "PricebookEntry": "r",
}
_REFERENCE = {
    "User": "r",
    "Knowledge__kav": "r",
    "Issue__c": "r",
    "Territory2": "r",
    "UserTerritory2Association": "r",
}

_KEPT_QUESTIONS = {"Report": "cred", "MetricAlert__c": "cred"}

_SALES = {
    **_KEPT_QUESTIONS,
    **_CATALOGUE,
    **_REFERENCE,
    "Account": "cre",
    "Contact": "cre",
    "Lead": "cre",
    "Opportunity": "cre",
    "OpportunityLineItem": "cred",
    "Quote": "cre",
    "QuoteLineItem": "cred",
    "Contract": "cre",
    "Order": "r",
    "OrderItem": "r",
    "Case": "r",
    "CaseComment": "r",
    "Task": "cred",
    "Event": "cred",
    "EmailMessage": "cre",
    "VoiceCallTranscript__c": "r",
    "Campaign": "r",
    "CampaignMember": "cr",
    "CampaignBrief__c": "r",
    "LandingPage__c": "r",
    "MarketSegment": "r",
}
_SALES_FIELDS = {"Account": {"AnnualRevenue": "r"}, "User": {"Phone": ""}}

_SERVICE = {
    **_KEPT_QUESTIONS,
    **_CATALOGUE,
    **_REFERENCE,
    "Account": "r",
    "Contact": "cre",
    "Opportunity": "r",
    "OpportunityLineItem": "r",
    "Order": "re",
    "OrderItem": "r",
    "Case": "cre",
    "CaseComment": "cre",
    "CaseHistory__c": "r",
    "EmailMessage": "cre",
    "LiveChatTranscript": "r",
    "Knowledge__kav": "cre",
    "Task": "cred",
    "Event": "cred",
}
_NOT_TO_PUBLISH = dict.fromkeys(("PublishStatus", "IsVisibleInPkb", "IsVisibleInCsp", "VersionNumber"), "r")
"""Whoever writes articles hands them in as drafts; publishing is a right of its own."""
_SERVICE_FIELDS = {
    "Account": {"AnnualRevenue": ""},
    "Opportunity": {"Amount": ""},
    "Order": {"TotalAmount": "r", "AccountId": "r"},
    "Knowledge__kav": _NOT_TO_PUBLISH,
    "User": {"Phone": ""},
}

_MARKETING = {
    **_KEPT_QUESTIONS,
    **_CATALOGUE,
    **_REFERENCE,
    "Account": "r",
    "Contact": "r",
    "Lead": "crev",
    "Opportunity": "r",
    "Case": "r",
    "Campaign": "cred",
    "CampaignMember": "cred",
    "CampaignBrief__c": "cred",
    "LandingPage__c": "cred",
    "MarketSegment": "cred",
    "EmailMessage": "cre",
    "Task": "cred",
    "Event": "cred",
}
_MARKETING_FIELDS = {
    "Contact": {"Phone": ""},
    "Lead": {"Phone": "r"},
    "Case": {"Description": ""},
    "User": {"Phone": ""},
}

_UNSEEN_BY_ANALYSTS = {"EmailMessage", "LiveChatTranscript", "VoiceCallTranscript__c", "CaseComment"}
_ANALYST = {**{name: "rv" for name in OBJECTS if name not in _UNSEEN_BY_ANALYSTS}, **_KEPT_QUESTIONS}
_ANALYST_FIELDS: dict[str, Mapping[str, str]] = {
    **{name: _addresses(name) for name in _ANALYST},
    "Case": {"Description": ""},
}

_DEVELOPER = {
    **_CATALOGUE,
    **_REFERENCE,
    "Case": "r",
    "Campaign": "r",
    "ValidationRule": "cred",
    "PolicyChange__c": "cr",
}
_DEVELOPER_FIELDS = {"User": _addresses("User"), "Case": {"Description": ""}}

_CUSTOMER_FIELDS = {
    "Account": ("Name", "Phone", "Website", "BillingCity", "BillingState", "BillingCountry"),
    "Contact": ("AccountId", "FirstName", "LastName", "Title", "Email", "Phone", "HasOptedOutOfEmail"),
    "Case": (
        "CaseNumber AccountId ContactId Subject Description Status Type Origin OrderItemId__c ClosedDate IsClosed"
    ).split(),
    "CaseComment": ("ParentId", "CommentBody", "IsPublished"),
    "Order": ("AccountId", "EffectiveDate", "Status", "OrderNumber", "TotalAmount"),
    "OrderItem": ("OrderId", "Product2Id", "Quantity", "UnitPrice"),
    "Product2": ("Name", "ProductCode", "Family", "Description", "IsActive"),
    "Knowledge__kav": ("ArticleNumber", "Title", "Summary", "FAQ_Answer__c", "UrlName", "PublishStatus"),
}
"""All a customer can read: a field added later stays unseen until somebody adds it here."""
_CUSTOMER_WRITES = {
    "Case": ("Subject", "Description", "OrderItemId__c"),
    "CaseComment": ("ParentId", "CommentBody"),
}
"""What a customer fills in of what they may create. Whose it is, the CRM says itself."""


def _customer() -> RightsTemplate:
    objects = {name: "cr" if name in _CUSTOMER_WRITES else "r" for name in _CUSTOMER_FIELDS}
    fields = {
        name: dict.fromkeys(("Id", "CreatedDate", "LastModifiedDate", *names), "r")
        for name, names in _CUSTOMER_FIELDS.items()
    }
    for name, written in _CUSTOMER_WRITES.items():
        fields[name] |= dict.fromkeys(written, "re")
    return RightsTemplate("customer", "Customer", objects, fields)


PERMISSION_SETS = (
    _template("sales_rep", "Sales Representative", _SALES, fields=_SALES_FIELDS),
    _template(
        "sales_manager",
        "Sales Manager",
        {**_SALES, "Account": "cred", "Lead": "cred", "Opportunity": "cred", "Quote": "cred"}
        | {"Order": "cre", "OrderItem": "cre"},
        fields={"User": {"Phone": "r"}},
        permissions=("approve_writes",),
    ),
    _template("service_agent", "Service Agent", _SERVICE, fields=_SERVICE_FIELDS),
    _template(
        "service_manager",
        "Service Manager",
        {**_SERVICE, "Case": "credv", "CaseComment": "cred", "Knowledge__kav": "cred", "Issue__c": "cre"},
        fields={**_SERVICE_FIELDS, "User": {"Phone": "r"}, "Knowledge__kav": {}},
        permissions=("approve_writes",),
    ),
    _template("marketing", "Marketing", _MARKETING, fields=_MARKETING_FIELDS),
    _template("analyst", "Analyst", _ANALYST, fields=_ANALYST_FIELDS),
    _template("developer", "CRM Developer", _DEVELOPER, fields=_DEVELOPER_FIELDS, permissions=("run_code",)),
    _template(
        "admin",
        "System Administrator",
        dict.fromkeys(OBJECTS, "credvm"),
        permissions=(
            "approve_writes",
            "read_audit",
            "manage_policy",
            "manage_users",
            "import_data",
            "export_data",
            "erase_data",
            "run_code",
        ),
    ),
    _customer(),
)

TEAM_RULES = (
    ("service_shares_cases", "Case", {"owner_group": SERVICE_TEAM}, {"group": SERVICE_TEAM}, True),
    ("sales_reads_cases", "Case", {"owner_group": SERVICE_TEAM}, {"group": SALES_TEAM}, False),
    ("marketing_reads_cases", "Case", {"owner_group": SERVICE_TEAM}, {"group": MARKETING_TEAM}, False),
    ("service_shares_mail", "EmailMessage", {"owner_group": SERVICE_TEAM}, {"group": SERVICE_TEAM}, True),
    ("sales_reads_service_mail", "EmailMessage", {"owner_group": SERVICE_TEAM}, {"group": SALES_TEAM}, False),
    ("service_reads_accounts", "Account", {"owner_group": SALES_TEAM}, {"group": SERVICE_TEAM}, False),
    ("marketing_reads_accounts", "Account", {"owner_group": SALES_TEAM}, {"group": MARKETING_TEAM}, False),
    ("service_edits_orders", "Order", {"owner_group": SALES_TEAM}, {"group": SERVICE_TEAM}, True),
    ("service_reads_won_sales", "Opportunity", {"field": "IsWon", "equals": True}, {"group": SERVICE_TEAM}, False),
)
"""Rules that name teams only, so they hold in any tenant: id, object, source, target, may edit."""


def permission_set_rows(tenant: TenantId) -> list[Row]:
    """The default permission sets as rows of `tenant`."""
    return [
        {
            "tenant": tenant,
            "name": item.name,
            "label": item.label,
            "objects": dict(item.objects),
            "fields": {name: dict(letters) for name, letters in item.fields.items()},
            "permissions": list(item.permissions),
        }
        for item in PERMISSION_SETS
    ]


def team_rule_rows(tenant: TenantId) -> list[Row]:
    """The default sharing rules as rows of `tenant`."""
    keys = ("rule_id", "object_name", "source", "target", "can_edit")
    return [{"tenant": tenant, **dict(zip(keys, rule, strict=True))} for rule in TEAM_RULES]


def tenant_row(tenant: TenantId, name: str) -> Row:
    """The row that makes a tenant exist."""
    return {"tenant": tenant, "name": name, "sharing_defaults": dict(SHARING_DEFAULTS)}


async def create_tenant(database: Database, tenant: TenantId, name: str) -> None:
    """Create an organisation with default permission sets, sharing defaults and team rules, and no people.

    Raises:
        TenantExistsError: it is already there.
    """
    async with database.session(tenant, write=True) as session:
        if await session.get(Tenant, tenant) is not None:
            raise TenantExistsError(tenant)
        options = {"tenant_checked": CHECKED}
        for table, rows in (
            (Tenant, [tenant_row(tenant, name)]),
            (PermissionSet, permission_set_rows(tenant)),
            (SharingRule, team_rule_rows(tenant)),
        ):
            await session.execute(insert(table), rows, execution_options=options)


async def assign_permission_sets(
    database: Database, tenant: TenantId, user_id: str, permission_sets: Iterable[str]
) -> None:
    """Give a user of `tenant` more permission sets; those already held are left alone."""
    async with database.session(tenant, write=True) as session:
        for name in permission_sets:
            await session.merge(PermissionSetAssignment(tenant=tenant, user_id=user_id, permission_set=name))
