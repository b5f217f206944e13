"""The seeded organisation that every case gets a fresh copy of, and what an independent reader finds in its file."""

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from crm import migrate
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId, numbered_id
from crm.schema import OBJECT_INFO
from crm.seed import DEFAULT_TODAY, seed
from crm.seed.people import staff_id
from evals.attacks.outcome import Dump, dump_records
from evals.quality.cases import Given, Suite

GIVEN_FROM = 800_000
"""Numbers of records that no seed uses."""
NAMED_BY = (
    "Name",
    "CaseNumber",
    "OrderNumber",
    "ArticleNumber",
    "ProductCode",
    "Title",
    "Subject",
    "Username",
    "Email",
)
"""Fields that `@Object:value` looks in, besides first and last name."""
_REFERENCE = re.compile(r"@([A-Za-z0-9_]+):(.+)")


class OrgError(Exception):
    """A case speaks of a record that is not there, or a query of its cannot be run."""


def config_of(path: Path) -> DatabaseConfig:
    return DatabaseConfig(url=f"sqlite+aiosqlite:///{path}")


async def build_seeded(path: Path, factor: float) -> None:
    """The two demo tenants as they are on the day of the seed."""
    await asyncio.to_thread(migrate.upgrade, config_of(path))
    database = Database(config_of(path))
    try:
        await seed(database, factor=factor, today=DEFAULT_TODAY)
    finally:
        await database.close()


def template_name(suite: Suite) -> str:
    """The same for suites that are given the same records."""
    said = "".join(one.model_dump_json() for one in suite.given) + (suite.tenant if suite.given else "")
    return f"template-{hashlib.sha256(said.encode()).hexdigest()[:12]}.db"


async def add_given(path: Path, suite: Suite) -> None:
    """Put a suite's own records into the database."""
    database = Database(config_of(path))
    reader = Reader(path, suite.tenant)
    try:
        # tenant-id: a suite's records are put into a demo tenant, from outside the service
        async with database.session(TenantId(suite.tenant), write=True) as session:
            for one in suite.given:
                session.add(_record(one, reader))
    finally:
        await database.close()


def given_id(object_name: str, number: int) -> str:
    return numbered_id(OBJECT_INFO[object_name].prefix, GIVEN_FROM + number)


def _record(given: Given, reader: "Reader") -> Any:
    if given.object not in OBJECT_INFO:
        raise OrgError(f"given: there is no object {given.object!r}")
    entered = datetime.combine(DEFAULT_TODAY, time(8), UTC)
    owner = staff_id(given.owner)
    return OBJECT_INFO[given.object].record_type(
        Id=given_id(given.object, given.number),
        OwnerId=owner,
        CreatedById=owner,
        CreatedDate=entered,
        LastModifiedById=owner,
        LastModifiedDate=entered,
        SystemModstamp=entered,
        **reader.resolve(given.fields),
    )


class Reader:
    """Reads a copy's file past the service, with no rights in between."""

    def __init__(self, path: Path, tenant: str) -> None:
        self.path = path
        self.tenant = tenant

    def dump(self) -> Dump:
        return dump_records(self.path)

    def ask(self, sql: str) -> list[Any]:
        """The values that a query of a suite finds, row by row; `:tenant` stands for its tenant. Raises: OrgError."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            try:
                rows = connection.execute(sql, {"tenant": self.tenant} if ":tenant" in sql else {}).fetchall()
            except sqlite3.Error as error:
                raise OrgError(f"query {sql!r}: {error}") from None
        return [value for row in rows for value in row]

    def resolve(self, value: Any) -> Any:
        """The value with every `@Object:name` in it replaced by that record's id. Raises: OrgError."""
        if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
            return self.id_of(found[1], found[2])
        if isinstance(value, Mapping):
            return {name: self.resolve(inner) for name, inner in value.items()}
        return [self.resolve(inner) for inner in value] if isinstance(value, list) else value

    def id_of(self, object_name: str, name: str) -> str:
        """The one record of that name. Raises: OrgError if there is none, or more than one."""
        if object_name not in OBJECT_INFO:
            raise OrgError(f"there is no object {object_name!r}")
        fields = OBJECT_INFO[object_name].fields
        tests = [f'"{field}" = :name' for field in NAMED_BY if field in fields]
        if "LastName" in fields:
            tests.append('"FirstName" || \' \' || "LastName" = :name')
        sql = (
            f'SELECT "Id" FROM "{object_name.lower()}" '  # noqa: S608 - names that the schema knows
            f'WHERE tenant = :tenant AND NOT "IsDeleted" AND ({" OR ".join(tests)})'
        )
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            found = [row[0] for row in connection.execute(sql, {"tenant": self.tenant, "name": name})]
        if len(found) != 1:
            raise OrgError(f"@{object_name}:{name}: expected one record of that name, found {len(found)}")
        return str(found[0])


def names_in(dump: Dump, tenant: str) -> frozenset[str]:
    """Everything that records of the tenant are called by: names of two words or more, and codes."""
    return frozenset(_names(row for (_, owner, _), row in dump.items() if owner == tenant))


def _names(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for row in rows:
        for field in ("Name", "Company"):
            if isinstance(row.get(field), str) and " " in row[field]:
                yield row[field]
        if row.get("ProductCode"):
            yield row["ProductCode"]
        if row.get("FirstName") and row.get("LastName"):
            yield f"{row['FirstName']} {row['LastName']}"


def product_codes(dump: Dump, tenant: str) -> frozenset[str]:
    return frozenset(
        str(row["ProductCode"]) for (name, owner, _), row in dump.items() if name == "Product2" and owner == tenant
    )
