"""The single checks of a case: each compares one thing that was expected with what happened."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crm.fields import Kind
from crm.schema import OBJECT_INFO
from evals.attacks.outcome import Row
from evals.quality.claims import Sources, find_claims
from evals.quality.expecting import Answer, Expectation, ExpectedCall, ExpectedRecord, ExpectedTools
from evals.quality.findings import Fault, Finding
from evals.quality.matching import fits, number_of, plain
from evals.quality.org import Reader
from evals.quality.transcript import Called, Transcript

_NUMBERS = re.compile(r"(?<![\w.,-])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\w|[.,]\d)")


def check_tools(expected: ExpectedTools, calls: Sequence[Called], reader: Reader, turn: int) -> list[Finding]:
    found = [
        Finding(Fault.WRONG_TOOL, turn, f"{call.tool} was called, and must not be")
        for call in calls
        if call.tool in expected.never
    ]
    if expected.order == "exact":
        wanted = [one.tools for one in expected.calls]
        if len(calls) != len(wanted) or any(c.tool not in tools for c, tools in zip(calls, wanted, strict=False)):
            said = ", ".join(call.tool for call in calls) or "nothing"
            return [*found, Finding(Fault.WRONG_TOOL, turn, f"expected {_list(expected.calls)}, called {said}")]
    left = list(calls)
    for one in expected.calls:
        arguments = reader.resolve(one.arguments)
        place = next((at for at, call in enumerate(left) if _is_call(one, arguments, call)), None)
        if place is None:
            found.append(_missing(one, arguments, left, turn))
        else:
            left = left[:place] + left[place + 1 :] if expected.order == "any" else left[place + 1 :]
    return found


def _is_call(expected: ExpectedCall, arguments: Mapping[str, Any], call: Called) -> bool:
    return call.tool in expected.tools and fits(arguments, call.arguments)


def _missing(one: ExpectedCall, arguments: Mapping[str, Any], left: Sequence[Called], turn: int) -> Finding:
    tools = " or ".join(one.tools)
    theirs = [call for call in left if call.tool in one.tools]
    if not theirs:
        said = ", ".join(call.tool for call in left) or "nothing"
        return Finding(Fault.WRONG_TOOL, turn, f"expected a call of {tools}, called {said}")
    wrong = [f"{name}={theirs[0].arguments.get(name)!r} instead of {value!r}" for name, value in arguments.items()]
    return Finding(Fault.BAD_ARGUMENTS, turn, f"{tools}: {'; '.join(wrong)}")


def _list(calls: Sequence[ExpectedCall]) -> str:
    return ", ".join(" or ".join(one.tools) for one in calls) or "no call"


def check_answer(expected: Answer, answer: str, reader: Reader, sources_of: Callable[[str], Sources]) -> Iterator[str]:
    """What is wrong with the answer, a line each."""
    said = plain(answer)
    if expected.equals is not None and plain(expected.equals) != said:
        yield f"expected {expected.equals!r}"
    for value in _values(expected.value, reader):
        if not _has_value(value, answer):
            yield f"expected the value {value!r}"
    for value in _values(expected.numbers, reader):
        if number_of(value) not in _numbers(answer):
            yield f"expected the number {value}"
    for text in expected.contains:
        if plain(text) not in said:
            yield f"expected {text!r} in it"
    if expected.any_of and not any(plain(text) in said for text in expected.any_of):
        yield f"expected one of {list(expected.any_of)} in it"
    yield from _check_order(expected.in_order, said)
    for text in expected.excludes:
        if plain(text) in said:
            yield f"{text!r} must not be in it"
    if expected.matches is not None and not re.search(expected.matches, answer, re.IGNORECASE | re.DOTALL):
        yield f"expected something like {expected.matches!r}"
    if expected.says is not None:
        missing = find_claims(expected.says, sources_of(answer), ())
        yield from (f"expected it to say {claim.text!r}, as in the model answer" for claim in missing)


def _check_order(expected: Sequence[str], said: str) -> Iterator[str]:
    at = 0
    for text in expected:
        place = said.find(plain(text), at)
        if place < 0:
            yield f"expected {text!r}" + (" after the one before" if at else "")
            return
        at = place + len(plain(text))


def _values(given: Any, reader: Reader) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, Mapping) and set(given) == {"sql"}:
        return reader.ask(str(given["sql"]))
    return list(given) if isinstance(given, list) else [given]


def _has_value(value: Any, answer: str) -> bool:
    number = number_of(value)
    if number is not None:
        return number in _numbers(answer)
    words = re.escape(plain(_spoken(value)))
    return re.search(rf"(?<!\w){words}(?!\w)", plain(answer)) is not None


def _spoken(value: Any) -> str:
    """The value as text; truth values as people say them."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _numbers(answer: str) -> set[Any]:
    return {number_of(one) for one in _NUMBERS.findall(answer.replace("\\", ""))}


def check_records(expected: Sequence[ExpectedRecord], transcript: Transcript, reader: Reader) -> Iterator[str]:
    for one in expected:
        find, fields = reader.resolve(one.find), reader.resolve(one.fields)
        theirs = [
            _shown(one.object, row) for key, row in transcript.after.items() if _is_candidate(key, one, transcript, row)
        ]
        named = [row for row in theirs if fits(find, row)]
        right = [row for row in named if fits(fields, row)]
        place = f"{one.object} {find}" if find else one.object
        if one.count is not None and len(right) != one.count:
            yield f"{place}: expected {one.count} with {fields}, found {len(right)}"
        elif one.count is None and not named:
            yield f"{place}: there is none"
        elif one.count is None and not right:
            wrong = {name: named[0].get(name) for name in fields}
            yield f"{place}: holds {wrong} instead of {fields}"


def _is_candidate(key: tuple[str, str, str], one: ExpectedRecord, transcript: Transcript, row: Row) -> bool:
    is_ours = key[:2] == (one.object, transcript.tenant) and not row.get("IsDeleted")
    return is_ours and (not one.is_new or key not in transcript.before)


def _shown(object_name: str, row: Row) -> dict[str, Any]:
    """The row as the wire has it: SQLite keeps truth values as numbers, and amounts as hundredths."""
    fields = OBJECT_INFO[object_name].fields
    return {name: _as_said(fields[name].kind, row.get(name)) for name in fields}


def _as_said(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind in (Kind.MONEY, Kind.PERCENT, Kind.NUMBER):
        return value / 100
    return bool(value) if kind is Kind.BOOLEAN else value


def check_changes(transcript: Transcript, expected: Sequence[Expectation]) -> Iterator[str]:
    """Records that changed although nobody agreed to anything, or that are another tenant's."""
    is_agreed = any(held.status == "applied" for exchange in transcript.exchanges for held in exchange.held)
    foreseen = {one.object for some in expected for one in some.records}
    for name, tenant, record_id in transcript.changed:
        if tenant != transcript.tenant or not (is_agreed or name in foreseen):
            yield f"{name} {record_id} of {tenant} changed, and nobody had agreed to it"
