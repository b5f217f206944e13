"""A question for figures as a whole: what is measured, split, ranked, kept to and left out, and over which period."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from agents._offline.choosing import Chooser, profile_of
from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.measuring.comparing import read_comparison
from agents._offline.measuring.measures import Choice, Figure, asked_words, choose, figures_asked
from agents._offline.measuring.names import read_values
from agents._offline.measuring.narrowing import Part, Scopes, find_parts, find_scopes, is_said_of_records, read_least
from agents._offline.measuring.periods import read_window
from agents._offline.measuring.ranking import read_limit, read_order
from agents._offline.measuring.roles import Roles, roles_of
from agents._offline.measuring.splitting import person_of, read_grain, read_splits, words_for
from agents._offline.prompt import Briefing
from agents._offline.reader import Reader
from agents._offline.schemas import Spec
from agents._offline.stems import EMPTY, is_telling, stem
from agents._offline.words import Kind, clean, say_name, singular

_LONGEST = 60
_LONGEST_TEXT = 600
_PEOPLE = frozenset(map(stem, "agent person people user rep colleague employee seller salesperson".split()))
_ONE_OF = re.compile(r"\bwhich (?:one )?of (?:my|our|the|these|those|his|her|their) ((?:\w+ ?){1,3})", re.IGNORECASE)
_EACH = frozenset("per by each every which what".split())
_SORTED = re.compile(r"\b(?:larg|bigg|high|small|low|new|old|late|cheap)\w*st first\b", re.IGNORECASE)
"""How a list is put in order: 'largest first'. Figures are ranked, and records are listed."""
_NUMBERED = re.compile(r"\d{5}")
_TELLING = 0.9
"""Words of a question for figures; what is longer is a text."""
_NOUNS = frozenset(map(stem, OBJECT_WORDS))
_DOES = re.compile(
    r"^\W*(?:please |can you |could you |i (?:want|need|would like) (?:you )?to )*(?:create|add|make|save|alert|notify|"
    r"qualify|route|classify|summari[sz]e|brief|bring|prepare|review|explain|run|"
    r"update|draft|write|send|remind|schedule|reopen|delete|remove|stop|warn|tell me when|let me know when|"
    r"(?:set|change|log|email|mail|call|close|escalate|assign|reassign|transfer|convert|move) "
    r"(?:a|an|the|this|that|it|all|my|our|these|those|him|her|them|case|lead|up|\d)\b)\b",
    re.IGNORECASE,
)
_NEWS = re.compile(r"\b(?:unusual|stands? out|outliers?|anomal\w+|insights?|notable|surprising|odd)\b", re.IGNORECASE)
_RULES = re.compile(
    r"\b(?:should|must|may (?:we|i|a|an|the)|allowed|supposed|policy|policies|rules?|guidelines?)\b", re.IGNORECASE
)
_FOLDED = (
    (re.compile(r"\bper cent\b", re.IGNORECASE), "percent"),
    (re.compile(r"\bnon-(?=\w)", re.IGNORECASE), "non "),
    (re.compile(r"\bhand-(?=offs?\b|overs?\b)", re.IGNORECASE), "hand"),
    (re.compile(r"\bwho's\b", re.IGNORECASE), "who is"),
    (re.compile(r"\bwhos\b", re.IGNORECASE), "who is"),
)


@dataclass(frozen=True)
class Figures:
    """A question that was read: the values of the tool's arguments, and what was passed over."""

    values: dict[str, object]
    dated: frozenset[str]
    implied: frozenset[str]
    ignored: tuple[str, ...]
    needs_today: bool
    is_sure: bool
    """Whether nothing but figures can be meant."""


def read_figures(text: str, spec: Spec, briefing: Briefing, spell: Callable[[str], str]) -> Figures | None:
    """The question as this tool answers it; None if the words ask for no measure of it."""
    roles = roles_of(spec)
    if (
        roles is None
        or len(text) > _LONGEST_TEXT
        or _DOES.match(text[:200])
        or _RULES.search(text)
        or _NUMBERED.search(text)
        or _SORTED.search(text)
    ):
        return None
    if (one_of := _ONE_OF.search(text)) and (_NOUNS - _PEOPLE) & {stem(word.lower()) for word in one_of[1].split()}:
        return None  # one of the records is asked for
    reader = Reader.of(_fold(text))
    if _NEWS.search(text[:2_000]) and not read_order(reader, frozenset()):
        return None
    if not 1 < len(reader) <= _LONGEST or any(one.kind in (Kind.QUOTE, Kind.EMAIL, Kind.URL) for one in reader.tokens):
        return None
    return _Reading(text, spec, roles, briefing, reader, spell).read()


def _fold(text: str) -> str:
    flat = clean(text)
    for pattern, plain in _FOLDED:
        flat = pattern.sub(plain, flat)
    return flat


@dataclass
class _Reading:
    text: str
    spec: Spec
    roles: Roles
    briefing: Briefing
    reader: Reader
    spell: Callable[[str], str]

    def read(self) -> Figures | None:
        reader, roles = self.reader, self.roles
        for at, token in enumerate(reader.tokens):
            meant = self.spell(token.low) if token.kind is Kind.WORD and not token.is_capital else token.low
            is_word = token.low in EMPTY or singular(token.low) in EMPTY or token.low in self.briefing.value_words
            if meant.replace("-", "") != token.low and not is_word:
                reader.tokens[at] = replace(token, text=meant, low=meant)
        stems = [self._stem(at) for at in range(len(reader))]
        scopes = find_scopes(reader)
        compared = read_comparison(reader, roles, self.briefing.today)
        window = compared or read_window(reader, roles, self.briefing.today)
        values = dict(window.values)
        least = read_least(reader, roles, scopes)
        values |= least
        parts = self._parts(stems, scopes)
        said = [one for at, one in enumerate(stems) if one and reader.is_free(at) and at not in scopes.inside]
        said = [one for one in said if one != "over" or "hand" in said]
        low = " ".join(reader.word(at) for at in range(len(reader)))
        surfaces = [reader.word(at) for at in range(len(reader)) if reader.is_free(at) and at not in scopes.inside]
        asked = figures_asked(said, low)
        ranked = bool(read_order(reader, frozenset()))
        grain = (
            compared.unit
            if compared
            else read_grain(reader, roles.grain.values if roles.grain else (), is_ranked=ranked)
        )
        splits = read_splits(roles, reader, stems, is_ranked=ranked or bool(asked & {Figure.COUNT}))
        person = person_of(roles.split)
        if person in splits:  # who it is split by says nothing of what is measured
            said = [one for one in said if one not in words_for(roles.split, person)]
        measure = self._measure(said, surfaces, asked, ranked=ranked)
        if measure is None:
            return None
        order = read_order(reader, measure.kinds)
        values[roles.measure.name] = measure.value
        names_one = any(
            reader.word(at) in OBJECT_WORDS and stems[at] not in _PEOPLE and at not in scopes.inside
            for at in reader.free()
        )
        if order and person and not (splits or grain or names_one):
            splits = [person]
        parts = [one for one in parts if not self._is_measured(one, measure, stems)]
        if parts and roles.parts:
            values[roles.parts.name] = list(dict.fromkeys(one.value for one in parts))
        if splits:
            values[roles.split.name] = splits
        if grain and roles.grain:
            values[roles.grain.name] = grain
        if order and (splits or grain):
            values[roles.order.name] = order
        implied: frozenset[str] = frozenset()
        if roles.limit and order and (splits or grain) and (limit := read_limit(reader)) is not None:
            values[roles.limit.name] = limit
            implied = frozenset({roles.limit.name} if limit == 1 else ())
        spoken = profile_of(self.spec).weights
        ignored = read_values(roles, reader, stems, scopes, self.briefing, spoken, values)
        return Figures(
            values,
            roles.dated() & values.keys(),
            implied,
            ignored,
            window.needs_today,
            self._is_sure(measure, order, asked, said, is_split=bool(splits or grain), narrowed=len(values) > 2),
        )

    def _stem(self, at: int) -> str:
        token = self.reader.tokens[at]
        if token.kind is not Kind.WORD or not (is_telling(token) or token.low in ("fastest", "quickest")):
            return ""
        return stem(token.low)

    def _parts(self, stems: list[str], scopes: Scopes) -> list[Part]:
        found: list[Part] = []
        for one in find_parts(self.roles, self.reader, stems, scopes):
            if not is_said_of_records(one, self.reader, stems, _NOUNS) or any(
                one.value == other.value for other in found
            ):
                continue
            found.append(one)
        for one in found:
            if one.is_negated:
                for at in one.places:
                    self.reader.take(at, at + 1)
        return found

    def _is_measured(self, part: Part, measure: Choice, stems: list[str]) -> bool:
        """Whether the word for the part only says what is measured."""
        return not part.is_negated and {stems[at] for at in part.places} <= measure.said

    def _measure(
        self, said: list[str], surfaces: list[str], asked: frozenset[Figure], *, ranked: bool
    ) -> Choice | None:
        found = choose(self.roles.measure, said, surfaces, asked, ranked=ranked)
        return found[0] if found and found[0].score > 0 else None

    def _names_field(self) -> bool:
        """Whether a field of records is named by more than one word: 'annual revenue'."""
        low = f" {self.reader.low} "
        fields = (say_name(field) for info in self.briefing.objects.values() for field in info.fields)
        own = {one.replace("_", " ") for one in (*self.roles.measure.values, *self.roles.split.values)}
        return any(" " in name and name not in own and f" {name} " in low for name in fields)

    def _is_sure(
        self,
        measure: Choice,
        order: str,
        asked: frozenset[Figure],
        said: list[str],
        *,
        is_split: bool,
        narrowed: bool,
    ) -> bool:
        """A measure by its name, a ranking by what it counts, or a number of records for each of something."""
        counts = Figure.COUNT in measure.kinds
        fits = measure.is_named or bool(measure.kinds & asked) or measure.strength >= _TELLING
        nouns = (_NOUNS & set(said)) - _PEOPLE
        if counts and nouns and not measure.is_named and not nouns & measure.own:
            return False  # other records are counted
        if self._names_field():
            return False
        if order and is_split:
            return fits or (counts and not asked)
        if measure.kinds & {Figure.RATE, Figure.DURATION}:
            is_done = bool(measure.own - _NOUNS - asked_words())
            return measure.is_named or (is_done and bool(measure.kinds & asked) and measure.strength >= _TELLING)
        if counts and not asked and not any(one.is_capital or one.low in _EACH for one in self.reader.tokens):
            return False  # 'hot leads from the web' are a list
        return (fits or (counts and bool(_NOUNS & set(said)))) and is_split and narrowed


@lru_cache(maxsize=16)
def _speller(specs: tuple[Spec, ...]) -> Callable[[str], str]:
    return Chooser(specs).spell


def asks_for_figures(text: str, specs: tuple[Spec, ...]) -> bool:
    """Whether a text asks for figures that one of the tools gives, whatever records there are."""
    spell = _speller(specs)
    return any((found := read_figures(text, spec, Briefing(), spell)) is not None and found.is_sure for spec in specs)
