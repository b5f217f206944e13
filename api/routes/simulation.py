"""What would have been held: a policy tried on the tenant's past requests before it is put in."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import PolicyAdminOf, ServiceOf
from api.errors import InputError, problems
from api.policy_parts import PolicyDraft, apply_draft, check_draft
from api.routes.preapprovals import PreapprovalSpec, check_preapproval
from api.wire import Instant
from crm.fields import to_json
from crm.repositories import approvals as rows
from crm.work import Approval
from graphs._replaying import Why, load_cases
from trust import policy_book
from trust.actions import Action
from trust.decisions import Hold
from trust.policy_book import MAX_PREAPPROVALS
from trust.principal import Principal
from trust.simulation import Judged, Simulation, judged_as
from trust.tenant_policy import TenantPolicy

router = APIRouter(prefix="/admin", tags=["policy"])


class SimulationBody(PolicyDraft):
    """A policy that is not put in, and which past requests it is tried on."""

    preapprovals: Annotated[list[PreapprovalSpec], Field(max_length=MAX_PREAPPROVALS)] | None = Field(
        default=None, description="All of the candidate's. Left out: as they are."
    )
    since: Instant | None = None
    until: Instant | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 200
    only_changed: bool = Field(default=False, description="Leave out requests of which nothing would become different.")


class JudgedWire(BaseModel):
    """What became of a request, or would have."""

    outcome: Literal["denied", "held", "preapproved"]
    guard: str
    reason: str
    rules: list[str] = Field(description="Approval rules that have a say.")
    permission: str | None
    approvers: list[str] = Field(description="What rules ask of whoever decides, each in words; all of them count.")
    second_person: bool
    votes: int
    expires_after_s: int | None = Field(description="Null: as long as every request.")
    preapproval_id: str | None


class ReplayedWire(BaseModel):
    """One past request."""

    approval_id: str
    requester: str
    tool: str
    objects: list[str]
    created_at: str
    was: JudgedWire
    would: JudgedWire
    is_changed: bool


class SimulationWire(BaseModel):
    """What the policy would have made of the requests, oldest first."""

    looked_at: int
    changed: int
    totals: dict[str, int] = Field(description="`held -> preapproved` and the like, with how many.")
    skipped: dict[Why, int] = Field(description="Requests that cannot be tried any more, and why.")
    requests: list[ReplayedWire]


@router.post("/policy/simulate", responses=problems(403))
async def simulate_policy(body: SimulationBody, principal: PolicyAdminOf, service: ServiceOf) -> SimulationWire:
    """Try a policy on past requests, the newest of the window. Nothing is written.

    Each is decided as at the moment it was made, with its requester's rights of now. What was denied when it was asked
    for has left no request, and so is not here.
    """
    await check_draft(body, principal, service)
    today = service.runner.clock().date()
    for number, spec in enumerate(body.preapprovals or ()):
        check_preapproval(spec, min(today, spec.until), place=f"preapprovals.{number}.")
    if body.since is not None and body.until is not None and body.since >= body.until:
        raise InputError("until", "expected a time after since")
    async with service.database.session(principal.tenant) as session:
        candidate = _candidate(await policy_book.load_current(session), body, principal.id)
        found = await rows.list_between(session, since=body.since, until=body.until, limit=body.limit)
        cases, skipped = await load_cases(session, found[::-1], service.runner.desk.roster)
    replayed = await asyncio.to_thread(_replay, Simulation(candidate), cases)
    totals = Counter(f"{one.was.outcome} -> {one.would.outcome}" for one in replayed)
    return SimulationWire(
        looked_at=len(replayed),
        changed=sum(one.is_changed for one in replayed),
        totals=dict(sorted(totals.items())),
        skipped={why: count for why, count in sorted(skipped.items())},
        requests=[one for one in replayed if one.is_changed or not body.only_changed],
    )


def _candidate(current: TenantPolicy, body: SimulationBody, by: str) -> TenantPolicy:
    drafted = apply_draft(current, body)
    if body.preapprovals is None:
        return drafted
    return replace(
        drafted, preapprovals=tuple(one.granted(f"candidate-{n}", by) for n, one in enumerate(body.preapprovals))
    )


def _replay(simulation: Simulation, cases: list[tuple[Approval, Action, Principal]]) -> list[ReplayedWire]:
    shown = []
    for approval, action, requester in cases:
        was = _judged(judged_as(Hold.from_json(approval.rule)))
        asking = replace(requester, scopes=frozenset({action.scope}))
        would = _judged(simulation.judge(action, asking, at=approval.created_at))
        shown.append(
            ReplayedWire(
                approval_id=approval.approval_id,
                requester=approval.requester,
                tool=approval.tool,
                objects=sorted({change.object_name for change in action.changes or ()}),
                created_at=to_json(approval.created_at),
                was=was,
                would=would,
                is_changed=_demand(was) != _demand(would),
            )
        )
    return shown


def _demand(judged: JudgedWire) -> dict[str, Any]:
    """What makes a difference to anybody; the words of a reason do not, nor does which pre-approval it was."""
    return judged.model_dump(exclude={"reason", "guard", "preapproval_id", "rules"})


def _judged(judged: Judged) -> JudgedWire:
    hold = judged.hold
    wait = hold.expires_after if hold else None
    return JudgedWire(
        outcome=judged.outcome,
        guard=judged.guard,
        reason=judged.reason,
        rules=list(hold.rules) if hold else [],
        permission=hold.permission if hold else None,
        approvers=[one.words for one in hold.requirements] if hold else [],
        second_person=hold is not None and not hold.self_approval,
        votes=hold.votes if hold else 0,
        expires_after_s=None if wait is None else int(wait.total_seconds()),
        preapproval_id=judged.preapproval_id,
    )
