"""The audit's rows: appended in turn, found by place, kind, person, subject and time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from crm.database import TenantSession
from crm.repositories.inserting import insert_if_absent
from crm.work import AuditEntry, AuditHead

Order = Literal["asc", "desc"]


@dataclass(frozen=True)
class Criteria:
    """Which entries are wanted; what is None does not matter. `since` is taken in, `until` is not."""

    kind: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether every entry is wanted."""
        return self == Criteria()


ALL = Criteria()


async def lock_head(session: TenantSession) -> AuditHead:
    """The tenant's head row, held until the transaction ends; appends of one tenant take turns on it."""
    statement = select(AuditHead).with_for_update().execution_options(populate_existing=True)
    head = await session.scalar(statement)
    if head is None:
        await insert_if_absent(session, AuditHead, {"size": 0, "peaks": b""}, key=["tenant"])
        head = (await session.scalars(statement)).one()
    return head


async def append_entry(session: TenantSession, entry: AuditEntry) -> None:
    session.add(entry)
    await session.flush()


async def list_entries(
    session: TenantSession,
    criteria: Criteria = ALL,
    *,
    after: int | None = None,
    size: int | None = None,
    limit: int = 100,
    order: Order = "asc",
) -> list[AuditEntry]:
    """In order of their place, from the one that follows `after`; `size` leaves out what was appended later."""
    statement = select(AuditEntry).execution_options(populate_existing=True)
    if after is not None:
        statement = statement.where(AuditEntry.index > after if order == "asc" else AuditEntry.index < after)
    if size is not None:
        statement = statement.where(AuditEntry.index < size)
    for column in ("kind", "actor", "subject"):
        wanted = getattr(criteria, column)
        if wanted is not None:
            statement = statement.where(getattr(AuditEntry, column) == wanted)
    if criteria.since is not None:
        statement = statement.where(AuditEntry.at >= criteria.since)
    if criteria.until is not None:
        statement = statement.where(AuditEntry.at < criteria.until)
    by_place = AuditEntry.index.asc() if order == "asc" else AuditEntry.index.desc()
    return list(await session.scalars(statement.order_by(by_place).limit(limit)))


async def get_head(session: TenantSession) -> tuple[int, bytes]:
    """How many entries there are, and the peaks of their tree."""
    head = await session.scalar(select(AuditHead).execution_options(populate_existing=True))
    return (head.size, head.peaks) if head else (0, b"")


async def get_hashes(session: TenantSession, indexes: Collection[int]) -> dict[int, bytes]:
    """What the entries at these places completed; places without an entry are left out."""
    found: dict[int, bytes] = {}
    wanted = sorted(indexes)
    for start in range(0, len(wanted), 1_000):
        some = wanted[start : start + 1_000]
        rows = await session.execute(select(AuditEntry.index, AuditEntry.hashes).where(AuditEntry.index.in_(some)))
        found.update({index: hashes for index, hashes in rows})
    return found
