"""What the routes of the policy share: its shapes, the checks before anything is put in, and the putting in."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api._policy_check import known_names
from api.errors import InputError
from api.wire import Body
from api.wiring import Service
from crm.database import TenantSession
from crm.repositories.access import load_names
from trust import policy_book
from trust.additions import MAX_CHARS, read_additions
from trust.approval_rules import ApprovalRule, Rules, find_twice, named_in
from trust.cedar_rules import PolicyTextError
from trust.principal import Principal
from trust.tenant_policy import Period, PolicySettingError, PolicySettings, RecipientRule, TenantPolicy


class SettingsBody(Body):
    """The tenant's limits; what is left out stays as it is."""

    record_cap: int | None = Field(default=None, description="Records that one action may touch unattended.")
    amount_limit: int | None = Field(default=None, description="In the tenant's currency.")
    change_limit_percent: int | None = Field(default=None, description="By how much an amount may grow or shrink.")
    recipient_rule: RecipientRule | None = Field(default=None, description="For recipients who may not read it.")


class PolicyDraft(Body):
    """What a tenant may put into the policy; what is left out stays as it is."""

    additions: Annotated[str, Field(max_length=MAX_CHARS)] | None = Field(
        default=None, description="All of the tenant's own rules, as Cedar text with `forbid` only."
    )
    settings: SettingsBody | None = None
    rules: Rules | None = Field(default=None, description="All of the tenant's approval rules: docs/approvals.md.")


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


async def change_policy(
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
    return policy_wire(new, service)


@asynccontextmanager
async def _writing(service: Service, principal: Principal) -> AsyncIterator[tuple[TenantSession, TenantPolicy]]:
    async with service.database.session(principal.tenant, write=True) as session:
        yield session, await policy_book.load_current(session)


async def check_draft(draft: PolicyDraft, principal: Principal, service: Service) -> None:
    """Raises: InputError for whatever could not be put in."""
    check_additions(draft.additions or "")
    await check_rules(draft.rules or (), principal, service)


def apply_draft(current: TenantPolicy, draft: PolicyDraft) -> TenantPolicy:
    """The policy with a checked draft's changes. Raises: InputError for limits that cannot be."""
    given = {} if draft.settings is None else draft.settings.model_dump(exclude_none=True)
    return replace(
        current,
        additions=current.additions if draft.additions is None else draft.additions,
        settings=settings_from({**current.settings.to_json(), **given}),
        rules=current.rules if draft.rules is None else draft.rules,
    )


def check_additions(text: str) -> None:
    try:
        read_additions(text, known_names())
    except PolicyTextError as error:
        raise InputError("additions", str(error)) from None


async def check_rules(rules: Sequence[ApprovalRule], principal: Principal, service: Service) -> None:
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


def settings_from(data: dict[str, Any]) -> PolicySettings:
    try:
        return PolicySettings.from_json(data)
    except PolicySettingError as error:
        raise InputError(f"settings.{error.name}", error.message) from None


def policy_wire(policy: TenantPolicy, service: Service) -> TenantPolicyWire:
    today = service.runner.clock().date()
    return TenantPolicyWire(
        version=policy.version,
        digest=policy.digest,
        additions=policy.additions,
        settings=policy.settings.to_json(),
        rules=[one.to_json() for one in policy.rules],
        preapprovals=[PreapprovalWire(**one.to_json(), is_live=one.until >= today) for one in policy.preapprovals],
    )
