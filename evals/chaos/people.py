"""The people who use the service while it is being killed: reps who ask, managers who decide, each of them stubborn."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_S = 20.0


@dataclass
class Caller:
    """Talks to whichever process answers, as one person; asks another one if one dies on it."""

    client: httpx.AsyncClient
    addresses: Sequence[str]
    who: str
    random: random.Random
    token: str = ""

    async def try_once(self, method: str, path: str, body: Any = None, *, at: str | None = None) -> httpx.Response:
        """Raises: httpx.TransportError."""
        address = at or self.random.choice(self.addresses)
        if not self.token:
            answer = await self.client.post(f"{address}/dev/login", json={"username": self.who})
            answer.raise_for_status()
            self.token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, f"{address}{path}", json=body, headers=headers)

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The first answer that is none of a broken service."""
        while True:
            try:
                answer = await self.try_once(method, path, body)
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            except (httpx.TransportError, httpx.HTTPStatusError):
                pass
            await asyncio.sleep(self.random.uniform(0.05, 0.4))


@dataclass
class Asked:
    """What was asked for: `accepted` are the words whose run was acknowledged, `sent` all that may have arrived."""

    accepted: dict[str, tuple[str, str]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)


async def ask(caller: Caller, tenant: str, asked: Asked, *, waits: bool) -> None:
    """Ask for one contact. Whoever gets no answer asks again, for another one."""
    while True:
        thread = str((await caller.call("POST", "/threads", {})).json()["thread_id"])
        word = f"Chaos{uuid.uuid4().hex}"
        asked.sent.add(f"{tenant} {word}")
        body = {
            "assistant_id": "countersign",
            "input": {"messages": [{"type": "human", "content": f"Please add {word}"}]},
        }
        path = f"/threads/{thread}/runs" + ("/wait" if waits else "")
        try:
            answer = await caller.try_once("POST", path, body)
        except (httpx.TransportError, httpx.HTTPStatusError):
            await asyncio.sleep(0.2)
            continue
        if answer.status_code == 200:
            asked.accepted[word] = (tenant, thread)
            return
        await asyncio.sleep(0.2)


@dataclass
class Tally:
    """How the decisions went: `taken` counts those that were answered as the first, `late` the others."""

    taken: int = 0
    late: int = 0
    unanswered: int = 0


async def decide_all(callers: Sequence[Caller], tally: Tally, stop: asyncio.Event) -> None:
    """Approve whatever waits, each request twice at once and at two processes, until told to stop."""
    first = callers[0]
    while not stop.is_set():
        answer = await first.call("GET", "/approvals?limit=50")
        waiting = answer.json() if answer.status_code == 200 else []
        await asyncio.gather(*(_decide(one, caller, tally) for one in waiting for caller in callers))
        await asyncio.sleep(first.random.uniform(0.3, 0.8))


async def _decide(approval: dict[str, Any], caller: Caller, tally: Tally) -> None:
    body = {"decision": "approve", "digest": approval["digest"]}
    path = f"/approvals/{approval['approval_id']}/decision"
    try:
        answer = await caller.try_once("POST", path, body)
    except (httpx.TransportError, httpx.HTTPStatusError):
        tally.unanswered += 1
        return
    if answer.status_code == 200:
        tally.taken += 1
    else:
        tally.late += 1
