"""Imports a folder of CSV files into a tenant: all of it, or nothing and a list of what is wrong."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Table, UniqueConstraint, func, insert, select
from sqlalchemy.exc import IntegrityError

from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.personal import rows_of
from crm.provenance import ALL_FIELDS, FieldProvenance, provenance_values
from crm.repositories.personal_index import INDEX
from crm.rights import Tenant
from crm.schema import OBJECT_INFO, ObjectInfo, object_of
from crm.transfer.files import SourceFile, data_rows, find_sources
from crm.transfer.index import FileIndex
from crm.transfer.report import (
    ImportReport,
    ProblemLog,
    Progress,
    TenantMissingError,
    TransferError,
)
from crm.transfer.rows import NUMBERED, Row, RowMaker, references_of

BATCH_ROWS = 1000
BATCH_CHARACTERS = 4_000_000
CHECKED = {"tenant_checked": "the statement names the session's own tenant"}
OnProgress = Callable[[Progress], None]
_SEPARATOR = "\x1f"


async def import_folder(
    database: Database,
    tenant: TenantId,
    folder: Path,
    *,
    on_progress: OnProgress | None = None,
    ignore_unknown: bool = False,
    written_by: Literal["staff", "outside"] | None = None,
) -> ImportReport:
    """Import every `<Object>.csv` of the folder, ids included, if all of them are free of problems.

    The files are read twice, checked first and then written in one transaction, so memory does not grow with them.
    On SQLite other writers wait until it ends, and give up after their time-out.

    `written_by` says who is behind all texts of these files: staff who vouch for them, or anybody outside. Left out,
    each field's declaration says it, as for records that are entered one by one.

    Raises:
        TenantMissingError: the tenant does not exist.
        TransferError: the folder has no files, or files or records changed between check and write.
    """
    job = _Import(database, tenant, on_progress or (lambda _: None), written_by)
    try:
        return await job.run(folder, ignore_unknown=ignore_unknown)
    finally:
        job.index.close()


class _Import:
    """One import on its way."""

    def __init__(
        self, database: Database, tenant: TenantId, on_progress: OnProgress, written_by: str | None = None
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._tell = on_progress
        self._written_by = written_by
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._log = ProblemLog()
        self._counts: Counter[str] = Counter()
        self._highest: Counter[str] = Counter()
        self.index = FileIndex()

    async def run(self, folder: Path, *, ignore_unknown: bool) -> ImportReport:
        async with self._database.session(self._tenant) as session:
            if await session.get(Tenant, self._tenant) is None:
                raise TenantMissingError(self._tenant)
        sources, ignored = find_sources(folder, self._log, ignore_unknown=ignore_unknown)
        for source in sources:
            await self._check_file(source)
        async with self._database.session(self._tenant) as session:
            await self._check_against_database(session, sources)
        if not self._log.count:
            await self._write(sources)
        return ImportReport(
            rows={source.info.name: self._counts[source.info.name] for source in sources},
            problems=tuple(sorted(self._log.kept)),
            problem_count=self._log.count,
            ignored=tuple(ignored),
        )

    async def _check_file(self, source: SourceFile) -> None:
        maker = RowMaker(source, self._tenant, now=self._now)
        info, name = source.info, source.info.name
        rules = unique_rules(info)
        for line, cells in data_rows(source, self._log):
            self._counts[name] += 1
            row = maker.make(line, cells, self._log)
            self._note_id(source, line, maker.id_of(cells))
            if row is not None:
                self._note(source, line, row, rules)
            if self._counts[name] % BATCH_ROWS == 0:
                self._tell(Progress("check", name, self._counts[name]))
                await asyncio.sleep(0)
        self._tell(Progress("check", name, self._counts[name], self._counts[name]))

    def _note_id(self, source: SourceFile, line: int, record_id: str | None) -> None:
        earlier = self.index.add_id(record_id, source.name, line) if record_id else None
        if earlier is not None:
            self._log.add(source.name, line, "Id", f"the same id is on line {earlier}")

    def _note(self, source: SourceFile, line: int, row: Row, rules: dict[str, list[str]]) -> None:
        file, info = source.name, source.info
        for rule, fields in rules.items():
            value = unique_value(row, fields)
            earlier = self.index.add_unique(rule, value, file, line) if value else None
            if earlier is not None:
                self._log.add(file, line, fields[0], f"the same value is on line {earlier}")
        self.index.want((record_id, field, file, line) for field, record_id in references_of(info, row))
        if info.name in NUMBERED:
            self._highest[info.name] = max(self._highest[info.name], as_number(row[NUMBERED[info.name][0]]))

    async def _check_against_database(self, session: TenantSession, sources: list[SourceFile]) -> None:
        for source in sources:
            table = table_of(source.info)
            if not await self._has_rows(session, table):
                continue
            for page in self.index.ids(source.info.prefix):
                known = await self._known_ids(session, table, [record_id for record_id, _, _ in page])
                for record_id, file, line in page:
                    if record_id in known:
                        self._log.add(file, line, "Id", "a record with this id exists already")
            await self._check_unique(session, source, table)
        for ids in self.index.unresolved():
            for name, wanted in by_object(ids).items():
                self.index.resolve(await self._known_ids(session, table_of(OBJECT_INFO[name]), wanted))
        for record_id, field, file, line in self.index.dangling():
            if f"{object_of(record_id)}.csv" in self._log.unread:
                continue
            self._log.add(file, line, field, f"{record_id} is neither in the files nor in the database")

    async def _check_unique(self, session: TenantSession, source: SourceFile, table: Table) -> None:
        for rule, fields in unique_rules(source.info).items():
            for page in self.index.unique_values(rule):
                firsts = {value.split(_SEPARATOR)[0] for value, _, _ in page}
                query = select(*(table.c[field] for field in fields)).where(
                    table.c.tenant == self._tenant, table.c[fields[0]].in_(firsts)
                )
                found = await session.execute(query, execution_options=CHECKED)
                taken = {_SEPARATOR.join(map(str, values)) for values in found}
                for value, file, line in page:
                    if value in taken:
                        self._log.add(file, line, fields[0], "a record with this value exists already")

    async def _has_rows(self, session: TenantSession, table: Table) -> bool:
        query = select(table.c.Id).where(table.c.tenant == self._tenant).limit(1)
        return await session.scalar(query, execution_options=CHECKED) is not None

    async def _known_ids(self, session: TenantSession, table: Table, ids: list[str]) -> set[str]:
        query = select(table.c.Id).where(table.c.tenant == self._tenant, table.c.Id.in_(ids))
        return set(await session.scalars(query, execution_options=CHECKED))

    async def _write(self, sources: list[SourceFile]) -> None:
        try:
            async with self._database.session(self._tenant, write=True) as session:
                await session.scalar(select(Tenant.name).with_for_update())  # running numbers are given in turn
                for source in sources:
                    await self._write_file(session, source)
        except IntegrityError as error:
            raise TransferError("records changed during the import: nothing was written, try again") from error

    async def _write_file(self, session: TenantSession, source: SourceFile) -> None:
        name, table = source.info.name, table_of(source.info)
        maker = RowMaker(source, self._tenant, now=self._now)
        if name in NUMBERED:
            maker.next_number = await self._first_free_number(session, name, table)
        done = 0
        for batch in self._batches(source, maker):
            await session.execute(insert(table), batch, execution_options=CHECKED)
            if self._written_by is not None:
                notes = [self._provenance(row["Id"]) for row in batch]
                await session.execute(insert(FieldProvenance), notes, execution_options=CHECKED)
            personal = [row for record in batch for row in rows_of(name, record)]
            if personal:
                await session.execute(insert(INDEX), personal, execution_options=CHECKED)
            done += len(batch)
            self._tell(Progress("write", name, done, self._counts[name]))
        if done != self._counts[name]:
            raise TransferError(f"{source.name} changed during the import: nothing was written")

    def _provenance(self, record_id: str) -> Row:
        is_staff = self._written_by == "staff"
        return {
            "tenant": self._tenant,
            "record_id": record_id,
            "field": ALL_FIELDS,
            **provenance_values(
                "crm_verified" if is_staff else "external",
                writers=[] if is_staff else ["outside"],
                readers=None,
                source="import",
                version=1,
                at=self._now,
            ),
        }

    def _batches(self, source: SourceFile, maker: RowMaker) -> Iterator[list[Row]]:
        log = ProblemLog()
        batch: list[Row] = []
        size = 0
        for line, cells in data_rows(source, log):
            row = maker.make(line, cells, log)
            if row is None:
                raise TransferError(f"{source.name} changed during the import: nothing was written")
            batch.append(row)
            size += sum(map(len, cells))
            if len(batch) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    async def _first_free_number(self, session: TenantSession, name: str, table: Table) -> int:
        field, first = NUMBERED[name]
        column = table.c[field]
        query = select(func.max(column)).where(table.c.tenant == self._tenant, func.length(column) == 8)
        last = as_number(await session.scalar(query, execution_options=CHECKED))
        return max(last, self._highest[name], first - 1) + 1


def table_of(info: ObjectInfo) -> Table:
    """The table behind an object."""
    table = info.record_type.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{info.name} is not kept in a table")
    return table


def unique_rules(info: ObjectInfo) -> dict[str, list[str]]:
    """Rule -> the fields that must be unique together within a tenant, apart from the id."""
    constraints = (item for item in table_of(info).constraints if isinstance(item, UniqueConstraint))
    rules = [[column.name for column in item.columns if column.name != "tenant"] for item in constraints]
    return {f"{info.name}.{'+'.join(fields)}": fields for fields in sorted(rules)}


def unique_value(row: Row, fields: list[str]) -> str | None:
    """The value that must be unique; None where a part is still empty."""
    if any(row[field] is None for field in fields):
        return None
    return _SEPARATOR.join(str(row[field]) for field in fields)


def as_number(text: Any) -> int:
    """The running number behind a text of digits; 0 for anything else."""
    return int(text) if isinstance(text, str) and len(text) <= 8 and text.isascii() and text.isdigit() else 0


def by_object(ids: list[str]) -> dict[str, list[str]]:
    """Ids grouped by the object that they belong to."""
    grouped: dict[str, list[str]] = {}
    for record_id in ids:
        name = object_of(record_id)
        if name is not None:
            grouped.setdefault(name, []).append(record_id)
    return grouped
