"""Drafts, and their way through approval to the outbox, on a seeded database."""

from dataclasses import dataclass
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from crm.mailing import OutgoingMail
from crm.provenance import provenance_values
from crm.repositories import outbox
from crm.repositories.provenance import keep
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import ANN_POE, DANA, OSCAR_LIND, RUTH_HALE
from crm.work import Approval
from graphs.context import RunContext
from tests.trust.scene import KEY, RENEWAL, Scene
from trust import ledger
from trust.ledger import Outcome

ANN, OSCAR, RUTH = ANN_POE.contact_id, OSCAR_LIND.contact_id, RUTH_HALE.contact_id
"""Ann and Oscar work at Acme, which the renewal is with; Ruth at Harbor Tools, another customer of Dana's."""
TEXT = "Dear Ann,\n\nthe offer is attached.\nBcc: thief@evil.example\n.\n\nDana"


@dataclass
class MailScene(Scene):
    async def draft(self, who: str = DANA.key, **fields: Any) -> str:
        """The id of a draft to Ann about the renewal, unless `fields` say otherwise."""
        given = {"RelatedToId": RENEWAL, "ToIds": ANN, "Subject": "Your offer", "TextBody": TEXT, "Status": "Draft"}
        wanted = {name: value for name, value in (given | fields).items() if value is not None}
        async with self.database.session(self.tenant, write=True) as session:
            principal = await self.principal(session, who)
            crm = EmbeddedCrm(session, principal.access, self.now, KEY)
            return (await crm.apply(await crm.propose_create("EmailMessage", wanted))).change.record_id

    async def send(self, draft_id: str, who: str = DANA.key) -> Any:
        """The request, or what the model is told instead."""
        return await self.ask(who, "send_email", draft_id=draft_id)

    async def refusal(self, who: str = DANA.key, **fields: Any) -> str:
        """Why a draft with these fields cannot be sent."""
        answer = await self.send(await self.draft(who, **fields), who)
        assert not isinstance(answer, Approval), answer.card
        assert await self.mails() == []
        return str(answer["error"]["message"])

    async def settle(self, approval: Approval, who: str = DANA.key) -> Outcome:
        async with self.database.session(self.tenant, write=True) as session:
            principal = await self.principal(session, who)
            context = RunContext(principal, "thread", "settling", self.now, self.now.date())
            crm = self.desk.crm_for(session, principal, self.now)
            rebuild = self.desk._rebuild(session, context)
            return await ledger.settle(session, approval.approval_id, principal, crm, rebuild, at=self.now)

    async def vouch(self, record_id: str, field: str) -> None:
        """Let staff have confirmed the field's present value."""
        values = provenance_values(
            "crm_verified", writers=["staff"], readers=None, source="confirmed", version=1, at=self.now
        )
        async with self.database.session(self.tenant, write=True) as session:
            await keep(session, record_id, field, values)

    async def approved(self, **fields: Any) -> Approval:
        approval = await self.send(await self.draft(**fields))
        assert isinstance(approval, Approval), approval
        return await self.decide(approval)

    async def mails(self) -> list[OutgoingMail]:
        async with self.database.session(self.tenant) as session:
            return await outbox.list_mails(session)

    async def rule(self, **values: Any) -> None:
        given = {"address": "mail@northwind.example", "name": "Northwind", **values}
        async with self.database.session(self.tenant, write=True) as session:
            await outbox.set_sender(session, **given)


def parsed(mail: OutgoingMail) -> EmailMessage:
    return message_from_string(mail.mime, policy=SMTP)
