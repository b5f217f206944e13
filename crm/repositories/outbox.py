"""Senders and outgoing messages. Every change of status is a compare-and-set on the row itself."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, func, or_, select, update

from crm.database import TenantSession
from crm.mailing import OutgoingMail, Sender
from crm.records import Contact, Lead


async def find_sender(session: TenantSession) -> Sender | None:
    return cast("Sender | None", await session.scalar(select(Sender)))


async def set_sender(session: TenantSession, **values: Any) -> None:
    """Let the tenant send, by the rules given; replaces those there were."""
    await session.merge(Sender(tenant=session.tenant, **values))


async def find_opted_out(session: TenantSession, addresses: Collection[str]) -> frozenset[str]:
    """Those of the addresses, in lower case, at which anybody of the tenant's records does not want mail.

    Whether the caller sees that record does not matter, nor whether it lies in the bin: the wish is the person's.
    """
    wanted = [address.lower() for address in addresses]
    found: set[str] = set()
    for record_type in (Contact, Lead):
        statement = select(func.lower(record_type.Email)).where(
            func.lower(record_type.Email).in_(wanted), record_type.HasOptedOutOfEmail
        )
        found.update(await session.scalars(statement.execution_options(include_deleted=True)))
    return frozenset(found)


async def add(session: TenantSession, mail: OutgoingMail) -> None:
    session.add(mail)
    await session.flush()


async def find(session: TenantSession, outbox_id: str) -> OutgoingMail | None:
    statement = select(OutgoingMail).where(OutgoingMail.outbox_id == outbox_id)
    return cast("OutgoingMail | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def list_mails(
    session: TenantSession, *, statuses: Sequence[str] = (), requester: str | None = None, limit: int = 100
) -> list[OutgoingMail]:
    """Newest first."""
    statement = select(OutgoingMail)
    if statuses:
        statement = statement.where(OutgoingMail.status.in_(statuses))
    if requester is not None:
        statement = statement.where(OutgoingMail.requester == requester)
    ordered = statement.order_by(OutgoingMail.created_at.desc(), OutgoingMail.outbox_id)
    return list(await session.scalars(ordered.limit(limit)))


async def list_due(session: TenantSession, *, at: datetime, limit: int = 50) -> list[OutgoingMail]:
    """What is to be sent now, and what a process died over, oldest first."""
    statement = select(OutgoingMail).where(or_(_waits(at), _is_stranded(at)))
    return list(await session.scalars(statement.order_by(OutgoingMail.next_attempt).limit(limit)))


async def claim(
    session: TenantSession, outbox_id: str, *, by: str, at: datetime, until: datetime, stranded: bool
) -> bool:
    """Take a message that waits to be sent, or with `stranded` one that a process died over; False if it is gone."""
    return await _changed(
        session,
        outbox_id,
        or_(_waits(at), _is_stranded(at)) if stranded else _waits(at),
        status="sending",
        attempts=OutgoingMail.attempts + 1,
        lease_owner=by,
        lease_until=until,
        updated_at=at,
    )


async def give_up_stranded(session: TenantSession, outbox_id: str, *, error: str, at: datetime) -> bool:
    """Nobody knows what became of a message whose process died; False if somebody has it in hand after all."""
    return await _changed(
        session, outbox_id, _is_stranded(at), status="unknown", error=error, lease_owner=None, updated_at=at
    )


async def finish(session: TenantSession, outbox_id: str, *, by: str, at: datetime, **values: Any) -> bool:
    """Say what became of a claimed message; False if the lease was lost."""
    mine = and_(OutgoingMail.status == "sending", OutgoingMail.lease_owner == by)
    return await _changed(session, outbox_id, mine, lease_owner=None, lease_until=None, updated_at=at, **values)


async def move(
    session: TenantSession, outbox_id: str, *, expected: Sequence[str], to: str, at: datetime, **values: Any
) -> bool:
    """Change the status if it still is among the expected ones; False if it is not."""
    return await _changed(session, outbox_id, OutgoingMail.status.in_(expected), status=to, updated_at=at, **values)


def _waits(at: datetime) -> ColumnElement[bool]:
    return and_(OutgoingMail.status == "pending", OutgoingMail.next_attempt <= at)


def _is_stranded(at: datetime) -> ColumnElement[bool]:
    return and_(OutgoingMail.status == "sending", OutgoingMail.lease_until < at)


async def _changed(session: TenantSession, outbox_id: str, condition: ColumnElement[bool], **values: Any) -> bool:
    statement = update(OutgoingMail).where(OutgoingMail.outbox_id == outbox_id, condition).values(**values)
    result = await session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1
