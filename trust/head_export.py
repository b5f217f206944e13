"""Signs the heads of all tenants' audits now and then, and puts them where the database cannot reach.

Only a log that goes on from the head exported last is signed: entries are checked one by one on the way, so that what
was changed before it was exported is noticed here, and nobody's rewritten history is ever given a signature.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from crm.database import Database, TenantSession
from crm.fields import to_json
from crm.ids import TenantId
from crm.repositories import audit as rows
from trust import merkle
from trust.audit_check import BrokenLogError, Fault, Walk
from trust.head_sinks import HeadSink
from trust.merkle import Peaks
from trust.tree_heads import HeadLine, HeadSigner, HeadVerifier, TreeHead

_log = logging.getLogger(__name__)

LINE_ENTRIES = 2_000
"""How many entries a line speaks for at most."""


class HeadExporter:
    """One per process; any number of processes may share a sink."""

    def __init__(
        self,
        database: Database,
        sink: HeadSink,
        signer: HeadSigner,
        verifier: HeadVerifier,
        clock: Callable[[], datetime],
        *,
        every_s: float,
    ) -> None:
        """`verifier` knows the signer's key and those before it."""
        self.sink = sink
        self.verifier = verifier
        self._signer = signer
        self._database = database
        self._clock = clock
        self._every_s = every_s
        self._turn = asyncio.Lock()
        self._chore: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._chore = asyncio.create_task(self._export_now_and_then())

    async def stop(self) -> None:
        """Export once more, what was entered last included."""
        if self._chore is not None:
            self._chore.cancel()
            with suppress(asyncio.CancelledError):
                await self._chore
        await self.export_all()

    async def _export_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.export_all()

    async def export_all(self) -> None:
        """Each tenant by itself: what is wrong with one is logged and keeps no other waiting."""
        try:
            tenants = await self._database.tenants()
        except Exception:  # tried again at the next turn
            _log.exception("heads of the audit could not be exported")
            return
        for name in tenants:
            tenant = TenantId(name)  # tenant-id: the service's own chore, for each tenant by itself
            try:
                await self.export(tenant)
            except BrokenLogError as broken:
                _log.critical("the audit of tenant %r is broken: %s", name, broken.fault.reason)
            except Exception:  # a sink that is away for a while
                _log.exception("the head of the audit of tenant %r could not be exported", name)

    async def export(self, tenant: TenantId) -> None:
        """Bring the sink up to the tenant's newest entry. Raises: BrokenLogError; OSError and the like of the sink."""
        async with self._turn:
            last = await asyncio.to_thread(self.sink.last, tenant)
            peaks = self._trusted_end(last, tenant)
            async with self._database.session(tenant) as session:
                size, stored = await rows.get_head(session)
            _require_growth(peaks, size, stored)
            while peaks.size < size:
                async with self._database.session(tenant) as session:
                    line = await self._build_line(session, peaks, min(size, peaks.size + LINE_ENTRIES))
                await asyncio.to_thread(self.sink.append, tenant, line)
                peaks = line.peaks

    def _trusted_end(self, last: HeadLine | None, tenant: str) -> Peaks:
        if last is None:
            return merkle.EMPTY
        head = last.signed.head
        is_sound = head.tenant == tenant and last.peaks.root().hex() == head.root
        if not is_sound or not self.verifier.holds(last.signed):
            reason = "the head exported last is not signed by a key of this service"
            raise BrokenLogError(Fault(head.size, reason))
        return last.peaks

    async def _build_line(self, session: TenantSession, start: Peaks, end: int) -> HeadLine:
        walk = Walk(session, start)
        entries = await rows.list_entries(session, after=start.size - 1, size=end, limit=LINE_ENTRIES)
        leaves = [await walk.pass_by(entry) for entry in entries]
        if walk.peaks.size != end:
            raise BrokenLogError(Fault(walk.peaks.size, f"entry {walk.peaks.size} is missing"))
        head = TreeHead(session.tenant, end, walk.peaks.root().hex(), to_json(self._clock()))
        return HeadLine(start.size, tuple(leaves), walk.peaks, self._signer.sign(head))


def _require_growth(exported: Peaks, size: int, stored: bytes) -> None:
    if size < exported.size:
        reason = f"entry {size} and all after it are missing: a head of {exported.size} entries was exported"
        raise BrokenLogError(Fault(size, reason))
    if size == exported.size and stored != exported.to_bytes():
        raise BrokenLogError(Fault(size, f"its head is not the one of {size} entries that was exported"))
