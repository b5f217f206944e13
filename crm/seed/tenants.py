"""Turns the drafts of the demo tenants into rows of the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Table, insert

from crm.base import Base
from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.mailing import Sender
from crm.personal import PersonalValue, rows_of
from crm.records import OBJECTS
from crm.rights import (
    GroupMember,
    PermissionSet,
    PermissionSetAssignment,
    RecordShare,
    SharingRule,
    Tenant,
    UserRole,
)
from crm.seed import catalogue, companies, northwind, outreach, sales, scenario, service, southridge
from crm.seed.draft import Row, TenantDraft
from crm.seed.people import (
    DANA,
    DEAL_DESK,
    MARKETING_TEAM,
    ROLES,
    SAFETY_BOARD,
    SALES_TEAM,
    SERVICE_TEAM,
    STAFF,
    staff_id,
)
from crm.seed.people import role_id as role_id_of
from crm.seed.profile import Profile
from crm.seed.rights import CHECKED, TenantExistsError, permission_set_rows, team_rule_rows, tenant_row

PROFILES = (northwind.PROFILE, southridge.PROFILE)
DEFAULT_TODAY = date(2026, 11, 2)
BATCH = 1000


@dataclass(frozen=True)
class SeedReport:
    """What was written: tenant -> object -> number of records."""

    records: dict[str, dict[str, int]]

    @property
    def total(self) -> int:
        return sum(sum(counts.values()) for counts in self.records.values())


def draft_tenant(profile: Profile, *, today: date = DEFAULT_TODAY, factor: float = 1.0) -> TenantDraft:
    """All records of a demo tenant, in memory. The same arguments give the same rows, ids and instants included."""
    draft = TenantDraft(profile, today=today, factor=factor)
    catalogue.build_catalogue(draft)
    companies.build_companies(draft)
    scenario.build_sales_scenario(draft)
    sales.build_sales(draft)
    scenario.build_service_scenario(draft)
    service.build_service(draft)
    outreach.build_knowledge(draft)
    outreach.build_campaigns(draft)
    scenario.build_agenda(draft)
    outreach.build_activities(draft)
    outreach.build_kept_questions(draft)
    return draft


async def seed(database: Database, *, factor: float = 1.0, today: date = DEFAULT_TODAY) -> SeedReport:
    """Fill the two demo tenants; `factor` scales the number of records, named ones are always there.

    Each tenant is one transaction.

    Raises:
        TenantExistsError: one of them is there already; nothing was written.
        ValueError: `factor` is not positive.
    """
    if not factor > 0:
        raise ValueError("factor must be above zero")
    for profile in PROFILES:
        async with database.session(profile.tenant) as session:
            if await session.get(Tenant, profile.tenant) is not None:
                raise TenantExistsError(profile.tenant)
    records = {}
    for profile in PROFILES:
        draft = draft_tenant(profile, today=today, factor=factor)
        await _write(database, draft)
        records[str(profile.tenant)] = {name: len(rows) for name, rows in draft.rows.items()}
    return SeedReport(records)


async def seed_copies(database: Database, tenants: Iterable[TenantId], *, factor: float) -> None:
    """Fill tenants that are all like the first demo tenant, down to the ids; people log in as `<key>@<tenant>.example`.

    For measurements, where many tenants are needed and who they are does not matter.
    """
    for tenant in tenants:
        draft = draft_tenant(PROFILES[0], factor=factor)
        theirs, ours = f"@{draft.tenant}.example", f"@{tenant}.example"
        draft.profile = replace(draft.profile, tenant=tenant, name=f"Tenant {tenant}")
        for rows in draft.rows.values():
            for row in rows:
                row["tenant"] = tenant
                for name, value in row.items():
                    if isinstance(value, str) and value.endswith(theirs):
                        row[name] = value.removesuffix(theirs) + ours
        await _write(database, draft)


async def _write(database: Database, draft: TenantDraft) -> None:
    async with database.session(draft.tenant, write=True) as session:
        await _insert_rights(session, draft)
        for name, rows in draft.rows.items():
            await _insert(session, OBJECTS[name], rows)
            await _insert(session, PersonalValue, [row for values in rows for row in rows_of(name, values)])


async def _insert(session: TenantSession, table: type[Base], rows: list[Row]) -> None:
    target = table.__table__
    if not isinstance(target, Table):
        raise TypeError(f"{table.__name__} is not a table")
    for batch in _batches(rows):
        await session.execute(insert(target), batch, execution_options={"tenant_checked": CHECKED})


def _batches(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


async def _insert_rights(session: TenantSession, draft: TenantDraft) -> None:
    tenant = draft.tenant
    await _insert(session, Tenant, [tenant_row(tenant, draft.profile.name)])
    await _insert(session, Sender, [_sender(draft)])
    await _insert(session, PermissionSet, permission_set_rows(tenant))
    await _insert(session, UserRole, [{"tenant": tenant, **values} for values in _roles()])
    await _insert(session, PermissionSetAssignment, [{"tenant": tenant, **values} for values in _assignments()])
    await _insert(session, GroupMember, [{"tenant": tenant, **values} for values in _memberships()])
    await _insert(session, SharingRule, team_rule_rows(tenant) + [{"tenant": tenant, **v} for v in _role_rules()])
    await _insert(session, RecordShare, [{"tenant": tenant, **values} for values in _shares(draft)])


def _sender(draft: TenantDraft) -> dict[str, Any]:
    return {"tenant": draft.tenant, "address": f"mail@{draft.tenant}.example", "name": draft.profile.name}


def _roles() -> Iterator[dict[str, Any]]:
    for role in ROLES:
        parent = role_id_of(role.parent) if role.parent else None
        yield {"role_id": role_id_of(role.key), "name": role.name, "parent_id": parent}


def _assignments() -> Iterator[dict[str, Any]]:
    for member in STAFF:
        for name in member.permission_sets:
            yield {"user_id": staff_id(member.key), "permission_set": name}


def _memberships() -> Iterator[dict[str, Any]]:
    for member in STAFF:
        for name in member.groups:
            yield {"user_id": staff_id(member.key), "group_name": name}


def _role_rules() -> Iterator[dict[str, Any]]:
    """Rules that depend on this tenant's role tree or on its own words in a field."""
    rules: tuple[tuple[str, str, dict[str, Any], dict[str, str], bool], ...] = (
        ("sales_reads_marketing_leads", "Lead", {"owner_role": role_id_of("marketing")}, {"group": SALES_TEAM}, False),
        (
            "west_helps_west",
            "Lead",
            {"owner_role": role_id_of("sales_rep_west")},
            {"role": role_id_of("sales_rep_west")},
            True,
        ),
        ("safety_reads_safety_cases", "Case", {"field": "Type", "equals": "Safety"}, {"group": SAFETY_BOARD}, False),
        (
            "marketing_edits_partners",
            "Account",
            {"field": "Type", "equals": "Partner"},
            {"group": MARKETING_TEAM},
            True,
        ),
    )
    for rule_id, object_name, source, target, can_edit in rules:
        yield {
            "rule_id": rule_id,
            "object_name": object_name,
            "source": source,
            "target": target,
            "can_edit": can_edit,
        }


def _shares(draft: TenantDraft) -> Iterator[dict[str, Any]]:
    """Single records opened by hand."""
    globex = companies.account_of(draft, "Globex Fabrication")["Id"]
    renewal = draft.rows["Opportunity"][0]["Id"]
    for object_name, record_id, grantee, can_edit in (
        ("Account", globex, staff_id(DANA.key), False),
        ("Opportunity", renewal, f"group:{DEAL_DESK}", True),
        ("Opportunity", renewal, f"group:{SERVICE_TEAM}", False),
    ):
        yield {"object_name": object_name, "record_id": record_id, "grantee": grantee, "can_edit": can_edit}
