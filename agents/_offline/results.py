"""Puts the result of any tool into words: its summary, its values, its rows with what they can be looked up by."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agents._offline import compose
from agents._offline.memory import Known, Memory, known_from
from agents._offline.schemas import Spec
from agents._offline.toolbox import Outcome
from agents._offline.words import say_name

MAX_ROWS = 12
_MAX_FIELDS = 8
_DEEPEST = 3
_UNSAID = frozenset(
    "summary columns names next_cursor cursor score exact ok digest handle spec chart svg png html vega".split()
)
"""What is said elsewhere, or is for programs."""
_TOLD = frozenset(("metric", "unit", "total", "records_counted", "computed"))
"""Of a metric's answer: its summary names what was measured, over how much, with the total and its unit; how it was
computed is its last paragraph."""
_LABELS = ("Name", "name", "Subject", "subject", "Title", "title", "label", "text", "question", "key")
_SNAKE = re.compile(r"_+")


def say_outcome(spec: Spec, outcome: Outcome, memory: Memory) -> str:
    step = f'The step "{spec.name.replace("_", " ")}"'
    if not outcome.ok:
        return compose.say_problem(outcome, step)
    if outcome.result.get("status") == "applied" and isinstance(outcome.result.get("changes"), list):
        return compose.say_applied(outcome, memory, "Done")
    return say_result(outcome.result, memory) or f"{step} found nothing to show."


def say_result(result: Mapping[str, Any], memory: Memory) -> str:
    """Everything in a result that is for people, in its own order; empty if that is nothing."""
    names = result.get("names")
    names = names if isinstance(names, dict) else {}
    summary = result.get("summary")
    parts = [compose.escape_lines(str(summary))] if isinstance(summary, str) and summary.strip() else []
    is_metric = bool(parts) and isinstance(result.get("computed"), str)
    parts += _say_entries(result, memory, names, depth=0, is_summed_up=bool(parts), told=_TOLD if is_metric else ())
    if is_metric:
        parts.append(compose.escape_lines(result["computed"]))
    return "\n\n".join(part for part in parts if part)


def _say_entries(
    result: Mapping[str, Any],
    memory: Memory,
    names: Mapping[str, Any],
    *,
    depth: int,
    is_summed_up: bool,
    told: Collection[str] = (),
) -> list[str]:
    scalars: list[str] = []
    blocks: list[str] = []
    known = known_from(result, str(result.get("object") or "")) if depth == 0 else None
    if known is not None and known.name and known.name not in str(result.get("summary") or ""):
        is_summed_up = False
    if known is not None and not is_summed_up:
        scalars.append(f"- {compose.capital(compose.cite(memory.remember(known), memory))}")
    for key, value in result.items():
        if key in told or (key == "more_groups" and value is False):
            continue
        if _is_unsaid(key) or (known is not None and key in ("id", "Id", "object", "name", "Name")):
            continue
        if isinstance(value, Mapping):
            if depth < _DEEPEST and not _is_chart(value):
                inner = _say_entries(value, memory, names, depth=depth + 1, is_summed_up=False)
                if inner:
                    blocks.append(f"{_title(key)}:\n" + "\n".join(inner))
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            blocks.append(_say_rows(key, [one for one in value if isinstance(one, Mapping)], memory, names))
        elif isinstance(value, list):
            if value:
                blocks.append(_say_list(key, value, memory, names))
        elif value is not None and value != "":
            scalars.append(f"- {_title(key)}: {compose.say_value(value, memory, names)}")
    return ["\n".join(scalars), *blocks] if scalars else blocks


def _say_list(key: str, values: Sequence[Any], memory: Memory, names: Mapping[str, Any]) -> str:
    said = [compose.say_value(value, memory, names) for value in values[:MAX_ROWS]]
    if all(len(one) < 40 for one in said):
        return f"{_title(key)}: {', '.join(said)}"
    return f"{_title(key)}:\n" + "\n".join(f"- {one}" for one in said)


def _say_rows(key: str, rows: Sequence[Mapping[str, Any]], memory: Memory, names: Mapping[str, Any]) -> str:
    lines = [_say_row(row, memory, names) for row in rows[:MAX_ROWS]]
    more = ", the first of them" if len(rows) > MAX_ROWS else ""
    return f"{_title(key)}{more}:\n" + "\n".join(line for line in lines if line)


def _say_row(row: Mapping[str, Any], memory: Memory, names: Mapping[str, Any]) -> str:
    known = known_from(row, "")
    label = _label(row, known, memory)
    fields = [
        f"{_title(key).lower()}: {_say_inner(value, memory, names)}"
        for key, value in row.items()
        if not _is_unsaid(key) and not _is_said(key, value, known, label) and value not in (None, "", [], {})
    ][:_MAX_FIELDS]
    head = label or (fields.pop(0) if fields else "")
    return f"- {head}" + (f" — {', '.join(fields)}" if fields else "")


def _label(row: Mapping[str, Any], known: Known | None, memory: Memory) -> str:
    if known is not None:
        return compose.capital(compose.cite(memory.remember(known), memory))
    for key in _LABELS:
        if isinstance(row.get(key), str) and row[key]:
            return compose.escape(str(row[key]))
    return ""


def _is_said(key: str, value: object, known: Known | None, label: str) -> bool:
    if key in ("id", "Id", "object"):
        return known is not None
    return (
        isinstance(value, str)
        and bool(value)
        and compose.escape(value) in label
        and (key in _LABELS or (known is not None and key in ("number", "CaseNumber")))
    )


def _say_inner(value: object, memory: Memory, names: Mapping[str, Any]) -> str:
    if isinstance(value, Mapping):
        inside = [
            f"{_title(str(key)).lower()} {_say_inner(one, memory, names)}"
            for key, one in list(value.items())[:_MAX_FIELDS]
            if not _is_unsaid(str(key)) and one not in (None, "", [], {})
        ]
        return "; ".join(inside)
    if isinstance(value, list):
        return ", ".join(_say_inner(one, memory, names) for one in value[:5])
    return compose.say_value(value, memory, names)


def _is_unsaid(key: str) -> bool:
    return key in _UNSAID or key.endswith(("_digest", "_spec", "_hash"))


def _is_chart(value: Mapping[str, Any]) -> bool:
    return "$schema" in value or {"mark", "encoding"} <= set(value)


def _title(key: str) -> str:
    """'open_cases' -> 'Open cases'; 'StageName' -> 'Stage'."""
    words = _SNAKE.sub(" ", key).strip() if "_" in key.strip("_") or key.islower() else say_name(key)
    return compose.capital(words or key)
