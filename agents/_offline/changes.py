"""Reads assignments ('status to Working and priority to High') and fits them to an object's fields."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from agents._offline.amounts import read_amount
from agents._offline.dates import AHEAD, TodayUnknownError, bring_ahead, read_date
from agents._offline.lexicon import OBJECT_WORDS, field_named
from agents._offline.prompt import Briefing, FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.request import Change
from agents._offline.words import Kind, join, say_name, singular, tokenize, with_article

_MARKERS = frozenset("until till to as into = -> : in under is at".split())
_STRONG = frozenset("until till to as into = -> :".split())
_SEPARATORS = frozenset("and , ; with &".split())
_STATE_VERBS = {
    "close": "Closed",
    "resolve": "Closed",
    "escalate": "Escalated",
    "reopen": "reopen",
    "re-open": "reopen",
}
_OWNER_VERBS = frozenset("give assign reassign transfer hand".split())
_TRAILERS = frozenset("on for of in".split())
_PRIORITIES = frozenset("urgent critical high medium normal low".split())
_PLAIN_FIELDS = frozenset("priority status stage amount probability discount subject website phone rating".split())
"""Fields under these names are spoken of even where a record has none: that it has none is the answer."""
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_WEAK_FIELDS = frozenset("account company customer client contact number rep agent type name email mail lead".split())


@dataclass(frozen=True)
class Assignment:
    """A field of the object with the value to write; `person` instead if a user has to be looked up first."""

    field: str = ""
    value: object = None
    person: str = ""
    objects: tuple[str, ...] = ()
    problem: str = ""


def read_changes(reader: Reader, infos: Sequence[ObjectInfo], briefing: Briefing) -> tuple[Change, ...]:
    """The assignments of an update. What they do not take is left in the reader: it names the record."""
    head = reader.word(0)
    reader.take(0, 1)
    if outcome := _read_outcome(reader, head, infos):
        return outcome
    if head in _STATE_VERBS:
        if not reader.take_phrase("with resolution", "with the resolution"):
            reader.take_phrase("as closed", "as resolved")
        return (Change(_STATE_VERBS[head]),)
    if head in _OWNER_VERBS:
        reader.take_phrase("over")
        return _read_owner(reader)
    if head == "rename":
        return _read_rename(reader)
    if head in ("increase", "decrease", "reduce", "raise", "lower", "bump") and reader.find_phrase("by"):
        return (Change("", "by"),)
    segments = _segments(reader, infos, _after_colon(reader, infos))
    return tuple(change for segment in segments if (change := _read_segment(reader, segment, infos, briefing)))


def _read_outcome(reader: Reader, head: str, infos: Sequence[ObjectInfo]) -> tuple[Change, ...]:
    """'close the deal as lost', 'mark it as won': the deal is closed, and how."""
    if head not in ("close", "mark", "set", "move") or not any(info.first("IsWon") for info in infos):
        return ()
    for word, won in (("won", "yes"), ("lost", "no")):
        if reader.take_phrase(
            *(f"{marker} {closed}{word}" for marker in ("as", "to") for closed in ("", "closed ", "closed - "))
        ):
            return Change("Closed"), Change(won, "is won")
    return ()


def _after_colon(reader: Reader, infos: Sequence[ObjectInfo]) -> int:
    """Where the assignments start in 'update case 00001234: status Working': behind the colon; else at the front."""
    for at in range(len(reader)):
        if reader.word(at) == ":" and reader.is_free(at) and not _find_field(reader, (0, at), infos):
            reader.take(at, at + 1)
            return at + 1
    return 0


def read_field_values(reader: Reader, info: ObjectInfo, start: int, briefing: Briefing) -> tuple[Change, ...]:
    """The 'field value' pairs of a new record, from `start`: 'email j@x.example, title CTO'."""
    changes = []
    for segment in _segments(reader, [info], start):
        found = _find_field(reader, segment, [info])
        if found and found[0] - segment[0] <= 3 and (change := _read_segment(reader, segment, [info], briefing)):
            changes.append(change)
    return tuple(changes)


def _read_owner(reader: Reader) -> tuple[Change, ...]:
    places = [at for at in reader.free() if reader.word(at) == "to"]
    if not places:
        return (Change("", "owner"),)
    value = reader.rest(places[-1] + 1).rstrip(" .!?")
    reader.take(places[-1], len(reader))
    return (Change(value, "owner"),)


def _read_rename(reader: Reader) -> tuple[Change, ...]:
    place = reader.find_phrase("to", "as", "into")
    if not place:
        return ()
    value = reader.rest(place[1]).rstrip(" .!?")
    reader.take(place[0], len(reader))
    return (Change(value, "name"),)


def _segments(reader: Reader, infos: Sequence[ObjectInfo], start: int = 0) -> list[tuple[int, int]]:
    """Stretches of the clause that hold one assignment each: cut where a separator precedes a field."""
    articles = ("the", "its", "a", "an", "and")
    separators = [at for at in range(start, len(reader)) if reader.word(at) in _SEPARATORS]
    cuts = [start]
    values = _values_of(infos)
    for at in separators:
        begin = at + 1 + (reader.word(at + 1) in articles)
        if _field_at(reader, begin, infos) or _value_size(reader, begin, values):
            cuts.append(at + 1)
    return list(zip(cuts, [*[cut - 1 for cut in cuts[1:]], len(reader)], strict=True))


def _values_of(infos: Sequence[ObjectInfo]) -> frozenset[str]:
    return frozenset(value.lower() for info in infos for field in info.fields.values() for value in field.values)


def _value_size(reader: Reader, at: int, values: frozenset[str]) -> int:
    """How many words from here are an allowed value; 0 if none is."""
    return next((n for n in (3, 2, 1) if " ".join(reader.word(at + i) for i in range(n)) in values), 0)


def _field_at(reader: Reader, at: int, infos: Sequence[ObjectInfo]) -> tuple[int, int, str] | None:
    for size in (3, 2, 1):
        words = [reader.word(at + i) for i in range(size)]
        if (
            not all(words)
            or not all(reader.is_free(at + i) for i in range(size))
            or reader.tokens[at].kind is not Kind.WORD
        ):
            continue
        if any(field_named(words, info) for info in infos) or (size == 1 and words[0] in _PLAIN_FIELDS):
            return at, at + size, " ".join(words)
    return None


def _find_field(reader: Reader, segment: tuple[int, int], infos: Sequence[ObjectInfo]) -> tuple[int, int, str] | None:
    weak = None
    for at in range(*segment):
        if reader.word(at) in _STRONG:
            break
        found = _field_at(reader, at, infos)
        if found and found[1] <= segment[1]:
            if found[2] not in _WEAK_FIELDS or reader.word(found[1]) in (*_STRONG, "of") or at == segment[0]:
                return found
            weak = weak or found
    return (
        weak
        if (weak and reader.word(weak[1]) in (*_STRONG, "is"))
        or (weak and segment[1] - weak[1] > 0 and weak[0] == segment[0])
        else None
    )


def _read_segment(
    reader: Reader, segment: tuple[int, int], infos: Sequence[ObjectInfo], briefing: Briefing
) -> Change | None:
    field = _find_field(reader, segment, infos)
    marker = _find_marker(reader, field[1] if field else segment[0], segment[1], has_field=field is not None)
    if marker is None and field is None:
        return _bare_value(reader, segment, infos)
    start = marker + 1 if marker is not None else (field[1] if field else segment[0])
    start += marker is None and reader.word(start) == "of"
    start += reader.word(start) in ("the", "a", "an", "be")
    if marker is None and field and reader.word(start) in _TRAILERS:
        reader.take(field[0], field[1])
        return Change("", field[2])
    if start >= segment[1]:
        if field is None:
            return None
        values = _values_of(infos)
        size = next((n for n in (3, 2, 1) if _value_size(reader, field[0] - n, values) == n), 0)
        if size:  # 'on high priority': the value stands before its field
            reader.take(field[0] - size, segment[1])
            return Change(reader.rest(field[0] - size, field[0]), field[2])
        reader.take(field[0], segment[1])
        return Change("", field[2])
    end = _value_end(reader, start, segment[1], _fields_for(field[2] if field else "", infos), briefing)
    value = join(reader.tokens[start:end]).rstrip(" .!")
    if field:
        reader.take(field[0], field[1])
    reader.take(marker if marker is not None else start, end)
    reader.take_phrase("stage", "priority", "status")
    return Change(value, field[2] if field else "")


def _find_marker(reader: Reader, start: int, end: int, *, has_field: bool) -> int | None:
    places = [
        at
        for at in range(start, end)
        if reader.word(at) in (_STRONG if not has_field else _MARKERS) and reader.is_free(at)
    ]
    if has_field:
        strong = [at for at in places if reader.word(at) in _STRONG]
        near = [at for at in places if at == start]
        return next(iter(near or strong), None)
    return places[-1] if places else None


def _fields_for(said: str, infos: Iterable[ObjectInfo]) -> list[FieldInfo]:
    if not said:
        return [field for info in infos for field in info.fields.values()]
    return [named for info in infos if (named := field_named(said.split(), info))]


def _value_end(reader: Reader, start: int, end: int, fields: Sequence[FieldInfo], briefing: Briefing) -> int:
    """Where the value ends: with the date, amount or allowed value it is, or before the record it is set on."""
    if reader.tokens[start].kind in (Kind.QUOTE, Kind.EMAIL, Kind.MASK):
        return start + 1
    for field in fields:
        for value in sorted(field.values, key=len, reverse=True):
            size = len(value.split())
            if " ".join(reader.word(start + i) for i in range(size)) == value.lower():
                return start + size
    if any(field.is_date for field in fields):
        try:
            if span := read_date(reader.tokens, start, briefing.today):
                return span.end
        except TodayUnknownError:
            return end
    if any(field.is_number for field in fields) and (amount := read_amount(reader.tokens, start)):
        return amount.end
    for at in range(start + 1, end - 1):
        if reader.word(at) in _TRAILERS and _names_record(reader, at + 1):
            return at
    return end


def _names_record(reader: Reader, at: int) -> bool:
    following = [reader.word(at + i) for i in range(4)]
    return following[0] in ("it", "this", "that", "him", "her", "them", "the", "my", "case", "ticket") or any(
        singular(word) in OBJECT_WORDS for word in following if word
    )


def _bare_value(reader: Reader, segment: tuple[int, int], infos: Sequence[ObjectInfo]) -> Change | None:
    """'make it urgent': a value said without its field."""
    values = _values_of(infos)
    for at in range(segment[1] - 1, segment[0] - 1, -1):
        for size in (3, 2, 1):
            phrase = " ".join(reader.word(at + i) for i in range(size))
            if phrase in values and reader.is_free(at):
                reader.take(at, at + size)
                reader.take_phrase("priority", "stage", "status")
                return Change(phrase)
    return _foreign_value(reader, segment)


def _foreign_value(reader: Reader, segment: tuple[int, int]) -> Change | None:
    """'make it urgent' where no field takes that word: it still tells which field was meant."""
    for at in range(*segment):
        if reader.word(at) in _PRIORITIES and reader.is_free(at):
            reader.take(at, at + 1)
            return Change(reader.word(at), "priority")
    return None


def fit(change: Change, info: ObjectInfo, briefing: Briefing) -> Assignment:
    """The change as a field and typed value of this object, or the problem to tell the user."""
    if not change.field:
        return _fit_by_value(change.value, info, briefing)
    field = field_named(change.field.split(), info)
    if field is None:
        return Assignment(problem=f"{info.name} has no field {change.field!r} that I know of.")
    if not change.value:
        return Assignment(field.name, problem=f"What should the {say_name(field.name)} be?")
    return _fit_value(field, change.value, briefing)


def _fit_value(field: FieldInfo, value: str, briefing: Briefing) -> Assignment:
    tokens = tokenize(value)
    if field.values:
        chosen = match_value(value, field.values)
        allowed = ", ".join(field.values)
        return (
            Assignment(field.name, chosen)
            if chosen
            else Assignment(
                field.name,
                problem=f"{value!r} is not a {say_name(field.name)}. It can be {allowed}. Which one should it be?",
            )
        )
    if field.is_date:
        return _fit_date(field, value, briefing)
    if field.is_number:
        amount = read_amount(tokens, 0) if tokens else None
        return (
            Assignment(field.name, amount.value)
            if amount
            else Assignment(field.name, problem=f"What number should the {say_name(field.name)} be?")
        )
    if field.is_flag:
        flag = _BOOLEANS.get(value.lower())
        return (
            Assignment(field.name, flag)
            if flag is not None
            else Assignment(field.name, problem=f"Should {say_name(field.name)} be yes or no?")
        )
    if field.name == "OwnerId" and value.lower() in ("me", "myself") and briefing.caller:
        return Assignment(field.name, briefing.caller.record_id)
    if field.is_reference:
        return Assignment(field.name, person=value)
    return Assignment(field.name, value.strip('"'))


def _fit_date(field: FieldInfo, value: str, briefing: Briefing) -> Assignment:
    tokens = tokenize(value)
    try:
        span = read_date(tokens, 0, briefing.today) if tokens else None
    except TodayUnknownError:
        return Assignment(
            field.name, problem=f"I was not told today's date. Which exact date do you mean by {value!r}?"
        )
    if span is None:
        return Assignment(field.name, problem=f"Which date should the {say_name(field.name)} be?")
    if field.name in AHEAD:
        span = bring_ahead(span, tokens, briefing.today)
    return Assignment(field.name, span.last.isoformat())


def _fit_by_value(value: str, info: ObjectInfo, briefing: Briefing) -> Assignment:
    if value == "reopen":
        return _fit_reopening(info)
    for field in info.fields.values():
        if field.values and (chosen := match_value(value, field.values)):
            return Assignment(field.name, chosen)
    tokens = tokenize(value)
    dated = info.first("CloseDate", "ActivityDate", "ExpirationDate", "EndDate")
    try:
        if dated and tokens and (span := read_date(tokens, 0, briefing.today)):
            return Assignment(dated, span.last.isoformat())
    except TodayUnknownError:
        return Assignment(problem=f"I was not told today's date. Which exact date do you mean by {value!r}?")
    measure = info.first("Amount", "GrandTotal", "TotalAmount")
    if measure and tokens and (amount := read_amount(tokens, 0)):
        return Assignment(measure, amount.value)
    states = [field for field in info.fields.values() if field.name in ("StageName", "Status") and field.values]
    if states:
        return Assignment(
            states[0].name,
            problem=f"{value!r} is not a {say_name(states[0].name)} of {with_article(say_name(info.name))}. "
            f"It can be {', '.join(states[0].values)}. Which one should it be?",
        )
    return Assignment(problem=f"Which field of the {say_name(info.name)} should become {value!r}?")


def _fit_reopening(info: ObjectInfo) -> Assignment:
    closing = info.closing_field()
    if closing is None:
        return Assignment(problem=f"I do not know how {with_article(say_name(info.name))} is reopened.")
    values = info.fields[closing[0]].values
    preferred = next((value for value in ("Working", "In Progress") if value in values), values[0])
    return Assignment(closing[0], preferred)


def match_value(said: str, values: Sequence[str]) -> str | None:
    """The allowed value that was meant; None if none or several are as close."""
    wanted = said.lower().strip(" .!\"'")
    for value in values:
        if value.lower() == wanted:
            return value
    starting = [value for value in values if len(wanted) >= 4 and value.lower().startswith(wanted)]
    if len(starting) == 1:
        return starting[0]
    limit = 0 if len(wanted) < 4 else 1 if len(wanted) < 7 else 2
    near = [value for value in values if OSA.distance(value.lower(), wanted, score_cutoff=limit) <= limit]
    return near[0] if limit and len(near) == 1 else None
