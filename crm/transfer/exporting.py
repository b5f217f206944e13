"""Writes a tenant's records as a folder of CSV files that can be imported again."""

import csv
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from sqlalchemy import Select, collate, select

from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.rights import Tenant
from crm.schema import OBJECT_INFO, ObjectInfo
from crm.transfer.form import format_cell
from crm.transfer.importing import CHECKED, table_of
from crm.transfer.report import ExportReport, TransferError

PAGE_ROWS = 1000


async def export_folder(database: Database, tenant: TenantId, folder: Path) -> ExportReport:
    """Write one file per object that has records, those in the bin included, ordered by id.

    The folder appears complete or not at all, and only its owner may read it. Texts are written as they are: see
    `crm.transfer.form` on formulas. PostgreSQL gives each file its own moment in time, so export while nobody writes.

    Raises:
        TransferError: the folder exists and is not empty, or the tenant does not exist.
    """
    rows: dict[str, int] = {}
    with _Unfinished(folder) as unfinished:
        async with database.session(tenant) as session:
            if await session.get(Tenant, tenant) is None:
                raise TransferError(f"tenant {tenant!r} does not exist")
            for name, info in sorted(OBJECT_INFO.items()):
                query = _all_rows(info, tenant, dialect=database.dialect)
                rows[name] = await _write_file(session, query, unfinished.path / f"{name}.csv")
    return ExportReport(folder, {name: count for name, count in rows.items() if count})


class _Unfinished:
    """A folder beside the wanted one that takes its place at the end, or vanishes."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise TransferError(f"{str(folder)!r} is not empty: export into a new folder")
        self._folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))

    def __enter__(self) -> "_Unfinished":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None:
                self.path.replace(self._folder)
        finally:
            shutil.rmtree(self.path, ignore_errors=True)


def _all_rows(info: ObjectInfo, tenant: TenantId, *, dialect: str) -> Select[Any]:
    """All fields of all records in the order of the id's bytes, which is not how PostgreSQL sorts by itself."""
    table = table_of(info)
    by_id = collate(table.c.Id, "C") if dialect == "postgresql" else table.c.Id
    return select(*(table.c[name] for name in info.fields)).where(table.c.tenant == tenant).order_by(by_id)


async def _write_file(session: TenantSession, query: Select[Any], path: Path) -> int:
    """The number of records written; there is no file if there are none."""
    result = await session.stream(query, execution_options={**CHECKED, "yield_per": PAGE_ROWS})
    count = 0
    file: TextIO | None = None
    try:
        async for page in result.partitions(PAGE_ROWS):
            if file is None:
                file = _create(path)
                _append(file, [list(result.keys())])
            _append(file, ([format_cell(value) for value in row] for row in page))
            count += len(page)
    finally:
        if file is not None:
            file.close()
    return count


def _create(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")


def _append(file: TextIO, rows: Iterable[list[str]]) -> None:
    csv.writer(file).writerows(rows)
