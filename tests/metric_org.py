"""An organisation of 2,000 cases to measure: on top of the small demo tenants, the same every time it is made.

It is built to tempt: records in the bin, customers without a state, instants at the edges of days and quarters, cases
that went from hand to hand, and a second tenant with extreme values of everything.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import insert

from crm.base import Record
from crm.database import Database, TenantSession
from crm.records import OBJECTS
from crm.seed import DEFAULT_TODAY, northwind, seed, southridge
from crm.seed.draft import TenantDraft
from crm.seed.people import staff_id
from crm.seed.profile import Profile

CASES = 2_000
FIRST_NUMBER = 500_000
"""Where the running numbers of these records begin, past those of the demo."""
AGENTS = tuple(map(staff_id, ("sam", "priya", "jonas", "mei", "luis", "kate")))
REPS = tuple(map(staff_id, ("dana", "eli", "lena", "raj", "nora", "tom")))
STATES = ("CA", "NY", "TX", "WA", "IL", "OH", "GA", "MA")
COUNTRIES = ("US", "US", "Germany", "France", "Japan", "Canada")
PRODUCTS = tuple(f"Gauge {name}" for name in ("Alder", "Birch", "Cedar", "Douglas", "Elm", "Fir"))
ISSUES = tuple(f"Trouble with {name}" for name in ("seals", "valves", "wiring", "firmware", "housing"))
CHANNELS = ("Email", "Phone", "Web", "Chat")
END = datetime(2026, 11, 2, 8, tzinfo=UTC)
DAYS = 730


async def seed_metric_org(database: Database) -> None:
    """The demo tenants in a small size, and these records besides."""
    await seed(database, factor=0.1)
    for profile, cases, slowness in ((northwind.PROFILE, CASES, 1), (southridge.PROFILE, 120, 50)):
        draft = draft_org(profile, cases=cases, slowness=slowness)
        async with database.session(draft.tenant, write=True) as session:
            for name, rows in draft.rows.items():
                await _insert(session, OBJECTS[name], rows)


async def _insert(session: TenantSession, record_type: type[Record], rows: list[dict[str, Any]]) -> None:
    options = {"tenant_checked": "every row carries the tenant of the draft, whose session this is"}
    for start in range(0, len(rows), 1_000):
        table: Any = record_type.__table__
        await session.execute(insert(table), rows[start : start + 1_000], execution_options=options)


def draft_org(profile: Profile, *, cases: int, slowness: int) -> TenantDraft:
    """The records in memory; `slowness` multiplies all durations and amounts."""
    numbers = dict.fromkeys(OBJECTS, FIRST_NUMBER)
    draft = TenantDraft(replace(profile, first_numbers=numbers), today=DEFAULT_TODAY, factor=1)
    rng = Random(f"metrics {profile.tenant}")
    accounts = [_account(draft, rng, place) for place in range(60)]
    products = [
        _named(draft, "Product2", name, Family=f"Family {place % 2 + 1}") for place, name in enumerate(PRODUCTS)
    ]
    issues = [_named(draft, "Issue__c", name) for name in ISSUES]
    items = [_order_item(draft, rng, accounts, product) for product in products for _ in range(8)]
    for place in range(cases):
        _case(draft, rng, place, accounts=accounts, items=items, issues=issues, slowness=slowness)
    for _ in range(cases // 3):
        _lead(draft, rng)
    for place in range(cases // 8):
        _sale(draft, rng, place, accounts=accounts, products=products, slowness=slowness)
    return draft


def _moment(rng: Random) -> datetime:
    """Any second of two years; one in forty at the very edge of a day."""
    day = END - timedelta(days=rng.randrange(DAYS))
    if rng.random() < 0.025:
        return day.replace(hour=23, minute=59, second=59) if rng.random() < 0.5 else day.replace(hour=0, minute=0)
    return day - timedelta(seconds=rng.randrange(86_400))


def _account(draft: TenantDraft, rng: Random, place: int) -> dict[str, Any]:
    return draft.add(
        "Account",
        owner=rng.choice(REPS),
        created=END - timedelta(days=DAYS + 10),
        Name=f"Measured Works {place:02d}",
        Industry=rng.choice(("Energy", "Chemicals", "Healthcare")),
        ShippingState=None if place % 15 == 0 else rng.choice(STATES),
        BillingState=rng.choice(STATES),
        BillingCountry=rng.choice(COUNTRIES),
        IsDeleted=place == 59,
    )


def _named(draft: TenantDraft, object_name: str, name: str, **values: Any) -> dict[str, Any]:
    return draft.add(object_name, owner=staff_id("ada"), created=END - timedelta(days=DAYS + 10), Name=name, **values)


def _order_item(
    draft: TenantDraft, rng: Random, accounts: list[dict[str, Any]], product: dict[str, Any]
) -> dict[str, Any]:
    created = END - timedelta(days=DAYS)
    order = draft.add(
        "Order",
        owner=rng.choice(REPS),
        created=created,
        AccountId=rng.choice(accounts)["Id"],
        EffectiveDate=created.date(),
        Status="Activated",
        OrderNumber=f"M{len(draft.rows['Order']):07d}",
    )
    return draft.add(
        "OrderItem",
        owner=order["OwnerId"],
        created=created,
        OrderId=order["Id"],
        Product2Id=product["Id"],
        Quantity=Decimal(rng.randrange(1, 9)),
        UnitPrice=Decimal(rng.randrange(100, 9_999)) / 100,
    )


def _case(
    draft: TenantDraft,
    rng: Random,
    place: int,
    *,
    accounts: list[dict[str, Any]],
    items: list[dict[str, Any]],
    issues: list[dict[str, Any]],
    slowness: int,
) -> None:
    created = _moment(rng)
    hands = [rng.choice(AGENTS)]
    while rng.random() < 0.3 and len(hands) < 4:
        hands.append(rng.choice([one for one in AGENTS if one != hands[-1]]))
    speed = 1 + AGENTS.index(hands[-1]) / 10
    closed = created + timedelta(seconds=int(rng.randrange(600, 900_000) * speed * slowness))
    is_closed = rng.random() < 0.85
    case = draft.add(
        "Case",
        owner=hands[-1],
        created=created,
        CaseNumber=f"M{place:07d}",
        Subject=f"Measured case {place}",
        AccountId=None if rng.random() < 0.03 else rng.choice(accounts)["Id"],
        Priority=rng.choice(("Low", "Medium", "High", "Critical")),
        Origin=rng.choice(CHANNELS),
        Status="Closed" if is_closed else rng.choice(("New", "Working", "Escalated")),
        IsClosed=is_closed,
        ClosedDate=closed if is_closed else None,
        IsEscalated=rng.random() < 0.1,
        IssueId__c=None if rng.random() < 0.1 else rng.choice(issues)["Id"],
        OrderItemId__c=None if rng.random() < 0.2 else rng.choice(items)["Id"],
        IsDeleted=place % 97 == 0,
    )
    _history(draft, rng, case, hands)


def _history(draft: TenantDraft, rng: Random, case: dict[str, Any], hands: list[str]) -> None:
    for field, at, old, new in _steps(rng, case, hands):
        draft.add(
            "CaseHistory__c",
            owner=case["OwnerId"],
            created=at,
            CaseId__c=case["Id"],
            Field__c=field,
            OldValue__c=old,
            NewValue__c=new,
            IsDeleted=case["IsDeleted"],
        )


def _steps(
    rng: Random, case: dict[str, Any], hands: list[str]
) -> Iterator[tuple[str, datetime, str | None, str | None]]:
    at = case["CreatedDate"]
    yield "Case Creation", at, None, None
    for old, new in zip([None, *hands], hands, strict=False):
        yield "Owner Assignment", at, old, new
        at += timedelta(seconds=rng.randrange(60, 80_000))
    if case["IsClosed"]:
        yield "Case Closed", case["ClosedDate"], None, None


def _lead(draft: TenantDraft, rng: Random) -> None:
    created = _moment(rng)
    owner = rng.choice(REPS)
    is_converted = rng.random() < 0.1 + REPS.index(owner) / 20
    draft.add(
        "Lead",
        owner=owner,
        created=created,
        FirstName="Lee",
        LastName="Measured",
        Company="Measured Prospect",
        LeadSource=rng.choice(("Web", "Trade Show", "Referral")),
        Status="Qualified" if is_converted else "New",
        IsConverted=is_converted,
        ConvertedDate=created.date() + timedelta(days=9) if is_converted else None,
        IsDeleted=rng.random() < 0.02,
    )


def _sale(
    draft: TenantDraft,
    rng: Random,
    place: int,
    *,
    accounts: list[dict[str, Any]],
    products: list[dict[str, Any]],
    slowness: int,
) -> None:
    created, owner, account = _moment(rng), rng.choice(REPS), rng.choice(accounts)["Id"]
    signed = created.date() + timedelta(days=rng.randrange(3, 120) * slowness)
    contract = None
    if rng.random() < 0.6:
        contract = draft.add(
            "Contract",
            owner=owner,
            created=created,
            AccountId=account,
            Status="Signed",
            CompanySignedDate=signed if rng.random() < 0.9 else None,
            IsDeleted=place % 31 == 0,
        )
    is_closed = contract is not None or rng.random() < 0.5
    opportunity = draft.add(
        "Opportunity",
        owner=owner,
        created=created,
        Name=f"Measured sale {place}",
        AccountId=account,
        Amount=Decimal(rng.randrange(1_000, 900_000)) / 100 * slowness,
        StageName="Closed" if is_closed else "Quote",
        CloseDate=min(signed, date(2027, 6, 30)),
        ContractID__c=contract["Id"] if contract else None,
        IsClosed=is_closed,
        IsWon=contract is not None,
    )
    for _ in range(rng.randrange(1, 4)):
        quantity, price = Decimal(rng.randrange(100, 4_000)) / 100, Decimal(rng.randrange(100, 99_999)) / 100
        draft.add(
            "OpportunityLineItem",
            owner=owner,
            created=created,
            OpportunityId=opportunity["Id"],
            Product2Id=rng.choice(products)["Id"],
            Quantity=quantity * slowness,
            UnitPrice=price,
            Discount=Decimal(10),
            TotalPrice=round(quantity * slowness * price * 9 / 10, 2),
        )
