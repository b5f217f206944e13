"""What people may see of the outbox, and what they may do about letters that are stuck."""

from dataclasses import dataclass

from crm.database import Database, TenantSession
from crm.mailing import OutgoingMail
from crm.repositories import outbox
from graphs.runner import Clock
from trust import audit
from trust.principal import Principal
from trust.scopes import CRM_SEND, POLICY_MANAGE

MANAGE_PERMISSION = "manage_policy"
"""Who may see and settle the letters of others: administrators, with a token for that."""


class MailNotFoundError(Exception):
    """There is no such letter, or it is somebody else's: no difference from outside."""

    def __init__(self, outbox_id: str) -> None:
        super().__init__(f"no message {outbox_id!r} in the outbox that you can see")


class MailClosedError(Exception):
    """The letter is in a state in which this cannot be done."""


class NotAllowedToSendError(Exception):
    """The caller may look at the letter and not send it."""


@dataclass(frozen=True)
class Outbox:
    database: Database
    clock: Clock

    async def list_mails(self, principal: Principal, *, statuses: list[str], limit: int) -> list[OutgoingMail]:
        """The caller's own letters, or for administrators all of the tenant's; newest first."""
        only = None if _manages(principal) else principal.id
        async with self.database.session(principal.tenant) as session:
            return await outbox.list_mails(session, statuses=statuses, requester=only, limit=limit)

    async def retry(self, principal: Principal, outbox_id: str) -> OutgoingMail:
        """Send a letter that failed, whose fate is unknown, or that waits for its next attempt, now.

        If its fate is unknown it may arrive twice: that is for the person to weigh.
        Raises: MailNotFoundError, MailClosedError, NotAllowedToSendError.
        """
        now = self.clock()
        return await self._move(
            principal,
            outbox_id,
            ["failed", "unknown", "pending"],
            "pending",
            "mail.retried",
            next_attempt=now,
            attempts=0,
        )

    async def confirm(self, principal: Principal, outbox_id: str) -> OutgoingMail:
        """Say that a letter of unknown fate has arrived, so that it is not sent again.

        Raises: MailNotFoundError, MailClosedError, NotAllowedToSendError.
        """
        return await self._move(principal, outbox_id, ["unknown"], "sent", "mail.confirmed")

    async def _move(
        self, principal: Principal, outbox_id: str, expected: list[str], to: str, kind: str, **values: object
    ) -> OutgoingMail:
        now = self.clock()
        async with self.database.session(principal.tenant, write=True) as session:
            mail = await self._visible(session, principal, outbox_id)
            if CRM_SEND not in principal.scopes:
                raise NotAllowedToSendError(f"this needs a token with scope {CRM_SEND!r}")
            if not await outbox.move(session, outbox_id, expected=expected, to=to, at=now, **values):
                raise MailClosedError(
                    f"the message is {mail.status}; this is for those that are {' or '.join(expected)}"
                )
            await audit.record(
                session, at=now, kind=kind, actor=principal.id, subject=outbox_id, payload={"was": mail.status}
            )
            moved = await outbox.find(session, outbox_id)
        return moved or mail

    @staticmethod
    async def _visible(session: TenantSession, principal: Principal, outbox_id: str) -> OutgoingMail:
        mail = await outbox.find(session, outbox_id)
        if mail is None or not (_manages(principal) or mail.requester == principal.id):
            raise MailNotFoundError(outbox_id)
        return mail


def _manages(principal: Principal) -> bool:
    may = MANAGE_PERMISSION in principal.access.permissions and POLICY_MANAGE in principal.scopes
    return may and not principal.is_customer
