"""Chat completions as OpenAI's clients ask for them: the same turn, the same guards, the caller's own token."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute

from api.callers import PrincipalOf, ReaderOf, ServiceOf
from api.errors import STATUSES, InputError, UnknownAssistantError, status_of
from api.openai_wire import KEY, CompletionBody, Conversation, chunk, completion, usage_chunk, usage_of
from api.routes.runs import with_heartbeat
from api.turns import MODES, Turn, describe_waiting, waiting_in
from api.wire import Json
from api.wiring import Service
from crm.work import Thread
from graphs.assistants import Assistant
from graphs.conversations import Ask, ThreadBusyError
from trust.principal import Principal

_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class _OpenAiRoute(APIRoute):
    """Tells errors in the shape that OpenAI's clients read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                fault = error.errors()[0]
                return _problem(400, fault["msg"], ".".join(str(part) for part in fault["loc"][1:]) or None)
            except InputError as error:
                return _problem(400, error.message, error.field)
            except tuple(STATUSES) as error:
                if status_of(error) >= 500:
                    raise
                return _problem(status_of(error), str(error))

        return told


router = APIRouter(prefix="/v1", route_class=_OpenAiRoute, include_in_schema=False)


def _problem(status: int, message: str, param: str | None = None) -> JSONResponse:
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": None}}, status)


def _talking(service: Service, principal: Principal) -> list[Assistant]:
    """The assistants that are talked to; others are started with what their schema asks for."""
    known = service.runner.graphs.for_caller(is_customer=principal.is_customer)
    return [one for one in known if one.input is None]


def _model_wire(assistant: Assistant) -> Json:
    return {"id": assistant.name, "object": "model", "created": 1_767_225_600, "owned_by": "countersign"}


def _find(named: str, service: Service, principal: Principal) -> Assistant:
    """Raises: UnknownAssistantError."""
    for one in _talking(service, principal):
        if named in (one.name, one.assistant_id):
            return one
    known = ", ".join(repr(one.name) for one in _talking(service, principal))
    raise UnknownAssistantError(f"no model {named[:100]!r}; expected one of {known}")


@router.get("/models")
async def list_models(principal: PrincipalOf, service: ServiceOf) -> Json:
    """The assistants that can be talked to."""
    return {"object": "list", "data": [_model_wire(one) for one in _talking(service, principal)]}


@router.get("/models/{model}")
async def get_model(model: str, principal: PrincipalOf, service: ServiceOf) -> Json:
    """One of them, by name or id."""
    return _model_wire(_find(model, service, principal))


@router.post("/chat/completions", response_model=None)
async def complete_chat(body: CompletionBody, principal: ReaderOf, service: ServiceOf) -> Response:
    """Answer the caller's last words, in the conversation that the messages before them tell of.

    A write that waits is told in the answer, with the request's id and where it is decided.
    """
    body.check()
    assistant = _find(body.model, service, principal)
    talk = Conversation(body.messages)
    thread = await _find_thread(talk, assistant, principal, service)
    ask = Ask(
        talk.text,
        assistant=assistant.name,
        instructions="\n\n".join(talk.instructions) or None,
        stream_mode=MODES,
        strategy="reject",
    )
    try:
        run = await service.conversations.ask(principal, thread.thread_id, ask)
    except ThreadBusyError as busy:
        answer = describe_waiting(thread, service.settings.public_url)
        if not answer:
            return _problem(409, str(busy))
        answer += "\n\nYour message was not taken up: decide on the request or withdraw it, and say it again."
        await _keep_key(talk, answer, assistant, principal, service, thread.thread_id)
        return _answer_at_once(body, thread, answer)
    turn = Turn(service, principal, run)
    if body.stream:
        frames = _frames(turn, talk, body, assistant)
        return StreamingResponse(frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
    await turn.read()
    if turn.error is not None:
        return _problem(502, str(turn.error["message"]))
    ended, _ = await turn.close()
    await _keep_key(talk, turn.text, assistant, principal, service, ended.thread_id)
    usage = usage_of(ended.values.get("messages", ()))
    return JSONResponse(completion(run.run_id, body.model, turn.text, usage, _about(ended)))


async def _find_thread(talk: Conversation, assistant: Assistant, principal: Principal, service: Service) -> Thread:
    """The caller's own conversation that went exactly like this, or a new one."""
    before = talk.key_before(principal, assistant.name)
    if before is not None:
        found = await service.conversations.search_threads(principal, details={KEY: before}, limit=1)
        if found:
            return found[0]
    return await service.conversations.create_thread(principal, None, {})


async def _keep_key(
    talk: Conversation, answer: str, assistant: Assistant, principal: Principal, service: Service, thread_id: str
) -> None:
    details = {KEY: talk.key_after(answer, principal, assistant.name)}
    await service.conversations.update_thread(principal, thread_id, details)


def _about(thread: Thread) -> Json:
    """For clients that know this service: the conversation, and what it waits for."""
    waiting = [{"approval_id": one["approval_id"], "tool": one["tool"]} for one in waiting_in(thread)]
    return {"thread_id": thread.thread_id, "waits_for": waiting}


def _answer_at_once(body: CompletionBody, thread: Thread, answer: str) -> Response:
    """An answer that no run has given."""
    place, usage = thread.thread_id, usage_of(())
    if not body.stream:
        return JSONResponse(completion(place, body.model, answer, usage, _about(thread)))
    frames = [
        chunk(place, body.model, {"role": "assistant", "content": answer}),
        chunk(place, body.model, {}, is_last=True, countersign=_about(thread)),
    ]
    text = "".join(f"data: {json.dumps(one)}\n\n" for one in frames) + "data: [DONE]\n\n"
    return Response(text, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _frames(turn: Turn, talk: Conversation, body: CompletionBody, assistant: Assistant) -> AsyncIterator[bytes]:
    run_id, model = turn.run.run_id, body.model
    yield _data(chunk(run_id, model, {"role": "assistant", "content": ""}))
    async for event in with_heartbeat(turn.follow()):
        if event is None:
            yield b": heartbeat\n\n"
            continue
        words = turn.take(event)
        if words:
            yield _data(chunk(run_id, model, {"content": words}))
    if turn.error is not None:
        yield _data(
            {"error": {"message": str(turn.error["message"]), "type": "server_error", "param": None, "code": None}}
        )
        yield b"data: [DONE]\n\n"
        return
    thread, told = await turn.close()
    await _keep_key(talk, turn.text, assistant, turn.principal, turn.service, thread.thread_id)
    if told:
        yield _data(chunk(run_id, model, {"content": told}))
    yield _data(chunk(run_id, model, {}, is_last=True, countersign=_about(thread)))
    if body.stream_options is not None and body.stream_options.include_usage:
        yield _data(usage_chunk(run_id, model, usage_of(thread.values.get("messages", ()))))
    yield b"data: [DONE]\n\n"


def _data(frame: Json) -> bytes:
    return f"data: {json.dumps(frame, separators=(',', ':'))}\n\n".encode()
