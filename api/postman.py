"""Delivers what waits in the outbox: each letter on a lease, once, with patience for servers that are down."""

import logging
import uuid
from datetime import datetime, timedelta

from api.rounds import Rounds
from api.transports import Delivery, Transport
from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.mailing import OutgoingMail
from crm.repositories import outbox
from graphs.runner import Clock
from trust import audit
from trust.halts import load_halts

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MAX_ATTEMPTS = 10
ACTOR = "outbox"

_log = logging.getLogger(__name__)


class Postman(Rounds):
    """One per process; any number of processes may share a database."""

    every_s = 1.0

    def __init__(self, database: Database, transport: Transport, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._transport = transport
        self._clock = clock
        self._name = f"{uuid.uuid4()}"

    async def make_round(self) -> int:
        return await self.deliver_due()

    async def deliver_due(self) -> int:
        """One round over all tenants; gives how many letters were tried."""
        tried = 0
        for name in await self._database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            now = self._clock()
            async with self._database.session(tenant) as session:
                due = await outbox.list_due(session, at=now)
                if due and (await load_halts(session, at=now)).everything is not None:
                    continue  # what was approved waits until the switch is off
            for mail in due:
                if self._stopping.is_set():
                    return tried
                tried += await self._try(tenant, mail.outbox_id, is_stranded=mail.status == "sending")
        return tried

    async def _try(self, tenant: TenantId, outbox_id: str, *, is_stranded: bool) -> bool:
        """Whether the letter was ours to deliver."""
        mail = await self._take(tenant, outbox_id, is_stranded=is_stranded)
        if mail is None:
            return False
        delivery = await self._refuse(tenant, mail) or await self._deliver(tenant, mail)
        await self._settle(tenant, mail, delivery)
        return True

    async def _take(self, tenant: TenantId, outbox_id: str, *, is_stranded: bool) -> OutgoingMail | None:
        now = self._clock()
        async with self._database.session(tenant, write=True) as session:
            if (await load_halts(session, at=now)).everything is not None:
                return None
            if is_stranded and not self._transport.is_repeatable:
                why = "the process that sent it died before it knew whether the letter arrived"
                if await outbox.give_up_stranded(session, outbox_id, error=why, at=now):
                    await _note(session, outbox_id, "unknown", why, at=now)
                return None
            until = now + self._transport.lease
            if await outbox.claim(session, outbox_id, by=self._name, at=now, until=until, stranded=is_stranded):
                return await outbox.find(session, outbox_id)
        return None

    async def _refuse(self, tenant: TenantId, mail: OutgoingMail) -> Delivery | None:
        """Somebody may have opted out while the letter waited."""
        outsiders = [one for one in mail.recipients if not str(one["record"]).startswith("User:")]
        addresses = [one["address"] for one in outsiders]
        async with self._database.session(tenant) as session:
            opted_out = await outbox.find_opted_out(session, addresses)
        return Delivery("failed", "a recipient has opted out of e-mail since it was approved") if opted_out else None

    async def _deliver(self, tenant: TenantId, mail: OutgoingMail) -> Delivery:
        try:
            return await self._transport.deliver(tenant, mail)
        except Exception as error:  # whatever it was, the letter may be on its way
            _log.exception("a letter could not be delivered")
            reason = f"the attempt failed ({type(error).__name__})"
            return Delivery("later" if self._transport.is_repeatable else "unknown", reason)

    async def _settle(self, tenant: TenantId, mail: OutgoingMail, delivery: Delivery) -> None:
        now = self._clock()
        status = {"later": "pending"}.get(delivery.status, delivery.status)
        if delivery.status == "later" and mail.attempts >= MAX_ATTEMPTS:
            status = "failed"
        async with self._database.session(tenant, write=True) as session:
            is_mine = await outbox.finish(
                session,
                mail.outbox_id,
                by=self._name,
                at=now,
                status=status,
                error=delivery.reason or None,
                next_attempt=now + _pause_after(mail.attempts),
            )
            if is_mine and status != "pending":
                await _note(session, mail.outbox_id, status, delivery.reason, at=now)


async def _note(session: TenantSession, outbox_id: str, status: str, reason: str, *, at: datetime) -> None:
    await audit.record(
        session, at=at, kind=f"mail.{status}", actor=ACTOR, subject=outbox_id, payload={"reason": reason}
    )


def _pause_after(attempts: int) -> timedelta:
    """Half a minute after the first attempt, and twice as long after each further one."""
    doubled: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 16))
    return min(LONGEST_PAUSE, doubled)
