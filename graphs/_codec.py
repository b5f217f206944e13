"""A conversation's state as bytes and back: JSON values, and the two types of LangGraph's that a checkpoint needs.

Whatever else stands in a state is refused when it is written, and nothing that is read can name a type or a function.
"""

import json
from collections.abc import Callable
from typing import Any

from langgraph.types import Interrupt, Send

_TAG = "$"
"""Key of an object that stands for something other than itself."""


class CodecError(ValueError):
    """The state holds something that is not kept, or the bytes are not a state."""


class TaskFailedError(Exception):
    """What is remembered of an error that ended a task: its name."""


def encode(value: Any) -> bytes:
    """Raises: CodecError for everything but JSON values and the types below."""
    try:
        text = json.dumps(_to_plain(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise CodecError(str(error)) from None
    return text.encode("utf-8", "surrogatepass")


def decode(text: bytes) -> Any:
    """Raises: CodecError."""
    try:
        return _from_plain(json.loads(text.decode("utf-8", "surrogatepass")))
    except (ValueError, KeyError, TypeError) as error:
        raise CodecError("the stored state cannot be read") from error


def _to_plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if kind in (list, tuple):
        return [_to_plain(one) for one in value]
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise CodecError("the keys of a state are text")
        plain = {key: _to_plain(one) for key, one in value.items()}
        return {_TAG: "object", "value": plain} if _TAG in plain else plain
    if kind is Interrupt:
        schema = value.response_schema if isinstance(value.response_schema, dict) else None
        return _tagged("interrupt", [value.value, value.id, schema])
    if kind is Send:
        return _tagged("send", [value.node, value.arg])
    if isinstance(value, BaseException):
        return _tagged("failure", [kind.__name__])
    if isinstance(value, str):  # an enumeration of texts, or LangGraph's own kinds of text
        return str(value)
    raise CodecError(f"a state holds JSON values, not {kind.__name__!r}")


def _tagged(name: str, parts: list[Any]) -> dict[str, Any]:
    return {_TAG: name, "value": [_to_plain(part) for part in parts]}


_MAKERS: dict[str, Callable[..., Any]] = {
    "interrupt": lambda value, id_, schema: Interrupt(value, id_, response_schema=schema),
    "send": Send,
    "failure": TaskFailedError,
}


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: _from_plain(one) for key, one in value.items()}
    if value[_TAG] == "object":
        return {key: _from_plain(one) for key, one in value["value"].items()}
    return _MAKERS[value[_TAG]](*map(_from_plain, value["value"]))
