"""One turn of a conversation as text, for clients that know neither threads nor requests: what is said, what waits."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from api.wire import link_to
from api.wiring import Service
from crm.work import Run, Thread
from graphs._log import StreamEvent
from graphs.requests import plain
from trust.principal import Principal

MODES = ("messages-tuple", "values")
Json = dict[str, Any]


@dataclass
class Turn:
    """Follows a run; `text` is what was said so far, and `error` what a failed run tells."""

    service: Service
    principal: Principal
    run: Run
    text: str = ""
    error: Json | None = None
    _last_id: str | None = field(default=None, repr=False)

    def follow(self) -> AsyncIterator[StreamEvent]:
        return self.service.runner.follow(self.principal.tenant, self.run.run_id, modes=MODES)

    def take(self, event: StreamEvent) -> str:
        """The words that an event adds to the answer; none for most."""
        if event.name == "error":
            self.error = event.data
        if event.name != "messages":
            return ""
        piece, _ = event.data
        if piece["type"] not in ("ai", "AIMessageChunk") or not piece["content"]:
            return ""
        gap = "\n\n" if self.text and piece["id"] != self._last_id else ""
        self._last_id = piece["id"]
        return self.add(gap + piece["content"])

    def add(self, words: str) -> str:
        self.text += words
        return words

    async def read(self) -> None:
        """Follow the run to its end."""
        async for event in self.follow():
            self.take(event)

    async def close(self) -> tuple[Thread, str]:
        """The thread after the turn, and what is still to be said: the requests that it waits for."""
        thread = await self.service.conversations.get_thread(self.principal, self.run.thread_id)
        told = describe_waiting(thread, self.service.settings.public_url)
        return thread, self.add(("\n\n" if self.text and told else "") + told)


def waiting_in(thread: Thread) -> list[Json]:
    """The requests that a thread waits for, as their cards show them."""
    return [
        approval
        for some in thread.interrupts.values()
        for one in some
        for approval in one["value"].get("approvals", ())
    ]


def describe_waiting(thread: Thread, public_url: str) -> str:
    """What waits, under which id, and where it is decided; empty if nothing does."""
    lines = [
        f"Not done yet: {plain(one['card']['title'])}. It waits for approval as request {one['approval_id']}, "
        f"to be decided at {link_to(one['approval_id'], public_url)} until {one['expires_at']}."
        for one in waiting_in(thread)
    ]
    return "\n\n".join(lines)


def answer_in(values: Json) -> str:
    """What was said to the user in the last turn."""
    said: list[str] = []
    for message in reversed(values.get("messages", ())):
        if message["type"] == "human":
            break
        if message["type"] == "ai" and message.get("content"):
            said.append(str(message["content"]).strip())
    return "\n\n".join(reversed(said))
