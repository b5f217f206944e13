"""From an approved message to the letter that is sent: every header is made here, and read back before it counts."""

import uuid
from dataclasses import replace
from datetime import datetime
from email import message_from_string
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from crm.database import TenantSession
from crm.errors import CrmError
from crm.mailing import OutgoingMail
from crm.repositories import outbox
from trust.actions import Outgoing
from trust.meeting_part import METHOD, says_the_same, write_meeting

_ALWAYS = {"message-id", "date", "from", "to", "subject"}
_SOMETIMES = {"reply-to", "cc"}
_MADE_BY_THE_LIBRARY = {"mime-version", "content-type", "content-transfer-encoding"}


class LetterError(CrmError):
    """What was approved cannot be put into a letter that says exactly that."""


def write_letter(message: Outgoing, *, message_id: str, at: datetime) -> str:
    """The letter as it goes over the wire: plain text, with the meeting for calendars if it invites to one, to nobody
    but the recipients. Raises: LetterError."""
    letter = EmailMessage(policy=SMTP)
    try:
        letter["Message-ID"] = message_id
        letter["Date"] = at
        letter["From"] = Address(message.sender_name, addr_spec=message.sender)
        if message.reply_to:
            letter["Reply-To"] = Address(addr_spec=message.reply_to)
        for role, header in (("to", "To"), ("cc", "Cc")):
            people = [Address(one.name, addr_spec=one.address) for one in message.recipients if one.role == role]
            if people:
                letter[header] = people
        letter["Subject"] = message.subject
        letter.set_content(message.body, charset="utf-8", cte="quoted-printable")
        if message.meeting is not None:
            part = write_meeting(message, message.meeting, uid=message_id.strip("<>"), at=at)
            letter.add_alternative(part, subtype="calendar", cte="base64", params={"method": METHOD})
        written = letter.as_bytes().decode("ascii")
    except Exception as error:  # whatever the library finds in it, it is not sent
        raise LetterError("the message cannot be written as a letter") from error
    _require_same(written, message, message_id)
    return written


def _require_same(written: str, message: Outgoing, message_id: str) -> None:
    """Raises: LetterError unless a reader finds in the letter what was approved and nothing else."""
    letter = message_from_string(written, policy=SMTP)
    names = [name.lower() for name in letter.keys()]  # noqa: SIM118 - a message is no mapping: it may repeat names
    expected = _ALWAYS | {n for n in _SOMETIMES if n in names} | _made_by_the_library(message)
    content = letter.get_body(("plain",))
    same = (
        len(names) == len(set(names))
        and set(names) == expected
        and _addresses(letter, "to", "cc") == sorted(one.address for one in message.recipients)
        and _addresses(letter, "from") == [message.sender]
        and _addresses(letter, "reply-to") == ([message.reply_to] if message.reply_to else [])
        and str(letter["message-id"]).strip() == message_id
        and str(letter["subject"]) == message.subject
        and _has_parts(letter, message)
        and content is not None
        and content.get_content().replace("\r\n", "\n").rstrip("\n") == message.body.rstrip("\n")
    )
    if not same:
        raise LetterError("the message cannot be written as a letter that says exactly what was approved")


def _made_by_the_library(message: Outgoing) -> set[str]:
    return _MADE_BY_THE_LIBRARY if message.meeting is None else _MADE_BY_THE_LIBRARY - {"content-transfer-encoding"}


def _has_parts(letter: EmailMessage, message: Outgoing) -> bool:
    """Plain text alone, or plain text and the approved meeting."""
    if message.meeting is None:
        return letter.get_content_type() == "text/plain"
    parts = list(letter.iter_parts())
    return (
        letter.get_content_type() == "multipart/alternative"
        and [one.get_content_type() for one in parts] == ["text/plain", "text/calendar"]
        and parts[1].get_param("method") == METHOD
        and says_the_same(parts[1].get_content(), message, message.meeting)
    )


def _addresses(letter: EmailMessage, *headers: str) -> list[str]:
    return sorted(one.addr_spec for name in headers for one in getattr(letter[name], "addresses", ()))


async def post(
    session: TenantSession, message: Outgoing, *, approval_id: str, record_id: str, requester: str, at: datetime
) -> list[str]:
    """Put a message into the outbox, inside the transaction of its effect; gives the ids of its letters.

    Raises: LetterError.
    """
    letters = [replace(message, recipients=(one,)) for one in message.recipients] if message.separately else [message]
    posted = []
    for place, letter in enumerate(letters):
        mail = _mail_of(letter, approval_id=approval_id, record_id=record_id, requester=requester, at=at)
        mail.place = place
        await outbox.add(session, mail)
        posted.append(mail.outbox_id)
    return posted


def _mail_of(message: Outgoing, *, approval_id: str, record_id: str, requester: str, at: datetime) -> OutgoingMail:
    outbox_id = str(uuid.uuid4())
    message_id = f"<{outbox_id}@{message.sender.rpartition('@')[2]}>"
    return OutgoingMail(
        outbox_id=outbox_id,
        approval_id=approval_id,
        record_id=record_id,
        requester=requester,
        message_id=message_id,
        sender=message.sender,
        recipients=[
            {"role": one.role, "name": one.name, "address": one.address, "record": one.record}
            for one in message.recipients
        ],
        subject=message.subject,
        mime=write_letter(message, message_id=message_id, at=at),
        status="pending",
        attempts=0,
        next_attempt=at,
        created_at=at,
        updated_at=at,
    )
