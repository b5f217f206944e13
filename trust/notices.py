"""Telling webhooks and people of what happened, in the transaction in which it happens: both or neither come about.

What is written down holds ids, names of tools and objects, and states. No value of a record is among it.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Literal, get_args

from crm.database import TenantSession
from crm.inbox import Notice
from crm.repositories import inbox, webhooks
from crm.webhooks import WebhookDelivery
from crm.work import Approval, Run

Event = Literal[
    "approval.requested",
    "approval.decided",
    "approval.escalated",
    "approval.expired",
    "approval.reassigned",
    "approval.applied",
    "approval.refused",
    "run.finished",
    "alert.met",
]
EVENTS: tuple[Event, ...] = get_args(Event)

DIGEST_AT = time(7)
"""When those who want one e-mail a day get it, in UTC."""

FOR_APPROVERS: frozenset[Event] = frozenset({"approval.requested", "approval.escalated"})
_FOR_REQUESTER: frozenset[Event] = frozenset(
    {"approval.decided", "approval.expired", "approval.applied", "approval.refused"}
)


async def tell_of_approval(
    session: TenantSession, approval: Approval, event: Event, *, at: datetime, status: str | None = None
) -> None:
    """`status` is that of the request after what happened, if the row does not show it yet."""
    told = {
        "approval_id": approval.approval_id,
        "thread_id": approval.thread_id,
        "run_id": approval.run_id,
        "tool": approval.tool,
        "object": approval.object_name,
        "requester": approval.requester,
        "status": status or approval.status,
        "expires_at": approval.expires_at.isoformat(),
    }
    await _tell_webhooks(session, event, told, at=at)
    await _tell_people(session, approval, event, at=at)


async def tell_of_run(session: TenantSession, run: Run, *, status: str, at: datetime) -> None:
    """That a run has ended: by success, an error, or because it was stopped."""
    told = {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "on_behalf_of": run.on_behalf_of,
        "status": status,
    }
    await _tell_webhooks(session, "run.finished", told, at=at)


async def tell_of_alert(session: TenantSession, alert_id: str, *, owner: str, at: datetime) -> None:
    """That the condition of an alert on a metric has come true; to the person who set it and to webhooks."""
    await _tell_webhooks(session, "alert.met", {"alert_id": alert_id, "set_by": owner}, at=at)
    choice = await inbox.find_choice(session, owner)
    if choice is None or choice.how == "off":
        return
    notice = Notice(
        notice_id=str(uuid.uuid4()),
        user_id=owner,
        event="alert.met",
        alert_id=alert_id,
        status="pending",
        due_at=at if choice.how == "each" else next_digest(at),
        attempts=0,
        created_at=at,
    )
    await webhooks.add(session, notice)


async def _tell_webhooks(session: TenantSession, event: Event, told: Mapping[str, Any], *, at: datetime) -> None:
    listening = await webhooks.list_listening(session, event)
    deliveries = [
        WebhookDelivery(
            delivery_id=str(uuid.uuid4()),
            webhook_id=one.webhook_id,
            event=event,
            data=dict(told),
            status="pending",
            attempts=0,
            next_attempt=at,
            created_at=at,
            updated_at=at,
        )
        for one in listening
    ]
    if deliveries:
        await webhooks.add(session, *deliveries)


async def _tell_people(session: TenantSession, approval: Approval, event: Event, *, at: datetime) -> None:
    choices = {one.user_id: one.how for one in await inbox.list_choices(session)}
    notices = [
        Notice(
            notice_id=str(uuid.uuid4()),
            user_id=person,
            event=event,
            approval_id=approval.approval_id,
            status="pending",
            due_at=at if choices[person] == "each" else next_digest(at),
            attempts=0,
            created_at=at,
        )
        for person in _concerned(approval, event, choices)
    ]
    if notices:
        await webhooks.add(session, *notices)


def _concerned(approval: Approval, event: Event, willing: Collection[str]) -> list[str]:
    """Those who want to be written to and whom this may concern.

    Of those who might decide, rights are looked at when they are told, since they may change until then.
    """
    if event in _FOR_REQUESTER:
        return [approval.requester] if approval.requester in willing else []
    if event == "approval.reassigned":
        return [one for one in willing if one == approval.assignee]
    if event in FOR_APPROVERS:
        return sorted(set(willing) - {approval.requester})
    return []


def next_digest(at: datetime) -> datetime:
    """The first moment after `at` at which digests go out."""
    today = at.replace(hour=DIGEST_AT.hour, minute=DIGEST_AT.minute, second=0, microsecond=0)
    return today if today > at else today + timedelta(days=1)
