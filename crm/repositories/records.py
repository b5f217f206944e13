"""The embedded CRM: the Connector over the service's own database, bound to one caller and one transaction."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from crm.access import Access
from crm.base import Record
from crm.connector import (
    Aggregate,
    Aggregation,
    Change,
    Effect,
    FieldChange,
    Group,
    Json,
    Match,
    MetricQuery,
    MetricTable,
    Page,
    Query,
    Row,
    TextMatch,
    Writing,
)
from crm.database import TenantSession
from crm.description import ObjectDescription, describe, list_objects
from crm.errors import Conflict, CrmError, CursorError, FieldError, ObjectRightError, RecordNotFoundError, StaleError
from crm.fields import NUMERIC, ORDERED, Fixed, Kind, to_json
from crm.ids import new_id, normalise_id
from crm.repositories import search
from crm.repositories.automation import complete_new, derive, history_of
from crm.repositories.conditions import Dialect, build_filters, build_group, build_sort
from crm.repositories.metrics import measure_over
from crm.repositories.semantics import load_layer
from crm.repositories.validation import draft_of, require_valid
from crm.repositories.visibility import visible_to
from crm.schema import OBJECT_INFO, object_of
from crm.semantics.model import Layer
from crm.values import parse_value

MAX_LIMIT = 200
CONVERSION = (
    "IsConverted",
    "Status",
    "ConvertedDate",
    "ConvertedAccountId",
    "ConvertedContactId",
    "ConvertedOpportunityId",
)
"""What a conversion sets in a lead."""


@dataclass(frozen=True)
class EmbeddedCrm:
    """Implements `crm.connector.Connector`. Dies with its session; holds no state of its own."""

    session: TenantSession
    access: Access
    now: datetime
    cursor_key: bytes

    # Reading

    async def describe(self, object_name: str) -> ObjectDescription:
        """Raises: ObjectRightError."""
        return describe(self.access, object_name)

    async def list_objects(self) -> list[str]:
        return list_objects(self.access)

    async def get(self, object_name: str, record_id: str, fields: Sequence[str] | None = None) -> Row:
        """Raises: RecordNotFoundError, ObjectRightError, FieldError."""
        return self._to_row(await self._load(object_name, record_id), self._select_fields(object_name, fields))

    async def query(self, query: Query) -> Page:
        """Raises: ObjectRightError, FieldError, CursorError."""
        name = query.object_name
        self.access.require("read", name)
        shown = self._select_fields(name, query.fields, long_texts=False)
        record_type = OBJECT_INFO[name].record_type
        conditions = [visible_to(self.access, record_type), *build_filters(self.access, name, query.filters)]
        order = build_sort(self.access, name, query.sort, self._dialect)
        offset = self._read_cursor(query)
        limit = max(1, min(query.limit, MAX_LIMIT))
        total = await self.session.scalar(select(func.count()).select_from(record_type).where(*conditions)) or 0
        found = await self.session.scalars(
            select(record_type).where(*conditions).order_by(*order).offset(offset).limit(limit)
        )
        records = [self._to_row(record, shown) for record in found]
        following = offset + len(records)
        return Page(
            records=records,
            total=total,
            next_cursor=self._write_cursor(query, following) if following < total and records else None,
            names=await self._names_in(name, records),
        )

    async def aggregate(self, question: Aggregate) -> Aggregation:
        """Raises: ObjectRightError, FieldError."""
        name = question.object_name
        self.access.require("read", name)
        record_type = OBJECT_INFO[name].record_type
        conditions = [visible_to(self.access, record_type), *build_filters(self.access, name, question.filters)]
        keys = [build_group(self.access, name, key, self._dialect) for key in question.group_by]
        measure = self._measure(question)
        rows = await self.session.scalar(select(func.count()).select_from(record_type).where(*conditions)) or 0
        order = [case((measure.is_(None), 1), else_=0), measure.desc() if question.descending else measure.asc()]
        order += [part for key in keys for part in (case((key.is_(None), 1), else_=0), key)]
        statement = (
            select(measure, func.count(), *keys)
            .select_from(record_type)
            .where(*conditions)
            .group_by(*keys)
            .order_by(*order)
            .limit(max(1, min(question.limit, MAX_LIMIT)))
        )
        groups = [
            Group(
                key={key: to_json(value) for key, value in zip(question.group_by, values, strict=True)},
                value=to_json(found),
                rows=count,
            )
            for found, count, *values in await self.session.execute(statement)
        ]
        return Aggregation(groups=groups, rows=rows, names=await self._names_in(name, [g.key for g in groups]))

    async def measure(self, question: MetricQuery) -> MetricTable:
        """Raises: ObjectRightError, FieldError."""
        layer = await self.semantics()
        counted = await measure_over(self.session, self.access, self._dialect, layer, question)
        ids = {value for group in counted.groups for value in group.key.values() if _is_id(value)}
        return MetricTable(
            groups=counted.groups,
            total=counted.total,
            rows=counted.rows,
            left_out=counted.left_out,
            is_cut=counted.is_cut,
            names=await self.names_of(sorted(ids)),
        )

    async def semantics(self) -> Layer:
        """What can be measured in the caller's tenant."""
        return await load_layer(self.session)

    async def find(self, text: str, objects: Sequence[str], limit: int) -> list[Match]:
        """Records whose name is like `text`, best first; objects the caller may not read are passed over."""
        matches: list[Match] = []
        for name in objects:
            if not self.access.may("read", name):
                continue
            info = OBJECT_INFO[name]
            if not all(self.access.can_read(name, field) for field in (*info.name_fields, *search.name_fields(name))):
                continue
            candidates = await search.find_by_name(self.session, self.access, name, text)
            for record, score, is_exact in candidates:
                details = {f: v for f, v in self._to_row(record, self._telling_fields(name)).items() if v is not None}
                matches.append(Match(name, record.Id, self._name(record), score, is_exact, details))
        matches.sort(key=lambda match: (-match.score, match.name, match.record_id))
        return matches[:limit]

    async def search(self, object_name: str, text: str, limit: int) -> list[TextMatch]:
        """Records whose text answers `text`, best first. Raises: ObjectRightError."""
        self.access.require("read", object_name)
        for field in search.text_fields(object_name):
            self.access.require_readable(object_name, field)
        found = await search.find_by_text(self.session, self.access, object_name, text, limit)
        shown = self._select_fields(object_name, None, long_texts=False)
        return [TextMatch(self._to_row(record, shown), excerpt, score) for record, excerpt, score in found]

    async def names_of(self, record_ids: Sequence[str]) -> dict[str, str]:
        """Display names of those records that the caller may see; the others are left out."""
        by_object: dict[str, set[str]] = {}
        for normal in filter(None, map(normalise_id, record_ids)):
            name = object_of(normal)
            if name is not None and self.access.may("read", name):
                by_object.setdefault(name, set()).add(normal)
        names: dict[str, str] = {}
        for name, ids in by_object.items():
            if not all(self.access.can_read(name, field) for field in OBJECT_INFO[name].name_fields):
                continue
            record_type = OBJECT_INFO[name].record_type
            seen = visible_to(self.access, record_type)
            for record in await self.session.scalars(select(record_type).where(record_type.Id.in_(ids), seen)):
                names[record.Id] = self._name(record)
        return names

    # Writing

    async def propose_create(
        self, object_name: str, fields: Mapping[str, Json], *, beside: Sequence[Change] = ()
    ) -> Change:
        """Check a new record against rights, types and references, without storing it.

        It may refer to records that are to be created `beside` it, which will be there once it is. Raises: CrmError.
        """
        self.access.require("create", object_name)
        info = OBJECT_INFO[object_name]
        for field, spec in info.fields.items():
            if spec.is_required and fields.get(field) in (None, ""):
                raise FieldError(field, "is required")
        values = await self._check_values(object_name, fields, for_create=True, to_come=_created_by(beside))
        if self.access.caller.user_id and "OwnerId" not in values:
            values["OwnerId"] = self.access.caller.user_id
        given = {**_defaults(info.record_type), **{name: value for name, value in values.items() if value is not None}}
        await self._require_valid(draft_of(info.record_type, given, at=self.now))
        changes = tuple(FieldChange(field, None, to_json(value)) for field, value in values.items())
        name = " ".join(str(values[f]) for f in info.name_fields if values.get(f)) or object_name
        return Change("create", object_name, new_id(info.prefix), name, changes)

    async def propose_update(self, object_name: str, record_id: str, fields: Mapping[str, Json]) -> Change:
        """Check a change against rights, types, references and the current values. Raises: CrmError."""
        self.access.require("edit", object_name)
        record = await self._load(object_name, record_id)
        await self._require_edit(object_name, record.Id)
        values = await self._check_values(object_name, fields, for_create=False)
        changes = []
        for field, value in values.items():
            old, new = to_json(getattr(record, field)), to_json(value)
            if old != new:
                changes.append(FieldChange(field, old, new))
        if not changes:
            raise CrmError("nothing would change: the record already has these values")
        present = {name: getattr(record, name) for name in OBJECT_INFO[object_name].fields}
        await self._require_valid(draft_of(type(record), {**present, **values}, at=self.now))
        return Change("update", object_name, record.Id, self._name(record), tuple(changes))

    async def propose_confirm(self, object_name: str, record_id: str, fields: Sequence[str]) -> Change:
        """Vouch for present values: whoever does could write them. Raises: CrmError."""
        self.access.require("edit", object_name)
        record = await self._load(object_name, record_id)
        await self._require_edit(object_name, record.Id)
        for field in fields:
            self.access.require_editable(object_name, field)
        present = self._to_row(record, fields)
        empty = [field for field in fields if present.get(field) is None]
        if empty:
            raise FieldError(empty[0], "is empty, or not yours to read: there is nothing to confirm")
        changes = tuple(FieldChange(field, value, value) for field, value in present.items())
        return Change("confirm", object_name, record.Id, self._name(record), changes)

    async def propose_convert(
        self, lead_id: str, became: Mapping[str, Json], *, beside: Sequence[Change] = ()
    ) -> Change:
        """Mark a lead as having become the records that `became` names, some of which are created `beside` it.

        Raises: CrmError, also for a lead that has been converted already.
        """
        lead = await self._load_to_edit("Lead", lead_id)
        if lead.IsConverted:
            raise CrmError("the lead has been converted already")
        wanted = {"IsConverted": True, **became}
        return await self._propose_mark("convert", lead, wanted, to_come=_created_by(beside))

    async def propose_unconvert(self, lead_id: str, former: Mapping[str, Json]) -> Change:
        """Let a lead be what it was before. Raises: CrmError."""
        return await self._propose_mark("unconvert", await self._load_to_edit("Lead", lead_id), former)

    async def _propose_mark(
        self, operation: Writing, lead: Any, wanted: Mapping[str, Json], *, to_come: frozenset[str] = frozenset()
    ) -> Change:
        values = await self._check_mark(wanted, to_come=to_come)
        changes = tuple(FieldChange(f, to_json(getattr(lead, f)), to_json(value)) for f, value in values.items())
        return Change(operation, "Lead", lead.Id, self._name(lead), changes)

    async def propose_delete(self, object_name: str, record_id: str) -> Change:
        """Into the bin. Raises: CrmError."""
        self.access.require("delete", object_name)
        record = await self._load(object_name, record_id)
        await self._require_edit(object_name, record.Id)
        return Change("delete", object_name, record.Id, self._name(record), ())

    async def propose_restore(self, object_name: str, record_id: str) -> Change:
        """Out of the bin: whoever may could have put it there. Raises: CrmError."""
        self.access.require("delete", object_name)
        record = await self._load(object_name, record_id, from_bin=True)
        await self._require_edit(object_name, record.Id, from_bin=True)
        return Change("restore", object_name, record.Id, self._name(record), ())

    async def apply(self, change: Change) -> Effect:
        """Carry out a proposed change inside the open transaction, and read back what came of it.

        Rights are checked anew. Raises: StaleError if a touched field moved on; CrmError.
        """
        if change.operation == "create":
            return await self._create(change)
        if change.operation == "update":
            return await self._update(change)
        if change.operation in ("confirm", "unconfirm"):
            return await self._confirm(change)
        if change.operation == "delete":
            return await self._delete(change)
        if change.operation == "restore":
            return await self._restore(change)
        if change.operation in ("convert", "unconvert") and change.object_name == "Lead":
            return await self._mark(change)
        raise CrmError(f"cannot {change.operation} records")

    async def _create(self, change: Change) -> Effect:
        self.access.require("create", change.object_name)
        record_type = OBJECT_INFO[change.object_name].record_type
        values = await self._check_values(change.object_name, {f.field: f.new for f in change.fields}, for_create=True)
        by = self.access.caller.id
        record = record_type(
            tenant=self.session.tenant,
            Id=change.record_id,
            CreatedDate=self.now,
            CreatedById=by,
            LastModifiedDate=self.now,
            LastModifiedById=by,
            SystemModstamp=self.now,
            **_defaults(record_type),
        )
        for field, value in values.items():
            if value is not None:
                setattr(record, field, value)
        await complete_new(self.session, record, at=self.now)
        await self._require_valid(record)
        self.session.add(record)
        self.session.add_all(history_of(record, None, at=self.now, by=by))
        await self._store(record)
        return Effect(change, record.version, before={}, after=self._to_row(record, [f.field for f in change.fields]))

    async def _update(self, change: Change) -> Effect:
        record = await self._load(change.object_name, change.record_id, for_update=True)
        await self._require_edit(change.object_name, record.Id)
        touched = [f.field for f in change.fields]
        for field in touched:
            self.access.require_editable(change.object_name, field)
        before = self._to_row(record, touched)
        _require_unchanged(change, before)
        values = await self._check_values(change.object_name, {f.field: f.new for f in change.fields}, for_create=False)
        all_before = {field: getattr(record, field) for field in OBJECT_INFO[change.object_name].fields}
        for field, value in values.items():
            setattr(record, field, value)
        by = self.access.caller.id
        record.LastModifiedDate = record.SystemModstamp = self.now
        record.LastModifiedById = by
        derive(record, at=self.now)
        await self._require_valid(record)
        self.session.add_all(history_of(record, all_before, at=self.now, by=by))
        await self._store(record)
        return Effect(change, record.version, before=before, after=self._to_row(record, touched))

    async def _confirm(self, change: Change) -> Effect:
        record = await self._load(change.object_name, change.record_id, for_update=True)
        await self._require_edit(change.object_name, record.Id)
        fields = [f.field for f in change.fields]
        for field in fields:
            self.access.require_editable(change.object_name, field)
        present = self._to_row(record, fields)
        _require_unchanged(change, present)
        return Effect(change, record.version, before=present, after=present)

    async def _mark(self, change: Change) -> Effect:
        """Say, or no longer say, what a lead has become."""
        lead = await self._load(change.object_name, change.record_id, for_update=True)
        await self._require_edit(change.object_name, lead.Id)
        touched = [f.field for f in change.fields]
        before = self._to_row(lead, touched)
        _require_unchanged(change, before)
        for field, value in (await self._check_mark({f.field: f.new for f in change.fields})).items():
            setattr(lead, field, value)
        lead.LastModifiedDate = lead.SystemModstamp = self.now
        lead.LastModifiedById = self.access.caller.id
        await self._store(lead)
        return Effect(change, lead.version, before=before, after=self._to_row(lead, touched))

    async def _check_mark(self, fields: Mapping[str, Json], *, to_come: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The stored form of what is said of a conversion: these fields can be set in no other way."""
        specs = OBJECT_INFO["Lead"].fields
        values: dict[str, Any] = {}
        for field, value in fields.items():
            if field not in CONVERSION:
                raise FieldError(field, f"a conversion sets only {', '.join(CONVERSION)}")
            self.access.require_editable("Lead", field)
            values[field] = parse_value(field, specs[field], value)
            if specs[field].kind is Kind.REFERENCE and values[field] and values[field] not in to_come:
                await self._require_target(field, values[field])
        return values

    async def _delete(self, change: Change) -> Effect:
        """Into the bin: the record keeps its values, and nobody sees it any more."""
        self.access.require("delete", change.object_name)
        record = await self._load(change.object_name, change.record_id, for_update=True)
        await self._require_edit(change.object_name, record.Id)
        before = self._to_row(record, [f.field for f in change.fields])
        _require_unchanged(change, before)
        await self._move_to_bin(record, is_deleted=True)
        return Effect(change, record.version, before=before, after={})

    async def _restore(self, change: Change) -> Effect:
        """Out of the bin, as it went in."""
        self.access.require("delete", change.object_name)
        record = await self._load(change.object_name, change.record_id, for_update=True, from_bin=True)
        await self._require_edit(change.object_name, record.Id, from_bin=True)
        await self._move_to_bin(record, is_deleted=False)
        return Effect(change, record.version, before={}, after={})

    async def _move_to_bin(self, record: Record, *, is_deleted: bool) -> None:
        record.IsDeleted = is_deleted
        record.SystemModstamp = self.now
        await self._store(record)

    async def _require_valid(self, record: Record) -> None:
        await require_valid(self.session, self.access, record)

    async def _store(self, record: Record) -> None:
        """Write to the database and read back. Raises: CrmError, which does not say what the record clashes with."""
        try:
            await self.session.flush()
        except IntegrityError:
            raise CrmError(f"the {record.object_name} clashes with what is there already") from None
        await self.session.refresh(record)

    # Between JSON and records

    @property
    def _dialect(self) -> Dialect:
        return cast("Dialect", self.session.get_bind().dialect.name)

    async def _load(
        self, object_name: str, record_id: str, *, for_update: bool = False, from_bin: bool = False
    ) -> Record:
        if object_name not in OBJECT_INFO or not self.access.may("read", object_name):
            raise ObjectRightError(f"you may not read records of {object_name!r}")
        record_type = OBJECT_INFO[object_name].record_type
        normal = normalise_id(record_id)
        statement = select(record_type).where(record_type.Id == normal, visible_to(self.access, record_type))
        if for_update:
            statement = statement.with_for_update(of=record_type).execution_options(populate_existing=True)
        if from_bin:
            statement = statement.where(record_type.IsDeleted.is_(True)).execution_options(include_deleted=True)
        record = await self.session.scalar(statement) if normal else None
        if record is None:
            raise RecordNotFoundError(object_name, record_id[:40])
        return record

    async def _load_to_edit(self, object_name: str, record_id: str) -> Any:
        self.access.require("edit", object_name)
        record = await self._load(object_name, record_id)
        await self._require_edit(object_name, record.Id)
        return record

    async def _require_edit(self, object_name: str, record_id: str, *, from_bin: bool = False) -> None:
        self.access.require("edit", object_name)
        record_type = OBJECT_INFO[object_name].record_type
        editable = visible_to(self.access, record_type, to_edit=True)
        statement = select(record_type.Id).where(record_type.Id == record_id, editable)
        found = await self.session.scalar(statement.execution_options(include_deleted=from_bin))
        if found is None:
            raise ObjectRightError(f"you may read this {object_name} but not edit it")

    async def _check_values(
        self,
        object_name: str,
        fields: Mapping[str, Json],
        *,
        for_create: bool,
        to_come: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        if not fields:
            raise FieldError("fields", "name at least one field")
        specs = OBJECT_INFO[object_name].fields
        values: dict[str, Any] = {}
        for field, value in fields.items():
            if for_create and field == "OwnerId" and value and value == self.access.caller.user_id:
                values[field] = value  # what one creates is one's own, whatever one may see or change elsewhere
                continue
            self.access.require_editable(object_name, field)
            spec = specs[field]
            if spec.is_system or (spec.is_create_only and not for_create):
                raise FieldError(field, "is kept by the CRM itself and cannot be set")
            values[field] = parse_value(field, spec, value)
            if value in (None, "") and not for_create and not _is_nullable(object_name, field):
                raise FieldError(field, "cannot be emptied")
            if spec.kind is Kind.REFERENCE and values[field] is not None and values[field] not in to_come:
                await self._require_target(field, values[field])
        return values

    async def _require_target(self, field: str, record_id: str) -> None:
        target = object_of(record_id)
        try:
            await self._load(target or "", record_id)
        except CrmError:
            raise FieldError(field, "there is no such record that you can see") from None

    def _select_fields(self, object_name: str, wanted: Iterable[str] | None, *, long_texts: bool = True) -> list[str]:
        self.access.require("read", object_name)
        if wanted is None:
            specs = OBJECT_INFO[object_name].fields
            readable = self.access.readable(object_name)
            return [f for f in readable if f != "IsDeleted" and (long_texts or specs[f].kind is not Kind.LONG_TEXT)]
        chosen = list(dict.fromkeys(("Id", *wanted)))
        for field in chosen:
            self.access.require_readable(object_name, field)
        return chosen

    def _telling_fields(self, object_name: str) -> list[str]:
        """A few fields that tell records of one name apart."""
        candidates = (
            "AccountId",
            "Company",
            "BillingCity",
            "BillingCountry",
            "Industry",
            "Title",
            "StageName",
            "Status",
            "CloseDate",
            "Email",
            "ProductCode",
            "Priority",
            "Subject",
        )
        return [field for field in candidates if self.access.can_read(object_name, field)][:5]

    def _to_row(self, record: Record, fields: Iterable[str]) -> Row:
        name = record.object_name
        return {field: to_json(getattr(record, field)) for field in fields if self.access.can_read(name, field)}

    def _name(self, record: Record) -> str:
        """What the caller may call the record: its id, if the fields of its name are hidden."""
        shown = all(self.access.can_read(record.object_name, field) for field in record.name_fields)
        return display_name(record) if shown else record.Id

    async def _names_in(self, object_name: str, rows: Iterable[Mapping[str, Json]]) -> dict[str, str]:
        specs = OBJECT_INFO[object_name].fields
        ids = {
            value
            for row in rows
            for field, value in row.items()
            if value and field in specs and specs[field].kind is Kind.REFERENCE
        }
        return await self.names_of(sorted(ids))

    def _measure(self, question: Aggregate) -> ColumnElement[Any]:
        if question.function == "count" and question.field is None:
            return func.count()
        if question.field is None:
            raise FieldError("field", f"{question.function} needs a field")
        self.access.require_readable(question.object_name, question.field)
        info = OBJECT_INFO[question.object_name]
        kind = info.fields[question.field].kind
        column = cast("InstrumentedAttribute[Any]", getattr(info.record_type, question.field))
        if question.function == "count":
            return func.count(column)
        if question.function in ("sum", "avg"):
            if kind not in NUMERIC:
                raise FieldError(question.field, f"{question.function} needs a number; this field is {kind}")
            as_type = column.type if isinstance(column.type, Fixed) else None
            function = func.sum if question.function == "sum" else func.avg
            return function(column, type_=as_type) if as_type is not None else function(column)
        if kind not in ORDERED:
            raise FieldError(question.field, f"{question.function} needs a number or a date; this field is {kind}")
        return func.min(column) if question.function == "min" else func.max(column)

    # Cursors

    def _fingerprint(self, query: Query) -> str:
        asked = [query.object_name, [f.__dict__ for f in query.filters], [s.__dict__ for s in query.sort]]
        who = [self.access.caller.tenant, self.access.caller.id]
        return hashlib.sha256(json.dumps([who, asked], sort_keys=True).encode()).hexdigest()[:16]

    def _write_cursor(self, query: Query, offset: int) -> str:
        payload = f"{offset}:{self._fingerprint(query)}"
        mac = hmac.new(self.cursor_key, payload.encode(), hashlib.sha256).hexdigest()[:24]
        return base64.urlsafe_b64encode(f"{payload}:{mac}".encode()).decode()

    def _read_cursor(self, query: Query) -> int:
        if query.cursor is None:
            return 0
        try:
            offset, fingerprint, mac = base64.urlsafe_b64decode(query.cursor).decode().split(":")
            mac.encode("ascii")
        except ValueError:
            raise CursorError("the cursor is not one that was handed out") from None
        expected = hmac.new(self.cursor_key, f"{offset}:{fingerprint}".encode(), hashlib.sha256).hexdigest()[:24]
        if not hmac.compare_digest(mac, expected) or fingerprint != self._fingerprint(query):
            raise CursorError("the cursor belongs to another query")
        return int(offset)


def _created_by(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(change.record_id for change in changes if change.operation == "create")


def display_name(record: Record) -> str:
    """What a person calls the record."""
    parts = [getattr(record, field) for field in record.name_fields]
    return " ".join(str(part) for part in parts if part) or record.Id


def _is_id(value: Json) -> bool:
    return isinstance(value, str) and object_of(value) is not None


def _require_unchanged(change: Change, present: Row) -> None:
    """Raises: StaleError if a field no longer has the value that the change was made for."""
    conflicts = [
        Conflict(change.record_id, f.field, f.old, present[f.field]) for f in change.fields if present[f.field] != f.old
    ]
    if conflicts:
        raise StaleError(conflicts)


def _is_nullable(object_name: str, field: str) -> bool:
    table = OBJECT_INFO[object_name].record_type.__table__
    return bool(table.c[field].nullable)


def _defaults(record_type: type[Record]) -> dict[str, Any]:
    """Column defaults now rather than at flush, because the CRM's rules look at them before."""
    return {
        column.name: column.default.arg
        for column in record_type.__table__.columns
        if column.default is not None and column.default.is_scalar and column.name != "version"
    }
