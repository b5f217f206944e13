"""Chatting with a running service from a terminal, over its public interface and nothing else."""

import asyncio
from typing import Any

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.schema import StreamMode
from rich.prompt import Prompt

from api._terminal import clean, console, errors, one_line, show_card

ASSISTANT = "countersign"
"""The service's assistant, by the name it has on the wire."""


class Chat:
    """One conversation. Shows each step, and asks for a decision where one is due."""

    def __init__(self, url: str, token: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}"}
        self.url = url
        self.client: LangGraphClient = get_client(url=url, headers=self.headers)
        self.thread_id = ""

    async def open(self, thread_id: str | None) -> None:
        if thread_id is None:
            thread_id = (await self.client.threads.create())["thread_id"]
        self.thread_id = thread_id

    async def say(self, text: str) -> None:
        """Send a message, show what comes, and ask as long as something waits for a decision."""
        said = {"messages": [{"type": "human", "content": text}]}
        # Nobody at a terminal waits for days until a message's turn comes: while a decision is due, they are told so.
        waiting = await self._stream(input=said, multitask_strategy="reject")
        while waiting is not None:
            answer = await self._ask(waiting)
            if answer is None:
                return
            waiting = await self._stream(command={"resume": {waiting["id"]: {"decisions": answer}}})

    async def _stream(self, **what: Any) -> dict[str, Any] | None:
        """Show a run's events; returns what the thread waits for at its end."""
        waiting = None
        modes: list[StreamMode] = ["messages-tuple", "updates"]
        async for part in self.client.runs.stream(self.thread_id, ASSISTANT, stream_mode=modes, **what):
            if part.event == "messages":
                _show_piece(part.data[0])
            elif part.event == "updates":
                waiting = _show_step(part.data) or waiting
            elif part.event == "error":
                errors.print(f"[red]{clean(part.data.get('message'))}[/red]")
        console.print()
        return waiting

    async def _ask(self, waiting: dict[str, Any]) -> list[dict[str, Any]] | None:
        """One decision per held action; None to leave them for later or for somebody else."""
        decisions = []
        me = await self._me()
        for approval in waiting["value"]["approvals"]:
            show_card(approval)
            console.print(one_line(approval["rule"]["reason"]))
            if not approval["rule"]["self_approval"]:
                console.print(
                    f"[yellow]Waits for {_who_decides(approval['rule'])}[/yellow]; you are {clean(me)}. "
                    f"They decide with: countersign approvals decide {approval['approval_id']}"
                )
                return None
            decision = await _choose(approval["digest"])
            if decision is None:
                return None
            decisions.append(decision)
        return decisions

    async def _me(self) -> str:
        async with httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=10) as client:
            return str((await client.get("/me")).json()["name"])


async def _choose(digest: str) -> dict[str, Any] | None:
    question = "approve, reject, or decide later?"
    choice = await asyncio.to_thread(Prompt.ask, question, choices=["approve", "reject", "later"], default="later")
    if choice == "later":
        return None
    if choice == "approve":
        return {"type": "approve", "digest": digest}
    reason = await asyncio.to_thread(Prompt.ask, "why?", default="")
    return {"type": "reject", "digest": digest, "message": reason}


def _show_piece(message: dict[str, Any]) -> None:
    if message.get("type") == "tool":
        return
    console.print(clean(message.get("content") or ""), end="")


def _show_step(update: dict[str, Any]) -> dict[str, Any] | None:
    """The route and the calls, as one grey line each; returns an interrupt if this is one."""
    if "__interrupt__" in update:
        found: dict[str, Any] = update["__interrupt__"][0]
        return found
    for node, change in update.items():
        if node == "route" and change.get("route"):
            console.print(f"[dim]→ {one_line(change['route'].get('agent') or change['route']['kind'])}[/dim]")
        for message in change.get("messages") or ():
            for call in message.get("tool_calls") or ():
                console.print(f"[dim]· {one_line(call['name'])} {one_line(call['args'])[:160]}[/dim]")
    return None


def _who_decides(rule: dict[str, Any]) -> str:
    permission = one_line(rule["permission"])
    return f"somebody with the permission {permission!r}" if rule["permission"] else "somebody whom a rule names"
