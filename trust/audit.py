"""What happened, in a chain that cannot be changed in the middle without its end showing it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database import TenantSession
from crm.fields import to_json
from crm.repositories import audit as rows
from crm.work import AuditEntry
from trust.digests import digest_of


@dataclass(frozen=True)
class Verdict:
    """`first_bad` is the number of the first entry that does not fit; None if the whole chain holds."""

    size: int
    head: str
    first_bad: int | None
    reason: str = ""


async def record(
    session: TenantSession, *, at: datetime, kind: str, actor: str, subject: str, payload: dict[str, Any]
) -> int:
    """Append one entry inside the open transaction, so that it stands or falls with what it tells of.

    Returns its number, from 1.
    """
    at = at.replace(microsecond=0)
    head = await rows.lock_head(session)
    seq = head.size + 1
    digest = _hash(seq, at, kind, actor, subject, payload, head.head)
    await rows.append_entry(
        session,
        rows.entry_of(
            seq=seq,
            at=at,
            kind=kind,
            actor=actor,
            subject=subject,
            payload=payload,
            previous=head.head,
            digest=digest,
        ),
    )
    head.size, head.head = seq, digest
    return seq


async def verify(session: TenantSession) -> Verdict:
    """Walk the chain from its start and name the first entry that was changed, removed or put in between."""
    size, head = await rows.get_head(session)
    seq, previous = 0, ""
    while True:
        batch = await rows.list_entries(session, after=seq, limit=500)
        if not batch:
            break
        for entry in batch:
            if entry.seq != seq + 1:
                return Verdict(size, head, seq + 1, "entry is missing")
            if entry.previous != previous or entry.hash != _hash_of(entry) or entry.at.microsecond:
                return Verdict(size, head, entry.seq, "entry was changed")
            seq, previous = entry.seq, entry.hash
    if (seq, previous) != (size, head):
        return Verdict(size, head, seq + 1, "the end of the chain is missing")
    return Verdict(size, head, None)


def _hash_of(entry: AuditEntry) -> str:
    return _hash(entry.seq, entry.at, entry.kind, entry.actor, entry.subject, entry.payload, entry.previous)


def _hash(seq: int, at: datetime, kind: str, actor: str, subject: str, payload: dict[str, Any], previous: str) -> str:
    return digest_of([seq, to_json(at), kind, actor, subject, payload, previous])
