"""Agent2Agent: what other agents find this one by, and the tasks that they give it in a person's name.

A task is a turn of a conversation. One that would change something stops at `input-required` and says which request a
person has to decide on, and where: nothing that an agent sends decides.
"""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api.a2a_wire import (
    INVALID,
    METHODS,
    NO_METHOD,
    NO_TASK,
    NOT_CANCELABLE,
    OPEN,
    PARAMS,
    PARSE,
    REFUSED,
    UNSUPPORTED,
    Json,
    Method,
    RpcError,
    State,
    TaskView,
    Version,
    read_id,
    read_message,
)
from api.callers import ReaderOf, ServiceOf
from api.errors import STATUSES, problems, status_of
from api.routes.runs import with_heartbeat
from api.turns import MODES, Turn, answer_in, describe_waiting, waiting_in
from api.wire import MAX_MESSAGE_CHARS
from api.wiring import Service
from crm.fields import to_json
from crm.repositories import approvals
from crm.repositories.runs import OPEN as UNFINISHED
from crm.work import Run
from graphs.assistants import TURN
from graphs.conversations import Ask, RunNotFoundError, ThreadNotFoundError
from trust.principal import Principal

router = APIRouter(tags=["agents"])
_ENDED: dict[str, State] = {"success": "completed", "interrupted": "canceled"}


@router.get("/.well-known/agent-card.json", responses=problems(is_open=True))
async def get_agent_card(request: Request, service: ServiceOf) -> Json:
    """What other agents find this one by; it tells nothing of any tenant."""
    settings = service.settings
    url = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/") + "/a2a"
    skill = {
        "id": TURN.name,
        "name": TURN.name,
        "description": TURN.description,
        "tags": ["crm", "sales", "service", "marketing", "analytics"],
        "examples": ["how many open cases per priority"],
    }
    return {
        "name": "Countersign",
        "description": "A CRM copilot whose every write waits until a person countersigns the exact change.",
        "version": request.app.version,
        "url": url,
        "preferredTransport": "JSONRPC",
        "protocolVersion": "0.3.0",
        "supportedInterfaces": [
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": version} for version in ("1.0", "0.3")
        ],
        "capabilities": {"streaming": True, "pushNotifications": False},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "security": [{"bearer": []}],
        "skills": [skill],
    }


@router.post("/a2a", include_in_schema=False, response_model=None)
async def call_agent(request: Request, principal: ReaderOf, service: ServiceOf) -> Response:
    """One JSON-RPC call, in the caller's own name."""
    call_id: Any = None
    try:
        method, version, params, call_id = _read_call(await request.body())
        desk = _Desk(service, principal, version)
        if method == "stream":
            turn, view = await desk.begin(params)
            frames = desk.frames(turn, view, call_id)
            return StreamingResponse(frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        result = await desk.answer(method, params)
    except RpcError as error:
        return JSONResponse(_failure(call_id, error.code, str(error)))
    except tuple(STATUSES) as error:
        if status_of(error) >= 500:
            raise
        is_absent = isinstance(error, ThreadNotFoundError | RunNotFoundError)
        return JSONResponse(_failure(call_id, NO_TASK if is_absent else REFUSED, str(error)))
    return JSONResponse({"jsonrpc": "2.0", "id": call_id, "result": result})


def _failure(call_id: Any, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message}}


def _read_call(body: bytes) -> tuple[Method, Version, Json, Any]:
    """Raises: RpcError."""
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        raise RpcError(PARSE, "the body is not valid JSON") from None
    if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("id"), str | int):
        raise RpcError(INVALID, "expected one JSON-RPC 2.0 call with an id")
    if call.get("method") not in METHODS:
        raise RpcError(NO_METHOD, f"method: expected one of {', '.join(METHODS)}")
    params = call.get("params")
    if not isinstance(params, dict):
        raise RpcError(PARAMS, "params: expected an object")
    return *METHODS[call["method"]], params, call["id"]


class _Desk:
    """Does what calls ask for, as the principal, and says it in the caller's version of the protocol."""

    def __init__(self, service: Service, principal: Principal, version: Version) -> None:
        self._service = service
        self._principal = principal
        self._version = version

    async def answer(self, method: Method, params: Json) -> Json:
        if method == "send":
            *_, waits = read_message(params)
            turn, view = await self.begin(params)
            if waits:
                await turn.read()
                view = await self._view(view.thread_id, view.run_id)
            return view.result(self._version, is_wrapped=True)
        thread_id, run_id = self._place(params)
        view = await self._view(thread_id, run_id)
        if method == "cancel":
            view = await self._cancel(view)
        return view.result(self._version, is_wrapped=False)

    async def begin(self, params: Json) -> tuple[Turn, TaskView]:
        """Start a turn. Raises: RpcError, and what `Conversations.ask` raises."""
        text, context_id, task_id, _ = read_message(params)
        if not text.strip() or len(text) > MAX_MESSAGE_CHARS:
            raise RpcError(PARAMS, f"params.message.parts: expected 1 to {MAX_MESSAGE_CHARS} characters")
        if task_id is not None:
            raise RpcError(
                UNSUPPORTED,
                "params.message.taskId: a task takes no more messages: people decide on what it waits for, and a new "
                "message with its contextId is a new task",
            )
        conversations = self._service.conversations
        if context_id is None:
            context_id = (await conversations.create_thread(self._principal, None, {})).thread_id
        ask = Ask(text, assistant=TURN.name, stream_mode=MODES, strategy="reject")
        run = await conversations.ask(self._principal, context_id, ask)
        view = TaskView(run.thread_id, run.run_id, "working", to_json(run.created_at))
        return Turn(self._service, self._principal, run), view

    async def frames(self, turn: Turn, view: TaskView, call_id: Any) -> AsyncIterator[bytes]:
        yield _frame(call_id, view.result(self._version, is_wrapped=True))
        async for event in with_heartbeat(turn.follow()):
            if event is None:
                yield b": heartbeat\n\n"
                continue
            is_first = not turn.text
            words = turn.take(event)
            if words:
                yield _frame(call_id, view.piece(words, self._version, is_first=is_first))
        ended = await self._view(view.thread_id, view.run_id)
        yield _frame(call_id, ended.update(self._version))

    def _place(self, params: Json) -> tuple[str, str]:
        """Thread and run. Raises: RpcError, also for ids that are none of ours."""
        named = read_id(params, "id")
        if named is None:
            raise RpcError(PARAMS, "params.id: expected the id of a task")
        thread_id, _, run_id = named.partition(".")
        try:
            return str(uuid.UUID(thread_id)), str(uuid.UUID(run_id))
        except ValueError:
            raise RpcError(NO_TASK, f"no task {named!r}") from None

    async def _view(self, thread_id: str, run_id: str) -> TaskView:
        """How the task stands. Raises: ThreadNotFoundError, RunNotFoundError."""
        conversations = self._service.conversations
        await conversations.get_run(self._principal, thread_id, run_id)
        found = await conversations.list_runs(self._principal, thread_id, limit=1_000, offset=0, status=None)
        last = next(run for run in found if run_id in (run.run_id, run.request.get("turn_of")))
        at = to_json(last.updated_at)
        if last.status in UNFINISHED:
            return TaskView(thread_id, run_id, "working", at)
        answer = await self._answer_of(last)
        if last.status != "success":
            note = "" if last.status == "interrupted" else last.error or "the turn failed"
            return TaskView(thread_id, run_id, _ENDED.get(last.status, "failed"), at, answer, note)
        thread = await conversations.get_thread(self._principal, thread_id)
        async with self._service.database.session(self._principal.tenant) as session:
            asked = await approvals.list_approvals(session, thread_id=thread_id, run_id=run_id)
        shown = {one["approval_id"] for one in waiting_in(thread)}
        if any(one.approval_id in shown for one in asked):
            note = describe_waiting(thread, self._service.settings.public_url)
            return TaskView(thread_id, run_id, "input-required", at, answer, note)
        is_withdrawn = bool(asked) and all(one.status == "recalled" for one in asked)
        return TaskView(thread_id, run_id, "canceled" if is_withdrawn else "completed", at, answer)

    async def _answer_of(self, run: Run) -> str:
        """What was said in the turn by the time the run ended, from its stored events."""
        values: Json = {}
        async for event in self._service.runner.follow(self._principal.tenant, run.run_id, modes=("values",)):
            values = event.data if event.name == "values" else values
        return answer_in(values)

    async def _cancel(self, view: TaskView) -> TaskView:
        """Withdraw what waits, or stop what runs. Raises: RpcError for what has ended."""
        if view.state not in OPEN:
            raise RpcError(NOT_CANCELABLE, f"the task is {view.state} already")
        conversations = self._service.conversations
        if view.state == "input-required":
            run = await conversations.withdraw(self._principal, view.thread_id)
        else:
            await conversations.cancel_run(self._principal, view.thread_id, view.run_id)
            run = await conversations.get_run(self._principal, view.thread_id, view.run_id)
        if run is not None:
            await Turn(self._service, self._principal, run).read()
        return await self._view(view.thread_id, view.run_id)


def _frame(call_id: Any, result: Json) -> bytes:
    answer = {"jsonrpc": "2.0", "id": call_id, "result": result}
    return f"data: {json.dumps(answer, separators=(',', ':'))}\n\n".encode()
