"""Keeps the index of personal values in step with the records that a session writes."""

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import Table, delete, insert
from sqlalchemy import inspect as state_of
from sqlalchemy.orm import Session

from crm.base import Record
from crm.personal import PERSONAL, PersonalValue, rows_of

INDEX = cast("Table", PersonalValue.__table__)


def keep_index(session: Session) -> None:
    """Bring the index in line with what a flush has just written."""
    stale = [record for record in session.deleted if _is_indexed(record)]
    fresh = [record for record in session.new if _is_indexed(record)]
    changed = [record for record in session.dirty if _is_indexed(record) and _moved(record)]
    for record in (*stale, *changed):
        _forget(session, record)
    rows = [row for record in (*fresh, *changed) for row in rows_of(record.object_name, _values(record))]
    if rows:
        session.connection().execute(insert(INDEX), rows)


def _is_indexed(row: object) -> bool:
    return isinstance(row, Record) and row.object_name in PERSONAL


def _moved(record: Record) -> bool:
    attributes = state_of(record).attrs
    return any(attributes[field].history.has_changes() for field in PERSONAL[record.object_name])


def _forget(session: Session, record: Record) -> None:
    session.connection().execute(
        delete(INDEX).where(
            INDEX.c.tenant == record.tenant, INDEX.c.object_name == record.object_name, INDEX.c.record_id == record.Id
        )
    )


def _values(record: Record) -> dict[str, Any]:
    fields: Iterable[str] = PERSONAL[record.object_name]
    return {"tenant": record.tenant, "Id": record.Id} | {field: getattr(record, field) for field in fields}
