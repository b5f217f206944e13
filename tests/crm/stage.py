"""A small cast for tests of rights: staff in two branches of a role tree, customers, and records whose owner is in
their name. The second tenant has the same ids and names, told apart by one field only."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from crm.access import Access, Caller
from crm.base import Base, Record
from crm.connector import Query
from crm.database import Database
from crm.errors import CrmError
from crm.ids import ContactId, TenantId, UserId, numbered_id
from crm.records import OBJECTS
from crm.repositories.access import load_access
from crm.repositories.records import EmbeddedCrm
from crm.rights import GroupMember, PermissionSet, PermissionSetAssignment, Tenant, UserRole

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
NOW = datetime(2026, 5, 6, 12, 30, tzinfo=UTC)
KEY = b"signs the cursors of tests only!"

ROLES = {"ceo": None, "west": "ceo", "east": "ceo", "rep_west": "west", "rep_east": "east"}
STAFF: dict[str, str | None] = {
    "boss": "ceo",
    "wanda": "west",
    "rita": "rep_west",
    "rob": "rep_west",
    "emil": "east",
    "ed": "rep_east",
    "gone": "rep_west",
    "vera": None,
    "max": None,
    "nobody": None,
}
"""Person -> role. Gone has left; Vera views all, Max modifies all, Nobody has no permission set."""
OWNERS = ("boss", "wanda", "rita", "rob", "emil", "ed", "gone")
SETS: dict[str, str] = {"vera": "viewer", "max": "modifier", "nobody": ""}
CUSTOMERS = {"ann": "rita", "otto": "ed"}
"""Customer -> the owner of the account they work for."""

_NUMBERS: dict[tuple[str, str], int] = {}


def id_of(object_name: str, key: str) -> str:
    """The id of a record by a name of the test's own choosing; equal in both tenants."""
    number = _NUMBERS.setdefault((object_name, key), len(_NUMBERS) + 1)
    return numbered_id(OBJECTS[object_name].prefix, number, instance="ST")


def role_id(key: str) -> str:
    return numbered_id("00E", list(ROLES).index(key) + 1, instance="ST")


def user(key: str) -> str:
    return id_of("User", key)


def make(object_name: str, key: str, *, owner: str | None = None, **values: Any) -> Record:
    """A record with what it must have; names carry the key."""
    stamps = {"CreatedDate": NOW, "LastModifiedDate": NOW, "SystemModstamp": NOW}
    given: dict[str, Any] = {"Id": id_of(object_name, key), "OwnerId": user(owner) if owner else None, **stamps}
    least: Mapping[str, dict[str, Any]] = {
        "Contact": {"LastName": key},
        "Lead": {"LastName": key},
        "User": {"LastName": key, "Username": f"{key}@example.org"},
        "Opportunity": {"CloseDate": date(2026, 6, 30)},
        "OpportunityLineItem": {"Quantity": Decimal(1), "UnitPrice": Decimal(1)},
        "QuoteLineItem": {"Quantity": Decimal(1), "UnitPrice": Decimal(1)},
        "OrderItem": {"Quantity": Decimal(1), "UnitPrice": Decimal(1)},
        "Case": {"Subject": key, "CaseNumber": f"{_number(object_name, key):08d}"},
        "Order": {"OrderNumber": f"{_number(object_name, key):08d}"},
        "CaseComment": {"CommentBody": key},
        "CaseHistory__c": {"Field__c": "Case Creation"},
        "Task": {"Subject": key},
        "Event": {"Subject": key, "StartDateTime": NOW},
        "EmailMessage": {"Subject": key},
        "Knowledge__kav": {"Title": key, "ArticleNumber": f"{_number(object_name, key):08d}"},
        "PricebookEntry": {"UnitPrice": Decimal(1)},
    }
    if "Name" in OBJECTS[object_name].__table__.columns:
        given["Name"] = key
    return OBJECTS[object_name](**{**given, **least.get(object_name, {}), **values})


def _number(object_name: str, key: str) -> int:
    id_of(object_name, key)
    return _NUMBERS[object_name, key]


def everything(letters: str) -> dict[str, str]:
    return dict.fromkeys(OBJECTS, letters)


def all_fields(letters: str) -> dict[str, dict[str, str]]:
    return {name: {"*": letters} for name in OBJECTS}


async def seed_stage(database: Database) -> None:
    for tenant in (ACME, GLOBEX):
        async with database.session(tenant, write=True) as session:
            session.add(Tenant(tenant=tenant, name=tenant, sharing_defaults={}))
            session.add_all(_rights())
            for key, role in STAFF.items():
                place = role_id(role) if role else None
                session.add(make("User", key, UserRoleId=place, IsActive=key != "gone", Alias=f"of {tenant}"))
            await session.flush()
            for owner in OWNERS:
                session.add(make("Account", owner, owner=owner, Description=f"of {tenant}"))
                session.add(make("Opportunity", owner, owner=owner, Description=f"of {tenant}"))
            await session.flush()
            for key, owner in CUSTOMERS.items():
                session.add(make("Contact", key, AccountId=id_of("Account", owner), Title=f"of {tenant}"))


def _rights() -> Iterable[Base]:
    for key, parent in ROLES.items():
        yield UserRole(role_id=role_id(key), name=key, parent_id=role_id(parent) if parent else None)
    for name, letters in (("staff", "cre"), ("viewer", "rv"), ("modifier", "crevm")):
        fields = all_fields("r" if name == "viewer" else "re")
        yield PermissionSet(name=name, label=name, objects=everything(letters), fields=fields, permissions=[])
    yield PermissionSet(
        name="customer", label="customer", objects=everything("r"), fields=all_fields("r"), permissions=[]
    )
    for key in STAFF:
        if SETS.get(key, "staff"):
            yield PermissionSetAssignment(user_id=user(key), permission_set=SETS.get(key, "staff"))


@dataclass(frozen=True)
class Stage:
    """A database with the cast in it; every method works for one tenant, ACME unless said otherwise."""

    database: Database
    tenant: TenantId = ACME

    async def add(self, *rows: Base) -> None:
        """Each in its own flush, in order, because later rows may refer to earlier ones."""
        async with self.database.session(self.tenant, write=True) as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def set_sharing(self, **defaults: str) -> None:
        async with self.database.session(self.tenant, write=True) as session:
            tenant = await session.get_one(Tenant, self.tenant)
            tenant.sharing_defaults = defaults

    async def set_rights(
        self,
        key: str,
        *,
        objects: Mapping[str, str] | None = None,
        fields: Mapping[str, Mapping[str, str]] | None = None,
        set_name: str = "own",
    ) -> None:
        """Give a person one more permission set of their own."""
        await self.add(
            PermissionSet(
                name=set_name,
                label=set_name,
                objects=dict(objects or {}),
                fields={name: dict(letters) for name, letters in (fields or {}).items()},
                permissions=[],
            ),
            PermissionSetAssignment(user_id=user(key), permission_set=set_name),
        )

    async def join(self, group: str, *keys: str) -> None:
        await self.add(*(GroupMember(group_name=group, user_id=user(key)) for key in keys))

    async def access(self, key: str) -> Access:
        async with self.database.session(self.tenant) as session:
            return await load_access(session, self.caller(key))

    def caller(self, key: str) -> Caller:
        if key in CUSTOMERS:
            return Caller(self.tenant, contact_id=ContactId(id_of("Contact", key)))
        return Caller(self.tenant, user_id=UserId(user(key)))

    @asynccontextmanager
    async def crm(self, key: str, *, write: bool = False) -> AsyncIterator[EmbeddedCrm]:
        async with self.database.session(self.tenant, write=write) as session:
            yield EmbeddedCrm(session, await load_access(session, self.caller(key)), NOW, KEY)

    async def seen(self, key: str, object_name: str) -> set[str]:
        """The records that a person sees, by the keys they were made under; query, count and get must agree."""
        async with self.crm(key) as crm:
            page = await crm.query(Query(object_name, ["Id"], limit=200))
            found = {row["Id"] for row in page.records}
            assert page.total == len(found)
            for record_id in found:
                assert (await crm.get(object_name, record_id, ["Id"])) == {"Id": record_id}
            return {_key_of(object_name, record_id) for record_id in found}

    async def edited(self, key: str, object_name: str, keys: Iterable[str], field: str, value: Any) -> set[str]:
        """The records, out of `keys`, that a person may change."""
        done = set()
        async with self.crm(key) as crm:
            for one in keys:
                try:
                    await crm.propose_update(object_name, id_of(object_name, one), {field: value})
                except CrmError:
                    continue
                done.add(one)
        return done


def _key_of(object_name: str, record_id: str) -> str:
    return next(key for (name, key) in list(_NUMBERS) if name == object_name and id_of(name, key) == record_id)
