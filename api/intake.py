"""What no route should ever see: bodies too large or too deep, and values that no database can hold."""

import json
import math
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

MAX_BODY_BYTES = 512 * 1024
MAX_DEPTH = 64
"""How far objects and lists may be nested; far less than what makes Python give up at one place and not at another."""


class IntakeMiddleware:
    """Reads a request's body once, within a limit, and refuses what is not proper text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await _read(receive)
        except _ClientLeftError:
            return
        if body is None:
            detail = f"the body may have at most {MAX_BODY_BYTES} bytes"
            await problem(413, "too-large", detail, headers={"Connection": "close"})(scope, receive, send)
            return
        fault = _fault_in(body)
        if fault is not None:
            await problem(400, "malformed-body", fault)(scope, receive, send)
            return
        if _is_malformed(scope):
            await problem(400, "malformed-address", "the address must not contain NUL characters")(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


class _ClientLeftError(Exception):
    """The client went away before the body was complete. Half a request is not acted on."""


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if it is too large. Raises: _ClientLeftError."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _ClientLeftError
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
    try:
        value = json.loads(body)
    except RecursionError:
        return _TOO_DEEP
    except json.JSONDecodeError:
        return None  # the route says what is wrong with the JSON
    except ValueError:
        return "a number has too many digits"
    return _fault_in_value(value)


_TOO_DEEP = f"objects and lists may be nested {MAX_DEPTH} deep"


def _fault_in_value(value: Any) -> str | None:
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            if "\x00" in one or any("\ud800" <= char <= "\udfff" for char in one):
                return "text must not contain NUL characters or half of a surrogate pair"
        elif isinstance(one, float):
            if not math.isfinite(one):
                return "numbers must be finite"
        elif isinstance(one, dict | list):
            if depth == MAX_DEPTH:
                return _TOO_DEEP
            inner = [*one.keys(), *one.values()] if isinstance(one, dict) else one
            waiting += [(part, depth + 1) for part in inner]
    return None


def _is_malformed(scope: Scope) -> bool:
    return "\x00" in scope.get("path", "") or b"%00" in scope.get("query_string", b"")
