"""Log lines that can be kept: JSON with the ids that belong together, and nothing that anybody said or stored.

A line holds what its author wrote as a constant, and ids. Of an exception it holds the kind and the places: its words
may quote a value, such as a key, a row, an answer. Of libraries it holds the template, with nothing put in.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any, Literal, TextIO

from api.auth import KeySetError
from crm.database import DatabaseNotReadyError
from trust.telemetry import known_ids
from trust.tree_heads import HeadKeyError

OURS = frozenset({"agents", "api", "crm", "evals", "graphs", "tools", "trust"})
"""Packages whose lines are ours to word."""
FOR_OPERATORS: tuple[type[BaseException], ...] = (DatabaseNotReadyError, HeadKeyError, KeySetError)
"""Errors whose words are written for operators and quote settings at most."""
MOST_PLACES = 40
MOST_CAUSES = 5

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "text"]


def set_up_logs(level: Level, shape: Format, stream: TextIO | None = None) -> logging.Handler:
    """Send all lines of this process to `stream` (stderr), in place of whatever was set up before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if shape == "json" else TextLines())
    handler.addFilter(is_kept)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    return handler


def is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OURS


def is_kept(record: logging.LogRecord) -> bool:
    """Libraries tell at lower levels what they send and store, however they were set up."""
    return is_ours(record) or record.levelno >= logging.WARNING


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(describe(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        line = describe(record)
        errors = line.pop("errors", ())
        start = f"{line.pop('time')} {line.pop('level'):<8} {line.pop('logger')}: {line.pop('message')}"
        rest = [f"{name}={value}" for name, value in line.items()]
        said = [" ".join([start, *rest])]
        for error in errors:
            said.append(" ".join([f"  {error['type']}", error.get("code", ""), error.get("words", "")]).rstrip())
            said += [f"    {place}" for place in error["at"]]
        return "\n".join(said)


def describe(record: logging.LogRecord) -> dict[str, Any]:
    """What is kept of a record."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    line: dict[str, Any] = {
        "time": f"{at}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage() if is_ours(record) else _template(record),
        **known_ids(),
        **(getattr(record, "fields", {}) if is_ours(record) else {}),
    }
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        line["errors"] = list(_chain(error))
    return line


def _template(record: logging.LogRecord) -> str:
    """The first line as it stands in the library's source; where it was put together before, that is all there is."""
    return str(record.msg).split("\n", 1)[0][:200]


def _chain(error: BaseException) -> Iterator[dict[str, Any]]:
    """The error, then what it came from."""
    waiting, seen = [error], 0
    while waiting and seen < MOST_CAUSES:
        one = waiting.pop(0)
        seen += 1
        yield _outline(one)
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        above = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if above is not None:
            waiting.append(above)


def _outline(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_PLACES:]
    outline: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
        "at": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if isinstance(code, str):
        outline["code"] = code
    if isinstance(error, FOR_OPERATORS):
        outline["words"] = str(error)
    return outline


def _short(path: str) -> str:
    """The part of a path that says which module it is."""
    for mark in ("/site-packages/", "/lib/python3"):
        _, found, after = path.rpartition(mark)
        if found:
            return after
    return "/".join(path.split("/")[-2:])
