"""Writes to people who want it: who asks for what kind of change on which record, with a link. No value is in it.

These letters have nothing to do with those that are sent for a tenant: they have a sender of the service's own, wait
in a table of their own, and only share the way out of the house.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.rounds import Rounds
from api.transports import Delivery, Transport
from api.wire import link_to
from crm.database import Database, TenantSession
from crm.errors import CrmError
from crm.ids import TenantId
from crm.inbox import Notice
from crm.mailing import OutgoingMail
from crm.repositories import webhooks
from crm.repositories.access import UnknownCallerError
from crm.repositories.approvals import find
from crm.repositories.inbox import find_choice, load_records
from crm.repositories.people import find_address
from crm.work import Approval
from graphs.conversations import Conversations
from graphs.runner import Clock
from trust.actions import Outgoing, Recipient
from trust.approvals import ApprovalNotFoundError, find_seen, is_entitled
from trust.labels import NOTHING
from trust.letters import LetterError, write_letter
from trust.notices import FOR_APPROVERS
from trust.principal import Principal, load_principal

MAX_ATTEMPTS = 10
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MOST_AT_ONCE = 50
"""Lines in one letter; what is more comes in the next."""

_WORDS = {
    "approval.requested": "waits for a decision",
    "approval.escalated": "waits for a decision and has been passed on",
    "approval.reassigned": "was put before you",
    "approval.decided": "was decided",
    "approval.expired": "ran out: nobody decided in time",
    "approval.applied": "was carried out",
    "approval.refused": "was approved and could not be carried out",
}


@dataclass(frozen=True)
class _Letter:
    mail: OutgoingMail
    notice_ids: list[str]
    attempts: int


class Announcer(Rounds):
    """One per process; any number of processes may share a database."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        transport: Transport,
        clock: Clock,
        *,
        sender: str | None,
        public_url: str = "",
    ) -> None:
        super().__init__()
        self._database = database
        self._conversations = conversations
        self._transport = transport
        self._clock = clock
        self._sender = sender
        self._public_url = public_url
        self._name = f"{uuid.uuid4()}"

    async def make_round(self) -> int:
        if self._sender is None:
            return 0
        written = 0
        for name in await self._database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            async with self._database.session(tenant) as session:
                due = await webhooks.list_due_notices(session, at=self._clock())
            by_person: dict[str, list[str]] = {}
            for one in due:
                by_person.setdefault(one.user_id, []).append(one.notice_id)
            for person, notice_ids in by_person.items():
                await self._write_to(tenant, person, notice_ids[:MOST_AT_ONCE])
                written += 1
        return written

    async def _write_to(self, tenant: TenantId, person: str, notice_ids: Sequence[str]) -> None:
        letter = await self._compose(tenant, person, notice_ids, self._sender or "")
        if letter is None:
            return
        delivery = await self._transport.deliver(tenant, letter.mail)
        async with self._database.session(tenant, write=True) as session:
            await self._settle(session, letter, delivery)

    async def _compose(self, tenant: TenantId, person: str, notice_ids: Sequence[str], sender: str) -> _Letter | None:
        """The letter about those notices that are still this process's and the person's; None if there are none."""
        now = self._clock()
        async with self._database.session(tenant, write=True) as session:
            until = now + self._transport.lease
            claimed = await webhooks.claim_notices(session, notice_ids, by=self._name, at=now, until=until)
            if not claimed:
                return None
            lines = await self._lines(session, person, claimed, now)
            address = await find_address(session, person)
            dropped = [one.notice_id for one in claimed if one.notice_id not in lines or address is None]
            if dropped:
                await webhooks.finish_notices(session, dropped, by=self._name, status="dropped")
            told = [one for one in claimed if one.notice_id not in dropped]
            if not told or address is None:
                return None
            try:
                mail = self._letter(told, sender, address, [lines[one.notice_id] for one in told], now)
            except LetterError as error:
                ids = [one.notice_id for one in told]
                await webhooks.finish_notices(session, ids, by=self._name, status="failed", error=str(error))
                return None
            return _Letter(mail, [one.notice_id for one in told], max(one.attempts for one in told))

    async def _lines(
        self, session: TenantSession, person: str, claimed: Sequence[Notice], now: datetime
    ) -> dict[str, str]:
        """By notice, what is said of it; what is none of the person's business any more is left out."""
        choice = await find_choice(session, person)
        if choice is None or choice.how == "off":
            return {}
        try:
            principal = await load_principal(session, person, frozenset(), at=now)
        except UnknownCallerError:
            return {}
        lines: dict[str, str] = {}
        for one in claimed:
            if one.alert_id is not None:
                line = await self._describe_alert(session, one.alert_id, principal, now)
                lines |= {} if line is None else {one.notice_id: line}
                continue
            approval = await self._seen(session, one, principal, now)
            if approval is not None:
                lines[one.notice_id] = await self._describe(session, one.event, approval, principal, now)
        return lines

    async def _seen(
        self, session: TenantSession, notice: Notice, principal: Principal, now: datetime
    ) -> Approval | None:
        row = await find(session, notice.approval_id or "")
        if row is None or row.is_erased:
            return None
        crm = self._conversations.runner.desk.crm_for(session, principal, now)
        try:
            approval = await find_seen(session, row.approval_id, principal, crm, at=now)
        except ApprovalNotFoundError:
            return None
        is_to_decide = notice.event in FOR_APPROVERS or notice.event == "approval.reassigned"
        if is_to_decide and (approval.status != "pending" or not is_entitled(approval, principal, at=now)):
            return None
        if notice.event == "approval.reassigned" and approval.assignee != principal.id:
            return None
        return approval

    async def _describe_alert(
        self, session: TenantSession, alert_id: str, principal: Principal, now: datetime
    ) -> str | None:
        """None if the alert is gone, or none of the person's any more."""
        crm = self._conversations.runner.desk.crm_for(session, principal, now)
        try:
            row = await crm.get("MetricAlert__c", alert_id, ["Metric__c", "Condition__c"])
        except CrmError:
            return None
        found = (await crm.semantics()).find(str(row.get("Metric__c")))
        metric = "a metric" if found is None else found[1].label
        return (
            f"Your alert {alert_id} on {metric} has come true: ask Countersign for it, or look at GET /metrics/alerts."
        )

    async def _describe(
        self, session: TenantSession, event: str, approval: Approval, principal: Principal, now: datetime
    ) -> str:
        crm = self._conversations.runner.desk.crm_for(session, principal, now)
        names = await crm.names_of([approval.requester])
        who = "You" if approval.requester == principal.id else names.get(approval.requester, approval.requester)
        records = (await load_records(session, [approval.approval_id])).get(approval.approval_id, [])
        about = ", ".join(
            f"{one.object_name} {one.record_id}"
            for one in records
            if one.role not in ("refers", "message", "recipient")
        )
        asked = f"{' '.join(who.split())} asked for {approval.tool} on {about or 'no record'}"
        until = f"\nTo be decided by {approval.expires_at:%Y-%m-%d %H:%M} UTC." if approval.status == "pending" else ""
        return f"{asked}: it {_WORDS.get(event, event)}.{until}\n{link_to(approval.approval_id, self._public_url)}"

    def _letter(
        self, told: Sequence[Notice], sender: str, address: str, lines: Sequence[str], at: datetime
    ) -> OutgoingMail:
        """Raises: LetterError."""
        notice_id = told[0].notice_id
        what = "request" if all(one.alert_id is None for one in told) else "message"
        subject = f"A {what} in Countersign" if len(lines) == 1 else f"{len(lines)} {what}s in Countersign"
        body = "\n\n".join(
            [*lines, "Looking at a request needs a login. Change what you are written at PUT /me/notices."]
        )
        message = Outgoing(
            channel="email",
            recipients=(Recipient(address, NOTHING),),
            content=NOTHING,
            sender=sender,
            sender_name="Countersign",
            subject=subject,
            body=body,
        )
        message_id = f"<{notice_id}@{sender.rpartition('@')[2]}>"
        return OutgoingMail(
            outbox_id=f"notice-{notice_id}",
            sender=sender,
            recipients=[{"role": "to", "name": "", "address": address, "record": ""}],
            subject=subject,
            message_id=message_id,
            mime=write_letter(message, message_id=message_id, at=at),
        )

    async def _settle(self, session: TenantSession, letter: _Letter, delivery: Delivery) -> None:
        """A letter of unknown fate counts as sent: a notice twice is worse than one that the inbox shows anyway."""
        status = {"later": "pending", "unknown": "sent"}.get(delivery.status, delivery.status)
        if status == "pending" and letter.attempts >= MAX_ATTEMPTS:
            status = "failed"
        values = {"due_at": self._clock() + _pause_after(letter.attempts)} if status == "pending" else {}
        error = delivery.reason or None
        await webhooks.finish_notices(session, letter.notice_ids, by=self._name, status=status, error=error, **values)


def _pause_after(attempts: int) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 16))
    return min(LONGEST_PAUSE, doubled)
