"""Fills arguments that take conditions on fields, or fields with values, for the kind of record that was named.

What they look like is told by the tool's schema; how they are said is the grammar of records' own.
"""

from collections.abc import Sequence
from dataclasses import replace

from agents._offline.changes import fit, read_field_values
from agents._offline.conditions import ConditionReader
from agents._offline.lexicon import field_named
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.schemas import Spec, Takes

_SETS = frozenset("set sets setting put puts make makes change changes fill fills".split())
_WHEN = frozenset("when whenever if once where unless".split())
_NEEDS = (
    "must always have", "must have", "has to have", "have to have", "must not be empty", "must be filled",
    "should have", "requires", "require", "requiring", "needs", "need", "insists on", "demands", "asks for",
)  # fmt: skip
_FILLED = ("must not be empty", "must be filled")
_MUST = ("must be", "has to be", "should be", "needs to be", "may only be")
_NEGATIVE = ("negative", "below zero", "less than zero", "under zero")
_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}


def read(spec: Spec, reader: Reader, briefing: Briefing, values: dict[str, object]) -> None:
    """Words that were understood are taken; nothing is filled where no kind of record was named."""
    named = next((values[one.name] for one in spec.taking(Takes.OBJECT) if one.name in values), None)
    info = briefing.objects.get(str(named))
    if info is None:
        return
    for argument in spec.taking(Takes.FIELDS):
        if argument.name not in values and (fields := _read_fields(reader, info, briefing)):
            values[argument.name] = fields
    for argument in spec.taking(Takes.CONDITIONS):
        if argument.name not in values and (found := _read_conditions(reader, info, briefing)):
            values[argument.name] = found


def watched(reader: Reader, found: Sequence[tuple[int, str]]) -> list[str]:
    """Of kinds of record with their places, those named behind 'when': 'creates a task when a case is closed'."""
    start = _when_in(reader)
    return [] if start is None else [name for at, name in found if at > start]


def _when_in(reader: Reader) -> int | None:
    """Where it begins to be said when something is to happen."""
    return next((at for at in reader.free() if reader.word(at) in _WHEN), None)


def _read_fields(reader: Reader, info: ObjectInfo, briefing: Briefing) -> dict[str, object]:
    """'sets the priority to High': what follows such a word, up to where it is said when."""
    start = next((at for at in reader.free() if reader.word(at) in _SETS), None)
    if start is None:
        return {}
    end = next((at for at in range(start, len(reader)) if reader.word(at) in _WHEN), len(reader))
    part = Reader(reader.tokens[start + 1 : end])
    found = {}
    for change in read_field_values(part, info, 0, briefing):
        assigned = fit(change, info, briefing)
        if assigned.field and not assigned.problem and not assigned.person:
            found[assigned.field] = assigned.value
    if found:
        reader.take(start, end)
    return found


def _read_conditions(reader: Reader, info: ObjectInfo, briefing: Briefing) -> list[dict[str, object]]:
    """What is said of the fields. What a record must be is told by what it must not: the condition is its opposite."""
    found = [*_read_needed(reader, info), *_read_signs(reader, info)]
    must = reader.find_phrase(*_MUST)
    if must and reader.word(must[1]) != "not":
        reader.take(*must)
    is_turned = must is not None and reader.word(must[0] + 1) != "not"
    start = _when_in(reader)
    if start is not None:
        part = Reader(reader.tokens[start + 1 :])
        said = ConditionReader(part, info, briefing).read()
        for at, is_used in enumerate(part.used, start + 1):
            if is_used:
                reader.take(at, at + 1)
    else:
        said = ConditionReader(reader, info, briefing).read()
    if is_turned:
        said = [replace(one, op=_OPPOSITE.get(one.op, one.op)) for one in said]
    return [*found, *(one.as_argument for one in said)]


def _read_needed(reader: Reader, info: ObjectInfo) -> list[dict[str, object]]:
    """'requires a subject', 'the subject must not be empty': it counts where the field is empty."""
    for phrase in _NEEDS:
        place = reader.find_phrase(phrase)
        if place is None:
            continue
        after = place[1] + (reader.word(place[1]) in ("a", "an", "the", "its", "some"))
        for size in (3, 2, 1):
            at = place[0] - size if phrase in _FILLED else after
            words = [reader.word(at + i) for i in range(size)]
            if all(words) and (field := field_named(words, info)):
                reader.take(min(at, place[0]), max(at + size, place[1]))
                return [{"field": field.name, "op": "is_null", "value": True}]
    return []


def _read_signs(reader: Reader, info: ObjectInfo) -> list[dict[str, object]]:
    """'an amount below zero', 'the amount must not be negative': both are about amounts that are."""
    place = reader.find_phrase(*_NEGATIVE)
    if place is None:
        return []
    for size in (3, 2, 1):  # 'a negative amount'
        words = [reader.word(place[1] + i) for i in range(size)]
        field = field_named(words, info) if all(words) else None
        if field is not None and field.is_number:
            reader.take(place[0], place[1] + size)
            return [{"field": field.name, "op": "lt", "value": 0}]
    for at in range(place[0] - 1, -1, -1):
        for size in (3, 2, 1):
            words = [reader.word(at - size + 1 + i) for i in range(size)]
            field = field_named(words, info) if all(words) else None
            if field is not None and field.is_number:
                reader.take(at - size + 1, place[1])
                return [{"field": field.name, "op": "lt", "value": 0}]
    return []
