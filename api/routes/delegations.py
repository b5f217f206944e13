"""Delegations over HTTP: who decides in whose stead while they are away."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import DelegatorOf, PersonEntranceOf, ServiceOf
from api.errors import ForbiddenError, InputError, problems
from api.wire import Body, Instant
from crm.database import TenantSession
from crm.fields import to_json
from crm.ids import normalise_id
from crm.policies import Delegation
from crm.repositories import delegations as rows
from crm.repositories.access import find_user_by_username
from crm.schema import OBJECT_INFO
from tools._catalogue import load_catalogue
from trust import delegations
from trust.delegations import DelegationError, Limits
from trust.principal import Principal
from trust.scopes import APPROVALS_DECIDE, POLICY_MANAGE

router = APIRouter(tags=["delegations"])

Who = Annotated[str, Field(min_length=1, max_length=254)]
Listed = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=50)]


class LimitsBody(Body):
    """How far it reaches; what is left out has no limit."""

    tools: Listed = Field(default=[])
    objects: Listed = Field(default=[], description="Of which kinds every record of the request has to be.")
    amount_cap: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        default=None, description="The most that any amount of the request may come to."
    )


class DelegationBody(Body):
    """Somebody is away, and somebody else decides in their stead."""

    delegate: Who = Field(description="Who decides: user id or user name.")
    delegator: Who | None = Field(
        default=None, description="Who is away: the caller if left out. Others' delegations are for administrators."
    )
    starts_at: Instant | None = Field(default=None, description="Now if left out.")
    ends_at: Instant = Field(description="It counts up to, not including, this moment; at most 366 days.")
    limits: LimitsBody = LimitsBody()


class DelegationWire(BaseModel):
    """One delegation. It counts while it is not withdrawn and its time has come and not passed."""

    delegation_id: str
    delegator: str
    delegate: str
    starts_at: str
    ends_at: str
    limits: dict[str, Any]
    created_by: str
    created_at: str
    withdrawn_by: str | None
    withdrawn_at: str | None
    is_live: bool


@router.get("/delegations", responses=problems(403))
async def list_delegations(
    principal: DelegatorOf,
    service: ServiceOf,
    all: Annotated[bool, Query(description="Of everybody in the tenant; for administrators.")] = False,
    past: Annotated[bool, Query(description="Also those that are over or were withdrawn.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> list[DelegationWire]:
    """Those that the caller has made and those made to the caller, newest first."""
    if all:
        _require_admin(principal)
    now = service.runner.clock()
    async with service.database.session(principal.tenant) as session:
        found = await rows.list_delegations(
            session, person=None if all else principal.id, ends_after=None if past else now, limit=limit
        )
    return [_wire(one, now) for one in found]


@router.post("/delegations", responses=problems(403))
async def add_delegation(
    body: DelegationBody, principal: DelegatorOf, _: PersonEntranceOf, service: ServiceOf
) -> DelegationWire:
    """Let somebody decide in the caller's stead for a while; an administrator may do so for somebody who is away."""
    now = service.runner.clock()
    limits = _limits_of(body.limits)
    async with service.database.session(principal.tenant, write=True) as session:
        delegator = principal.id if body.delegator is None else await _find(session, "delegator", body.delegator)
        if delegator != principal.id:
            _require_admin(principal)
        elif APPROVALS_DECIDE not in principal.scopes:
            raise ForbiddenError(f"this needs a token with scope {APPROVALS_DECIDE!r}")
        try:
            row = await delegations.delegate(
                session,
                delegator=delegator,
                to=await _find(session, "delegate", body.delegate),
                starts_at=_second(body.starts_at or now),
                ends_at=_second(body.ends_at),
                limits=limits,
                by=principal.id,
                at=now,
            )
        except DelegationError as error:
            raise InputError(error.name, error.message) from None
        return _wire(row, now)


@router.delete("/delegations/{delegation_id}", responses=problems(403, 404))
async def withdraw_delegation(delegation_id: uuid.UUID, principal: DelegatorOf, service: ServiceOf) -> DelegationWire:
    """Take it back, or decline it. Votes given on it that nothing was done on yet count no more."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        row = await delegations.withdraw(
            session, str(delegation_id), by=principal.id, is_admin=_is_admin(principal), at=now
        )
        return _wire(row, now)


def _is_admin(principal: Principal) -> bool:
    return "manage_policy" in principal.access.permissions and POLICY_MANAGE in principal.scopes


def _require_admin(principal: Principal) -> None:
    """Raises: ForbiddenError."""
    if not _is_admin(principal):
        raise ForbiddenError(f"others' delegations need the permission 'manage_policy' and scope {POLICY_MANAGE!r}")


async def _find(session: TenantSession, field: str, who: str) -> str:
    """The id of an active user of the tenant. Raises: InputError."""
    known = normalise_id(who)
    if known is None:
        user = await find_user_by_username(session, who)
        known = user.Id if user else None
    if known is None:
        raise InputError(field, "expected an active user of the tenant")
    return known


def _limits_of(body: LimitsBody) -> Limits:
    """Raises: InputError."""
    for name, given, known in (("tools", body.tools, load_catalogue()), ("objects", body.objects, OBJECT_INFO)):
        unknown = next((one for one in given if one not in known), None)
        if unknown is not None:
            raise InputError(f"limits.{name}", f"there is no {name[:-1]} {unknown!r}")
    return Limits(frozenset(body.tools), frozenset(body.objects), body.amount_cap)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _wire(row: Delegation, now: datetime) -> DelegationWire:
    return DelegationWire(
        delegation_id=row.delegation_id,
        delegator=row.delegator,
        delegate=row.delegate,
        starts_at=to_json(row.starts_at),
        ends_at=to_json(row.ends_at),
        limits=row.limits,
        created_by=row.created_by,
        created_at=to_json(row.created_at),
        withdrawn_by=row.withdrawn_by,
        withdrawn_at=to_json(row.withdrawn_at),
        is_live=row.withdrawn_at is None and row.starts_at <= now < row.ends_at,
    )
