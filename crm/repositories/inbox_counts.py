"""Counting requests where they are stored, by rule and requester, with nothing of them loaded."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, case, exists, false, func, not_, or_, select
from sqlalchemy import cast as sql_cast

from crm.access import Access
from crm.database import TenantSession
from crm.inbox import ApprovalRecord
from crm.repositories.inbox import Filter, conditions_of
from crm.repositories.visibility import visible_to
from crm.schema import OBJECT_INFO
from crm.work import Approval


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which requests are about records: what may be read of it does not depend on which record it is."""

    object_name: str
    role: str
    fields_as_kept: str

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(json.loads(self.fields_as_kept))


@dataclass(frozen=True, slots=True)
class Group:
    """Requests under one rule of one requester. `is_at_hand`: put before the caller or before nobody."""

    rule: str
    requester: str
    is_at_hand: bool
    count: int
    oldest: datetime


async def has_unnoted(session: TenantSession, wanted: Filter) -> bool:
    """Whether there are requests of an earlier version, of which nothing was noted yet."""
    statement = select(Approval.approval_id).where(*conditions_of(wanted), Approval.object_name.is_(None))
    return await session.scalar(statement.limit(1)) is not None


async def list_kinds(session: TenantSession, wanted: Filter) -> list[Kind]:
    """In which ways these requests are about records."""
    row = ApprovalRecord
    statement = select(row.object_name, row.role, sql_cast(row.fields, Text)).distinct()
    joined = statement.join(Approval, Approval.approval_id == row.approval_id).where(*conditions_of(wanted))
    return [Kind(*found) for found in await session.execute(joined)]


async def count_seen(session: TenantSession, wanted: Filter, access: Access, readable: Collection[Kind]) -> list[Group]:
    """The requests that are the caller's own, or of which every record is visible and of a kind that may be read."""
    me = access.caller.id
    hidden = exists().where(ApprovalRecord.approval_id == Approval.approval_id, not_(_seen(access, readable)))
    at_hand = case((or_(Approval.assignee.is_(None), Approval.assignee == me), 1), else_=0)
    rule = sql_cast(Approval.rule, Text)
    statement = (
        select(rule, Approval.requester, at_hand, func.count(), func.min(Approval.created_at))
        .where(*conditions_of(wanted), or_(Approval.requester == me, not_(hidden)))
        .group_by(rule, Approval.requester, at_hand)
    )
    found = await session.execute(statement)
    return [Group(rule, who, bool(near), count, oldest) for rule, who, near, count, oldest in found]


def _seen(access: Access, readable: Iterable[Kind]) -> ColumnElement[bool]:
    row = ApprovalRecord
    by_object: dict[str, list[Kind]] = {}
    for kind in readable:
        by_object.setdefault(kind.object_name, []).append(kind)
    ways: list[ColumnElement[bool]] = []
    for name, kinds in by_object.items():
        of_object = row.object_name == name
        new = [_is_of(kind) for kind in kinds if kind.role == "create"]
        there = [_is_of(kind) for kind in kinds if kind.role != "create"]
        if new:
            ways.append(and_(of_object, or_(*new)))
        if there:
            record_type = OBJECT_INFO[name].record_type
            visible = select(record_type.Id).where(
                record_type.tenant == access.caller.tenant, visible_to(access, record_type)
            )
            ways.append(and_(of_object, or_(*there), row.record_id.in_(visible)))
    return or_(*ways) if ways else false()


def _is_of(kind: Kind) -> ColumnElement[bool]:
    return and_(ApprovalRecord.role == kind.role, sql_cast(ApprovalRecord.fields, Text) == kind.fields_as_kept)
