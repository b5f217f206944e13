"""The tenant's part of the policy over HTTP: rules, limits and pre-approvals, in versions, for administrators."""

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api._policy_check import known_names
from api.callers import PolicyAdminOf, ServiceOf
from api.errors import InputError, problems
from api.wire import Body
from api.wiring import Service
from crm.database import TenantSession
from crm.fields import to_json
from crm.repositories.access import load_names
from crm.schema import OBJECT_INFO
from tools._catalogue import load_catalogue
from trust import policy_book
from trust.actions import Effect
from trust.additions import MAX_CHARS, read_additions
from trust.approval_rules import ApprovalRule, Rules, find_twice, named_in
from trust.cedar import FILES
from trust.cedar_rules import SCHEMA_TEXT, PolicyTextError
from trust.policy import policy_version
from trust.policy_book import MAX_NOTE, MAX_PREAPPROVALS
from trust.preapprovals import find_use
from trust.principal import Principal
from trust.tenant_policy import Period, PolicySettingError, PolicySettings, Preapproval, RecipientRule, TenantPolicy

router = APIRouter(prefix="/admin", tags=["policy"])

_NEVER_PREAPPROVED = frozenset({"User"})
"""Whose records decide what people may do."""


class SettingsBody(Body):
    """The tenant's limits; what is left out stays as it is."""

    record_cap: int | None = Field(default=None, description="Records that one action may touch unattended.")
    amount_limit: int | None = Field(default=None, description="In the tenant's currency.")
    change_limit_percent: int | None = Field(default=None, description="By how much an amount may grow or shrink.")
    recipient_rule: RecipientRule | None = Field(default=None, description="For recipients who may not read it.")


class PolicyBody(Body):
    """A change to the policy. It is refused if another version than `based_on` counts by now."""

    based_on: Annotated[int, Field(ge=0, le=2**31 - 2)]
    additions: Annotated[str, Field(max_length=MAX_CHARS)] | None = Field(
        default=None,
        description="All of the tenant's own rules, as Cedar text with `forbid` only. Left out: as before.",
    )
    settings: SettingsBody | None = None
    rules: Rules | None = Field(
        default=None, description="All of the tenant's approval rules. Left out: as before. See docs/approvals.md."
    )
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class RollbackBody(Body):
    """Which version comes back, as a new one. Version 0 is the service's policy with nothing added."""

    based_on: Annotated[int, Field(ge=0, le=2**31 - 2)]
    version: Annotated[int, Field(ge=0, le=2**31 - 2)]
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class PreapprovalBody(Body):
    """Exactly one kind of action that needs no person any more, as long as nothing else speaks against it."""

    based_on: Annotated[int, Field(ge=0, le=2**31 - 2)]
    tool: Annotated[str, Field(max_length=60)]
    object: Annotated[str, Field(max_length=60)]
    fields: Annotated[list[Annotated[str, Field(max_length=80)]], Field(min_length=1, max_length=100)]
    until: date = Field(description="The last day on which it holds, by UTC.")
    amount_cap: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        default=None, description="The most that an amount may come to; needed if a field is money."
    )
    count_cap: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        default=None, description="How many such actions may be done in a period; any number if left out."
    )
    sum_cap: Annotated[int, Field(ge=1, le=10**15)] | None = Field(
        default=None, description="What all amounts of a period may come to; for fields of money."
    )
    period: Period = Field(default="day", description="What the caps count over, by UTC; weeks begin on Mondays.")
    reason: Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]


class PreapprovalUseWire(BaseModel):
    """What was done on a capped pre-approval in the period of now."""

    period_start: date
    count: int
    amount: int


class PreapprovalWire(BaseModel):
    """A pre-approval of the version that counts."""

    id: str
    tool: str
    object: str
    fields: list[str]
    until: date
    amount_cap: int | None
    granted_by: str
    reason: str
    is_live: bool = Field(description="Whether its last day has not passed.")
    count_cap: int | None = None
    sum_cap: int | None = None
    period: Period | None = Field(default=None, description="Null if there are no caps.")
    used: PreapprovalUseWire | None = Field(default=None, description="In this period; only in the list, with caps.")


class TenantPolicyWire(BaseModel):
    """The tenant's part of the policy."""

    version: int
    digest: str
    additions: str
    settings: dict[str, Any]
    rules: list[dict[str, Any]] = Field(description="Approval rules, as they were written.")
    preapprovals: list[PreapprovalWire]


class PolicyWire(TenantPolicyWire):
    """The policy as it stands: the tenant's part, and what comes with the service."""

    policy_version: str = Field(description="A digest of all of it; approvals carry the one they were asked for under.")
    schema_text: str = Field(description="What rules can speak about.")
    files: dict[str, str] = Field(description="The rules that come with the service.")


class PolicyVersionWire(TenantPolicyWire):
    """One version, with who put it in."""

    author: str
    note: str
    created_at: str


@router.get("/policy", responses=problems(403))
async def get_policy(principal: PolicyAdminOf, service: ServiceOf) -> PolicyWire:
    """What counts now."""
    async with service.database.session(principal.tenant) as session:
        policy = await policy_book.load_current(session)
    return PolicyWire(
        **_wire(policy, service).model_dump(),
        policy_version=policy_version(principal),
        schema_text=SCHEMA_TEXT,
        files=dict(FILES),
    )


@router.put("/policy", responses=problems(403, 409))
async def put_policy(body: PolicyBody, principal: PolicyAdminOf, service: ServiceOf) -> TenantPolicyWire:
    """Put a new version in. It counts from the next run on; a text that is not good changes nothing."""
    _check_additions(body.additions or "")
    await _check_rules(body.rules or (), principal, service)

    def change(current: TenantPolicy) -> TenantPolicy:
        given = {} if body.settings is None else body.settings.model_dump(exclude_none=True)
        settings = _settings_from({**current.settings.to_json(), **given})
        additions = current.additions if body.additions is None else body.additions
        rules = current.rules if body.rules is None else body.rules
        return replace(current, additions=additions, settings=settings, rules=rules)

    return await _change(service, principal, change, based_on=body.based_on, note=body.note, kind="policy.changed")


@router.get("/policy/history", responses=problems(403))
async def list_policy_versions(
    principal: PolicyAdminOf, service: ServiceOf, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[PolicyVersionWire]:
    """Every version that was ever put in, newest first."""
    async with service.database.session(principal.tenant) as session:
        rows = await policy_book.list_versions(session, limit=limit)
        return [
            PolicyVersionWire(
                **_wire(policy_book.policy_of(row, (row.version, row.digest)), service).model_dump(),
                author=row.author,
                note=row.note,
                created_at=to_json(row.created_at),
            )
            for row in rows
        ]


@router.post("/policy/rollback", responses=problems(403, 404, 409))
async def roll_back_policy(body: RollbackBody, principal: PolicyAdminOf, service: ServiceOf) -> TenantPolicyWire:
    """Put an earlier version in again, pre-approvals included."""
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        policy = await policy_book.restore(
            session, body.version, based_on=body.based_on, by=principal.id, note=body.note, at=at
        )
    return _wire(policy, service)


@router.get("/preapprovals", responses=problems(403))
async def list_preapprovals(principal: PolicyAdminOf, service: ServiceOf) -> list[PreapprovalWire]:
    """Kinds of action that the tenant has approved in advance, also those whose time is over."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant) as session:
        policy = await policy_book.load_current(session)
        shown = _wire(policy, service).preapprovals
        for one, wire in zip(policy.preapprovals, shown, strict=True):
            if one.is_capped:
                wire.used = PreapprovalUseWire(**asdict(await find_use(session, one, at=now)))
    return shown


@router.post("/preapprovals", responses=problems(403, 409))
async def add_preapproval(body: PreapprovalBody, principal: PolicyAdminOf, service: ServiceOf) -> TenantPolicyWire:
    """Approve a kind of action in advance. Makes a new version of the policy."""
    _check_preapproval(body, service.runner.clock().date())
    one = Preapproval(
        preapproval_id=str(uuid.uuid4()),
        tool=body.tool,
        object_name=body.object,
        fields=frozenset(body.fields),
        until=body.until,
        amount_cap=body.amount_cap,
        granted_by=principal.id,
        reason=body.reason,
        count_cap=body.count_cap,
        sum_cap=body.sum_cap,
        period=body.period,
    )

    def change(current: TenantPolicy) -> TenantPolicy:
        if len(current.preapprovals) >= MAX_PREAPPROVALS:
            raise InputError("preapprovals", f"at most {MAX_PREAPPROVALS}: withdraw some first")
        return policy_book.with_preapproval(current, one)

    return await _change(
        service, principal, change, based_on=body.based_on, note=body.reason, kind="preapproval.granted"
    )


@router.delete("/preapprovals/{preapproval_id}", responses=problems(403, 404, 409))
async def withdraw_preapproval(
    preapproval_id: uuid.UUID,
    principal: PolicyAdminOf,
    service: ServiceOf,
    based_on: Annotated[int, Query(ge=0, le=2**31 - 2)],
) -> TenantPolicyWire:
    """Take a pre-approval back. Makes a new version of the policy."""

    def change(current: TenantPolicy) -> TenantPolicy:
        return policy_book.without_preapproval(current, str(preapproval_id))

    return await _change(service, principal, change, based_on=based_on, note="", kind="preapproval.withdrawn")


async def _change(
    service: Service,
    principal: Principal,
    change: Callable[[TenantPolicy], TenantPolicy],
    *,
    based_on: int,
    note: str,
    kind: str,
) -> TenantPolicyWire:
    at = service.runner.clock()
    async with _writing(service, principal) as (session, current):
        new = await policy_book.put(
            session, change(current), based_on=based_on, by=principal.id, note=note, at=at, kind=kind
        )
    return _wire(new, service)


@asynccontextmanager
async def _writing(service: Service, principal: Principal) -> AsyncIterator[tuple[TenantSession, TenantPolicy]]:
    async with service.database.session(principal.tenant, write=True) as session:
        yield session, await policy_book.load_current(session)


def _check_additions(text: str) -> None:
    try:
        read_additions(text, known_names())
    except PolicyTextError as error:
        raise InputError("additions", str(error)) from None


async def _check_rules(rules: Sequence[ApprovalRule], principal: Principal, service: Service) -> None:
    """A rule that names somebody who is not there would ask for what nobody can give. Raises: InputError."""
    if not rules:
        return
    twice = find_twice(rules)
    if twice is not None:
        raise InputError(f"rules.{twice}.id", "there is another rule with this id")
    async with service.database.session(principal.tenant) as session:
        known = await load_names(session) | {"tool": known_names()["Tool"]}
    for place, kind, name in named_in(rules):
        if name not in known[kind]:
            raise InputError(f"rules.{place}", f"the tenant has no {kind} {name!r}")


def _settings_from(data: dict[str, Any]) -> PolicySettings:
    try:
        return PolicySettings.from_json(data)
    except PolicySettingError as error:
        raise InputError(f"settings.{error.name}", error.message) from None


def _check_preapproval(body: PreapprovalBody, today: date) -> None:
    """Raises: InputError for a kind of action that does not exist, and for one that always needs a person."""
    tool = load_catalogue().get(body.tool)
    if tool is None or tool.effect is Effect.READ:
        raise InputError("tool", "expected a tool that writes or sends")
    info = OBJECT_INFO.get(body.object)
    if info is None or not any(tool.may_propose(operation, body.object) for operation in ("create", "update")):
        raise InputError("object", f"{body.tool} changes no records of that name")
    if body.object in _NEVER_PREAPPROVED:
        raise InputError("object", f"changes to {body.object} always need a person")
    for name in body.fields:
        if name not in info.fields:
            raise InputError("fields", f"{body.object} has no field {name!r}")
    if body.amount_cap is None and any(info.fields[name].kind == "money" for name in body.fields):
        raise InputError("amount_cap", "expected an amount, since a field is money")
    if body.sum_cap is not None and body.amount_cap is None:
        raise InputError("sum_cap", "expected with amount_cap, which says how much one of them may come to")
    if body.until < today:
        raise InputError("until", "expected a day that has not passed")


def _wire(policy: TenantPolicy, service: Service) -> TenantPolicyWire:
    today = service.runner.clock().date()
    return TenantPolicyWire(
        version=policy.version,
        digest=policy.digest,
        additions=policy.additions,
        settings=policy.settings.to_json(),
        rules=[one.to_json() for one in policy.rules],
        preapprovals=[PreapprovalWire(**one.to_json(), is_live=one.until >= today) for one in policy.preapprovals],
    )
