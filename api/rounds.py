"""Chores of a process that come round again: each round after a pause, a failed one no reason not to make the next."""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod

from graphs.pacing import pause_after

SHARE = 0.02
"""How much of a process's time one kind of chore takes at most: with many tenants its rounds come less often."""

LONGEST_PAUSE_S = 30.0

_log = logging.getLogger(__name__)


class Rounds(ABC):
    """Starts and stops with the service."""

    every_s = 1.0

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._rounds: asyncio.Task[None] | None = None

    @abstractmethod
    async def make_round(self) -> int:
        """Do what there is to do now; how much that was."""

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
        await self._pause(self.every_s)  # a process that has just started has people to answer first
        while not self._stopping.is_set():
            began, done = time.monotonic(), 0
            try:
                done = await self.make_round()
            except Exception:  # a round that fails is made again
                _log.exception("a round of %s failed", type(self).__name__)
            took = 0.0 if done else time.monotonic() - began
            await self._pause(pause_after(took, every_s=self.every_s, share=SHARE, longest_s=LONGEST_PAUSE_S))

    async def _pause(self, seconds: float) -> None:
        """Until the time is over, or the service stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
