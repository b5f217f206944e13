"""Held actions over HTTP: the inbox, the card and the decision."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api._card_wire import (
    CandidatesWire,
    CardWire,
    EditableWire,
    SummaryWire,
    candidates_wire,
    card_wire,
    editable_wire,
    summary_wire,
)
from api.callers import ApproverOf, ServiceOf
from api.errors import InputError, problems
from api.wire import ApprovalStatus, ApprovalWire, Body, Instant, approval_wire
from api.wiring import Service
from crm.fields import to_json
from crm.ids import normalise_id
from crm.repositories.inbox import Filter, Sort
from crm.work import Approval
from graphs.inbox import Found, View
from trust.approvals import MAX_ANSWER, MAX_REASON, Verdict
from trust.principal import Principal

router = APIRouter(tags=["approvals"])

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Reason = Annotated[str | None, Field(max_length=MAX_REASON)]
RecordId = Annotated[str, Field(min_length=15, max_length=18, pattern="^[0-9A-Za-z]+$")]


class DecisionBody(Body):
    """A person's word. `digest` is that of the card they were shown; a card that has changed is not decided."""

    decision: Literal["approve", "reject", "edit", "answer", "recall"]
    digest: Digest
    reason: str | None = Field(default=None, max_length=MAX_REASON, description="Shown to the requester and the agent.")
    text: str | None = Field(
        default=None, max_length=MAX_ANSWER, description="With `answer`: what the agent is told instead of a decision."
    )
    arguments: dict[str, Any] | None = Field(
        default=None, description="With `edit`: all arguments of the tool, as they should be. Makes a new request."
    )


class Decided(BaseModel):
    """The request as it stands after the decision, and the run that acts on it, if a conversation waited for it."""

    approval: ApprovalWire
    edited_from: str | None = Field(description="With `edit`: the request that this new one took the place of.")
    run_id: str | None


class CountsWire(BaseModel):
    """Pending requests by view."""

    all: int
    mine: int
    team: int
    decidable: int
    requested: int
    oldest: str | None = Field(description="Since when the oldest of `mine` waits.")


class ReassignBody(Body):
    to: RecordId = Field(description="Record id of a user who may decide it.")
    reason: Reason = None


@dataclass(frozen=True)
class Question:
    """Which requests, in which order, from where on."""

    view: View
    wanted: Filter
    escalated: bool | None
    sort: Sort
    cursor: str | None


def get_question(
    view: Annotated[
        View, Query(description="mine: what I may decide, unless it was put before somebody else.")
    ] = "all",
    status: Annotated[list[ApprovalStatus] | None, Query()] = None,
    record: Annotated[RecordId | None, Query(description="Requests that touch, name or go to this record.")] = None,
    run_id: uuid.UUID | None = None,
    thread_id: uuid.UUID | None = None,
    tool: Annotated[str | None, Query(pattern="^[a-z_]{1,60}$")] = None,
    object: Annotated[str | None, Query(pattern="^[A-Za-z0-9_]{1,60}$")] = None,
    requester: RecordId | None = None,
    tainted: bool | None = None,
    external: bool | None = None,
    escalated: Annotated[
        bool | None, Query(description="Whether others may decide by now because nobody did in time.")
    ] = None,
    since: Annotated[Instant | None, Query(description="Requested at this instant or later.")] = None,
    until: Annotated[Instant | None, Query(description="Requested before this instant.")] = None,
    sort: Sort = "newest",
    cursor: Annotated[str | None, Query(max_length=500, description="X-Pagination-Next of the page before.")] = None,
) -> Question:
    """Raises: InputError."""
    wanted = Filter(
        statuses=status or ["pending"],
        requester=None if requester is None else _record_id("requester", requester),
        thread_id=None if thread_id is None else str(thread_id),
        run_id=None if run_id is None else str(run_id),
        record_id=None if record is None else _record_id("record", record),
        tool=tool,
        object_name=object,
        is_tainted=tainted,
        is_external=external,
        since=since,
        until=until,
    )
    return Question(view, wanted, escalated, sort, cursor)


def _record_id(field: str, given: str) -> str:
    """Raises: InputError."""
    found = normalise_id(given)
    if found is None:
        raise InputError(field, "expected a record id of 15 or 18 characters")
    return found


QuestionOf = Annotated[Question, Depends(get_question)]


@router.get("/approvals", responses=problems(403))
async def list_approvals(
    principal: ApproverOf,
    service: ServiceOf,
    response: Response,
    question: QuestionOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ApprovalWire]:
    """Requests that the caller made, may decide, or stands above in the role tree; pending ones unless asked otherwise.

    `X-Pagination-Next` says how to go on.
    """
    found = await _find(principal, service, response, question, limit)
    url = service.settings.public_url
    return [
        approval_wire(one, replaced_by=found.successors.get(one.approval_id), public_url=url) for one in found.approvals
    ]


async def _find(principal: Principal, service: Service, response: Response, question: Question, limit: int) -> Found:
    found = await service.inbox.list_page(
        principal,
        question.view,
        question.wanted,
        sort=question.sort,
        cursor=question.cursor,
        limit=limit,
        escalated=question.escalated,
    )
    if found.next_cursor is not None:
        response.headers["X-Pagination-Next"] = found.next_cursor
    return found


@router.get("/approvals/summaries", responses=problems(403))
async def list_summaries(
    principal: ApproverOf,
    service: ServiceOf,
    response: Response,
    question: QuestionOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[SummaryWire]:
    """The same requests, a line for each: for long lists."""
    found = await _find(principal, service, response, question, limit)
    return [summary_wire(one) for one in await service.cards.summarise(principal, found.approvals)]


@router.get("/approvals/counts", responses=problems(403))
async def count_approvals(principal: ApproverOf, service: ServiceOf) -> CountsWire:
    """How many requests wait, by view."""
    counts = await service.inbox.count(principal)
    by_view: dict[View, int] = dict(counts.by_view)
    return CountsWire(**by_view, oldest=None if counts.oldest is None else to_json(counts.oldest))


@router.get("/approvals/{approval_id}", responses=problems(403, 404))
async def get_approval(approval_id: uuid.UUID, principal: ApproverOf, service: ServiceOf) -> CardWire:
    """A request with its card and where it stands, for its requester and for those who may decide it."""
    return card_wire(await service.cards.open(principal, str(approval_id)), service.settings.public_url)


@router.get("/approvals/{approval_id}/candidates", responses=problems(403, 404))
async def list_candidates(
    approval_id: uuid.UUID,
    principal: ApproverOf,
    service: ServiceOf,
    name: Annotated[str, Query(max_length=100, description="Part of a name.")] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> CandidatesWire:
    """Whom a request can be put before: who may decide it and see all of it."""
    return candidates_wire(await service.cards.find_candidates(principal, str(approval_id), name=name, limit=limit))


@router.get("/approvals/{approval_id}/editable", responses=problems(403, 404, 409))
async def get_editable(approval_id: uuid.UUID, principal: ApproverOf, service: ServiceOf) -> EditableWire:
    """What an edit of a pending request may hold, for those who may edit it: arguments, and fields of its record."""
    return editable_wire(await service.editing.find_editable(principal, str(approval_id)))


async def _wire(approval: Approval, principal: Principal, service: Service) -> ApprovalWire:
    replaced_by = await service.inbox.find_successor(principal, approval.approval_id)
    return approval_wire(approval, replaced_by=replaced_by, public_url=service.settings.public_url)


@router.post("/approvals/{approval_id}/decision", responses=problems(403, 404, 409))
async def decide_approval(
    approval_id: uuid.UUID,
    body: DecisionBody,
    principal: ApproverOf,
    service: ServiceOf,
    wait: Annotated[bool, Query(description="Answer only when the decision has been acted on.")] = False,
) -> Decided:
    """Decide once. An edit closes this request and answers with the new one, which waits to be decided itself.

    An answer closes it too: the agent reads the text and goes on from there.
    """
    if (body.arguments is not None) is not (body.decision == "edit"):
        raise InputError("arguments", "expected with decision 'edit', and only with it")
    if bool((body.text or "").strip()) is not (body.decision == "answer"):
        raise InputError("text", "expected with decision 'answer', and only with it")
    verdict = Verdict(body.decision, body.digest, body.text or body.reason, body.arguments)
    [approval], run = await service.conversations.decide(principal, [(str(approval_id), verdict)])
    if wait and run is not None:
        async for _ in service.runner.follow(principal.tenant, run.run_id):
            pass
        approval = await service.conversations.get_approval(principal, approval.approval_id)
    return Decided(
        approval=await _wire(approval, principal, service),
        edited_from=str(approval_id) if body.decision == "edit" else None,
        run_id=None if run is None else run.run_id,
    )


@router.post("/approvals/{approval_id}/reassign", responses=problems(403, 404, 409))
async def reassign_approval(
    approval_id: uuid.UUID, body: ReassignBody, principal: ApproverOf, service: ServiceOf
) -> ApprovalWire:
    """Put a request before somebody who may decide it. Others who may still can."""
    to = _record_id("to", body.to)
    approval = await service.inbox.reassign(principal, str(approval_id), to, reason=body.reason)
    return await _wire(approval, principal, service)


@router.post("/approvals/{approval_id}/repropose", responses=problems(403, 404, 409))
async def repropose_approval(approval_id: uuid.UUID, principal: ApproverOf, service: ServiceOf) -> ApprovalWire:
    """Make a request that was refused as stale, or expired, again: the same arguments against today's values."""
    approval = await service.conversations.repropose(principal, str(approval_id))
    return await _wire(approval, principal, service)
