"""What a conversation has shown so far: every value that a tool returned or the user said, and where it stands."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from crm.ids import normalise_id
from crm.schema import object_of
from trust.claims import find_claims

_WORD = re.compile(r"\w+")
_MOST_ROWS = 500
_MOST_WORDS = 60
_SAID_AGAIN = "draft"
"""The part of a result that repeats what the model asked with: it proves nothing."""


@dataclass(frozen=True)
class Place:
    """Where a value stands. Without an id it was worked out, or is no record's."""

    object: str | None
    id: str | None
    field: str


@dataclass
class Evidence:
    """Looked up by kind and normal form. Numbers worked out from lists are added when they are first needed."""

    today: date
    found: dict[tuple[str, object], list[Place]] = field(default_factory=lambda: defaultdict(list))
    words: set[str] = field(default_factory=set)
    asked: str = ""
    """The user's words."""
    lists: list[tuple[str, list[Mapping[str, Any]]]] = field(default_factory=list)
    _derived: dict[Decimal, Place] | None = None
    _numbers: list[Decimal] | None = None

    def add(self, kind: str, form: object, place: Place) -> None:
        self.found[kind, form].append(place)
        if kind == "date":
            day = str(form)
            self.found["month", day[:7]].append(place)
            self.found["day", day[5:]].append(place)
            self.found["year", day[:4]].append(place)

    def add_text(self, text: str, place: Place) -> None:
        """Everything that can be looked up in a text, and its words."""
        self.words.update(word.casefold() for word in _WORD.findall(text))
        for claim in find_claims(text):
            for form in claim.forms:
                kind = "number" if isinstance(form, Decimal) else claim.kind
                self.add(kind, form, place)
            if claim.kind == "code":
                for part in re.split(r"[-_.]", str(claim.forms[0])):
                    self.found["code", part].append(place)

    def add_result(self, result: object) -> None:
        """All of what a tool returned."""
        self._walk(result, Place(None, None, ""), "")

    def _walk(self, value: object, place: Place, path: str) -> None:
        if isinstance(value, Mapping):
            inside = _place_of(value, place)
            for key, one in value.items():
                if key == _SAID_AGAIN:
                    continue
                known = normalise_id(str(key))
                at = Place(object_of(known), known, "Name") if known and place.field == "names" else inside
                name = at.field if at is not inside else "Id" if key == "id" else str(key)
                self._walk(one, Place(at.object, at.id, name), f"{path}.{key}")
        elif isinstance(value, list):
            rows = [one for one in value[:_MOST_ROWS] if isinstance(one, Mapping)]
            self.lists.append((place.field or "records", rows if len(rows) == len(value) else [{} for _ in value]))
            for one in value:
                self._walk(one, place, f"{path}[]")
        elif isinstance(value, bool) or value is None:
            return
        elif isinstance(value, int | float):
            self.add("number", Decimal(str(value)), place)
        else:
            self._add_string(str(value), place)

    def _add_string(self, text: str, place: Place) -> None:
        self.add_text(text, place)
        if place.field in ("Phone", "MobilePhone", "Fax") or "phone" in place.field.lower():
            self.add("phone", re.sub(r"\D", "", text), place)
        at = re.match(r"\d{4}-\d\d-\d\d[T ](\d\d:\d\d)", text)
        if at:
            self.add("time", at[1], place)

    @property
    def numbers(self) -> list[Decimal]:
        """The numbers that were seen, in order of size."""
        if self._numbers is None:
            self._numbers = sorted(form for kind, form in self.found if kind == "number" and isinstance(form, Decimal))
        return self._numbers

    @property
    def days(self) -> list[date]:
        return [date.fromisoformat(str(form)) for kind, form in list(self.found) if kind == "date"]

    @property
    def _wanted(self) -> list[str]:
        """The user's own words, the latest first: what somebody looked for by name is said in them."""
        words = reversed(_WORD.findall(self.asked))
        return list(dict.fromkeys(word.casefold() for word in words if len(word) > 2))[:_MOST_WORDS]

    @property
    def derived(self) -> dict[Decimal, Place]:
        """Counts, sums and averages of the lists that were returned, over all rows and by each value of a field."""
        if self._derived is None:
            self._derived = {}
            for name, rows in self.lists:
                for value, what in (*_work_out(rows), *_matching(rows, self._wanted)):
                    self._derived.setdefault(value, Place(None, None, f"{what} of {name}"))
        return self._derived


def _place_of(value: Mapping[str, Any], around: Place) -> Place:
    given = value.get("Id") or value.get("id")
    known = normalise_id(given) if isinstance(given, str) else None
    if known is None:
        return around
    return Place(object_of(known) or str(value.get("object") or "") or None, known, "")


def _work_out(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Decimal, str]]:
    yield Decimal(len(rows)), "count"
    groups: dict[tuple[str, object], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str | bool) or value is None:
                groups[name, value].append(row)
    for some in (rows, *groups.values()):
        yield Decimal(len(some)), "count"
        if len(some) > 1:
            yield from _sums(some)


def _matching(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> Iterator[tuple[Decimal, str]]:
    """How many rows hold a word that was asked for: of ten found, three may be called so."""
    held = [_words_of(row) for row in rows]
    for word in wanted:
        if count := sum(word in words for words in held):
            yield Decimal(count), f"count with {word!r}"


def _words_of(row: Mapping[str, Any]) -> set[str]:
    inner = [value for value in row.values() if isinstance(value, str)]
    inner += [
        one for value in row.values() if isinstance(value, Mapping) for one in value.values() if isinstance(one, str)
    ]
    return {word.casefold() for text in inner for word in _WORD.findall(text)}


def _sums(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Decimal, str]]:
    columns: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                columns[name].append(Decimal(str(value)))
    for name, values in columns.items():
        yield sum(values, Decimal(0)), f"sum of {name}"
        yield sum(values, Decimal(0)) / len(values), f"average of {name}"


def gather(turns: Iterable[Mapping[str, Any]], *, today: date, known: Iterable[str] = ()) -> Evidence:
    """The evidence of a conversation: `turns` are its messages, `known` what the service itself told the model."""
    evidence = Evidence(today)
    arguments: dict[str, Any] = {}
    told = Place(None, None, "told")
    for message in turns:
        if message["type"] == "human":
            evidence.asked += f"\n{_text_of(message)}"
        elif message["type"] == "ai":
            arguments |= {call["id"]: call["args"] for call in message.get("tool_calls") or ()}
        elif message["type"] == "tool":
            _add_answer(evidence, _text_of(message), arguments.get(message.get("tool_call_id", "")))
    for text in (evidence.asked, *known):
        evidence.add_text(text, told)
    evidence.add("date", today.isoformat(), told)
    return evidence


def _add_answer(evidence: Evidence, content: str, arguments: object) -> None:
    try:
        envelope = json.loads(content)
    except ValueError:
        return
    if not isinstance(envelope, Mapping):
        return
    if envelope.get("ok"):
        evidence.add_result(envelope.get("result"))
    elif isinstance(envelope.get("error"), Mapping):
        error = dict(envelope["error"])
        # A refusal repeats what was asked for; the model's own words prove nothing.
        error["message"] = without(str(error.get("message", "")), arguments)
        evidence.add_result(error)


def without(text: str, arguments: object) -> str:
    """The text without what a model put into its arguments."""
    for value in sorted(set(_strings(arguments)), key=len, reverse=True):
        if value:
            text = text.replace(value, " ")
    return text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(one.get("text", "")) if isinstance(one, Mapping) else str(one) for one in blocks)
