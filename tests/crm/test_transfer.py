"""Import and export: the same bytes back, everything or nothing, and every fault named."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId, new_id, numbered_id
from crm.records import OBJECTS, Account, Case, Contact, Opportunity, OpportunityLineItem, Order
from crm.repositories.provenance import load_origins
from crm.seed import create_tenant, seed
from crm.transfer import Progress, TenantMissingError, TransferError, export_folder, import_folder
from crm.transfer import importing as importing_module
from crm.transfer.files import write_order
from crm.transfer.form import format_cell
from tests.conftest import Templates
from trust.provenance import label_of

NORTHWIND, SOUTHRIDGE = TenantId("northwind"), TenantId("southridge")
ACCOUNT, CONTACT, USER = (numbered_id(prefix, 1) for prefix in ("001", "003", "005"))
Write = Callable[..., Path]


async def _empty_tenants(database: Database) -> None:
    await create_tenant(database, NORTHWIND, "Northwind Instruments")
    await create_tenant(database, SOUTHRIDGE, "Southridge Supply")


async def _small_seed(database: Database) -> None:
    await seed(database, factor=0.1)


@pytest.fixture
def empty_config(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("empty_tenants", _empty_tenants)
    with templates.copied("empty_tenants") as config:
        yield config


@pytest.fixture
async def empty(empty_config: DatabaseConfig) -> Any:
    database = Database(empty_config)
    yield database
    await database.close()


@pytest.fixture
def seeded_config(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("seeded_small", _small_seed)
    with templates.copied("seeded_small") as config:
        yield config


@pytest.fixture
async def seeded(seeded_config: DatabaseConfig) -> Any:
    database = Database(seeded_config)
    yield database
    await database.close()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a folder of files; rows are tuples or one string in the form of the file."""
    folder = tmp_path / "in"
    folder.mkdir()

    def write_files(**files: str | bytes) -> Path:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / f"{name}.csv").write_bytes(data)
        return folder

    return write_files


async def _count(database: Database, tenant: TenantId, record_type: Any) -> int:
    async with database.session(tenant) as session:
        return await session.scalar(select(func.count()).select_from(record_type)) or 0


async def _all(database: Database, tenant: TenantId, record_type: Any) -> list[Any]:
    async with database.session(tenant) as session:
        return list(await session.scalars(select(record_type).order_by(record_type.Id)))


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestRoundTrip:
    async def test_export_import_export_gives_the_same_bytes(
        self, seeded: Database, empty: Database, tmp_path: Path
    ) -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        exported = await export_folder(seeded, NORTHWIND, first)
        imported = await import_folder(empty, NORTHWIND, first)
        assert imported.problems == ()
        assert imported.rows == exported.rows
        assert await export_folder(empty, NORTHWIND, second)
        assert _bytes(first) == _bytes(second)
        assert set(_bytes(first)) == {f"{name}.csv" for name in OBJECTS if name != "PolicyChange__c"}

    async def test_a_tenant_exports_its_own_records_only(self, seeded: Database, tmp_path: Path) -> None:
        await export_folder(seeded, SOUTHRIDGE, tmp_path / "out")
        content = b"".join(_bytes(tmp_path / "out").values())
        assert b"southridge.example" in content
        assert b"northwind.example" not in content

    async def test_one_tenants_records_can_be_imported_beside_another_with_the_same_ids(
        self, seeded: Database, empty: Database, tmp_path: Path
    ) -> None:
        for tenant in (NORTHWIND, SOUTHRIDGE):
            await export_folder(seeded, tenant, tmp_path / tenant)
            assert (await import_folder(empty, tenant, tmp_path / tenant)).is_written
        for tenant in (NORTHWIND, SOUTHRIDGE):
            await export_folder(empty, tenant, tmp_path / f"{tenant}-again")
            assert _bytes(tmp_path / tenant) == _bytes(tmp_path / f"{tenant}-again")

    async def test_awkward_texts_survive(self, empty: Database, write: Write, tmp_path: Path) -> None:
        texts = [
            '=cmd|" /C calc"!A0',
            "+1",
            "@SUM(A1)",
            "line one\nline two",
            "carriage\r\nreturn",
            "lone\rreturn",
            'say "hi", twice',
            "  spaces  ",
            "日本語 ü 🙂",
            "\ufeffmark",
        ]
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(["Id", "Name", "Description"])
        for number, text in enumerate(texts, 1):
            writer.writerow([numbered_id("001", number), "n", text])
        report = await import_folder(empty, NORTHWIND, write(Account=buffer.getvalue()))
        assert report.problems == ()
        assert [row.Description for row in await _all(empty, NORTHWIND, Account)] == texts
        await export_folder(empty, NORTHWIND, tmp_path / "out")
        with (tmp_path / "out" / "Account.csv").open(newline="", encoding="utf-8") as file:
            assert [row["Description"] for row in csv.DictReader(file)] == texts


class TestImport:
    async def test_values_are_typed_and_missing_system_fields_are_filled(self, empty: Database, write: Write) -> None:
        folder = write(
            Account=f"\ufeffId,Name,AnnualRevenue,NumberOfEmployees,IsDeleted,CreatedDate\n"
            f"{ACCOUNT[:15]},Acme,1.5E6,12,0,2024-05-01 10:00:00\n",
            Contact=f"Id,AccountId,LastName,HasOptedOutOfEmail,CreatedDate\n{CONTACT},{ACCOUNT[:15]},Poe,1,"
            "2024-05-01T12:00:00.000+0200\n",
            Opportunity=f"Id,Name,AccountId,StageName,CloseDate\n{numbered_id('006', 1)},Deal,{ACCOUNT},closed,"
            "2024-06-30\n",
            OpportunityLineItem=f"Id,OpportunityId,Quantity,UnitPrice,Discount\n{numbered_id('00k', 1)},"
            f"{numbered_id('006', 1)},3,10.50,10\n",
        )
        before = datetime.now(UTC).replace(microsecond=0)
        report = await import_folder(empty, NORTHWIND, folder)
        assert report.problems == ()
        [account] = await _all(empty, NORTHWIND, Account)
        [contact] = await _all(empty, NORTHWIND, Contact)
        [deal] = await _all(empty, NORTHWIND, Opportunity)
        [line] = await _all(empty, NORTHWIND, OpportunityLineItem)
        assert (account.Id, account.AnnualRevenue, account.NumberOfEmployees) == (ACCOUNT, Decimal(1_500_000), 12)
        assert account.CreatedDate == contact.CreatedDate == datetime(2024, 5, 1, 10, tzinfo=UTC)
        assert before <= account.LastModifiedDate == account.SystemModstamp <= datetime.now(UTC)
        assert (contact.AccountId, contact.HasOptedOutOfEmail) == (ACCOUNT, True)
        assert (deal.StageName, deal.IsClosed, deal.CloseDate) == ("Closed", True, date(2024, 6, 30))
        assert line.TotalPrice == Decimal("28.35")
        assert account.version == 1
        assert await _count(empty, SOUTHRIDGE, Account) == 0

    async def test_running_numbers_go_on_after_the_highest(self, seeded: Database, write: Write) -> None:
        async with seeded.session(NORTHWIND) as session:
            highest = int(await session.scalar(select(func.max(Case.CaseNumber))) or 0)
        account, first = new_id("001"), [new_id("500") for _ in range(4)]
        folder = write(
            Account=f"Id,Name\n{account},Late\n",
            Case="Id,CaseNumber,Subject,Status,ClosedDate\n"
            f"{first[0]},,a,New,\n{first[1]},{highest + 5:08d},b,Closed,\n"
            f"{first[2]},,c,Closed,2024-01-02T00:00:00Z\n{first[3]},X-7,d,New,2024-01-02T00:00:00Z\n",
            Order=f"Id,AccountId\n{new_id('801')},{account}\n",
        )
        report = await import_folder(seeded, NORTHWIND, folder)
        assert report.problems == ()
        cases = {row.Subject: row for row in await _all(seeded, NORTHWIND, Case) if row.Id in first}
        assert cases["a"].CaseNumber == f"{highest + 6:08d}"
        assert cases["c"].CaseNumber == f"{highest + 7:08d}"
        assert (cases["b"].IsClosed, cases["b"].ClosedDate is None) == (True, False)
        assert cases["c"].ClosedDate == datetime(2024, 1, 2, tzinfo=UTC)
        assert cases["d"].ClosedDate is None
        assert all(row.OrderNumber for row in await _all(seeded, NORTHWIND, Order))

    async def test_every_fault_is_reported_with_its_place_and_nothing_is_written(
        self, seeded: Database, write: Write
    ) -> None:
        good, other = new_id("001"), new_id("001")
        folder = write(
            Account="Id,Name,Industry,NumberOfEmployees,CreatedDate,Colour\n"
            f"{good},Fine,,,,\n"
            f'{other},"two\nlines",,many,,\n'
            f"{good[:-1]}x,Bad checksum,,,,\n"
            f"{CONTACT},Wrong prefix,,,,\n"
            f"{good},Twice,,,,\n"
            f"{ACCOUNT},Exists,,,,\n"
            f"{new_id('001')},,,,yesterday,\n"
            f"{new_id('001')},{'n' * 256},,,,\n"
            f"{new_id('001')},Short\n",
            Case="Id,Subject,Status,AccountId,ContactId,CaseNumber\n"
            f"{new_id('500')},s,Frozen,{other},,\n"
            f"{new_id('500')},s,New,{new_id('001')},{CONTACT},\n"
            f"{new_id('500')},s,New,{CONTACT},,\n"
            f"{new_id('500')},s,New,,,00001001\n"
            f"{new_id('500')},s,New,,,7\n"
            f"{new_id('500')},s,New,,,7\n",
            Gadget="Id\n1\n",
        )
        before = {name: await _count(seeded, NORTHWIND, kind) for name, kind in OBJECTS.items()}
        report = await import_folder(seeded, NORTHWIND, folder)
        found = {(p.file, p.line, p.field) for p in report.problems}
        assert found == {
            ("Account.csv", 1, "Colour"),
            ("Account.csv", 3, "NumberOfEmployees"),
            ("Account.csv", 5, "Id"),
            ("Account.csv", 6, "Id"),
            ("Account.csv", 7, "Id"),
            ("Account.csv", 8, "Id"),
            ("Account.csv", 9, "Name"),
            ("Account.csv", 9, "CreatedDate"),
            ("Account.csv", 10, "Name"),
            ("Account.csv", 11, ""),
            ("Case.csv", 2, "Status"),
            ("Case.csv", 4, "AccountId"),
            ("Case.csv", 5, "CaseNumber"),
            ("Case.csv", 7, "CaseNumber"),
            ("Gadget.csv", 0, ""),
        }
        assert not report.is_written
        assert report.problem_count == len(report.problems)
        assert str(report.problems[1]).startswith("Account.csv:3: NumberOfEmployees: expected")
        assert {name: await _count(seeded, NORTHWIND, kind) for name, kind in OBJECTS.items()} == before

    async def test_a_reference_must_lead_to_the_files_or_to_the_same_tenant(
        self, seeded: Database, empty: Database, write: Write
    ) -> None:
        known = numbered_id("001", 3)
        folder = write(
            Contact=f"Id,LastName,AccountId\n{new_id('003')},Poe,{known}\n{new_id('003')},Poe,{new_id('001')}\n"
        )
        report = await import_folder(seeded, NORTHWIND, folder)
        assert [(p.line, p.field) for p in report.problems] == [(3, "AccountId")]
        assert "neither in the files nor in the database" in report.problems[0].reason

    async def test_another_tenants_record_is_no_target_and_no_obstacle(self, empty: Database, write: Write) -> None:
        accounts = write(Account=f"Id,Name\n{ACCOUNT},Acme Industries\n")
        assert (await import_folder(empty, SOUTHRIDGE, accounts)).is_written
        (accounts / "Account.csv").unlink()
        contacts = write(Contact=f"Id,LastName,AccountId\n{CONTACT},Poe,{ACCOUNT}\n")
        report = await import_folder(empty, NORTHWIND, contacts)
        assert [(p.file, p.line, p.field) for p in report.problems] == [("Contact.csv", 2, "AccountId")]
        both = write(Account=f"Id,Name\n{ACCOUNT},Acme Industries\n")
        assert (await import_folder(empty, NORTHWIND, both)).is_written
        assert await _count(empty, SOUTHRIDGE, Contact) == 0

    async def test_circles_and_references_to_later_lines_are_fine(self, empty: Database, write: Write) -> None:
        folder = write(
            User=f"Id,Username,LastName,ManagerId,OwnerId\n{USER},a@x.example,A,{numbered_id('005', 2)},{USER}\n"
            f"{numbered_id('005', 2)},b@x.example,B,{USER},{USER}\n",
            Account=f"Id,Name,ParentId\n{ACCOUNT},Child,{numbered_id('001', 2)}\n{numbered_id('001', 2)},Parent,\n",
        )
        assert (await import_folder(empty, NORTHWIND, folder)).problems == ()

    async def test_unknown_columns_and_files_are_skipped_on_request(self, empty: Database, write: Write) -> None:
        folder = write(Account=f"Id,Colour,Name\n{ACCOUNT},red,Acme\n", Gadget="Id\n1\n")
        assert not (await import_folder(empty, NORTHWIND, folder)).is_written
        report = await import_folder(empty, NORTHWIND, folder, ignore_unknown=True)
        assert report.is_written
        assert set(report.ignored) == {"Account.csv:Colour", "Gadget.csv"}
        assert [row.Name for row in await _all(empty, NORTHWIND, Account)] == ["Acme"]

    @pytest.mark.parametrize(
        ("content", "line", "reason"),
        [
            pytest.param(b"", 1, "no header", id="empty file"),
            pytest.param(b"Id,Name,Name\n", 1, "twice", id="column twice"),
            pytest.param(b"Name\nAcme\n", 1, "required", id="no id"),
            pytest.param(f"Id,Name\n{ACCOUNT},\xfc\n".encode("latin-1"), 2, "UTF-8", id="latin-1"),
            pytest.param(f'Id,Name\n{ACCOUNT},"open\n'.encode(), 2, "cannot be read as CSV", id="open quote"),
            pytest.param(f'Id,Name\n{ACCOUNT},"a"b\n'.encode(), 2, "cannot be read as CSV", id="stray quote"),
            pytest.param(f"Id,Name\n{ACCOUNT},a\x00b\n".encode(), 2, "NUL", id="nul"),
        ],
    )
    async def test_a_broken_file_is_reported(
        self, empty: Database, write: Write, content: bytes, line: int, reason: str
    ) -> None:
        folder = write(Account=content, Contact=f"Id,LastName,AccountId\n{CONTACT},Poe,{ACCOUNT}\n")
        report = await import_folder(empty, NORTHWIND, folder)
        assert [p.file for p in report.problems] == ["Account.csv"]
        assert report.problems[0].line == line
        assert reason in report.problems[0].reason
        assert await _count(empty, NORTHWIND, Contact) == 0

    async def test_problems_are_counted_beyond_those_that_are_kept(self, empty: Database, write: Write) -> None:
        rows = "".join(f"{numbered_id('001', n)},x,many\n" for n in range(1, 1501))
        report = await import_folder(empty, NORTHWIND, write(Account=f"Id,Name,NumberOfEmployees\n{rows}"))
        assert (len(report.problems), report.problem_count) == (1000, 1500)

    async def test_a_missing_tenant_or_folder_is_said(self, database: Database, write: Write, tmp_path: Path) -> None:
        folder = write(Account=f"Id,Name\n{ACCOUNT},Acme\n")
        with pytest.raises(TenantMissingError, match="create it first"):
            await import_folder(database, NORTHWIND, folder)
        await create_tenant(database, NORTHWIND, "Northwind Instruments")
        (tmp_path / "bare").mkdir()
        with pytest.raises(TransferError, match=r"no \.csv files"):
            await import_folder(database, NORTHWIND, tmp_path / "bare")
        with pytest.raises(TransferError, match="is not a folder"):
            await import_folder(database, NORTHWIND, tmp_path / "nowhere")

    async def test_a_crash_half_way_leaves_nothing(self, empty: Database, write: Write) -> None:
        rows = "".join(f"{numbered_id('001', n)},Company {n}\n" for n in range(1, 2501))
        folder = write(Account=f"Id,Name\n{rows}")

        def crash(progress: Progress) -> None:
            if progress.step == "write" and progress.rows_done >= 2000:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await import_folder(empty, NORTHWIND, folder, on_progress=crash)
        assert await _count(empty, NORTHWIND, Account) == 0
        assert (await import_folder(empty, NORTHWIND, folder)).is_written
        assert await _count(empty, NORTHWIND, Account) == 2500

    async def test_a_record_that_appears_between_check_and_write_stops_the_import(
        self, empty: Database, write: Write, tmp_path: Path
    ) -> None:
        folder = write(Account=f"Id,Name\n{ACCOUNT},Acme\n{numbered_id('001', 2)},Other\n")

        def edit(progress: Progress) -> None:
            if progress.step == "check":
                write(Account=f"Id,Name\n{ACCOUNT},Acme\n{ACCOUNT},Acme\n")

        with pytest.raises(TransferError, match="nothing was written"):
            await import_folder(empty, NORTHWIND, folder, on_progress=edit)
        assert await _count(empty, NORTHWIND, Account) == 0

    async def test_progress_is_told_step_by_step(self, empty: Database, write: Write) -> None:
        rows = "".join(f"{numbered_id('001', n)},Company {n}\n" for n in range(1, 1201))
        told: list[Progress] = []
        await import_folder(empty, NORTHWIND, write(Account=f"Id,Name\n{rows}"), on_progress=told.append)
        assert told == [
            Progress("check", "Account", 1000),
            Progress("check", "Account", 1200, 1200),
            Progress("write", "Account", 1000, 1200),
            Progress("write", "Account", 1200, 1200),
        ]


class TestExport:
    async def test_a_folder_in_use_is_refused(self, seeded: Database, tmp_path: Path) -> None:
        (tmp_path / "old").mkdir()
        (tmp_path / "old" / "note.txt").write_text("mine")
        with pytest.raises(TransferError, match="not empty"):
            await export_folder(seeded, NORTHWIND, tmp_path / "old")
        (tmp_path / "new").mkdir()
        report = await export_folder(seeded, NORTHWIND, tmp_path / "new")
        assert report.rows["Account"] == await _count(seeded, NORTHWIND, Account)
        assert _names(tmp_path) == ["new", "old"]

    async def test_a_failure_leaves_no_folder(self, seeded: Database, tmp_path: Path) -> None:
        with pytest.raises(TransferError, match="does not exist"):
            await export_folder(seeded, TenantId("eastgate"), tmp_path / "out")
        assert _names(tmp_path) == []

    async def test_records_in_the_bin_go_along(self, seeded: Database, tmp_path: Path) -> None:
        async with seeded.session(NORTHWIND, write=True) as session:
            account = await session.scalar(select(Account).where(Account.Name == "Umbra Coatings"))
            assert account is not None
            account.IsDeleted = True
        report = await export_folder(seeded, NORTHWIND, tmp_path / "out")
        assert report.rows["Account"] == await _count(seeded, NORTHWIND, Account) + 1


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.5"), "-0.5"),
        (date(2026, 11, 2), "2026-11-02"),
        (datetime(2026, 11, 2, 8, tzinfo=UTC), "2026-11-02T08:00:00.000Z"),
        (datetime(2026, 11, 2, 8, 0, 0, 1, tzinfo=UTC), "2026-11-02T08:00:00.000001Z"),
    ],
    ids=str,
)
def test_cells_are_plain(value: Any, cell: str) -> None:
    assert format_cell(value) == cell


def test_parents_are_written_before_their_children() -> None:
    order = write_order()
    assert sorted(order) == sorted(OBJECTS)
    for child, parent in (("Contact", "Account"), ("OrderItem", "Order"), ("CaseComment", "Case"), ("Account", "User")):
        assert order.index(parent) < order.index(child)


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_file(
    empty: Database, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cases(count: int) -> str:
        rows = (
            f"{numbered_id('500', n)},Subject {n},{'words ' * 20}{n},New,{ACCOUNT}\r\n" for n in range(1, count + 1)
        )
        return "Id,Subject,Description,Status,AccountId\r\n" + "".join(rows)

    peaks = {}
    sizes: list[int] = []
    make_batches = importing_module._Import._batches

    def watched(self: Any, source: Any, maker: Any) -> Iterator[list[dict[str, Any]]]:
        for batch in make_batches(self, source, maker):
            sizes.append(len(batch))
            yield batch

    monkeypatch.setattr(importing_module._Import, "_batches", watched)
    write(Account=f"Id,Name\n{ACCOUNT},Acme\n")
    for tenant, count in ((SOUTHRIDGE, 2_000), (NORTHWIND, 8_000)):
        folder = write(Case=cases(count))
        tracemalloc.start()
        report = await import_folder(empty, tenant, folder)
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.is_written
        assert await _count(empty, tenant, Case) == count
    assert max(sizes) <= 1000
    assert peaks[8_000] < peaks[2_000] + 500_000  # the text of the rows between is twice that


async def test_an_import_may_declare_who_wrote_its_texts(empty: Database, write: Write) -> None:
    lead = numbered_id("00Q", 1)
    folder = write(
        Account=f"Id,Name\n{ACCOUNT},Acme\n",
        Lead=f"Id,LastName,Company\n{lead},Poe,Acme\n",
    )
    for tenant, written_by, expected in ((NORTHWIND, "outside", "external"), (SOUTHRIDGE, "staff", "crm_verified")):
        assert (await import_folder(empty, tenant, folder, written_by=written_by)).is_written  # type: ignore[arg-type]
        async with empty.session(tenant) as session:
            origins = await load_origins(session, [ACCOUNT, lead])
        assert label_of(origins[ACCOUNT], "Name").integrity.word == expected
        assert label_of(origins[lead], "Company").integrity.word == expected
        assert label_of(origins[lead], "Status").integrity.word == "system"
