"""Chores of a process that come round again: each round after a pause, a failed one no reason not to make the next."""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod

_log = logging.getLogger(__name__)


class Rounds(ABC):
    """Starts and stops with the service."""

    every_s = 1.0

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._rounds: asyncio.Task[None] | None = None

    @abstractmethod
    async def make_round(self) -> None:
        """What there is to do now."""

    def start(self) -> None:
        self._rounds = asyncio.create_task(self._make_rounds())

    async def stop(self, *, patience_s: float = 10) -> None:
        """Let the round in hand end, within `patience_s`."""
        self._stopping.set()
        if self._rounds is None:
            return
        await asyncio.wait([self._rounds], timeout=patience_s)
        self._rounds.cancel()
        await asyncio.gather(self._rounds, return_exceptions=True)

    async def _make_rounds(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.make_round()
            except Exception:  # a round that fails is made again
                _log.exception("a round of %s failed", type(self).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.every_s)
