"""Webhooks as administrators manage them, and how what is sent to one is signed.

The signature is that of the Standard Webhooks: HMAC-SHA256 over id, time and body, with a secret that is shown once.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crm.database import TenantSession
from crm.repositories import slack
from crm.repositories import webhooks as rows
from crm.webhooks import Webhook, WebhookDelivery
from trust import audit, keys
from trust.notices import EVENTS
from trust.principal import Principal

MAX_WEBHOOKS = 20
_PREFIX = "whsec_"
_SECRET_BYTES = 24


class WebhookNotFoundError(Exception):
    """The tenant has no such webhook, or the webhook no such delivery."""


class TooManyWebhooksError(Exception):
    """The tenant has as many as it may."""


class DeliveryBusyError(Exception):
    """It is on its way at this moment."""


async def create(
    session: TenantSession,
    url: str,
    events: Sequence[str],
    principal: Principal,
    *,
    at: datetime,
    signing_secret: str | None = None,
) -> tuple[Webhook, str]:
    """The webhook and its secret, which nobody is shown again. With a secret of Slack's it is a channel there.

    Raises: TooManyWebhooksError, ErasedError.
    """
    if len(await rows.list_webhooks(session)) >= MAX_WEBHOOKS:
        raise TooManyWebhooksError(f"a tenant has at most {MAX_WEBHOOKS} webhooks")
    secret = secrets.token_bytes(_SECRET_BYTES) if signing_secret is None else signing_secret.encode()
    webhook_id = str(uuid.uuid4())
    key = await keys.get_tenant_key(session)
    webhook = Webhook(
        webhook_id=webhook_id,
        kind="standard" if signing_secret is None else "slack",
        url=url,
        events=[one for one in EVENTS if one in events],
        sealed_secret=key.seal(secret, "webhook", webhook_id),
        is_enabled=True,
        created_by=principal.id,
        created_at=at,
        updated_at=at,
    )
    await rows.add(session, webhook)
    await _note(session, "webhook.created", principal, webhook, at=at)
    return webhook, "" if signing_secret else _PREFIX + base64.b64encode(secret).decode()


async def change(
    session: TenantSession,
    webhook_id: str,
    principal: Principal,
    *,
    url: str | None,
    events: Sequence[str] | None,
    is_enabled: bool | None,
    at: datetime,
) -> Webhook:
    """What is None stays. Raises: WebhookNotFoundError."""
    webhook = await get(session, webhook_id)
    webhook.url = webhook.url if url is None else url
    webhook.events = webhook.events if events is None else [one for one in EVENTS if one in events]
    webhook.is_enabled = webhook.is_enabled if is_enabled is None else is_enabled
    webhook.updated_at = at
    await session.flush()
    await _note(session, "webhook.changed", principal, webhook, at=at)
    return webhook


async def remove(session: TenantSession, webhook_id: str, principal: Principal, *, at: datetime) -> None:
    """With what was still to be sent to it. Raises: WebhookNotFoundError."""
    webhook = await get(session, webhook_id)
    await rows.remove(session, webhook_id)
    await slack.remove_people(session, webhook_id)
    await _note(session, "webhook.removed", principal, webhook, at=at)


async def get(session: TenantSession, webhook_id: str) -> Webhook:
    """Raises: WebhookNotFoundError."""
    webhook = await rows.find(session, webhook_id)
    if webhook is None:
        raise WebhookNotFoundError(f"no webhook {webhook_id!r}")
    return webhook


async def redeliver(
    session: TenantSession, webhook_id: str, delivery_id: str, principal: Principal, *, at: datetime
) -> WebhookDelivery:
    """Send it again, under the same id, so that a receiver that has it knows.

    Raises: WebhookNotFoundError, DeliveryBusyError.
    """
    delivery = await rows.find_delivery(session, delivery_id)
    if delivery is None or delivery.webhook_id != webhook_id:
        raise WebhookNotFoundError(f"no delivery {delivery_id!r} of this webhook")
    if not await rows.redeliver(session, delivery_id, at=at):
        raise DeliveryBusyError("the delivery is on its way at this moment")
    await audit.record(
        session,
        at=at,
        kind="webhook.redelivered",
        actor=principal.id,
        subject=delivery_id,
        payload={"webhook": webhook_id, "event": delivery.event},
    )
    again = await rows.find_delivery(session, delivery_id)
    return again or delivery


async def open_secret(session: TenantSession, webhook: Webhook) -> bytes:
    """Raises: ErasedError, SealError."""
    key = await keys.get_tenant_key(session)
    return key.open(webhook.sealed_secret, "webhook", webhook.webhook_id)


def sign(secret: bytes, delivery_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The headers that let a receiver check who sent the body, and when."""
    moment = str(int(sent_at.timestamp()))
    mac = hmac.new(secret, f"{delivery_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


async def _note(session: TenantSession, kind: str, principal: Principal, webhook: Webhook, *, at: datetime) -> None:
    payload: dict[str, Any] = {
        "kind": webhook.kind,
        "url": webhook.url,
        "events": webhook.events,
        "enabled": webhook.is_enabled,
    }
    await audit.record(session, at=at, kind=kind, actor=principal.id, subject=webhook.webhook_id, payload=payload)
