"""Pre-approvals over HTTP: exactly one kind of action that needs no person any more, with caps and an end."""

import uuid
from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.callers import PolicyAdminOf, ServiceOf
from api.errors import InputError, problems
from api.policy_parts import PreapprovalUseWire, PreapprovalWire, TenantPolicyWire, change_policy, policy_wire
from api.wire import Body
from crm.schema import OBJECT_INFO
from tools._catalogue import load_catalogue
from trust import policy_book
from trust.actions import Effect
from trust.policy_book import MAX_NOTE, MAX_PREAPPROVALS
from trust.preapprovals import find_use
from trust.tenant_policy import Period, Preapproval, TenantPolicy

router = APIRouter(prefix="/admin", tags=["policy"])

_NEVER_PREAPPROVED = frozenset({"User"})
"""Whose records decide what people may do."""


class PreapprovalSpec(Body):
    """Exactly one kind of action that needs no person any more, as long as nothing else speaks against it."""

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

    def granted(self, preapproval_id: str, by: str) -> Preapproval:
        return Preapproval(
            preapproval_id=preapproval_id,
            tool=self.tool,
            object_name=self.object,
            fields=frozenset(self.fields),
            until=self.until,
            amount_cap=self.amount_cap,
            granted_by=by,
            reason=self.reason,
            count_cap=self.count_cap,
            sum_cap=self.sum_cap,
            period=self.period,
        )


class PreapprovalBody(PreapprovalSpec):
    """What is to be approved in advance, as a change to the policy version that was looked at."""

    based_on: Annotated[int, Field(ge=0, le=2**31 - 2)]


@router.get("/preapprovals", responses=problems(403))
async def list_preapprovals(principal: PolicyAdminOf, service: ServiceOf) -> list[PreapprovalWire]:
    """Kinds of action that the tenant has approved in advance, also those whose time is over."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant) as session:
        policy = await policy_book.load_current(session)
        shown = policy_wire(policy, service).preapprovals
        for one, wire in zip(policy.preapprovals, shown, strict=True):
            if one.is_capped:
                wire.used = PreapprovalUseWire(**asdict(await find_use(session, one, at=now)))
    return shown


@router.post("/preapprovals", responses=problems(403, 409))
async def add_preapproval(body: PreapprovalBody, principal: PolicyAdminOf, service: ServiceOf) -> TenantPolicyWire:
    """Approve a kind of action in advance. Makes a new version of the policy."""
    check_preapproval(body, service.runner.clock().date())
    one = body.granted(str(uuid.uuid4()), principal.id)

    def change(current: TenantPolicy) -> TenantPolicy:
        if len(current.preapprovals) >= MAX_PREAPPROVALS:
            raise InputError("preapprovals", f"at most {MAX_PREAPPROVALS}: withdraw some first")
        return policy_book.with_preapproval(current, one)

    return await change_policy(
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

    return await change_policy(service, principal, change, based_on=based_on, note="", kind="preapproval.withdrawn")


def check_preapproval(body: PreapprovalSpec, today: date, *, place: str = "") -> None:
    """Raises: InputError for a kind of action that does not exist, and for one that always needs a person."""
    tool = load_catalogue().get(body.tool)
    if tool is None or tool.effect is Effect.READ:
        raise InputError(f"{place}tool", "expected a tool that writes or sends")
    info = OBJECT_INFO.get(body.object)
    if info is None or not any(tool.may_propose(operation, body.object) for operation in ("create", "update")):
        raise InputError(f"{place}object", f"{body.tool} changes no records of that name")
    if body.object in _NEVER_PREAPPROVED:
        raise InputError(f"{place}object", f"changes to {body.object} always need a person")
    for name in body.fields:
        if name not in info.fields:
            raise InputError(f"{place}fields", f"{body.object} has no field {name!r}")
    if body.amount_cap is None and any(info.fields[name].kind == "money" for name in body.fields):
        raise InputError(f"{place}amount_cap", "expected an amount, since a field is money")
    if body.sum_cap is not None and body.amount_cap is None:
        raise InputError(f"{place}sum_cap", "expected with amount_cap, which says how much one of them may come to")
    if body.until < today:
        raise InputError(f"{place}until", "expected a day that has not passed")
