"""Many held actions as one card, decided together."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import ApproverOf, ServiceOf
from api.errors import problems
from api.wire import Body
from crm.repositories.approval_facts import UNKNOWN_OBJECT
from trust.approvals import MAX_REASON
from trust.inbox import MAX_BATCH

router = APIRouter(tags=["approvals"])

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Reason = Annotated[str | None, Field(max_length=MAX_REASON)]
Ids = Annotated[list[uuid.UUID], Field(min_length=1, max_length=MAX_BATCH)]


class BatchBody(Body):
    approval_ids: Ids


class BatchItem(BaseModel):
    approval_id: str
    digest: str
    requester: str
    changes: list[dict[str, Any]] = Field(description="Old and new value of each field, and who wrote them.")
    warnings: list[str]
    message: dict[str, Any] | None = Field(description="The whole message, of what would be sent.")


class BatchWire(BaseModel):
    """One card for requests that share tool, object, policy and rule. `digest` is over all of theirs."""

    digest: str
    tool: str
    object: str
    policy_version: str
    rule: dict[str, Any]
    items: list[BatchItem]
    names: dict[str, str] = Field(description="Of people and records on it, by id, as far as the caller may see them.")


class VetoBody(Body):
    approval_id: uuid.UUID
    reason: str = Field(min_length=1, max_length=MAX_REASON)


class BatchDecisionBody(Body):
    """One word on all, except on those with a veto, which are rejected."""

    approval_ids: Ids
    digest: Digest
    decision: Literal["approve", "reject"]
    reason: Reason = None
    veto: list[VetoBody] = Field(default=[], max_length=MAX_BATCH)


class BatchItemResult(BaseModel):
    approval_id: str
    outcome: Literal["decided", "vetoed", "not_decided"]
    status: str
    run_id: str | None
    problem: str | None


class BatchDecided(BaseModel):
    """What became of each, in order. Sending the same again gives the same."""

    items: list[BatchItemResult]


@router.post("/approvals/batch/preview", responses=problems(403))
async def preview_batch(body: BatchBody, principal: ApproverOf, service: ServiceOf) -> BatchWire:
    """Requests as one card, if they may be decided together; else each that does not belong, and why."""
    batch = await service.inbox.preview(principal, [str(one) for one in body.approval_ids])
    first = batch.approvals[0]
    return BatchWire(
        digest=batch.digest,
        tool=first.tool,
        object=first.changes[0]["object"] if first.changes else UNKNOWN_OBJECT,
        policy_version=first.policy_version,
        rule=first.rule,
        items=[
            BatchItem(
                approval_id=one.approval_id,
                digest=one.digest,
                requester=one.requester,
                changes=one.card["changes"],
                warnings=one.card.get("warnings", []),
                message=one.card.get("message"),
            )
            for one in batch.approvals
        ],
        names=await service.cards.name(principal, batch.approvals),
    )


@router.post("/approvals/batch/decision", responses=problems(403, 409))
async def decide_batch(body: BatchDecisionBody, principal: ApproverOf, service: ServiceOf) -> BatchDecided:
    """Decide a batch that was shown: each request by itself, so that one that has changed keeps no other back."""
    results = await service.inbox.decide_batch(
        principal,
        [str(one) for one in body.approval_ids],
        body.digest,
        body.decision,
        reason=body.reason,
        veto={str(one.approval_id): one.reason for one in body.veto},
    )
    return BatchDecided(items=[BatchItemResult(**vars(one)) for one in results])
