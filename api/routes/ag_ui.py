"""The copilot for clients of AG-UI, the agent-user interaction protocol: the same turns, guards and decisions."""

from collections.abc import AsyncIterator
from typing import Any

from ag_ui.core import RunAgentInput
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.ag_ui_input import Said, check_request, instructions_in, read_resume, read_said
from api.ag_ui_wire import MODES, Teller, frame, shown_in
from api.callers import ReaderOf, ServiceOf
from api.errors import kind_of
from api.routes.runs import location, with_heartbeat
from api.turns import describe_waiting
from api.wire import Json
from api.wiring import Service
from crm.repositories import approvals
from crm.repositories.runs import UNFINISHED
from crm.work import Run, Thread
from graphs._log import StreamEvent
from graphs.answers import AnswerError
from graphs.conversations import Ask, ThreadBusyError, ThreadExistsError, ThreadNotFoundError
from trust.approvals import ApprovalError
from trust.principal import Principal
from trust.switches import SwitchedOffError

router = APIRouter(prefix="/ag-ui", tags=["runs"], include_in_schema=False)

_REFUSALS = (AnswerError, ApprovalError, SwitchedOffError, ThreadBusyError)
"""What the protocol has told in the stream: that how the conversation stands does not allow it."""


@router.post("", response_model=None)
async def run_agent(body: RunAgentInput, principal: ReaderOf, service: ServiceOf) -> StreamingResponse:
    """Take the caller's new words, or decisions on what waits, and stream what comes of it.

    Without either, the conversation is told as it stands.
    """
    thread_id = check_request(body)
    own = instructions_in(body.messages)
    asked = _Asked(body, thread_id, principal, service)
    teller = Teller(thread_id, body.run_id, public_url=service.settings.public_url, own=own)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    try:
        run = await asked.begin("\n\n".join(one.content for one in own) or None)
    except _REFUSALS as error:
        frames = _refused(teller, error)
    else:
        if run is not None:
            headers["Content-Location"] = location(run)
        frames = _frames(teller, service, principal, run, asked.state)
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)


class _Asked:
    """What a request asks of the conversation that it names, as the service knows it."""

    def __init__(self, body: RunAgentInput, thread_id: str, principal: Principal, service: Service) -> None:
        self._body = body
        self._thread_id = thread_id
        self._principal = principal
        self._service = service
        self.state: Json = {"values": {}, "interrupts": []}

    async def begin(self, instructions: str | None) -> Run | None:
        """The run to be followed; None if there is none. Raises: ThreadNotFoundError, and what `_REFUSALS` names."""
        conversations = self._service.conversations
        thread = await self._find_thread()
        said = read_said(self._body.messages, self._known(), may_repeat=not self._body.resume)
        if thread is None:
            if said is None or self._body.resume:
                raise ThreadNotFoundError(self._thread_id)
            await self._open_thread()
            return await self._ask(said, instructions)
        if self._body.resume:
            return await self._resume(thread, said, instructions)
        if said is None:
            running = await conversations.list_runs(self._principal, self._thread_id, limit=5, offset=0, status=None)
            return next((one for one in reversed(running) if one.status in UNFINISHED), None)
        if thread.interrupts:
            told = describe_waiting(thread, self._service.settings.public_url)
            raise AnswerError(f"resume: expected an answer to each that waits, before anything else is said. {told}")
        return await self._ask(said, instructions)

    async def _find_thread(self) -> Thread | None:
        conversations = self._service.conversations
        try:
            thread = await conversations.get_thread(self._principal, self._thread_id)
        except ThreadNotFoundError:
            return None
        self.state = await conversations.get_state(self._principal, self._thread_id)
        return thread

    def _known(self) -> list[Json]:
        return list(self.state["values"].get("messages", ()))

    async def _open_thread(self) -> None:
        """Raises: ThreadNotFoundError, also if the id is taken by somebody whom the caller does not see."""
        try:
            await self._service.conversations.create_thread(self._principal, self._thread_id, {})
        except ThreadExistsError:
            raise ThreadNotFoundError(self._thread_id) from None

    async def _ask(self, said: Said, instructions: str | None, *, supersedes: bool = False) -> Run:
        ask = Ask(
            said.text,
            message_id=said.message_id,
            replaces=said.replaces,
            instructions=instructions,
            stream_mode=MODES,
            details=self._details(),
            strategy="interrupt" if supersedes else "reject",
        )
        return await self._service.conversations.ask(self._principal, self._thread_id, ask)

    async def _resume(self, thread: Thread, said: Said | None, instructions: str | None) -> Run | None:
        entries = self._body.resume or []
        requests = [one["value"] for some in thread.interrupts.values() for one in some]
        waiting = {
            request["approvals"][place]["approval_id"]: shown_in(request, place)
            for request in requests
            for place in range(len(request["approvals"]))
        }
        closed = await self._find_closed([one.interrupt_id for one in entries if one.interrupt_id not in waiting])
        resume = read_resume(entries, waiting, closed)
        if said is not None:
            if not resume.is_withdrawal:
                raise AnswerError("resume: decide first, and say what you have to say afterwards")
            return await self._ask(said, instructions, supersedes=bool(resume.verdicts))
        if not resume.verdicts:
            return None
        _, run = await self._service.conversations.decide(
            self._principal, resume.verdicts, stream_mode=MODES, details=self._details()
        )
        return run

    async def _find_closed(self, ids: list[str]) -> set[str]:
        """Those that are requests of this conversation and wait no longer."""
        async with self._service.database.session(self._principal.tenant) as session:
            found = await approvals.list_by_ids(session, ids)
        return {one.approval_id for one in found if one.thread_id == self._thread_id and one.status != "pending"}

    def _details(self) -> dict[str, Any]:
        return {"ag_ui_run_id": self._body.run_id}


async def _refused(teller: Teller, error: Exception) -> AsyncIterator[bytes]:
    yield frame(teller.begin())
    for event in teller.fail(str(error), kind_of(error)):
        yield frame(event)


async def _frames(
    teller: Teller, service: Service, principal: Principal, run: Run | None, state: Json
) -> AsyncIterator[bytes]:
    yield frame(teller.begin())
    events = _as_it_stands(state) if run is None else service.runner.follow(principal.tenant, run.run_id)
    async for event in with_heartbeat(events):
        if event is None:
            yield b": heartbeat\n\n"
            continue
        for told in teller.take(event):
            yield frame(told)
    for told in () if teller.is_over else teller.fail("the run is no longer there", "run-not-found"):
        yield frame(told)


async def _as_it_stands(state: Json) -> AsyncIterator[StreamEvent]:
    """A conversation at rest, as the end of a run that had nothing to do."""
    yield StreamEvent(1, "values", {**state["values"], "__interrupt__": state["interrupts"]})
    yield StreamEvent(2, "end", {"status": "success"})
