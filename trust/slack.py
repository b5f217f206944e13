"""Decisions that come through Slack: whose they are, and that they come from Slack, lately, and once.

An administrator says who of the tenant somebody in Slack is; it holds once that person has confirmed it with a token
of their own, so that nobody who may manage webhooks decides in another's name.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from crm.database import TenantSession
from crm.repositories import slack as rows
from crm.webhooks import SlackPerson
from trust import audit
from trust.principal import Principal, load_principal
from trust.scopes import APPROVALS_DECIDE, CRM_READ

WINDOW = timedelta(minutes=5)
"""How far a call's time-stamp may be from the clock."""
SCOPES = frozenset({APPROVALS_DECIDE, CRM_READ})


class SlackPersonNotFoundError(Exception):
    """Nobody has said that."""


def is_recent(stamp: str, at: datetime) -> bool:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    return abs(int(stamp) - at.timestamp()) <= WINDOW.total_seconds()


def is_signed(secret: bytes, stamp: str, body: bytes, signature: str) -> bool:
    """Whether the body was signed as Slack signs: version 0, HMAC-SHA256 over version, time and body."""
    expected = "v0=" + hmac.new(secret, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


async def take_once(session: TenantSession, signature: str, *, at: datetime) -> bool:
    """False for a call that came before."""
    name = hashlib.sha256(signature.encode()).hexdigest()
    return await rows.take_call(session, name, at=at, forget_before=at - 3 * WINDOW)


async def name_person(
    session: TenantSession, webhook_id: str, slack_user: str, user_id: str, principal: Principal, *, at: datetime
) -> SlackPerson:
    """Raises: UnknownCallerError unless it is an active user of the tenant."""
    await load_principal(session, user_id, frozenset(), at=at)
    await rows.put_person(session, webhook_id, slack_user, user_id, by=principal.id, at=at)
    told = {"webhook": webhook_id, "slack_user": slack_user}
    await audit.record(session, at=at, kind="slack.person_named", actor=principal.id, subject=user_id, payload=told)
    return await _get(session, webhook_id, slack_user)


async def confirm_person(
    session: TenantSession, webhook_id: str, slack_user: str, principal: Principal, *, at: datetime
) -> SlackPerson:
    """The person says so themselves. Raises: SlackPersonNotFoundError unless an administrator has."""
    person = await _get(session, webhook_id, slack_user)
    if person.user_id != principal.id:
        raise SlackPersonNotFoundError("nobody has said that this is you")
    person.confirmed_at = at
    await session.flush()
    told = {"webhook": webhook_id, "slack_user": slack_user}
    await audit.record(
        session, at=at, kind="slack.person_confirmed", actor=principal.id, subject=principal.id, payload=told
    )
    return person


async def forget_person(
    session: TenantSession, webhook_id: str, slack_user: str, principal: Principal, *, at: datetime
) -> None:
    """Raises: SlackPersonNotFoundError."""
    person = await _get(session, webhook_id, slack_user)
    await rows.remove_people(session, webhook_id, slack_user)
    told = {"webhook": webhook_id, "slack_user": slack_user}
    await audit.record(
        session, at=at, kind="slack.person_forgotten", actor=principal.id, subject=person.user_id, payload=told
    )


async def load_person(session: TenantSession, webhook_id: str, slack_user: str, *, at: datetime) -> Principal | None:
    """Who decides, with the rights they have now; None if nobody has confirmed to be this one.

    Raises: UnknownCallerError if they are no active user any more.
    """
    person = await rows.find_person(session, webhook_id, slack_user)
    if person is None or person.confirmed_at is None:
        return None
    return await load_principal(session, person.user_id, SCOPES, at=at)


async def _get(session: TenantSession, webhook_id: str, slack_user: str) -> SlackPerson:
    person = await rows.find_person(session, webhook_id, slack_user)
    if person is None:
        raise SlackPersonNotFoundError("nobody has said who this is")
    return person
