"""What the engine asks of a durable queue. The queue says when and where; the run's row says what, and whether."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from crm.ids import TenantId


@dataclass(frozen=True)
class Place:
    """A run's place in the queue. A run has one valid place; `ticket` tells it from those it had before."""

    tenant: TenantId
    thread_id: str
    run_id: str
    ticket: int

    @property
    def key(self) -> str:
        return f"{self.run_id}:{self.ticket}"


class Queue(Protocol):
    """Hands runs to processes with room for them, each tenant in turn. It may hand one out twice, or lose one."""

    async def put(self, place: Place) -> None:
        """Add a place; nothing happens if it is there already."""

    async def find_lost(self, places: Collection[Place]) -> set[str]:
        """Keys of those places that the queue does not hold, or is through with."""
