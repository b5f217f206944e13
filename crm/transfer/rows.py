"""Turns the cells of a record into a complete row: typed, checked, with what the CRM fills in by itself."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from crm.errors import FieldError
from crm.fields import FieldSpec, Kind
from crm.ids import TenantId, normalise_id
from crm.schema import ObjectInfo
from crm.transfer.files import SourceFile
from crm.transfer.form import parse_cell
from crm.transfer.report import ProblemLog

Row = dict[str, Any]
NUMBERED = {"Case": ("CaseNumber", 1001), "Order": ("OrderNumber", 100), "Knowledge__kav": ("ArticleNumber", 1)}
"""Object -> the field that holds its running number, and the first number of a tenant."""


class RowMaker:
    """Makes rows of one file."""

    def __init__(self, source: SourceFile, tenant: TenantId, *, now: datetime) -> None:
        self._source = source
        self._tenant = tenant
        info = source.info
        self._fields = [(i, name, info.fields[name]) for i, name in enumerate(source.columns) if name is not None]
        self._blank, self._needed = _blank_row(info, tenant, now)
        self._now = now
        self.next_number = 0
        """The running number that the next record without one gets; 0 while rows are only checked."""

    def make(self, line: int, cells: list[str], log: ProblemLog) -> Row | None:
        """The row, or None after its problems were reported."""
        before, row = log.count, dict(self._blank)
        for position, name, spec in self._fields:
            try:
                value = self._parse(name, spec, cells[position])
            except FieldError as error:
                log.add(self._source.name, line, name, error.message)
                continue
            if value is not None:
                row[name] = value
            elif name in self._needed:
                log.add(self._source.name, line, name, "must not be empty")
        if log.count > before:
            return None
        self._complete(row)
        return row

    def id_of(self, cells: list[str]) -> str | None:
        """The id of a record that may have other faults, so that what refers to it is not reported as well."""
        return normalise_id(cells[self._source.columns.index("Id")])

    def _parse(self, name: str, spec: FieldSpec, cell: str) -> Any:
        if spec.kind is not Kind.ID:
            return parse_cell(name, spec, cell)
        record_id = normalise_id(cell)
        if record_id is None:
            raise FieldError(name, "expected a record id of 15 or 18 characters with a valid checksum")
        if record_id[:3] != self._source.info.prefix:
            raise FieldError(name, f"an id of {self._source.info.name} starts with {self._source.info.prefix!r}")
        return record_id

    def _complete(self, row: Row) -> None:
        name = self._source.info.name
        if name == "Case":
            row["IsClosed"] = row["Status"] == "Closed"
            row["ClosedDate"] = (row["ClosedDate"] or row["LastModifiedDate"]) if row["IsClosed"] else None
        elif name == "Opportunity":
            row["IsClosed"] = row["StageName"] == "Closed"
        elif "TotalPrice" in row and row["TotalPrice"] is None:
            share = (100 - (row["Discount"] or Decimal(0))) / 100
            row["TotalPrice"] = round(row["Quantity"] * row["UnitPrice"] * share, 2)
        if self.next_number and name in NUMBERED and row[NUMBERED[name][0]] is None:
            row[NUMBERED[name][0]] = f"{self.next_number:08d}"
            self.next_number += 1


def _blank_row(info: ObjectInfo, tenant: TenantId, now: datetime) -> tuple[Row, frozenset[str]]:
    """A row at its defaults, and the fields that a record must bring along."""
    blank: Row = {}
    needed = {name for name, spec in info.fields.items() if spec.is_required}
    for column in info.record_type.__table__.columns:
        spec = info.fields.get(column.name)
        value = column.default.arg if column.default is not None else None
        if value is None and not column.nullable:
            if spec is not None and spec.kind is Kind.DATETIME and spec.is_system:
                value = now
            else:
                needed.add(column.name)
        blank[column.name] = value
    blank["tenant"] = tenant
    return blank, frozenset(needed - {"tenant"})


def references_of(info: ObjectInfo, row: Row) -> Iterable[tuple[str, str]]:
    """(field, id) for every reference of the row that must lead somewhere."""
    for name, spec in info.fields.items():
        if spec.targets and row[name] is not None:
            yield name, row[name]
