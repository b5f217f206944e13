"""Finding requests among thousands: filtered, sorted and paged by indexes, with nothing of them opened."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Text, and_, or_, select
from sqlalchemy import cast as sql_cast

from crm.access import Access
from crm.database import TenantSession
from crm.inbox import ApprovalRecord, InboxRules, NoticeChoice
from crm.records import User
from crm.repositories.inserting import insert_or_replace
from crm.repositories.visibility import visible_to
from crm.schema import OBJECT_INFO
from crm.work import Approval

Sort = Literal["newest", "oldest", "expiring"]
Position = tuple[datetime, str]
"""Where a page ended: the value that is sorted by, and the request's id."""

_CHUNK = 400
"""Ids in one statement; SQLite takes no more than 32,766 in all."""


@dataclass(frozen=True)
class Filter:
    """What to look for; None is no condition. `below` are roles whose people requested it."""

    statuses: Collection[str] = ()
    requester: str | None = None
    below: Collection[str] | None = None
    at_hand_of: str | None = None
    """Assigned to this person or to nobody."""
    thread_id: str | None = None
    run_id: str | None = None
    record_id: str | None = None
    tool: str | None = None
    object_name: str | None = None
    is_tainted: bool | None = None
    is_external: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What is known of a request without opening it. `rule` is JSON as it is kept: the same text is the same rule."""

    approval_id: str
    requester: str
    assignee: str | None
    object_name: str | None
    rule: str
    created_at: datetime
    expires_at: datetime


def note_of(approval: Approval) -> Noted:
    return Noted(
        approval.approval_id,
        approval.requester,
        approval.assignee,
        approval.object_name,
        json.dumps(approval.rule),
        approval.created_at,
        approval.expires_at,
    )


@dataclass(frozen=True, slots=True)
class RecordFact:
    """As `ApprovalRecord` keeps it."""

    object_name: str
    record_id: str
    role: str
    fields: tuple[str, ...]


async def list_page(
    session: TenantSession, wanted: Filter, *, sort: Sort, after: Position | None, limit: int | None
) -> list[Noted]:
    """The next requests in order, without what is sealed."""
    column = Approval.expires_at if sort == "expiring" else Approval.created_at
    descending = sort == "newest"
    statement = select(*_NOTED).where(*conditions_of(wanted))
    if after is not None:
        at, last = after
        beyond = column < at if descending else column > at
        tied = Approval.approval_id < last if descending else Approval.approval_id > last
        statement = statement.where(or_(beyond, and_(column == at, tied)))
    order = [column.desc(), Approval.approval_id.desc()] if descending else [column, Approval.approval_id]
    found = await session.execute(statement.order_by(*order).limit(limit))
    return [Noted(*row) for row in found]


_NOTED = (
    Approval.approval_id,
    Approval.requester,
    Approval.assignee,
    Approval.object_name,
    sql_cast(Approval.rule, Text),
    Approval.created_at,
    Approval.expires_at,
)


def conditions_of(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.statuses:
        conditions.append(Approval.status.in_(wanted.statuses))
    for column, value in (
        (Approval.requester, wanted.requester),
        (Approval.thread_id, wanted.thread_id),
        (Approval.run_id, wanted.run_id),
        (Approval.tool, wanted.tool),
        (Approval.object_name, wanted.object_name),
    ):
        if value is not None:
            conditions.append(column == value)
    for flag, expected in ((Approval.is_tainted, wanted.is_tainted), (Approval.is_external, wanted.is_external)):
        if expected is not None:
            conditions.append(flag.is_(expected))
    if wanted.below is not None:
        conditions.append(Approval.requester.in_(select(User.Id).where(User.UserRoleId.in_(wanted.below))))
    if wanted.at_hand_of is not None:
        conditions.append(or_(Approval.assignee.is_(None), Approval.assignee == wanted.at_hand_of))
    if wanted.since is not None:
        conditions.append(Approval.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Approval.created_at < wanted.until)
    if wanted.record_id is not None:
        touching = select(ApprovalRecord.approval_id).where(ApprovalRecord.record_id == wanted.record_id)
        conditions.append(Approval.approval_id.in_(touching))
    return conditions


async def load_records(session: TenantSession, approval_ids: Collection[str]) -> dict[str, list[RecordFact]]:
    """The records of each request, in order; requests without any are left out."""
    found: dict[str, list[RecordFact]] = {}
    row = ApprovalRecord
    for some in _chunks(approval_ids):
        statement = select(row.approval_id, row.object_name, row.record_id, row.role, row.fields)
        ordered = statement.where(row.approval_id.in_(some)).order_by(row.approval_id, row.place)
        for approval_id, object_name, record_id, role, fields in await session.execute(ordered):
            found.setdefault(approval_id, []).append(RecordFact(object_name, record_id, role, tuple(fields)))
    return found


async def find_visible(session: TenantSession, access: Access, wanted: Mapping[str, Collection[str]]) -> set[str]:
    """Of the records, by object, the ids of those that the caller may see."""
    seen: set[str] = set()
    for name, ids in wanted.items():
        if name not in OBJECT_INFO or not access.may("read", name):
            continue
        record_type = OBJECT_INFO[name].record_type
        for some in _chunks(ids):
            statement = select(record_type.Id).where(record_type.Id.in_(some), visible_to(access, record_type))
            seen.update(await session.scalars(statement))
    return seen


async def list_below(session: TenantSession, access: Access) -> frozenset[str]:
    """The people whose roles lie under the caller's."""
    if not access.roles_below:
        return frozenset()
    return frozenset(await session.scalars(select(User.Id).where(User.UserRoleId.in_(access.roles_below))))


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    every = sorted(set(ids))
    return (every[start : start + _CHUNK] for start in range(0, len(every), _CHUNK))


async def find_rules(session: TenantSession) -> InboxRules | None:
    return cast("InboxRules | None", await session.scalar(select(InboxRules)))


async def put_rules(session: TenantSession, **values: Any) -> None:
    await insert_or_replace(session, InboxRules, values, key=["tenant"])


async def find_choice(session: TenantSession, user_id: str) -> NoticeChoice | None:
    found: NoticeChoice | None = await session.scalar(select(NoticeChoice).where(NoticeChoice.user_id == user_id))
    return found


async def list_choices(session: TenantSession) -> list[NoticeChoice]:
    """Of those who want to be written to."""
    return list(await session.scalars(select(NoticeChoice).where(NoticeChoice.how != "off")))


async def put_choice(session: TenantSession, **values: Any) -> None:
    await insert_or_replace(session, NoticeChoice, values, key=["tenant", "user_id"])
