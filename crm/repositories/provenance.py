"""Reading and keeping where values come from."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select

from crm.base import Record
from crm.database import TenantSession
from crm.provenance import ALL_FIELDS, FieldProvenance, RecordOrigin
from crm.repositories.inserting import insert_or_replace
from crm.schema import OBJECT_INFO, object_of

_PUBLIC = frozenset({"Product2", "ProductCategory", "ProductCategoryProduct"})
_ABOUT = ("ParentId", "RelatedToId", "CaseId", "OpportunityId", "OrderId", "QuoteId", "OpportunityId__c", "LeadId__c")
_ABOUT_STEPS = 2
"""A quote's line item is about the quote, which is about a company."""


async def load_origins(session: TenantSession, record_ids: Iterable[str]) -> dict[str, RecordOrigin]:
    """What is known of each record; ids that no record of the tenant has are left out.

    Whether the caller may see the records is not asked: ask only for those that they were shown.
    """
    records = await _load(session, record_ids)
    kept: dict[str, dict[str, FieldProvenance]] = {}
    if records:
        rows = await session.scalars(select(FieldProvenance).where(FieldProvenance.record_id.in_(sorted(records))))
        for row in rows:
            kept.setdefault(row.record_id, {})[row.field] = row
    around = await _load_around(session, records)
    return {
        record_id: RecordOrigin(
            object_name=record.object_name,
            record_id=record_id,
            is_from_outside=record.is_from_outside(),
            created_by=record.CreatedById,
            readers=_readers(record, around),
            fields=kept.get(record_id, {}),
        )
        for record_id, record in records.items()
    }


async def fields_from_outside(session: TenantSession, prefix: str, fields: Iterable[str]) -> set[str]:
    """Those of the fields that hold an outsider's words in some record whose id starts with `prefix`."""
    found = await session.scalars(
        select(FieldProvenance.field)
        .where(FieldProvenance.record_id.startswith(prefix), FieldProvenance.integrity == "external")
        .where(FieldProvenance.field.in_(sorted(fields)) | (FieldProvenance.field == ALL_FIELDS))
        .distinct()
    )
    outside = set(found)
    return set(fields) if ALL_FIELDS in outside else outside


async def keep(session: TenantSession, record_id: str, field: str, values: Mapping[str, Any]) -> None:
    """Write down where a field's present value comes from, in place of what was known before."""
    row = {"record_id": record_id, "field": field, **values}
    await insert_or_replace(session, FieldProvenance, row, key=("tenant", "record_id", "field"))


async def list_kept(session: TenantSession, record_id: str, fields: Iterable[str]) -> dict[str, FieldProvenance]:
    """What is kept about these fields of a record, each by itself; those of which nothing is are left out."""
    statement = select(FieldProvenance).where(
        FieldProvenance.record_id == record_id, FieldProvenance.field.in_(sorted(fields))
    )
    rows = await session.scalars(statement.execution_options(populate_existing=True))
    return {row.field: row for row in rows}


async def forget_field(session: TenantSession, record_id: str, field: str) -> None:
    """Drop what was kept about one field."""
    await session.execute(
        delete(FieldProvenance).where(FieldProvenance.record_id == record_id, FieldProvenance.field == field)
    )


async def forget(session: TenantSession, record_ids: Iterable[str]) -> None:
    """Drop what was kept: the values were replaced from somewhere else."""
    await session.execute(delete(FieldProvenance).where(FieldProvenance.record_id.in_(sorted(record_ids))))


async def _load(session: TenantSession, record_ids: Iterable[str]) -> dict[str, Record]:
    by_object: dict[str, set[str]] = {}
    for record_id in record_ids:
        name = object_of(record_id)
        if name is not None:
            by_object.setdefault(name, set()).add(record_id)
    found: dict[str, Record] = {}
    for name, ids in by_object.items():
        record_type = OBJECT_INFO[name].record_type
        found |= {one.Id: one for one in await session.scalars(select(record_type).where(record_type.Id.in_(ids)))}
    return found


async def _load_around(session: TenantSession, records: Mapping[str, Record]) -> dict[str, Record]:
    """The records, and those that they are about."""
    known = dict(records)
    newest: Mapping[str, Record] = records
    for _ in range(_ABOUT_STEPS):
        wanted = {about for one in newest.values() if not _account_of(one) for about in _about(one)} - known.keys()
        newest = await _load(session, wanted) if wanted else {}
        known |= newest
    return known


def _readers(record: Record, around: Mapping[str, Record], steps: int = _ABOUT_STEPS) -> frozenset[str] | None:
    name = record.object_name
    if name in _PUBLIC or (name == "Knowledge__kav" and _is_public_article(record)):
        return None
    if name == "Lead":
        return frozenset({f"lead:{record.Id}"})
    found = {f"account:{_account_of(record)}"} if _account_of(record) else set()
    contact = record.Id if name == "Contact" else getattr(record, "ContactId", None)
    if contact:
        found.add(f"contact:{contact}")
    if not found and steps:
        for about in _about(record):
            if about in around:
                return _readers(around[about], around, steps - 1)
    return frozenset(found)


def _account_of(record: Record) -> str | None:
    return record.Id if record.object_name == "Account" else getattr(record, "AccountId", None)


def _about(record: Record) -> list[str]:
    return [value for field in _ABOUT if (value := getattr(record, field, None))]


def _is_public_article(record: Any) -> bool:
    return record.PublishStatus == "Online" and bool(record.IsVisibleInPkb)
