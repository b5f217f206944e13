"""What a question for figures keeps to and leaves out: how many records a group must have, parts, and values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents._offline.measuring.periods import number_at
from agents._offline.measuring.roles import Roles
from agents._offline.reader import Reader
from agents._offline.schemas import Argument
from agents._offline.stems import choice_stems
from agents._offline.words import Kind

_OPENS = tuple(
    words.split()
    for words in """do not count|not counting|do not include|not including|without counting|leave out|leaving out
    leaves out|set aside|other than|apart from|but not|but no|everything except|everything but|all except|all but
    forget|forgetting|anything but|anyone but|everyone but|nobody but|
    excluding|exclude|excludes|except|except for|without|ignoring|ignore|skip|skipping|minus|no|not|never|w/o|non|
    discount|discounting|disregard|disregarding|omit|omitting|drop|dropping|besides""".replace("\n", "|").split("|")
    if words.strip()
)
_CLOSES = tuple(
    words.split()
    for words in "left out|excluded|aside|omitted|ignored|not included|not counted|disregarded|are out".split("|")
)
_FIRST = frozenset(cue[0] for cue in (*_OPENS, *_CLOSES))
_ENDS = frozenset(", ; . ? ! : ( ) over in for during who which whose please".split())
_REACH = 12
_MORE = tuple(
    (words.split(), least)
    for words, least in {
        "more than": 1, "over": 1, "above": 1, "exceeding": 1, "greater than": 1, ">": 1, "at least": 0,
        "a minimum of": 0, "minimum of": 0, "minimum": 0, "min": 0, ">=": 0, "no fewer than": 0, "no less than": 0,
    }.items()
)  # fmt: skip
"""Words before a number, and how much more than it is meant."""
_FEWER = (["fewer", "than"], ["less", "than"], ["under"], ["below"])
_SINGLE = (["just", "one"], ["only", "one"], ["a", "single"], ["only", "a", "single"], ["one", "single"], ["just", "a"])
_ABOVE = re.compile(r"^(?:and|or) (?:above|higher|up|more)\b")
_BELOW = re.compile(r"^(?:and|or) (?:below|lower|less)\b")


@dataclass
class Scopes:
    """Places that are left out, and the words that say so."""

    inside: set[int] = field(default_factory=set)
    cues: set[int] = field(default_factory=set)


def find_scopes(reader: Reader) -> Scopes:
    """'without X', 'X left out': which words are about what is not wanted."""
    found = Scopes()
    for at in range(len(reader)):
        for cue in _OPENS if reader.word(at) in _FIRST else ():
            if [reader.word(at + i) for i in range(len(cue))] == cue and at not in found.cues:
                found.cues |= set(range(at, at + len(cue)))
                end = at + len(cue)
                while end < len(reader) and end - at < _REACH + len(cue):
                    joins = reader.word(end) in ("and", "or") or reader.rest(end, end + 2) in (", and", ", or")
                    if joins and _begins_anew(reader, end + 1 + (reader.word(end) == ",")):
                        break
                    if reader.word(end) in _ENDS and not joins:
                        break
                    found.inside.add(end)
                    end += 1
                break
        for cue in _CLOSES if reader.word(at) in _FIRST else ():
            if [reader.word(at + i) for i in range(len(cue))] == cue:
                found.cues |= set(range(at, at + len(cue)))
                start = at - 1
                while start >= 0 and at - start <= _REACH and reader.word(start) not in _ENDS | {"with", "by", "per"}:
                    found.inside.add(start)
                    start -= 1
                break
    return found


def _begins_anew(reader: Reader, at: int) -> bool:
    """'and skip', 'and only': what follows is not part of what is left out before."""
    starts = {cue[0] for cue in _OPENS} | {"only", "just", "please", "then", "with", "more", "at"}
    return reader.word(at) in starts


def read_least(reader: Reader, roles: Roles, scopes: Scopes) -> dict[str, object]:
    """'more than 40 cases', 'at least two', '2+ cases'; 'skip anyone with only one' asks for more than one."""
    for at in range(len(reader)):
        if not reader.is_free(at):
            continue
        is_out = at in scopes.inside
        for cue in _FEWER if is_out else ():
            if _stands(reader, at, cue) and (number := number_at(reader.word(at + len(cue)))) is not None:
                return _least(reader, roles, at, at + len(cue) + 1, number - 1)
        for cue in _SINGLE if is_out else ():
            if _stands(reader, at, cue):
                return _least(reader, roles, at, at + len(cue), 1)
        for cue, more in _MORE if not is_out else ():
            if _stands(reader, at, cue) and (number := number_at(reader.word(at + len(cue)))) is not None:
                return _least(reader, roles, at, at + len(cue) + 1, number - 1 + more)
        number = number_at(reader.word(at))
        if number is not None and reader.word(at + 1) == "+":
            return _least(reader, roles, at, at + 2, number - 1)
        if number is not None and [reader.word(at + 1), reader.word(at + 2)] == ["or", "more"]:
            return _least(reader, roles, at, at + 3, number - 1)
    return {}


def _stands(reader: Reader, at: int, words: Sequence[str]) -> bool:
    return [reader.word(at + i) for i in range(len(words))] == list(words)


def _least(reader: Reader, roles: Roles, start: int, end: int, more_than: int) -> dict[str, object]:
    """The words taken up to the noun that is counted."""
    if reader.tokens[end : end + 1] and reader.tokens[end].kind is Kind.WORD and reader.word(end) not in _ENDS:
        end += 1
    reader.take(start, end)
    if roles.more_than:
        return {roles.more_than.name: more_than}
    return {roles.at_least.name: more_than + 1} if roles.at_least else {}


# Parts of the records


_NEGATIVE = re.compile(r"\b(?:never|not|no longer|without)\b")


@dataclass(frozen=True)
class Part:
    value: str
    places: tuple[int, ...]
    is_negated: bool


def _wordings(argument: Argument, value: str) -> list[tuple[frozenset[str], bool]]:
    """The words of each wording of a part, and whether it says that something is not so."""
    found = []
    for wording in re.split(r"[,;]", f"{value.replace('_', ' ')},{argument.meanings.get(value, '')}"):
        bare = _NEGATIVE.sub(" ", wording.strip().lower())
        if stems := choice_stems(bare):
            found.append((stems, bare.split() != wording.strip().lower().split()))
    return found


def find_parts(roles: Roles, reader: Reader, stems: Sequence[str], scopes: Scopes) -> list[Part]:
    """Every part that is spoken of: by a wording of its own, or by that of its opposite where that is left out."""
    if roles.parts is None:
        return []
    found = []
    for value in roles.parts.values:
        for words, says_not in _wordings(roles.parts, value):
            places = _places(words, reader, stems, scopes, negated=says_not)
            if places and _is_worded(reader, places, f"{value} {roles.parts.meanings.get(value, '')}"):
                found.append(Part(value, places, says_not))
    return sorted(found, key=lambda one: -len(one.places))


def _is_worded(reader: Reader, places: Sequence[int], told: str) -> bool:
    """Whether the words themselves stand in the meaning, and not only such as count the same."""
    starts = {word[:4] for word in re.split(r"[^a-z]+", told.lower())}
    return all(reader.word(at)[:4] in starts for at in places)


def _places(
    words: frozenset[str], reader: Reader, stems: Sequence[str], scopes: Scopes, *, negated: bool
) -> tuple[int, ...]:
    here = []
    for word in words:
        at = next(
            (
                i
                for i in range(len(stems))
                if stems[i] == word and reader.is_free(i) and (i in scopes.inside) is negated
            ),
            None,
        )
        if at is None:
            return ()
        here.append(at)
    return tuple(sorted(here)) if max(here) - min(here) <= 2 * len(here) + 2 else ()


def is_said_of_records(part: Part, reader: Reader, stems: Sequence[str], nouns: frozenset[str]) -> bool:
    """'open cases', 'cases that are still open', 'kept cases only': the word describes the records."""
    if part.is_negated:
        return True
    last = max(part.places)
    for at in range(last + 1, last + 5):
        if reader.word(at) == "ones" or (at < len(stems) and stems[at] in nouns):
            return True
        if not reader.word(at) or reader.word(at) in _ENDS | {"by", "per", "the", "with", "and"}:
            break
    if reader.word(last) == "kept":
        return True
    before = reader.word(min(part.places) - 1)
    return before in ("still", "remain", "stay", "have") or (
        before in ("are", "is") and reader.word(last) in ("open", "won")
    )


# Values


def spread(values: Sequence[str], value: str, reader: Reader, end: int) -> list[str]:
    """'medium or above': the value and those after it, as the picklist is ordered."""
    rest = " ".join(reader.word(at) for at in range(end, end + 4)).removeprefix("priority ")
    at = list(values).index(value)
    if _ABOVE.match(rest):
        return list(values[at:])
    if _BELOW.match(rest):
        return list(values[: at + 1])
    return [value]
