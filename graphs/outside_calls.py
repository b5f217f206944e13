"""What assistants outside can do: see the tools that the person may use, call one, ask what became of a request."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents._outside import outside_agent
from agents._samples import Sample, action_of
from crm.repositories import approvals as approval_rows
from crm.work import Approval
from graphs._sight import spell
from graphs.assistants import OUTSIDE
from graphs.conversations import Ask, Conversations
from tools._declare import Tool
from tools._labels import label_settled
from trust import ledger, telemetry
from trust.actions import Effect
from trust.approvals import ApprovalNotFoundError
from trust.decisions import Deny
from trust.policy import decide
from trust.principal import Principal, refresh
from trust.rights import RIGHT

WAIT_S = 60.0
"""How long a caller is kept waiting for a call. It goes on without them."""


class CallFailedError(Exception):
    """The call came to no answer; the message says why, for whoever called."""


@dataclass(frozen=True)
class Mark:
    """A value of an answer that somebody outside may have written."""

    path: str
    """As in `records[0].Subject`."""
    origin: str


@dataclass(frozen=True)
class CallAnswer:
    """What a call brought: an answer, or a request that waits for a person."""

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    marks: Sequence[Mark] = ()
    request_id: str | None = None
    """Of the request that the call made; how that stands is to be asked for."""


@dataclass(frozen=True)
class Standing:
    """How a request stands. `status` is that of the approval, and `expired` as soon as it is."""

    approval: Approval
    status: str
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    marks: Sequence[Mark] = field(default=())


@dataclass(frozen=True)
class OutsideCalls:
    """Every method takes the principal it acts for."""

    conversations: Conversations
    wait_s: float = WAIT_S

    async def list_tools(self, principal: Principal) -> list[Tool]:
        """Those that the person may use by this token today, sorted by name."""
        runner = self.conversations.runner
        async with runner.database.session(principal.tenant) as session:
            principal = await refresh(session, principal, at=runner.clock())
        return [tool for tool in outside_agent().tools if _is_open_to(tool, principal)]

    async def call(
        self, principal: Principal, name: str, arguments: Mapping[str, Any], *, client: str = ""
    ) -> CallAnswer:
        """Have the call made as a run of its own, and wait for what comes of it.

        A tool that the person may not use is refused like one that does not exist.
        Raises: CallFailedError, OverloadedError, SwitchedOffError.
        """
        if name not in {tool.name for tool in await self.list_tools(principal)}:
            raise CallFailedError(f"there is no tool {name[:60]!r} for you; list the tools to see those there are")
        given = {"tool": name, "arguments": dict(arguments), "client": client}
        thread = await self.conversations.create_thread(principal, None, {})
        run = await self.conversations.ask(principal, thread.thread_id, Ask(None, assistant=OUTSIDE.name, given=given))
        fault = None
        try:
            async with asyncio.timeout(self.wait_s):
                async for event in self.conversations.runner.follow(principal.tenant, run.run_id, modes=("error",)):
                    fault = event.data if event.name == "error" else fault
        except TimeoutError:
            raise CallFailedError(f"the call takes longer than {self.wait_s:g} seconds; it goes on") from None
        if fault is not None:
            raise CallFailedError(str(fault["message"]))
        return await self._answer_in(principal, thread.thread_id)

    async def _answer_in(self, principal: Principal, thread_id: str) -> CallAnswer:
        """Raises: CallFailedError."""
        thread = await self.conversations.get_thread(principal, thread_id)
        async with self.conversations.runner.database.session(principal.tenant) as session:
            requests = await approval_rows.list_approvals(session, thread_id=thread_id, limit=1)
        if requests:
            return CallAnswer(request_id=requests[0].approval_id)
        message = next((one for one in reversed(thread.values["messages"]) if one["type"] == "tool"), None)
        if message is None:
            raise CallFailedError("the call was stopped before it was made")
        envelope = json.loads(message["content"])
        labels = (message.get("artifact") or {}).get("labels", ())
        part = "result" if envelope["ok"] else "error"
        marks = [Mark(one["path"].removeprefix(f"{part}."), one["origin"]) for one in labels]
        return CallAnswer(result=envelope.get("result"), error=envelope.get("error"), marks=marks)

    async def find_standing(self, principal: Principal, approval_id: str) -> Standing:
        """How a request of the person's own stands; after an edit, the one that took its place.

        Raises: ApprovalNotFoundError for everything else, so that other people's requests look like none.
        """
        runner = self.conversations.runner
        async with runner.database.session(principal.tenant) as session:
            approval = await approval_rows.find(session, approval_id)
            if approval is None or approval.requester != principal.id:
                raise ApprovalNotFoundError(approval_id)
            approval = await runner.desk.newest(session, approval) or approval
            status = approval.status
            if status == "pending" and approval.expires_at <= runner.clock():
                status = "expired"
            if status not in ("applied", "refused"):
                return Standing(approval, status)
            told = approval.result or {}
            labelled = await label_settled(session, ledger.changes_of(approval), told)
            marks = [Mark(spell(path), label.origin) for path, label in labelled.outside.items()]
        if status == "applied":
            return Standing(approval, status, result=told, marks=marks)
        return Standing(approval, status, error=told, marks=marks)


def _is_open_to(tool: Tool, principal: Principal) -> bool:
    """Whether there is any use of it that the guards would not refuse at once."""
    action = action_of(Sample(outside_agent(), tool, is_tainted=True), principal)
    with telemetry.watched_by(None):  # nothing is decided here
        if isinstance(decide(action, principal), Deny):
            return False
    if tool.effect is Effect.READ or not tool.changes:
        return True
    return any(name == "*" or principal.access.may(RIGHT[operation], name) for operation, name in tool.changes)
