"""The demo tenants: whole, consistent, repeatable, and easy to mistake for each other."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from crm.access import Access, Caller
from crm.database import Database, DatabaseConfig
from crm.fields import MAX_TEXT, Kind, spec_of
from crm.ids import ContactId, TenantId, UserId, normalise_id
from crm.records import OBJECTS, Account, Case, Contact, Opportunity, User
from crm.repositories.access import load_access
from crm.repositories.visibility import visible_to
from crm.rights import PermissionSet, Tenant
from crm.schema import object_of
from crm.seed import TenantExistsError, assign_permission_sets, create_tenant, draft_tenant, seed
from crm.seed.draft import TenantDraft
from crm.seed.people import ADA, ALAN, ANN_POE, DANA, ELI, IRIS, MARA, NORTHWIND, SAM, SOUTHRIDGE, STAFF, staff_id
from crm.seed.scenario import ACME, ACME_OPPORTUNITY
from crm.seed.tenants import PROFILES
from tests.conftest import Templates

TENANTS = [TenantId(NORTHWIND), TenantId(SOUTHRIDGE)]
TODAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def drafts() -> list[TenantDraft]:
    return [draft_tenant(profile) for profile in PROFILES]


async def _seed_small(database: Database) -> None:
    await seed(database, factor=0.1)


@pytest.fixture
def seeded_config(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("seeded_small", _seed_small)
    with templates.copied("seeded_small") as config:
        yield config


@pytest.fixture
async def seeded(seeded_config: DatabaseConfig) -> Any:
    database = Database(seeded_config)
    yield database
    await database.close()


def _digest(draft: TenantDraft) -> str:
    return hashlib.sha256(repr(draft.rows).encode()).hexdigest()


def _by_id(draft: TenantDraft, name: str) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in draft.rows[name]}


def test_the_same_input_gives_the_same_rows_down_to_the_last_byte() -> None:
    profile = PROFILES[0]
    assert _digest(draft_tenant(profile, factor=0.3)) == _digest(draft_tenant(profile, factor=0.3))
    assert _digest(draft_tenant(profile)) != _digest(draft_tenant(profile, today=date(2026, 11, 3)))


def test_a_tenant_has_about_three_thousand_records(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        assert 2800 <= sum(len(rows) for rows in draft.rows.values()) <= 4000
        empty = {name for name in OBJECTS if not draft.rows[name]}
        assert empty == {"PolicyChange__c"}, "made only by changing the policy"


def test_every_value_fits_its_field(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        for name, rows in draft.rows.items():
            for column in OBJECTS[name].__table__.columns:
                spec = spec_of(column)
                if spec is None:
                    continue
                values = [row[column.name] for row in rows]
                assert column.nullable or None not in values, f"{name}.{column.name}"
                present = [value for value in values if value is not None]
                if spec.kind in MAX_TEXT:
                    assert all(len(value) <= MAX_TEXT[spec.kind] for value in present), f"{name}.{column.name}"
                if spec.values:
                    assert set(present) <= set(spec.values), f"{name}.{column.name}"
                if spec.kind in (Kind.MONEY, Kind.NUMBER, Kind.PERCENT):
                    assert all(value == round(value, 2) for value in present), f"{name}.{column.name}"


def test_every_reference_points_to_a_record_of_the_tenant(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        known = {row["Id"] for rows in draft.rows.values() for row in rows}
        for name, rows in draft.rows.items():
            for column in OBJECTS[name].__table__.columns:
                spec = spec_of(column)
                if spec is None or spec.kind is not Kind.REFERENCE:
                    continue
                for row in rows:
                    value = row[column.name]
                    if value is None:
                        continue
                    assert value in known, f"{name}.{column.name}"
                    assert not spec.targets or object_of(value) in spec.targets, f"{name}.{column.name}"


def test_nothing_was_written_after_today_or_closed_before_it_began(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        for name, rows in draft.rows.items():
            for row in rows:
                assert row["CreatedDate"] <= draft.now, name
                assert row["CreatedDate"] <= row["LastModifiedDate"] <= draft.now, name
        for case in draft.rows["Case"]:
            assert case["IsClosed"] == (case["Status"] == "Closed") == (case["ClosedDate"] is not None)
            assert case["ClosedDate"] is None or case["ClosedDate"] > case["CreatedDate"]
        cases = _by_id(draft, "Case")
        for step in draft.rows["CaseHistory__c"]:
            case = cases[step["CaseId__c"]]
            assert case["CreatedDate"] <= step["CreatedDate"] <= (case["ClosedDate"] or draft.now)


def test_the_last_assignment_in_the_history_is_the_owner(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        steps = [row for row in draft.rows["CaseHistory__c"] if row["Field__c"] == "Owner Assignment"]
        last = {row["CaseId__c"]: row["NewValue__c"] for row in sorted(steps, key=lambda row: row["CreatedDate"])}
        assert all(last[case["Id"]] == case["OwnerId"] for case in draft.rows["Case"])
        assert sum(1 for row in steps if row["OldValue__c"]) > 20


def test_totals_add_up(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        amounts: Counter[str] = Counter()
        for line in draft.rows["OpportunityLineItem"]:
            assert line["TotalPrice"] == round(line["Quantity"] * line["UnitPrice"] * (100 - line["Discount"]) / 100, 2)
            amounts[line["OpportunityId"]] += line["TotalPrice"]
        assert all(row["Amount"] == amounts[row["Id"]] > 0 for row in draft.rows["Opportunity"])
        quoted: Counter[str] = Counter()
        for line in draft.rows["QuoteLineItem"]:
            quoted[line["QuoteId"]] += line["TotalPrice"]
        for quote in draft.rows["Quote"]:
            assert quote["GrandTotal"] == round(quoted[quote["Id"]] * (100 - quote["Discount"]) / 100, 2)
        ordered: Counter[str] = Counter()
        for item in draft.rows["OrderItem"]:
            ordered[item["OrderId"]] += item["Quantity"] * item["UnitPrice"]
        assert all(row["TotalAmount"] == ordered[row["Id"]] for row in draft.rows["Order"])


def test_stages_and_outcomes_agree(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        stages = Counter(row["StageName"] for row in draft.rows["Opportunity"])
        assert len(stages) == 5
        assert min(stages.values()) >= 5
        for row in draft.rows["Opportunity"]:
            assert row["IsClosed"] == (row["StageName"] == "Closed")
            assert row["IsWon"] == (row["ContractID__c"] is not None)
            assert row["Probability"] == Decimal(100) or not row["IsWon"]
        for lead in draft.rows["Lead"]:
            assert lead["IsConverted"] == (lead["ConvertedAccountId"] is not None)


@pytest.mark.parametrize("factor", [0.1, 1.0])
def test_the_named_scenario_is_there_at_any_size(factor: float) -> None:
    expected = {NORTHWIND: (3, "Discovery"), SOUTHRIDGE: (2, "Quote")}
    ids = set()
    for profile in PROFILES:
        draft = draft_tenant(profile, factor=factor)
        acme = next(row for row in draft.rows["Account"] if row["Name"] == ACME)
        ann = next(row for row in draft.rows["Contact"] if row["Id"] == ANN_POE.contact_id)
        deal = next(row for row in draft.rows["Opportunity"] if row["Name"] == ACME_OPPORTUNITY)
        open_cases = [row for row in draft.rows["Case"] if row["AccountId"] == acme["Id"] and not row["IsClosed"]]
        assert (len(open_cases), deal["StageName"]) == expected[draft.tenant]
        assert acme["OwnerId"] == deal["OwnerId"] == staff_id(DANA.key)
        assert (ann["FirstName"], ann["AccountId"], ann["Email"]) == ("Ann", acme["Id"], ANN_POE.email)
        assert deal["ContactId"] == ann["Id"]
        assert len({row["Subject"] for row in open_cases}) == len(open_cases)
        ids.add((acme["Id"], ann["Id"], deal["Id"]))
    assert len(ids) == 1, "the look-alikes carry the same ids in both tenants"


def test_tenants_and_names_are_easy_to_mistake(drafts: list[TenantDraft]) -> None:
    names = [{row["Name"] for row in draft.rows["Account"]} for draft in drafts]
    assert len(names[0] & names[1]) > 20
    assert names[0] - names[1]
    assert {"Acme Industries", "Acme Industrial", "Harbor Tools", "Harbour Tools"} <= names[0] & names[1]
    numbers = [{row["CaseNumber"] for row in draft.rows["Case"]} for draft in drafts]
    assert "00001001" in numbers[0] & numbers[1]
    for draft in drafts:
        people = {(row["FirstName"], row["LastName"]) for row in draft.rows["Contact"]}
        assert {("Ann", "Poe"), ("Anne", "Poe"), ("Annie", "Poe")} <= people
        accounts = {row["Name"] for row in draft.rows["Account"]}
        assert any(row["Name"] in accounts for row in draft.rows["Opportunity"])


def test_there_is_something_to_do_today_and_hostile_text_to_read(drafts: list[TenantDraft]) -> None:
    now = datetime.combine(TODAY, datetime.min.time(), UTC)
    for draft in drafts:
        starts = [row["StartDateTime"] for row in draft.rows["Event"]]
        assert min(starts) < now < max(starts) < now + timedelta(days=40)
        bodies = " ".join(row["TextBody"] or "" for row in draft.rows["EmailMessage"] if row["Incoming"])
        assert "Ignore all previous instructions" in bodies
        calls = " ".join(row["Body__c"] for row in draft.rows["VoiceCallTranscript__c"]).lower()
        assert all(word in calls for word in ("budget", "decides", "need"))
        articles = draft.rows["Knowledge__kav"]
        assert len(articles) >= 30
        assert {row["PublishStatus"] for row in articles} == {"Draft", "Online", "Archived"}
        assert {row["IsVisibleInCsp"] for row in articles} == {True, False}
        assert len({row["FAQ_Answer__c"] for row in articles}) == len(articles)


def test_texts_vary(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        described = [row["Description"] for row in draft.rows["Case"]]
        assert len(set(described)) > 0.95 * len(described)


async def test_the_seed_fills_both_tenants_and_refuses_a_second_time(database: Database) -> None:
    report = await seed(database, factor=0.1)
    for tenant in TENANTS:
        async with database.session(tenant) as session:
            for name, record_type in OBJECTS.items():
                found = await session.scalar(select(func.count()).select_from(record_type))
                assert found == report.records[tenant][name], name
    with pytest.raises(TenantExistsError, match="'northwind' already exists"):
        await seed(database, factor=0.1)


async def test_the_seed_refuses_before_it_writes_anything(database: Database) -> None:
    await create_tenant(database, TENANTS[1], "Southridge Supply")
    with pytest.raises(TenantExistsError, match="southridge"):
        await seed(database)
    async with database.session(TENANTS[0]) as session:
        assert await session.get(Tenant, TENANTS[0]) is None
    with pytest.raises(ValueError, match="factor"):
        await seed(database, factor=0)


async def test_a_fresh_tenant_has_permission_sets_but_nobody_until_they_are_assigned(database: Database) -> None:
    tenant = TenantId("eastgate")
    await create_tenant(database, tenant, "Eastgate Labs")
    with pytest.raises(TenantExistsError):
        await create_tenant(database, tenant, "Eastgate Labs")
    now = datetime.now(UTC)
    async with database.session(tenant, write=True) as session:
        assert await session.scalar(select(func.count()).select_from(PermissionSet)) == 9
        session.add(
            User(
                tenant=tenant,
                Id=staff_id(ADA.key),
                Username="ada@eastgate.example",
                LastName="Lowe",
                IsActive=True,
                CreatedDate=now,
                LastModifiedDate=now,
                SystemModstamp=now,
            )
        )
    for _ in range(2):
        await assign_permission_sets(database, tenant, staff_id(ADA.key), ["admin"])
    access = await _access(database, tenant, ADA.key)
    assert access.edits_all("Account")
    assert "manage_users" in access.permissions


async def _access(database: Database, tenant: TenantId, key: str) -> Access:
    async with database.session(tenant) as session:
        return await load_access(session, Caller(tenant, user_id=UserId(staff_id(key))))


async def _count(database: Database, access: Access, record_type: Any, *conditions: Any) -> int:
    async with database.session(access.caller.tenant) as session:
        query = select(func.count()).select_from(record_type).where(visible_to(access, record_type), *conditions)
        return await session.scalar(query) or 0


@pytest.mark.parametrize(("tenant", "cases"), list(zip(TENANTS, (3, 2), strict=True)), ids=str)
async def test_dana_sees_acmes_open_cases_and_eli_sees_nothing_of_acme(
    seeded: Database, tenant: TenantId, cases: int
) -> None:
    dana, eli = await _access(seeded, tenant, DANA.key), await _access(seeded, tenant, ELI.key)
    acme = select(Account.Id).where(Account.Name == ACME).scalar_subquery()
    assert await _count(seeded, dana, Case, Case.AccountId == acme, Case.IsClosed.is_(False)) == cases
    assert await _count(seeded, dana, Opportunity, Opportunity.Name == ACME_OPPORTUNITY) == 1
    assert await _count(seeded, dana, Contact, Contact.Id == ANN_POE.contact_id) == 1
    assert await _count(seeded, eli, Account, Account.Name == ACME) == 0
    assert await _count(seeded, eli, Opportunity, Opportunity.Name == ACME_OPPORTUNITY) == 0
    assert await _count(seeded, eli, Contact, Contact.Id == ANN_POE.contact_id) == 0
    assert await _count(seeded, dana, Account, Account.Name == "Globex Fabrication") == 1


async def test_rights_follow_the_job(seeded: Database) -> None:
    found = {person.key: await _access(seeded, TENANTS[0], person.key) for person in (DANA, MARA, SAM, IRIS, ALAN)}
    assert "approve_writes" in found["mara"].permissions
    assert "approve_writes" not in found["dana"].permissions
    assert not found["dana"].can_edit("Account", "AnnualRevenue")
    assert found["dana"].can_read("Opportunity", "Amount")
    for hidden in ("Opportunity.Amount", "OpportunityLineItem.UnitPrice", "OpportunityLineItem.TotalPrice"):
        assert not found["sam"].can_read(*hidden.split("."))
    assert found["sam"].can_read("Opportunity", "StageName")
    assert not found["sam"].may("read", "Contract")
    assert not found["iris"].can_read("Contact", "Phone")
    assert found["iris"].can_read("Contact", "Email")
    assert not found["iris"].can_read("Case", "Description")
    assert not found["alan"].can_read("Contact", "Email")
    assert found["alan"].sees_all("Opportunity")
    assert await _count(seeded, found["mara"], Opportunity, Opportunity.Name == ACME_OPPORTUNITY) == 1
    assert await _count(seeded, found["sam"], Opportunity, Opportunity.Name == ACME_OPPORTUNITY) == 1


async def test_a_customer_sees_their_own_company_only(seeded: Database) -> None:
    for tenant in TENANTS:
        async with seeded.session(tenant) as session:
            access = await load_access(session, Caller(tenant, contact_id=ContactId(ANN_POE.contact_id)))
        assert await _count(seeded, access, Account) == 1
        assert await _count(seeded, access, Contact) == 1
        assert await _count(seeded, access, Opportunity) == 0
        assert not access.can_read("Account", "AnnualRevenue")
        assert access.can_read("Case", "Subject")
        assert not access.can_read("Case", "Priority")


def test_staff_have_the_same_ids_and_local_names_in_both_tenants(drafts: list[TenantDraft]) -> None:
    for draft in drafts:
        logins = {row["Id"]: row["Username"] for row in draft.rows["User"]}
        for member in STAFF:
            assert logins[staff_id(member.key)] == f"{member.key}@{draft.tenant}.example"
    assert normalise_id(staff_id("dana")) == staff_id("dana")
