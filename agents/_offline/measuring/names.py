"""Values that a question for figures keeps to or leaves out: places, picklist values, and names of records."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from agents._offline.lexicon import COUNTRIES, OBJECT_WORDS, STOPWORDS, US_STATES
from agents._offline.measuring.narrowing import Scopes, spread
from agents._offline.measuring.periods import number_at
from agents._offline.measuring.ranking import LEVELS
from agents._offline.measuring.roles import Roles
from agents._offline.prompt import Briefing
from agents._offline.reader import Reader
from agents._offline.schemas import Argument
from agents._offline.stems import EMPTY, stem, stems_of
from agents._offline.values import examples_of
from agents._offline.words import Kind, say_name, singular

_LONGEST = 3
_SLOTS = frozenset("about for from with on of regarding concerning".split())
_AFTER = frozenset(
    ", ; . ? ! : in over during by per this last past since between and case cases ticket tickets were was".split()
)
_RANKS = frozenset(word for level in LEVELS for word in level)
_EVERYDAY = frozenset(
    """new open closed other call event task website draft none normal customer partner inquiry completed working
    product service sales direct marketing online public internal technology sent read escalated converted contacted
    qualified proposal signed won lost negotiation quote discovery approved rejected responded activated""".split()
)
"""Picklist values that are everyday words or states, which parts and measures speak of."""
_MANNER = frozenset(
    """average mean total overall list ranking first last half full whole terms connection general detail please pls
    thanks us usa everyone everybody anybody anyone somebody nobody people person someone others else share volume
    amount number count time days hours creation signature creating closing case cases""".split()
)


def read_values(
    roles: Roles,
    reader: Reader,
    stems: Sequence[str],
    scopes: Scopes,
    briefing: Briefing,
    spoken: Mapping[str, float],
    values: dict[str, object],
) -> tuple[str, ...]:
    """Puts values into the arguments that keep to them or leave them out. Returns the words nothing was made of."""
    kept: list[str] = []
    left: list[str] = []
    taken: set[int] = set()
    at = 0
    while at < len(reader):
        size, found = _value_at(reader, at, roles, briefing, spoken, stems)
        if not size:
            at += 1
            continue
        out = at in scopes.inside
        (left if out else kept).extend(found)
        taken |= set(range(at, at + size))
        at += size
    if _speaks_of_self(reader) and briefing.caller and not briefing.caller.is_customer:
        kept.append(briefing.caller.name)
    if kept and roles.keep:
        values[roles.keep.name] = list(dict.fromkeys(kept))
    if left and roles.leave:
        values[roles.leave.name] = list(dict.fromkeys(left))
    return ()


def _speaks_of_self(reader: Reader) -> bool:
    return any(reader.word(at) in ("my", "mine") for at in range(len(reader)))


def _value_at(
    reader: Reader,
    at: int,
    roles: Roles,
    briefing: Briefing,
    spoken: Mapping[str, float],
    stems: Sequence[str],
) -> tuple[int, list[str]]:
    """How many words from here are a value, and the values that they stand for."""
    for size in range(_LONGEST, 0, -1):
        if not all(reader.is_free(at + i) for i in range(size)):
            continue
        said = reader.rest(at, at + size)
        if known := _known(said, reader, at, roles, briefing):
            return size, known
    size = _name_at(reader, at, spoken, stems)
    return (size, [_as_name(reader, at, size)]) if size else (0, [])


def _known(said: str, reader: Reader, at: int, roles: Roles, briefing: Briefing) -> list[str]:
    """Examples of the argument, places and picklist values, whatever their case."""
    low = said.lower()
    singled = singular(low)
    for example in examples_of(roles.keep) if roles.keep else ():
        if low == example.lower() and len(low) > 2 and low not in _RANKS | {"high"}:
            return [example]
    if singled in _listed(roles.split) or low in _listed(roles.split):
        return [singled if singled in _listed(roles.split) else said]
    if (low in COUNTRIES or low in US_STATES) and (len(low) > 3 or said.isupper()):
        return [said if said != low else said.title()]
    if low in _EVERYDAY or low in _RANKS or low in EMPTY or low in STOPWORDS or stem(low) in _said_by(roles.parts):
        return []
    spoken = _said_by(roles.split)
    for info in briefing.objects.values():
        for field in info.fields.values():
            if not field.values or not set(stems_of(say_name(field.name))) <= spoken:
                continue
            for value in field.values:
                if value.lower() in (low, singled) and value.lower() not in _EVERYDAY:
                    size = len(said.split())
                    return spread(field.values, value, reader, at + size)
    return []


@lru_cache(maxsize=64)
def _listed(argument: Argument) -> frozenset[str]:
    """Values that the meanings of choices give as examples: 'such as e-mail, phone, web or chat'."""
    lists = (told.partition("such as ")[2] for told in argument.meanings.values())
    words = (word for told in lists for word in re.split(r",| or | and ", told.partition(":")[0].lower()))
    return frozenset(bare for word in words if (bare := word.strip().replace("e-mail", "email")))


@lru_cache(maxsize=64)
def _said_by(argument: Argument | None) -> frozenset[str]:
    """The words of all choices of an argument."""
    if argument is None:
        return frozenset()
    texts = [*argument.values, *argument.meanings.values()]
    return frozenset(one for text in texts for one in stems_of(text.replace("_", " ")))


def _name_at(reader: Reader, at: int, spoken: Mapping[str, float], stems: Sequence[str]) -> int:
    """How many words from here are a name: with capitals, or unknown words where a name would stand."""
    token = reader.tokens[at]
    if token.kind is Kind.MASK:
        return 1 if reader.is_free(at) else 0
    if token.kind is not Kind.WORD or not reader.is_free(at):
        return 0
    end = at
    while end < len(reader) and reader.is_free(end) and reader.tokens[end].is_capital:
        end += 1
    while end > at and end < len(reader) and reader.tokens[end].kind is Kind.NUMBER and reader.is_free(end):
        end += 1
    begins = at == 0 or reader.word(at - 1) in (".", "?", "!", ":", ";", "-")
    if end - at > 1 and not (begins and _is_known(reader, at, spoken, stems)):
        return end - at
    if end - at == 1 and not begins and not _is_known(reader, at, spoken, stems):
        return 1
    if end - at == 1 and begins and token.text.isupper() and len(token.text) > 2:
        return 1
    return 0 if end > at else _lower_name(reader, at, spoken, stems)


def _lower_name(reader: Reader, at: int, spoken: Mapping[str, float], stems: Sequence[str]) -> int:
    end = at
    while end < len(reader) and end - at < _LONGEST and not _is_known(reader, end, spoken, stems):
        if reader.tokens[end].kind is not Kind.WORD or not reader.is_free(end):
            break
        end += 1
    if end == at:
        return 0
    before = at - 1
    while reader.word(before) in ("the", "a", "our", "product"):
        before -= 1
    is_led = reader.word(before) in _SLOTS
    is_described = reader.word(end) in ("case", "cases", "tickets") and end - at > 1
    is_closed = end >= len(reader) or reader.word(end) in _AFTER or reader.word(end) in STOPWORDS
    return end - at if (is_led and is_closed) or is_described else 0


def _is_known(reader: Reader, at: int, spoken: Collection[str], stems: Sequence[str]) -> bool:
    word = reader.word(at)
    return (
        word in EMPTY
        or word in STOPWORDS
        or word in _MANNER
        or word in _RANKS
        or word in OBJECT_WORDS
        or singular(word) in OBJECT_WORDS
        or number_at(word) is not None
        or (bool(stems[at]) and stems[at] in spoken)
    )


def _as_name(reader: Reader, at: int, size: int) -> str:
    """As it was said; a plural kind in lower case in the singular: 'trade shows'."""
    said = reader.rest(at, at + size)
    if not said.islower():
        return said
    *first, last = said.split()
    return " ".join([*first, singular(last)])
