"""Who somebody in Slack is, and which of Slack's calls were taken."""

from datetime import datetime
from typing import cast

from sqlalchemy import delete, select

from crm.database import TenantSession
from crm.repositories.inserting import insert_if_absent, insert_or_replace
from crm.webhooks import SlackCall, SlackPerson

_PLAIN = {"synchronize_session": False}


async def list_people(session: TenantSession, webhook_id: str) -> list[SlackPerson]:
    statement = select(SlackPerson).where(SlackPerson.webhook_id == webhook_id).order_by(SlackPerson.slack_user)
    return list(await session.scalars(statement))


async def find_person(session: TenantSession, webhook_id: str, slack_user: str) -> SlackPerson | None:
    statement = select(SlackPerson).where(SlackPerson.webhook_id == webhook_id, SlackPerson.slack_user == slack_user)
    return cast("SlackPerson | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def put_person(
    session: TenantSession, webhook_id: str, slack_user: str, user_id: str, *, by: str, at: datetime
) -> None:
    """Say who somebody is, in place of what was said before; it is to be confirmed anew."""
    values = {
        "webhook_id": webhook_id,
        "slack_user": slack_user,
        "user_id": user_id,
        "created_by": by,
        "created_at": at,
        "confirmed_at": None,
    }
    await insert_or_replace(session, SlackPerson, values, key=["tenant", "webhook_id", "slack_user"])


async def remove_people(session: TenantSession, webhook_id: str, slack_user: str | None = None) -> None:
    """One, or all of the webhook."""
    statement = delete(SlackPerson).where(SlackPerson.webhook_id == webhook_id)
    if slack_user is not None:
        statement = statement.where(SlackPerson.slack_user == slack_user)
    await session.execute(statement, execution_options=_PLAIN)


async def take_call(session: TenantSession, signature: str, *, at: datetime, forget_before: datetime) -> bool:
    """Whether this call comes for the first time; older ones, which their time-stamp keeps out, are forgotten."""
    await session.execute(delete(SlackCall).where(SlackCall.at < forget_before), execution_options=_PLAIN)
    row = await insert_if_absent(session, SlackCall, {"signature": signature, "at": at}, key=["tenant", "signature"])
    return row is not None
