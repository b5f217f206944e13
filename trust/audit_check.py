"""Reads the audit from its start and names the first entry that is not what was once entered.

What is found in the table alone: whatever does not fit the hashes, and whatever somebody without the keys has written,
hashes made to fit or not. What has to be compared with heads that were exported: an end that was cut off, and anything
about entries whose keys are gone.
"""

from dataclasses import dataclass, field

from crm.database import TenantSession
from crm.repositories import audit as rows
from crm.sealing import SealError
from crm.work import AuditEntry
from trust import audit
from trust.merkle import EMPTY, Peaks

_BATCH = 1_000


@dataclass(frozen=True)
class Fault:
    """`index` is the place of the first entry that is not right."""

    index: int
    reason: str


class BrokenLogError(Exception):
    """The audit is not what it was."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


@dataclass(frozen=True)
class Verdict:
    """`first_bad` is the place of the first entry that is not right, from 0; None if the whole log holds."""

    size: int
    root: str
    first_bad: int | None = None
    reason: str = ""
    covered: int = 0
    """How many entries the exported heads speak for."""


@dataclass(frozen=True)
class Known:
    """What exported heads say of a log: leaves by place, roots by size."""

    leaves: dict[int, bytes] = field(default_factory=dict)
    roots: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Size -> root and when it was signed."""

    @property
    def size(self) -> int:
        return max(self.roots, default=0)


NOTHING_KNOWN = Known()


class Walk:
    """Goes along a log from some end on, entry by entry. Raises: BrokenLogError."""

    def __init__(self, session: TenantSession, start: Peaks = EMPTY, known: Known = NOTHING_KNOWN) -> None:
        self.peaks = start
        self._session = session
        self._known = known

    async def pass_by(self, entry: AuditEntry) -> bytes:
        """Check the next entry; gives its leaf."""
        index = self.peaks.size
        if entry.index != index:
            raise BrokenLogError(Fault(index, f"entry {index} is missing"))
        leaf = audit.leaf_of(entry, self._session.tenant)
        if entry.at.microsecond or entry.hashes[:32] != leaf:
            raise BrokenLogError(Fault(index, f"entry {index} was changed: its content does not fit its hash"))
        if self._known.leaves.get(index, leaf) != leaf:
            raise BrokenLogError(Fault(index, f"entry {index} is not the one whose hash was exported"))
        await self._check_payload(entry)
        self.peaks, completed = self.peaks.append(leaf)
        if entry.hashes != b"".join(completed):
            reason = f"entry {index} does not follow from the entries before it: a hash was changed"
            raise BrokenLogError(Fault(index, reason))
        self._check_root()
        return leaf

    async def _check_payload(self, entry: AuditEntry) -> None:
        try:
            await audit.open_payload(self._session, entry)
        except (SealError, audit.UnopenedError, ValueError):
            reason = f"entry {entry.index} was not written by this service: its payload does not open"
            raise BrokenLogError(Fault(entry.index, reason)) from None

    def _check_root(self) -> None:
        size = self.peaks.size
        if size not in self._known.roots:
            return
        root, at = self._known.roots[size]
        if self.peaks.root().hex() != root:
            first = max((other for other in self._known.roots if other < size), default=0)
            reason = f"an entry from {first} to {size - 1} is not the one that was there when a head was signed at {at}"
            raise BrokenLogError(Fault(first, reason))


async def verify(session: TenantSession, known: Known = NOTHING_KNOWN) -> Verdict:
    """Walk the whole log, also while it grows, and compare it with what is known of it."""
    walk = Walk(session, known=known)
    size = 0
    try:
        await _walk_all(session, walk)
        size = walk.peaks.size
        _require_reach(size, known)
    except BrokenLogError as broken:
        size, _ = await rows.get_head(session)
        return Verdict(size, walk.peaks.root().hex(), broken.fault.index, broken.fault.reason, known.size)
    return Verdict(size, walk.peaks.root().hex(), covered=known.size)


async def _walk_all(session: TenantSession, walk: Walk) -> None:
    """Entries are read before the head that covers them: a head never says less than the entries read before it."""
    while True:
        batch = await rows.list_entries(session, after=walk.peaks.size - 1, limit=_BATCH)
        for entry in batch:
            await walk.pass_by(entry)
        if batch:
            continue
        size, stored = await rows.get_head(session)
        here = walk.peaks.size
        if size > here and not await rows.list_entries(session, after=here - 1, limit=1):
            raise BrokenLogError(Fault(here, f"entry {here} is missing: the log should have {size}"))
        if size < here:
            raise BrokenLogError(Fault(size, f"entry {size} is one too many: the log's head counts {size} entries"))
        if size == here:
            if stored != walk.peaks.to_bytes():
                raise BrokenLogError(Fault(here, f"the log's head is not that of its {here} entries: it was changed"))
            return


def _require_reach(size: int, known: Known) -> None:
    if size < known.size:
        _, at = known.roots[known.size]
        reason = f"entry {size} and all after it are missing: a head of {known.size} entries was signed at {at}"
        raise BrokenLogError(Fault(size, reason))
