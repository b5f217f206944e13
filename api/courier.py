"""Brings webhooks what they are to be told: each delivery on a lease, with patience, until it arrives or is parked."""

import asyncio
import logging
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.outward import WHOLE_TIMEOUT_S, AddressError, CallError, Outward, to_body
from api.rounds import Rounds
from api.slack_cards import card_for
from api.wire import link_to
from crm.database import Database, TenantSession
from crm.fields import to_json
from crm.ids import TenantId
from crm.repositories import approvals, webhooks
from crm.webhooks import Webhook, WebhookDelivery
from graphs.runner import Clock
from trust import audit
from trust.webhooks import open_secret, sign

LEASE = timedelta(seconds=4 * WHOLE_TIMEOUT_S)
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=6)
MAX_ATTEMPTS = 12
"""Over about two days."""
AT_ONCE = 16
AT_ONCE_PER_WEBHOOK = 4
"""So that a receiver that is slow keeps nobody else waiting."""
ACTOR = "webhooks"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Parcel:
    """All that one attempt needs."""

    delivery: WebhookDelivery
    url: str
    secret: bytes
    card: dict[str, Any] | None = None
    """What goes to Slack, in place of what others are told."""


class Courier(Rounds):
    """One per process; any number of processes may share a database."""

    def __init__(self, database: Database, outward: Outward, clock: Clock, public_url: str = "") -> None:
        super().__init__()
        self._database = database
        self._outward = outward
        self._clock = clock
        self._public_url = public_url
        self._name = f"{uuid.uuid4()}"
        self._at_work: dict[asyncio.Task[None], str] = {}

    async def make_round(self) -> int:
        """Begin what is due, as far as there are hands free; slow receivers are not waited for."""
        return int(await self._begin())

    async def deliver_due(self) -> None:
        """Make one attempt at all that is due, and wait for how they end."""
        while await self._begin() or self._at_work:
            if self._at_work:  # what was begun may have ended already
                await asyncio.wait(list(self._at_work), return_when=asyncio.FIRST_COMPLETED)

    async def stop(self, *, patience_s: float = 10) -> None:
        await super().stop(patience_s=patience_s)
        if self._at_work:
            await asyncio.wait(list(self._at_work), timeout=patience_s)
        for task in list(self._at_work):
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _begin(self) -> int:
        """How many attempts were begun."""
        begun = 0
        for name in await self._database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            async with self._database.session(tenant) as session:
                due = await webhooks.list_due_deliveries(session, at=self._clock(), limit=200)
            busy = Counter(self._at_work.values())
            for delivery_id, webhook_id in due:
                if len(self._at_work) >= AT_ONCE or self._stopping.is_set():
                    return begun
                if busy[webhook_id] >= AT_ONCE_PER_WEBHOOK:
                    continue
                parcel = await self._take(tenant, delivery_id)
                if parcel is None:
                    continue
                busy[webhook_id] += 1
                begun += 1
                task = asyncio.create_task(self._try(tenant, parcel))
                self._at_work[task] = webhook_id
                task.add_done_callback(self._put_down)
        return begun

    def _put_down(self, task: asyncio.Task[None]) -> None:
        self._at_work.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a webhook could not be delivered", exc_info=task.exception())

    async def _take(self, tenant: TenantId, delivery_id: str) -> _Parcel | None:
        now = self._clock()
        async with self._database.session(tenant, write=True) as session:
            if not await webhooks.claim_delivery(session, delivery_id, by=self._name, at=now, until=now + LEASE):
                return None
            delivery = await webhooks.find_delivery(session, delivery_id)
            webhook = None if delivery is None else await webhooks.find(session, delivery.webhook_id)
            if delivery is None or webhook is None:
                return None
            if not webhook.is_enabled:
                await self._finish(session, delivery, "parked", None, "the webhook is switched off", at=now)
                return None
            if webhook.kind == "slack":
                card = await self._card(session, webhook, delivery)
                if card is None:
                    await self._finish(session, delivery, "parked", None, "there is nothing to show of it", at=now)
                    return None
                return _Parcel(delivery, webhook.url, b"", card)
            return _Parcel(delivery, webhook.url, await open_secret(session, webhook))

    async def _card(self, session: TenantSession, webhook: Webhook, delivery: WebhookDelivery) -> Any:
        """None for what is about no request, or about one that was erased."""
        approval = await approvals.find(session, str(delivery.data.get("approval_id", "")))
        if approval is None or approval.is_erased:
            return None
        return card_for(approval, webhook.webhook_id, delivery.event, self._public_url)

    async def _try(self, tenant: TenantId, parcel: _Parcel) -> None:
        delivery = parcel.delivery
        body = to_body(parcel.card or self._told(delivery))
        # Slack knows who calls by the address; its secret signs the other way round only.
        headers = {} if parcel.card else sign(parcel.secret, delivery.delivery_id, self._clock(), body)
        answer, error = None, None
        try:
            answer = await self._outward.post(parcel.url, body, headers)
        except (AddressError, CallError) as fault:
            error = str(fault)
        if answer is not None and not 200 <= answer < 300:
            error = f"the receiver answered {answer}" + (", and redirects are not followed" if answer < 400 else "")
        status = "delivered" if error is None else "parked" if delivery.attempts >= MAX_ATTEMPTS else "pending"
        async with self._database.session(tenant, write=True) as session:
            await self._finish(session, delivery, status, answer, error, at=self._clock())

    async def _finish(
        self,
        session: Any,
        delivery: WebhookDelivery,
        status: str,
        answer: int | None,
        error: str | None,
        *,
        at: datetime,
    ) -> None:
        is_mine = await webhooks.finish_delivery(
            session,
            delivery.delivery_id,
            by=self._name,
            at=at,
            status=status,
            answer=answer,
            error=error,
            next_attempt=at + pause_after(delivery.attempts),
        )
        if is_mine and status == "parked":
            told = {"webhook": delivery.webhook_id, "event": delivery.event, "reason": error}
            await audit.record(
                session, at=at, kind="webhook.parked", actor=ACTOR, subject=delivery.delivery_id, payload=told
            )

    def _told(self, delivery: WebhookDelivery) -> dict[str, Any]:
        """The same at every attempt but for the link, which follows the setting."""
        approval_id = delivery.data.get("approval_id")
        link = {} if approval_id is None else {"link": link_to(approval_id, self._public_url)}
        return {"type": delivery.event, "timestamp": to_json(delivery.created_at), "data": delivery.data | link}


def pause_after(attempts: int) -> timedelta:
    """Ten seconds after the first attempt, and three times as long after each further one, up to six hours."""
    seconds = FIRST_PAUSE.total_seconds() * 3.0 ** min(attempts - 1, 12)
    return min(LONGEST_PAUSE, timedelta(seconds=seconds))
