"""The index of personal values follows the records, on both databases, and knows one tenant at a time."""

import importlib
from collections.abc import Collection
from pathlib import Path

import pytest
from sqlalchemy import text

from crm.database import Database, DatabaseConfig
from crm.fields import Kind
from crm.ids import TenantId
from crm.personal import keys_of, word_key
from crm.records import Contact, EmailMessage
from crm.repositories.personal import find_personal
from crm.rights import Tenant
from crm.transfer import import_folder
from tests.crm.test_database import ACME, GLOBEX, NOW
from tests.crm.test_migrations import connect_as_owner

STAMPS = {"CreatedDate": NOW, "LastModifiedDate": NOW, "SystemModstamp": NOW}


def contact(number: int, first: str | None, last: str, **more: str) -> Contact:
    return Contact(Id=f"003ST{number:010d}AAA", FirstName=first, LastName=last, **more, **STAMPS)


async def known(database: Database, tenant: TenantId, keys: Collection[str]) -> set[str]:
    async with database.session(tenant) as session:
        return {key for key, _ in await find_personal(session, keys)}


async def test_what_is_written_changed_and_removed_is_followed(database: Database) -> None:
    async with database.session(ACME, write=True) as session:
        ann = contact(1, "Ann", "Poe", Email="Ann.Poe@acme.example", Phone="+1 617 555 0101")
        mail = EmailMessage(
            Id="02sST0000000001AAA", CcAddress="Zoë Quist <zoe@quist.example>, ops@acme.example", **STAMPS
        )
        session.add_all([ann, mail, contact(2, "Ann", "Weber")])
    async with database.session(GLOBEX, write=True) as session:
        session.add(contact(1, "Otto", "Lind"))
    keys = ["ann", "poe", "weber", "ann.poe@acme.example", "16175550101", "6175550101", "lind", "otto"]
    mine = {"ann", "poe", "weber", "ann.poe@acme.example", "16175550101", "6175550101"}
    assert await known(database, ACME, keys) == mine
    assert await known(database, GLOBEX, keys) == {"lind", "otto"}
    assert await known(database, ACME, ["zoë", "quist", "zoe@quist.example", "ops@acme.example"]) == {
        "zoë",
        "quist",
        "zoe@quist.example",
        "ops@acme.example",
    }
    async with database.session(ACME, write=True) as session:
        ann = await session.get_one(Contact, (ACME, "003ST0000000001AAA"))
        ann.LastName = "Harrow"
        ann.Phone = None
    assert await known(database, ACME, ["poe", "harrow", "16175550101", "ann"]) == {"harrow", "ann"}
    async with database.session(ACME, write=True) as session:
        await session.delete(await session.get_one(Contact, (ACME, "003ST0000000001AAA")))
    assert await known(database, ACME, ["harrow", "ann", "weber"]) == {"ann", "weber"}


async def test_imported_records_are_known_too(database: Database, tmp_path: Path) -> None:
    (tmp_path / "Contact.csv").write_text("Id,FirstName,LastName,Email\n003ST0000000009,Ida,Falk,ida@falk.example\n")
    async with database.session(ACME, write=True) as session:
        session.add(Tenant(tenant=ACME, name="Acme", sharing_defaults={}))
    await import_folder(database, ACME, tmp_path)
    assert await known(database, ACME, ["ida", "falk", "ida@falk.example"]) == {"ida", "falk", "ida@falk.example"}
    assert await known(database, GLOBEX, ["ida", "falk"]) == set()


async def test_a_change_that_is_rolled_back_leaves_no_key(database: Database) -> None:
    async def break_off() -> None:
        async with database.session(ACME, write=True) as session:
            session.add(contact(1, "Ann", "Poe"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    assert await known(database, ACME, ["ann", "poe"]) == set()


def test_the_migration_fills_the_index_from_what_is_there(seeded_config: DatabaseConfig) -> None:
    migration = importlib.import_module("crm.migrations.versions.0010_gateway")
    counted = text("SELECT tenant, kind, count(*) FROM personal_value GROUP BY tenant, kind ORDER BY tenant, kind")
    with connect_as_owner(seeded_config) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE personal_value NO FORCE ROW LEVEL SECURITY"))
        before = connection.execute(counted).all()
        assert len({tenant for tenant, _, _ in before}) == 2
        connection.execute(text("DELETE FROM personal_value"))
        migration.fill_index(connection)
        assert connection.execute(counted).all() == before


@pytest.mark.parametrize(
    ("kind", "value", "keys"),
    [
        pytest.param(Kind.TEXT, "Jean-Luc O'Brien", {"jean", "luc", "brien"}, id="parts-of-a-name"),
        pytest.param(Kind.TEXT, "JOSÉ", {"josé"}, id="case"),
        pytest.param(Kind.TEXT, "Jose\u0301", {"josé"}, id="composed"),
        pytest.param(Kind.TEXT, "राम शर्मा", {"राम", "शर्मा"}, id="marks-stay-with-their-letters"),
        pytest.param(Kind.TEXT, "X 7", set(), id="neither-letters-nor-numbers-alone"),
        pytest.param(Kind.PHONE, "555", set(), id="too-short"),
        pytest.param(Kind.PHONE, "(617) 555-0101 ext. 12", {"6175550101"}, id="extension"),
        pytest.param(Kind.TEXT, "dana@northwind.example", {"dana@northwind.example"}, id="login-name"),
        pytest.param(Kind.TEXT, "visitor-012345", {"visitor-012345"}, id="a-code-is-one-value"),
    ],
)
def test_keys(kind: Kind, value: str, keys: set[str]) -> None:
    assert {key for key, _ in keys_of(kind, value)} == keys


def test_an_essay_in_a_name_does_not_fill_the_index() -> None:
    assert len(keys_of(Kind.TEXT, " ".join(f"word{n}x" for n in range(200)))) == 12
    assert word_key("a") is None
