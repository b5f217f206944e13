"""Ways to ask that a tool declares word for word: 'did it pay off', where 'it' stands for the record.

They stand in the last paragraph of its docstring, which begins with 'People say:', parted by semicolons.

* `it`, the first time: a record by its name, its number, a pronoun or 'the campaign'. Its kind, where it is said, must
  be one that the tool takes.
* `<resolution>`: any words; they go to the argument of that name. Where that takes a kind of record, one is named.
* `...`: any words, left to be understood like all that the clause says besides.
* `is/looks`: either word. `(ever)`: may be left out.

Words of one meaning count as the same ('case' and 'ticket'), so do forms of one word and misspellings. Articles and
words such as 'just' may come in between; anything else may not, so that a clause that matches means this tool.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from rapidfuzz.distance import OSA

from agents._offline.amounts import small_number
from agents._offline.lexicon import object_named
from agents._offline.reader import Reader
from agents._offline.references import read_exact, read_ordinal, read_pronoun
from agents._offline.request import Reference
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import EMPTY, stem
from agents._offline.words import Kind, Token, singular

_BY_NAME = re.compile(r"\b(?:name|title)\b.*\b(?:id|code)\b")
_LONGEST = 60
"""Words of a clause that are compared."""
_LONGEST_NAME = 10
_FILLERS = frozenset(
    """please pls just really actually still yet now again also then so far currently the a an our my me us any
    quickly exactly maybe perhaps even ever already""".split()
)
_ARTICLES = frozenset("the a an our my your this that these those".split())
_KINDRED = tuple(
    map(
        frozenset,
        (
            "is are was were be 's".split(),
            "do does did".split(),
            "has have had".split(),
            "i we you".split(),
            "me us".split(),
            "can could should shall may might".split(),
            "will would".split(),
            "who whom".split(),
            "anyone anybody someone somebody".split(),
            "on of for about".split(),
            "at with".split(),
            "in into".split(),
            "from of".split(),
        ),
    )
)
"""Small words that stand for each other in a way to ask."""
_INNER = frozenset("& - of the ' . / 's #".split())
_NUMBERED = frozenset(("Case", "Order"))
"""Kinds of record that go by their numbers; what is called by a name only is none of these."""
_OF_WHAT = frozenset("on about for with at called named titled of from".split())
_JOINTS = frozenset("and or to is are so because that which who if when by".split())
_LONGEST_TOPIC = 7
_SHORT = 4
_EVERY = frozenset("every each all any no new".split())
_ENDS = frozenset((".", "?", "!", ",", ";"))


@dataclass(frozen=True)
class _Part:
    """A word with its alternatives, the record, or the words for an argument."""

    words: frozenset[str] = frozenset()
    stems: frozenset[str] = frozenset()
    is_optional: bool = False
    is_record: bool = False
    is_gap: bool = False
    argument: str = ""


@dataclass(frozen=True)
class Way:
    """One way to ask for a tool."""

    spec: Spec
    parts: tuple[_Part, ...]

    @property
    def length(self) -> int:
        """How much it says by itself, the kind of record that it names included."""
        kinds = {one.name for one in self.spec.arguments if one.takes is Takes.OBJECT}
        return self.size + any(one.argument in kinds for one in self.parts)

    @cached_property
    def needed(self) -> tuple[_Part, ...]:
        """The words that may not be left out."""
        return tuple(one for one in self.parts if one.words and not one.is_optional)

    @cached_property
    def size(self) -> int:
        """How many words it has of its own."""
        return sum(bool(one.words) and not one.is_optional for one in self.parts)


@dataclass(frozen=True)
class Asked:
    """A clause that is one of the ways to ask for a tool."""

    way: Way
    heard: frozenset[int]
    """Places of the words that are part of it, the record's included."""
    seen: frozenset[int] = frozenset()
    """Places of words that are part of it and may say something of the arguments as well: those behind a gap."""
    is_past_gap: bool = False
    record: Reference | None = None
    taker: Argument | None = None
    """The argument that the record is for."""
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> Spec:
        return self.way.spec

    def with_heard(self, places: Iterable[int]) -> "Asked":
        if self.is_past_gap:
            return replace(self, seen=self.seen | set(places))
        return replace(self, heard=self.heard | set(places))


@lru_cache(maxsize=1_000)
def ways_of(spec: Spec) -> tuple[Way, ...]:
    found = []
    for text in spec.ways:
        parts = _read_parts(text)
        if any(one.stems for one in parts) or sum(bool(one.words) for one in parts) > 1:
            found.append(Way(spec, parts))
    return tuple(found)


def _read_parts(text: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for written in text.split():
        word = written.lower()
        optional = word.startswith("(") and word.endswith(")")
        word = word.strip("(),:")
        if word == "it" and not any(one.is_record for one in parts):
            parts.append(_Part(is_record=True))
        elif written == "...":
            parts.append(_Part(is_gap=True))
        elif word.startswith("<"):
            parts.append(_Part(argument=word.strip("<>,.")))
        else:
            words = word.split("/")
            alike = {w for one in words for w in _kindred(one)}
            stems = frozenset(stem(one) for one in words if one not in EMPTY)
            parts.append(_Part(frozenset(alike), stems, is_optional=optional or word in _ARTICLES))
    return tuple(parts)


def _kindred(word: str) -> frozenset[str]:
    return frozenset((word,)).union(*(group for group in _KINDRED if word in group))


def find_asked(clause: str, tokens: Sequence[Token], ways: Sequence[Way], spell: Callable[[str], str]) -> list[Asked]:
    """The ways to ask that the clause begins with, those that say most first."""
    said = _Clause(clause, tokens[:_LONGEST], spell)
    found = []
    for way in ways:
        if not all(said.holds(one) for one in way.needed):
            continue
        if (ended := _match(said, way, 0, 0, Asked(way, frozenset()))) is not None:
            found.append(ended)
    return sorted(found, key=lambda one: (-one.way.size, -len(one.heard | one.seen)))


@dataclass(frozen=True, eq=False)
class _Clause:
    text: str
    tokens: Sequence[Token]
    spell: Callable[[str], str]
    records: dict[tuple[int, int], Reference | None] = field(default_factory=dict)
    """What was read as a record, by where it stands."""

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words, and the small ones that it misspells."""
        lows = {token.low for token in self.tokens}
        return frozenset(lows | {word for low in lows for word in _slips_of(low)})

    @cached_property
    def stems(self) -> frozenset[str]:
        words = [token for token in self.tokens if token.kind is Kind.WORD and token.low not in EMPTY]
        spelt = [self.spell(token.low) for token in words if not token.is_capital]
        return frozenset(map(stem, [*(token.low for token in words), *spelt]))

    def holds(self, part: _Part) -> bool:
        return not (part.words.isdisjoint(self.words) and part.stems.isdisjoint(self.stems))

    def record(self, start: int, end: int) -> Reference | None:
        if (start, end) not in self.records:
            self.records[start, end] = _read_record(self.tokens[start:end])
        return self.records[start, end]


def _match(clause: _Clause, way: Way, at: int, part: int, so_far: Asked) -> Asked | None:
    if part == len(way.parts):
        return so_far
    wanted = way.parts[part]
    if at >= len(clause.tokens):
        return _match(clause, way, at, part + 1, so_far) if wanted.is_optional else None
    if wanted.is_gap:
        ends = range(at + 1, len(clause.tokens))
        past = replace(so_far, is_past_gap=True)
        return next((one for end in ends if (one := _match(clause, way, end, part + 1, past))), None)
    if wanted.argument:
        is_kind = any(one.name == wanted.argument and one.takes is Takes.OBJECT for one in way.spec.arguments)
        return (_match_kind if is_kind else _match_text)(clause, way, at, part, so_far)
    if wanted.is_record:
        for end in range(min(len(clause.tokens), at + _LONGEST_NAME), at, -1):
            if end < len(clause.tokens) and clause.tokens[end].low == "'s":
                continue  # what belongs to it is asked for
            named = clause.record(at, end)
            taker = _taker(way.spec, named) if named else None
            if named and taker:
                taken = replace(so_far.with_heard(range(at, end)), record=named, taker=taker)
                if found := _match(clause, way, end, part + 1, taken):
                    return found
    elif _says(wanted, clause.tokens[at], clause.spell):
        found = _match(clause, way, at + 1, part + 1, so_far.with_heard((at,)))
        if found:
            return found
    if wanted.is_optional and (found := _match(clause, way, at, part + 1, so_far)):
        return found
    if clause.tokens[at].low in _FILLERS:
        return _match(clause, way, at + 1, part, so_far.with_heard((at,)))
    if at and small_number(clause.tokens[at].low) is not None:
        return _match(clause, way, at + 1, part, so_far)  # 'five subject lines': how many is for an argument
    return None


def _match_kind(clause: _Clause, way: Way, at: int, part: int, so_far: Asked) -> Asked | None:
    while at < len(clause.tokens) and clause.tokens[at].low in _ARTICLES | _EVERY:
        at += 1
    for size in (2, 1):
        words = [token.low for token in clause.tokens[at : at + size]]
        name = object_named(words, (), fuzzy=False) if len(words) == size and all(map(str.isalpha, words[0])) else None
        if name:
            told = {**so_far.texts, way.parts[part].argument: name}
            # what a rule demands is said by the same words: 'a case must have'
            seen = so_far.seen | so_far.heard | set(range(at, at + size))
            found = replace(so_far, heard=frozenset(), seen=seen, texts=told, is_past_gap=True)
            return _match(clause, way, at + size, part + 1, found)
    return None


def _match_text(clause: _Clause, way: Way, at: int, part: int, so_far: Asked) -> Asked | None:
    while at < len(clause.tokens) and clause.tokens[at].low in (",", ":", "-", ";", "that", "saying"):
        at += 1
    is_last = part + 1 == len(way.parts)
    ends = [len(clause.tokens)] if is_last else range(at + 1, len(clause.tokens))
    for end in ends:
        if end <= at:
            return None
        text = clause.text[clause.tokens[at].start : clause.tokens[end - 1].end].strip(' .!?"')
        told = replace(so_far.with_heard(range(at, end)), texts={**so_far.texts, way.parts[part].argument: text})
        if text and (found := _match(clause, way, end, part + 1, told)):
            return found
    return None


def _says(part: _Part, token: Token, spell: Callable[[str], str]) -> bool:
    if token.low in part.words:
        return True
    if token.kind is not Kind.WORD or token.low in EMPTY:
        return False
    if not part.stems:
        return not part.words.isdisjoint(_slips_of(token.low))
    return stem(token.low) in part.stems or stem(spell(token.low)) in part.stems


@lru_cache(maxsize=5_000)
def _slips_of(said: str) -> frozenset[str]:
    """'shuold' -> should: the longer small words that this one misspells by a letter."""
    if len(said) <= _SHORT or said in EMPTY:
        return frozenset()
    near = (word for word in EMPTY if len(word) > _SHORT and word[0] == said[0])
    return frozenset(word for word in near if OSA.distance(said, word, score_cutoff=1) <= 1)


# The record


def _read_record(tokens: Sequence[Token]) -> Reference | None:
    """The whole run of words as one record; None if it is none, or more than that."""
    if any(token.low in _ENDS for token in tokens):
        return None
    reader = Reader(tokens)
    start, end, kind = 0, len(tokens), ""
    while start < end and reader.word(start) in _ARTICLES:
        start += 1
    if end - start > 1 and (named := _kind(reader, start)):
        kind, start = named, start + 1
        is_topic = reader.word(start) in _OF_WHAT and reader.word(end - 1) not in _FILLERS
        if is_topic and end - start in range(2, _LONGEST_TOPIC) and not _has_joint(reader, start):
            return Reference(text=reader.rest(start + 1, end), objects=(kind,))
        if tokens[start].is_capital and end - start > 1 and reader.word(end - 1) not in _FILLERS:
            return Reference(text=reader.rest(start, end), objects=(kind,))  # a title, which is a sentence
    elif end - start > 1 and (named := _kind(reader, end - 1)) and not tokens[end - 1].is_capital:
        kind, end = named, end - 1
    while start < end and reader.word(start) in ("number", "#", "no", "called", "named"):
        start += 1
    objects = (kind,) if kind else ()
    if start >= end:
        return None
    if start and end - start == 1 and (named := _kind(reader, start)):
        return Reference(pronoun="the", objects=(named,))
    pointed = Reader(tokens)
    for read in (read_exact, read_ordinal, read_pronoun):
        if (found := read(pointed)) and not list(_content(pointed)):
            return replace(found, objects=found.objects or objects)
    return Reference(text=reader.rest(start, end), objects=objects) if _is_name(tokens[start:end]) else None


def _has_joint(reader: Reader, start: int) -> bool:
    """Whether more than a topic or a name follows: 'the article on drift and the one on noise'."""
    return any(reader.word(at) in _JOINTS for at in range(start, len(reader)))


def _content(reader: Reader) -> Sequence[int]:
    return [at for at in reader.free() if reader.word(at) not in _FILLERS | _ARTICLES]


def _kind(reader: Reader, at: int) -> str:
    word = reader.word(at)
    named = object_named([word], (), fuzzy=False) if word.isalpha() else None
    return named or "" if singular(word) == word else ""


def _is_name(tokens: Sequence[Token]) -> bool:
    """Written as a name from its first to its last word."""
    ends = (tokens[0], tokens[-1])
    return all(map(_stands_out, ends)) and all(_stands_out(one) or one.low in _INNER for one in tokens)


def _stands_out(token: Token) -> bool:
    return token.is_capital or token.kind in (Kind.MASK, Kind.QUOTE) or token.text[:1].isdecimal()


def _taker(spec: Spec, record: Reference) -> Argument | None:
    """The argument that takes the record; None if it is of a kind that none takes."""
    takers = [one for one in spec.arguments if one.takes is Takes.RECORD or _holds_record(one)]
    fitting = [
        one
        for one in takers
        if not one.objects
        or set(record.objects) & set(one.objects)
        or (not record.objects and not (record.text and set(one.objects) <= _NUMBERED))
    ]
    return min(fitting, key=lambda one: not one.is_required, default=None)


def _holds_record(argument: Argument) -> bool:
    """Whether it takes a record by its name or its id."""
    return argument.takes is Takes.TEXT and bool(_BY_NAME.search(argument.first_sentence.lower()) and argument.objects)
