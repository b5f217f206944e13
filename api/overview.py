"""A record as one person sees it: its fields and where their values come from, what hangs on it, what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.connector import Connector, Filter, Json, Page, Query, Row, Sort
from crm.database import TenantSession
from crm.description import ObjectDescription
from crm.errors import CrmError
from crm.fields import FieldSpec, Kind
from crm.provenance import RecordOrigin
from crm.repositories import ledger
from crm.repositories.ledger import Criteria
from crm.repositories.provenance import load_origins
from crm.schema import OBJECT_INFO
from crm.work import LedgerEntry
from tools._timeline import KINDS, Span, TimelineEntry, read_timeline
from trust import undo
from trust.labels import Integrity, Label
from trust.principal import Principal
from trust.provenance import label_of, label_of_name

COLUMNS = 4
"""Fields of a related record that a list shows beside its name."""
_SHOWN = frozenset(
    {
        Kind.TEXT,
        Kind.PICKLIST,
        Kind.MONEY,
        Kind.PERCENT,
        Kind.INTEGER,
        Kind.NUMBER,
        Kind.DATE,
        Kind.DATETIME,
        Kind.EMAIL,
    }
)
_EVER = Span("0001-01-01")
_BELOW = 50
"""Records below one, of each kind, whose activities are on its timeline."""
_AT_A_TIME, _PAGES = 50, 10
"""How many entries of the ledger one look goes through for those that the person may know of."""


@dataclass(frozen=True)
class FieldSeen:
    """A field that the person may read. `label` says where its value comes from; empty fields have none."""

    name: str
    spec: FieldSpec
    may_write: bool
    value: Json
    label: Label | None


@dataclass(frozen=True)
class Related:
    """Records of one kind that point here by one field. `outside`: by id, the shown fields that an outsider wrote."""

    object_name: str
    field: str
    columns: tuple[str, ...]
    page: Page
    names: Mapping[str, str]
    outside: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Overview:
    """`names`: by id, of the records that its fields refer to."""

    object_name: str
    record_id: str
    name: str
    is_name_from_outside: bool
    fields: list[FieldSeen]
    related: list[Related]
    names: Mapping[str, str]


async def look_at(
    session: TenantSession, crm: Connector, object_name: str, record_id: str, *, related: int
) -> Overview:
    """`related`: how many records of each kind. Raises: CrmError."""
    described = await crm.describe(object_name)
    row = await crm.get(object_name, record_id)
    origin = (await load_origins(session, [row["Id"]]))[row["Id"]]
    fields = [
        FieldSeen(
            name=one.name,
            spec=one.spec,
            may_write=one.may_write,
            value=row[one.name],
            label=None if row[one.name] is None else label_of(origin, one.name),
        )
        for one in described.fields
        if one.name in row
    ]
    pointed_at = [one.value for one in fields if one.spec.kind is Kind.REFERENCE and one.value]
    names = await crm.names_of([row["Id"], *pointed_at])
    lists = [
        await look_at_related(session, crm, row["Id"], child, field, limit=related)
        for child, field in _lists_of(described)
    ]
    return Overview(
        object_name=object_name,
        record_id=row["Id"],
        name=names.get(row["Id"], str(row["Id"])),
        is_name_from_outside=label_of_name(origin).integrity is Integrity.EXTERNAL,
        fields=fields,
        related=[one for one in lists if one is not None and one.page.total],
        names=names,
    )


def _lists_of(described: ObjectDescription) -> list[tuple[str, str]]:
    """What hangs on such a record, apart from what its timeline shows."""
    return [(child, field) for child, field in described.children if child not in KINDS]


async def look_at_related(
    session: TenantSession,
    crm: Connector,
    record_id: str,
    child: str,
    field: str,
    *,
    limit: int,
    cursor: str | None = None,
) -> Related | None:
    """Newest first; None if the person may not list such records by this field. Raises: CursorError."""
    try:
        described = await crm.describe(child)
    except CrmError:
        return None
    if described.field(field) is None or described.field("Id") is None:
        return None
    told = [one for one in described.fields if not one.spec.is_system and one.name not in described.name_fields]
    kept = [one.name for one in told if one.spec.kind in _SHOWN]
    if described.name_fields == ("Id",):  # such as a line of a quote: what it points at says what it is
        points = [one.name for one in told if one.spec.kind is Kind.REFERENCE and one.name not in (field, "OwnerId")]
        kept = [*points[:1], *kept]
    columns = tuple(kept[:COLUMNS])
    wanted = [*columns, *described.name_fields]
    sort = [Sort("CreatedDate", descending=True)] if described.field("CreatedDate") else []
    page = await crm.query(Query(child, wanted, [Filter(field, "eq", record_id)], sort, limit, cursor))
    ids = [row["Id"] for row in page.records]
    origins = await load_origins(session, ids)
    return Related(
        object_name=child,
        field=field,
        columns=columns,
        page=page,
        names=await crm.names_of(ids),
        outside={row["Id"]: _outside_of(origins[row["Id"]], row, columns) for row in page.records},
    )


def _outside_of(origin: RecordOrigin, row: Row, columns: Sequence[str]) -> frozenset[str]:
    found = {one for one in columns if row.get(one) and label_of(origin, one).integrity is Integrity.EXTERNAL}
    if label_of_name(origin).integrity is Integrity.EXTERNAL:
        found |= set(OBJECT_INFO[origin.object_name].name_fields)
    return frozenset(found)


async def find_writes(
    session: TenantSession,
    crm: Connector,
    person: Principal,
    record_id: str,
    *,
    before: LedgerEntry | None,
    limit: int,
    is_auditor: bool,
    at: datetime,
) -> tuple[list[LedgerEntry], LedgerEntry | None]:
    """What was written to a record as far as the person may know, newest first, and where to go on; None at the end."""
    shown: list[LedgerEntry] = []
    last = before
    criteria = Criteria(record_id=record_id, status="applied")
    for _ in range(_PAGES):
        some = await ledger.list_entries(session, criteria, limit=_AT_A_TIME, before=last)
        for last in some:
            if await undo.can_see(session, last, person, crm, is_auditor=is_auditor, at=at):
                shown.append(last)
            if len(shown) == limit:
                return shown, last
        if len(some) < _AT_A_TIME:
            return shown, None
    return shown, last


@dataclass(frozen=True)
class Happened:
    """Something on a timeline, and whether an outsider may have written its words."""

    entry: TimelineEntry
    is_from_outside: bool


async def look_back(
    session: TenantSession, crm: Connector, object_name: str, record_id: str, *, limit: int
) -> tuple[list[Happened], int]:
    """What happened around a record, newest first, and how much there is. Raises: CrmError."""
    row = await crm.get(object_name, record_id, ["Id"])
    about = await _around(crm, await crm.describe(object_name), row["Id"])
    entries, total = await read_timeline(crm, about, _EVER, limit=limit)
    origins = await load_origins(session, [one.id for one in entries])
    return [Happened(one, _has_outside(origins.get(one.id), one)) for one in entries], total


async def _around(crm: Connector, described: ObjectDescription, record_id: str) -> list[str]:
    """The record and the newest of those below it that things happen around, such as a company's deals and cases."""
    found = [record_id]
    for child, field in _lists_of(described):
        if not any(name in KINDS for name, _ in OBJECT_INFO[child].children):
            continue
        newest = [Sort("CreatedDate", descending=True)]
        try:
            page = await crm.query(Query(child, ["Id"], [Filter(field, "eq", record_id)], newest, _BELOW))
        except CrmError:
            continue
        found += [row["Id"] for row in page.records]
    return found


def _has_outside(origin: RecordOrigin | None, entry: TimelineEntry) -> bool:
    _, subject, texts = KINDS[entry.object]
    if origin is None:
        return True
    shown = [one for one in (subject, *texts) if one]
    return any(label_of(origin, one).integrity is Integrity.EXTERNAL for one in shown)
