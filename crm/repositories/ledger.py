"""Ledger rows: one per intended write, told apart by a key that the database keeps unique."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, func, or_, select

from crm.database import TenantSession
from crm.fields import Kind
from crm.repositories.inserting import insert_if_absent
from crm.schema import OBJECT_INFO, object_of
from crm.work import LedgerEffect, LedgerEntry, Vote


@dataclass(frozen=True)
class Criteria:
    """Which entries; what is None does not matter. `person` asked for the write or agreed to it."""

    run_id: str | None = None
    thread_id: str | None = None
    record_id: str | None = None
    object_name: str | None = None
    agent: str | None = None
    tool: str | None = None
    person: str | None = None
    status: str | None = None
    undoes: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def claim(session: TenantSession, entry: LedgerEntry) -> LedgerEntry | None:
    """Enter a pending write under its key. None: the key is taken, and this write is not yours to do."""
    values = {
        column.key: getattr(entry, column.key)
        for column in LedgerEntry.__table__.columns
        if getattr(entry, column.key) is not None
    }
    return await insert_if_absent(session, LedgerEntry, values, key=["tenant", "key"])


async def keep_effects(session: TenantSession, entry: LedgerEntry) -> None:
    """Note which records the effects of an applied entry are about."""
    session.add_all(
        LedgerEffect(
            entry_id=entry.entry_id,
            place=place,
            object_name=effect["object"],
            record_id=effect["id"],
            version=effect["version"],
        )
        for place, effect in enumerate(entry.effects)
    )
    await session.flush()


async def find_by_key(session: TenantSession, key: str) -> LedgerEntry | None:
    return cast("LedgerEntry | None", await session.scalar(select(LedgerEntry).where(LedgerEntry.key == key)))


async def find(session: TenantSession, entry_id: str, *, for_update: bool = False) -> LedgerEntry | None:
    """None if the tenant has no such entry. With `for_update` the row is held until the end."""
    statement = select(LedgerEntry).where(LedgerEntry.entry_id == entry_id)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return cast("LedgerEntry | None", await session.scalar(statement))


async def list_entries(
    session: TenantSession,
    criteria: Criteria | None = None,
    *,
    limit: int = 100,
    before: LedgerEntry | None = None,
) -> list[LedgerEntry]:
    """Newest first; `before` is the last one already seen."""
    statement = select(LedgerEntry).where(*_conditions(criteria or Criteria()))
    if before is not None:
        earlier = (LedgerEntry.created_at == before.created_at) & (LedgerEntry.entry_id < before.entry_id)
        statement = statement.where(or_(LedgerEntry.created_at < before.created_at, earlier))
    ordered = statement.order_by(LedgerEntry.created_at.desc(), LedgerEntry.entry_id.desc())
    return list(await session.scalars(ordered.limit(limit)))


def _conditions(criteria: Criteria) -> Iterable[ColumnElement[bool]]:
    for name in ("run_id", "thread_id", "agent", "tool", "status", "undoes"):
        value = getattr(criteria, name)
        if value is not None:
            yield getattr(LedgerEntry, name) == value
    if criteria.since is not None:
        yield LedgerEntry.created_at >= criteria.since
    if criteria.until is not None:
        yield LedgerEntry.created_at < criteria.until
    if criteria.person is not None:
        agreed = select(Vote.approval_id).where(Vote.voter == criteria.person, Vote.decision == "approve")
        yield or_(LedgerEntry.on_behalf_of == criteria.person, LedgerEntry.approval_id.in_(agreed))
    about = [
        column == value
        for column, value in (
            (LedgerEffect.record_id, criteria.record_id),
            (LedgerEffect.object_name, criteria.object_name),
        )
        if value is not None
    ]
    if about:
        yield LedgerEntry.entry_id.in_(select(LedgerEffect.entry_id).where(*about))


async def list_undoing(session: TenantSession, entry_ids: Sequence[str]) -> list[LedgerEntry]:
    """The applied entries that take back effects of these."""
    statement = select(LedgerEntry).where(LedgerEntry.undoes.in_(entry_ids), LedgerEntry.status == "applied")
    return list(await session.scalars(statement))


async def count_versions_after(session: TenantSession, record_id: str, version: int) -> int:
    """How many versions of a record after this one the ledger knows of."""
    statement = select(func.count(LedgerEffect.version.distinct())).where(
        LedgerEffect.record_id == record_id, LedgerEffect.version > version
    )
    return await session.scalar(statement) or 0


async def lock_records(session: TenantSession, record_ids: Iterable[str]) -> None:
    """Hold records, deleted ones too, until the transaction ends; always in the same order."""
    for record_id in sorted(set(record_ids)):
        name = object_of(record_id)
        if name is None:
            continue
        record_type = OBJECT_INFO[name].record_type
        statement = select(record_type).where(record_type.Id == record_id).with_for_update(of=record_type)
        await session.execute(statement.execution_options(populate_existing=True, include_deleted=True))


async def find_state(session: TenantSession, record_id: str) -> tuple[int, bool] | None:
    """A record's version and whether it lies in the bin; None if there is none. For the service, not for callers."""
    name = object_of(record_id)
    if name is None:
        return None
    record_type = OBJECT_INFO[name].record_type
    statement = select(record_type.version, record_type.IsDeleted).where(record_type.Id == record_id)
    row = (await session.execute(statement.execution_options(include_deleted=True))).first()
    return None if row is None else (row[0], row[1])


_KEPT_BY_THE_CRM = frozenset({"CaseHistory__c"})


async def is_referred_to(session: TenantSession, record_id: str, *, apart_from: Collection[str] = ()) -> bool:
    """Whether any record that is not in the bin points at this one, besides what the CRM writes down by itself."""
    target = object_of(record_id)
    for name, info in OBJECT_INFO.items():
        if name in _KEPT_BY_THE_CRM:
            continue
        columns = [
            getattr(info.record_type, field)
            for field, spec in info.fields.items()
            if spec.kind is Kind.REFERENCE and not spec.is_system and (not spec.targets or target in spec.targets)
        ]
        if not columns:
            continue
        pointing = or_(*(column == record_id for column in columns))
        found = await session.scalars(select(info.record_type.Id).where(pointing).limit(len(apart_from) + 1))
        if set(found) - set(apart_from):
            return True
    return False
