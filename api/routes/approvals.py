"""Held actions over HTTP: the inbox, the card, the decision."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import ApproverOf, ServiceOf
from api.errors import InputError, problems
from api.wire import ApprovalWire, Body, approval_wire
from trust.approvals import MAX_REASON, Verdict

router = APIRouter(tags=["approvals"])

Status = Literal["pending", "approved", "rejected", "edited", "recalled", "expired", "applied", "refused"]


class DecisionBody(Body):
    """A person's word. `digest` is that of the card they were shown; a card that has changed is not decided."""

    decision: Literal["approve", "reject", "edit", "recall"]
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    reason: str | None = Field(default=None, max_length=MAX_REASON, description="Shown to the requester and the agent.")
    arguments: dict[str, Any] | None = Field(
        default=None, description="With `edit`: all arguments of the tool, as they should be. Makes a new request."
    )


class Decided(BaseModel):
    """The request as it stands after the decision, and the run that acts on it."""

    approval: ApprovalWire
    run_id: str


@router.get("/approvals", responses=problems(403))
async def list_approvals(
    principal: ApproverOf,
    service: ServiceOf,
    status: Annotated[list[Status] | None, Query()] = None,
    thread_id: uuid.UUID | None = None,
    run_id: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ApprovalWire]:
    """The caller's own requests and those the caller may decide, newest first; pending ones unless asked otherwise."""
    found = await service.conversations.list_approvals(
        principal,
        statuses=status or ["pending"],
        thread_id=None if thread_id is None else str(thread_id),
        run_id=None if run_id is None else str(run_id),
        limit=limit,
    )
    return [approval_wire(one) for one in found]


@router.get("/approvals/{approval_id}", responses=problems(403, 404))
async def get_approval(approval_id: uuid.UUID, principal: ApproverOf, service: ServiceOf) -> ApprovalWire:
    """A request with its card, for its requester and for those who may decide it."""
    return approval_wire(await service.conversations.get_approval(principal, str(approval_id)))


@router.post("/approvals/{approval_id}/decision", responses=problems(403, 404, 409))
async def decide_approval(
    approval_id: uuid.UUID,
    body: DecisionBody,
    principal: ApproverOf,
    service: ServiceOf,
    wait: Annotated[bool, Query(description="Answer only when the decision has been acted on.")] = False,
) -> Decided:
    """Decide once. An edit closes this request and answers with the new one, which waits to be decided itself."""
    if (body.arguments is not None) is not (body.decision == "edit"):
        raise InputError("arguments", "expected with decision 'edit', and only with it")
    verdict = Verdict(body.decision, body.digest, body.reason, body.arguments)
    decided, run = await service.conversations.decide(principal, [(str(approval_id), verdict)])
    approval = decided[0]
    if wait:
        async for _ in service.runner.follow(principal.tenant, run.run_id):
            pass
        approval = await service.conversations.get_approval(principal, approval.approval_id)
    return Decided(approval=approval_wire(approval), run_id=run.run_id)
