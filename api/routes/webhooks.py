"""Webhooks over HTTP: whom the tenant tells of what, and what became of each telling."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import GatewayKeeperOf, ServiceOf
from api.errors import ForbiddenError, InputError, problems
from api.outward import AddressError
from api.wire import Body
from api.wiring import Service
from crm.fields import to_json
from crm.repositories import webhooks as rows
from crm.webhooks import Webhook, WebhookDelivery
from trust import webhooks
from trust.notices import Event
from trust.principal import Principal

router = APIRouter(tags=["webhooks"])

Url = Annotated[str, Field(min_length=1, max_length=2_000)]
Events = Annotated[list[Event], Field(min_length=1, max_length=20)]


class WebhookBody(Body):
    url: Url
    events: Events
    kind: Literal["standard", "slack"] = "standard"
    signing_secret: str | None = Field(
        default=None, min_length=16, max_length=200, description="Of the Slack app, whose answers it signs."
    )

    def check(self) -> None:
        """Raises: InputError."""
        if (self.kind == "slack") != (self.signing_secret is not None):
            raise InputError("signing_secret", "expected with kind slack, and with no other")
        if self.kind == "slack" and not all(one.startswith("approval.") for one in self.events):
            raise InputError("events", "expected events of approvals: Slack is shown nothing else")


class WebhookPatch(Body):
    """What is left out stays."""

    url: Url | None = None
    events: Events | None = None
    enabled: bool | None = None


class WebhookWire(BaseModel):
    webhook_id: str
    kind: Literal["standard", "slack"]
    url: str
    events: list[str]
    enabled: bool
    created_by: str
    created_at: str
    updated_at: str


class NewWebhookWire(WebhookWire):
    secret: str = Field(description="Checks the signatures; empty for Slack. It is shown this once.")


class DeliveryWire(BaseModel):
    """One telling. `parked`: given up, until it is asked for again."""

    delivery_id: str
    event: str
    data: dict[str, Any]
    status: Literal["pending", "sending", "delivered", "parked"]
    attempts: int
    next_attempt: str | None
    answer: int | None = Field(description="Status of the last answer.")
    error: str | None
    created_at: str
    updated_at: str


def webhook_wire(webhook: Webhook) -> dict[str, Any]:
    return {
        "webhook_id": webhook.webhook_id,
        "kind": webhook.kind,
        "url": webhook.url,
        "events": webhook.events,
        "enabled": webhook.is_enabled,
        "created_by": webhook.created_by,
        "created_at": to_json(webhook.created_at),
        "updated_at": to_json(webhook.updated_at),
    }


def delivery_wire(delivery: WebhookDelivery) -> DeliveryWire:
    return DeliveryWire(
        delivery_id=delivery.delivery_id,
        event=delivery.event,
        data=delivery.data,
        status=delivery.status,
        attempts=delivery.attempts,
        next_attempt=to_json(delivery.next_attempt) if delivery.status == "pending" else None,
        answer=delivery.answer,
        error=delivery.error,
        created_at=to_json(delivery.created_at),
        updated_at=to_json(delivery.updated_at),
    )


def _check(service: Service, url: str) -> None:
    """Raises: InputError."""
    try:
        service.outward.check(url)
    except AddressError as error:
        raise InputError("url", str(error)) from None


def check_may_show(principal: Principal) -> None:
    """Cards show what would be written, to whoever reads the channel: no more than the ledger shows to this person.

    Raises: ForbiddenError.
    """
    if "read_audit" not in principal.access.permissions:
        raise ForbiddenError("cards show values of records: this needs the permission 'read_audit'")


@router.get("/admin/webhooks", responses=problems(403))
async def list_webhooks(principal: GatewayKeeperOf, service: ServiceOf) -> list[WebhookWire]:
    """All of the tenant's, oldest first."""
    async with service.database.session(principal.tenant) as session:
        return [WebhookWire(**webhook_wire(one)) for one in await rows.list_webhooks(session)]


@router.post("/admin/webhooks", responses=problems(403, 409))
async def create_webhook(body: WebhookBody, principal: GatewayKeeperOf, service: ServiceOf) -> NewWebhookWire:
    """Tell an address of events. The answer has the secret that signs, which is shown to nobody again."""
    body.check()
    if body.kind == "slack":
        check_may_show(principal)
    _check(service, body.url)
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        webhook, secret = await webhooks.create(
            session, body.url, body.events, principal, at=at, signing_secret=body.signing_secret
        )
    return NewWebhookWire(**webhook_wire(webhook), secret=secret)


@router.patch("/admin/webhooks/{webhook_id}", responses=problems(403, 404))
async def change_webhook(
    webhook_id: uuid.UUID, body: WebhookPatch, principal: GatewayKeeperOf, service: ServiceOf
) -> WebhookWire:
    """Change address or events, or switch it off and on."""
    if body.url is not None:
        _check(service, body.url)
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        if (await webhooks.get(session, str(webhook_id))).kind == "slack":
            check_may_show(principal)
            if any(not one.startswith("approval.") for one in body.events or ()):
                raise InputError("events", "expected events of approvals: Slack is shown nothing else")
        webhook = await webhooks.change(
            session,
            str(webhook_id),
            principal,
            url=body.url,
            events=body.events,
            is_enabled=body.enabled,
            at=at,
        )
    return WebhookWire(**webhook_wire(webhook))


@router.delete("/admin/webhooks/{webhook_id}", status_code=204, responses=problems(403, 404))
async def delete_webhook(webhook_id: uuid.UUID, principal: GatewayKeeperOf, service: ServiceOf) -> None:
    """Forget it, with what was still to be sent to it."""
    async with service.database.session(principal.tenant, write=True) as session:
        await webhooks.remove(session, str(webhook_id), principal, at=service.runner.clock())


@router.get("/admin/webhooks/{webhook_id}/deliveries", responses=problems(403, 404))
async def list_deliveries(
    webhook_id: uuid.UUID,
    principal: GatewayKeeperOf,
    service: ServiceOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[DeliveryWire]:
    """What was told lately and what became of it, newest first."""
    async with service.database.session(principal.tenant) as session:
        await webhooks.get(session, str(webhook_id))
        return [delivery_wire(one) for one in await rows.list_deliveries(session, str(webhook_id), limit=limit)]


@router.post("/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", responses=problems(403, 404, 409))
async def redeliver(
    webhook_id: uuid.UUID, delivery_id: uuid.UUID, principal: GatewayKeeperOf, service: ServiceOf
) -> DeliveryWire:
    """Send it again now, under its own id, so that a receiver that has it knows."""
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        found = await webhooks.redeliver(session, str(webhook_id), str(delivery_id), principal, at=at)
        return delivery_wire(found)
