"""What is written for a run is written by whoever holds its lease: a process that slept through its own is told so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from crm.database import TenantSession
from crm.repositories import runs

_HELD: ContextVar[tuple[str, str] | None] = ContextVar("_HELD", default=None)


class LeaseLostError(Exception):
    """Another process took the run over; this one must not touch it any more."""


@contextmanager
def holding(run_id: str, executor: str) -> Iterator[None]:
    """Whatever begins inside works on the run, as the process of this name."""
    token = _HELD.set((run_id, executor))
    try:
        yield
    finally:
        _HELD.reset(token)


async def require_lease(session: TenantSession) -> None:
    """Keep the run this process's own until the transaction ends. Lock its thread before, if at all.

    Outside of any run nothing is asked. Raises: LeaseLostError.
    """
    held = _HELD.get()
    if held is not None and not await runs.is_held(session, held[0], by=held[1]):
        raise LeaseLostError(held[0])
