"""Labels of stored values: by what was kept when they were written, else by the field and the record's source."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from crm.connector import Change
from crm.database import TenantSession
from crm.fields import FieldSpec, Kind, to_json
from crm.provenance import ALL_FIELDS, FieldProvenance, RecordOrigin, provenance_values
from crm.repositories import provenance as rows
from crm.schema import OBJECT_INFO
from trust.labels import NOTHING, Integrity, Label, join_all

OUTSIDE = "outside"
"""The writer of text that came from somewhere outside the tenant."""
CONFIRMED = "confirmed"
"""The source of a value that staff vouch for."""
_TEXT = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL})


def is_text(spec: FieldSpec) -> bool:
    """Whether the field takes words: those of a list of values are the service's own."""
    return spec.kind in _TEXT or (spec.kind is Kind.PICKLIST and not spec.values)


def label_of(origin: RecordOrigin, field: str) -> Label:
    """The label of one field's present value. A field that the record does not have is as bad as its worst text."""
    spec = OBJECT_INFO[origin.object_name].fields.get(field)
    if spec is None:
        return label_of_record(origin)
    where = f"{origin.object_name} {origin.record_id}.{field}"
    kept = origin.kept(field) if is_text(spec) else origin.fields.get(field)
    if kept is not None:
        return _kept_label(kept, origin, where)
    if not is_text(spec):
        return Label(Integrity.SYSTEM, frozenset(), origin.readers, where)
    if spec.external_text and origin.is_from_outside:
        return Label(Integrity.EXTERNAL, frozenset({OUTSIDE}), origin.readers, where)
    writers = frozenset({origin.created_by}) if origin.created_by else frozenset()
    return Label(Integrity.CRM_VERIFIED, writers, origin.readers, where)


def label_of_record(origin: RecordOrigin) -> Label:
    """The label of a text made of the record as a whole, such as an excerpt."""
    fields = OBJECT_INFO[origin.object_name].fields
    whole = join_all(label_of(origin, field) for field, spec in fields.items() if is_text(spec))
    return Label(whole.integrity, whole.writers, whole.readers, f"{origin.object_name} {origin.record_id}")


def label_of_name(origin: RecordOrigin) -> Label:
    """The label of what people call the record."""
    info = OBJECT_INFO[origin.object_name]
    return join_all(label_of(origin, field) for field in info.name_fields)


def unknown_label(where: str) -> Label:
    """For a value whose record is not to be found: trusted by nobody, shown to nobody outside."""
    return Label(Integrity.EXTERNAL, frozenset({OUTSIDE}), frozenset(), where)


def _kept_label(kept: FieldProvenance, origin: RecordOrigin, where: str) -> Label:
    readers = origin.readers if kept.readers is None else frozenset(kept.readers)
    return Label(Integrity[kept.integrity.upper()], frozenset(kept.writers), readers, f"{where} ({kept.source})")


async def keep_labels(
    session: TenantSession, change: Change, version: int, labels: dict[str, Label], *, at: datetime
) -> None:
    """Write down where the new values of a change come from, in the transaction that writes them.

    What the caller said is kept as entered by staff; a customer's words, which `labels` calls EXTERNAL, as such.
    Of what the service made by itself nothing is kept, unless it replaces something of which there was.
    """
    specs = OBJECT_INFO[change.object_name].fields
    known = (await rows.load_origins(session, [change.record_id])).get(change.record_id)
    for field in change.fields:
        label = labels.get(field.field, NOTHING)
        integrity = min(label.integrity, Integrity.CRM_VERIFIED) if is_text(specs[field.field]) else label.integrity
        is_known = known is not None and (field.field in known.fields or ALL_FIELDS in known.fields)
        if integrity is Integrity.SYSTEM and not is_known:
            continue
        values = provenance_values(
            integrity.word,
            writers=sorted(label.writers),
            readers=None if label.readers is None else sorted(label.readers),
            source=label.origin or "the service",
            version=version,
            at=at,
        )
        await rows.keep(session, change.record_id, field.field, values)


async def confirm(session: TenantSession, change: Change, version: int, by: frozenset[str], *, at: datetime) -> None:
    """Raise fields to what staff vouch for: `by` are those who confirmed their present values."""
    for field in change.fields:
        values = provenance_values(
            Integrity.CRM_VERIFIED.word, writers=sorted(by), readers=None, source=CONFIRMED, version=version, at=at
        )
        await rows.keep(session, change.record_id, field.field, values)


Sources = dict[str, Any]
"""By field, what was kept about the value that stood there, as JSON; None where nothing was."""


async def read_sources(session: TenantSession, change: Change) -> Sources:
    """What is kept about the values that a change is about to replace, for the ledger."""
    if change.operation not in ("update", "confirm", "unconfirm"):
        return {}
    fields = [one.field for one in change.fields]
    kept = await rows.list_kept(session, change.record_id, fields)
    return {field: _source_to_json(kept.get(field)) for field in fields}


def _source_to_json(kept: FieldProvenance | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    return {
        "integrity": kept.integrity,
        "writers": list(kept.writers),
        "readers": None if kept.readers is None else list(kept.readers),
        "source": kept.source,
        "at": to_json(kept.at),
    }


async def restore_sources(
    session: TenantSession, change: Change, version: int, sources: Sources | None, *, at: datetime
) -> None:
    """Keep about restored values what was kept about them before. Where the ledger does not tell, they count as bad."""
    if change.operation not in ("update", "confirm", "unconfirm"):
        return
    for one in change.fields:
        values = source_values(sources, one.field, version=version, at=at)
        if values is None:
            await rows.forget_field(session, change.record_id, one.field)
        else:
            await rows.keep(session, change.record_id, one.field, values)


def source_values(sources: Sources | None, field: str, *, version: int, at: datetime) -> dict[str, Any] | None:
    """The columns of what is kept about a restored value; None if nothing was."""
    if sources is None or field not in sources:
        return provenance_values(
            Integrity.EXTERNAL.word,
            writers=[OUTSIDE],
            readers=None,
            source="restored; where it had come from was not kept",
            version=version,
            at=at,
        )
    kept = sources[field]
    if kept is None:
        return None
    return {**kept, "at": datetime.fromisoformat(kept["at"]), "version": version}


def label_of_restored(origin: RecordOrigin, field: str, sources: Sources | None, *, at: datetime) -> Label:
    """The label that a field will have once its former value stands there again."""
    values = source_values(sources, field, version=0, at=at)
    others = {name: kept for name, kept in origin.fields.items() if name != field}
    if values is not None:
        others[field] = FieldProvenance(record_id=origin.record_id, field=field, **values)
    return label_of(replace(origin, fields=others), field)
