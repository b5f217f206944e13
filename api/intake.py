"""What no route should ever see: bodies too large, and text that no database can hold."""

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

MAX_BODY_BYTES = 512 * 1024


class IntakeMiddleware:
    """Reads a request's body once, within a limit, and refuses what is not proper text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            detail = f"the body may have at most {MAX_BODY_BYTES} bytes"
            await problem(413, "too-large", detail, headers={"Connection": "close"})(scope, receive, send)
            return
        fault = _fault_in(body) or _fault_in_address(scope)
        if fault is not None:
            await problem(400, "malformed-text", fault)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then what really comes, such as the client's leaving."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _fault_in(body: bytes) -> str | None:
    if not body:
        return None
    try:
        body.decode()
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    if b"\\u" not in body and b"\x00" not in body:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None  # the route says what is wrong with the JSON
    return "text must not contain NUL characters or half of a surrogate pair" if not _is_storable(value) else None


def _is_storable(value: Any) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and ("\x00" in one or any("\ud800" <= char <= "\udfff" for char in one)):
            return False
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
    return True


def _fault_in_address(scope: Scope) -> str | None:
    if "\x00" in scope.get("path", "") or b"%00" in scope.get("query_string", b""):
        return "the address must not contain NUL characters"
    return None
