"""Letters on their way: what became of each, and what to do about those that are stuck."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.callers import ReaderOf, ServiceOf
from api.errors import problems
from crm.fields import to_json
from crm.mailing import OutgoingMail

router = APIRouter(tags=["outbox"])

Status = Literal["pending", "sending", "sent", "failed", "unknown"]


class OutboxWire(BaseModel):
    """A letter. `unknown`: the mail server did not say whether it took it; a person has to retry or confirm."""

    outbox_id: str
    status: Status
    record_id: str
    approval_id: str
    requester: str
    message_id: str
    sender: str
    recipients: list[dict[str, Any]]
    subject: str
    attempts: int
    next_attempt: str | None
    error: str | None
    created_at: str
    updated_at: str


def outbox_wire(mail: OutgoingMail) -> OutboxWire:
    return OutboxWire(
        outbox_id=mail.outbox_id,
        status=mail.status,
        record_id=mail.record_id,
        approval_id=mail.approval_id,
        requester=mail.requester,
        message_id=mail.message_id,
        sender=mail.sender,
        recipients=mail.recipients,
        subject=mail.subject,
        attempts=mail.attempts,
        next_attempt=to_json(mail.next_attempt) if mail.status == "pending" else None,
        error=mail.error,
        created_at=to_json(mail.created_at),
        updated_at=to_json(mail.updated_at),
    )


@router.get("/outbox", responses=problems(403))
async def list_outbox(
    principal: ReaderOf,
    service: ServiceOf,
    status: Annotated[list[Status] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[OutboxWire]:
    """The caller's own letters, or for administrators everybody's, newest first."""
    found = await service.outbox.list_mails(principal, statuses=list(status or ()), limit=limit)
    return [outbox_wire(mail) for mail in found]


@router.post("/outbox/{outbox_id}/retry", responses=problems(403, 404, 409))
async def retry_mail(outbox_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> OutboxWire:
    """Send again now what failed or waits. What is of unknown fate may then arrive twice."""
    return outbox_wire(await service.outbox.retry(principal, str(outbox_id)))


@router.post("/outbox/{outbox_id}/confirm", responses=problems(403, 404, 409))
async def confirm_mail(outbox_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> OutboxWire:
    """Say that a letter of unknown fate has arrived."""
    return outbox_wire(await service.outbox.confirm(principal, str(outbox_id)))
