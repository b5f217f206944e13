"""Webhooks, their deliveries, and notices to people. Every change of status is a compare-and-set on the row itself."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, or_, select, update

from crm.database import TenantSession
from crm.inbox import Notice
from crm.webhooks import Webhook, WebhookDelivery

_PLAIN = {"synchronize_session": False}


async def list_webhooks(session: TenantSession) -> list[Webhook]:
    return list(await session.scalars(select(Webhook).order_by(Webhook.created_at, Webhook.webhook_id)))


async def find(session: TenantSession, webhook_id: str) -> Webhook | None:
    statement = select(Webhook).where(Webhook.webhook_id == webhook_id)
    return cast("Webhook | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def list_listening(session: TenantSession, event: str) -> list[Webhook]:
    """Those that are to be told of an event."""
    enabled = await session.scalars(select(Webhook).where(Webhook.is_enabled))
    return [one for one in enabled if event in one.events]


async def add(session: TenantSession, *rows: Webhook | WebhookDelivery | Notice) -> None:
    session.add_all(rows)
    await session.flush()


async def remove(session: TenantSession, webhook_id: str) -> None:
    """With its deliveries."""
    for table in (WebhookDelivery, Webhook):
        await session.execute(delete(table).where(table.webhook_id == webhook_id), execution_options=_PLAIN)


async def find_delivery(session: TenantSession, delivery_id: str) -> WebhookDelivery | None:
    statement = select(WebhookDelivery).where(WebhookDelivery.delivery_id == delivery_id)
    return cast("WebhookDelivery | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def list_deliveries(session: TenantSession, webhook_id: str, *, limit: int) -> list[WebhookDelivery]:
    """Newest first."""
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    ordered = statement.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.delivery_id)
    return list(await session.scalars(ordered.limit(limit)))


async def list_due_deliveries(session: TenantSession, *, at: datetime, limit: int = 50) -> list[tuple[str, str]]:
    """(delivery, webhook) ids of what is to be sent now, and of what a process died over, oldest first."""
    statement = select(WebhookDelivery.delivery_id, WebhookDelivery.webhook_id).where(_delivery_is_due(at))
    found = await session.execute(statement.order_by(WebhookDelivery.next_attempt).limit(limit))
    return [(delivery_id, webhook_id) for delivery_id, webhook_id in found]


async def claim_delivery(session: TenantSession, delivery_id: str, *, by: str, at: datetime, until: datetime) -> bool:
    """Take a delivery that is due; False if somebody else has it."""
    statement = update(WebhookDelivery).where(WebhookDelivery.delivery_id == delivery_id, _delivery_is_due(at))
    return await _changed(
        session,
        statement.values(
            status="sending",
            attempts=WebhookDelivery.attempts + 1,
            lease_owner=by,
            lease_until=until,
            updated_at=at,
        ),
    )


async def finish_delivery(session: TenantSession, delivery_id: str, *, by: str, at: datetime, **values: Any) -> bool:
    """Say what became of a claimed delivery; False if the lease was lost."""
    mine = and_(WebhookDelivery.status == "sending", WebhookDelivery.lease_owner == by)
    return await _move(session, delivery_id, mine, lease_owner=None, lease_until=None, updated_at=at, **values)


async def redeliver(session: TenantSession, delivery_id: str, *, at: datetime) -> bool:
    """Send it again now, whatever became of it; False while it is being sent."""
    idle = WebhookDelivery.status != "sending"
    return await _move(session, delivery_id, idle, status="pending", attempts=0, next_attempt=at, updated_at=at)


async def _move(session: TenantSession, delivery_id: str, condition: ColumnElement[bool], **values: Any) -> bool:
    statement = update(WebhookDelivery).where(WebhookDelivery.delivery_id == delivery_id, condition)
    return await _changed(session, statement.values(**values))


async def list_due_notices(session: TenantSession, *, at: datetime, limit: int = 500) -> Sequence[Notice]:
    """What people are to be told now, oldest first."""
    statement = select(Notice).where(_is_due(at)).order_by(Notice.due_at, Notice.created_at).limit(limit)
    return list(await session.scalars(statement))


async def claim_notices(
    session: TenantSession, notice_ids: Collection[str], *, by: str, at: datetime, until: datetime
) -> list[Notice]:
    """Those of the notices that are still due and now are the caller's to send."""
    statement = update(Notice).where(Notice.notice_id.in_(notice_ids), _is_due(at))
    values = {"status": "sending", "attempts": Notice.attempts + 1, "lease_owner": by, "lease_until": until}
    await session.execute(statement.values(**values), execution_options=_PLAIN)
    mine = and_(Notice.notice_id.in_(notice_ids), Notice.status == "sending", Notice.lease_owner == by)
    found = select(Notice).where(mine).order_by(Notice.created_at, Notice.notice_id)
    return list(await session.scalars(found.execution_options(populate_existing=True)))


async def finish_notices(session: TenantSession, notice_ids: Collection[str], *, by: str, **values: Any) -> None:
    """Say what became of claimed notices."""
    mine = and_(Notice.notice_id.in_(notice_ids), Notice.status == "sending", Notice.lease_owner == by)
    values = {"lease_owner": None, "lease_until": None, **values}
    await session.execute(update(Notice).where(mine).values(**values), execution_options=_PLAIN)


def _delivery_is_due(at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(WebhookDelivery.status == "pending", WebhookDelivery.next_attempt <= at),
        and_(WebhookDelivery.status == "sending", WebhookDelivery.lease_until < at),
    )


def _is_due(at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(Notice.status == "pending", Notice.due_at <= at), and_(Notice.status == "sending", Notice.lease_until < at)
    )


async def _changed(session: TenantSession, statement: Any) -> bool:
    result = await session.execute(statement, execution_options=_PLAIN)
    return cast("CursorResult[Any]", result).rowcount == 1
