"""Which bound tool a clause asks for: its words weighed against the tools' names, descriptions, arguments and options.

Nothing here knows a tool. A word counts for the more, the fewer of the bound tools use it, and the closer to a tool's
name it stands.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from agents._offline.asking import Asked, find_asked, ways_of
from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import choice_stems, is_telling, name_stems, stem, stems_of
from agents._offline.words import Kind, Token, singular, tokenize

_NAME, _SUMMARY, _REST, _ARGUMENT, _ARGUMENT_TEXT, OPTION = 1.0, 0.8, 0.5, 0.6, 0.35, 0.7
_UNSAID = 0.75
_MOST_SPELLINGS = 20_000
_MOST_HEARD = 60
"""Words of a clause that are weighed."""
_LOOKS = frozenset(
    """what which who whom whose when where why how is are was were does do did has have show list display find count
    view see""".split()
)
"""Words with which somebody begins who wants to know something."""
_CHANGES = frozenset(
    map(stem, """open create add new make update change set close reopen escalate cancel convert assign reassign route
    send publish archive approve reject delete remove apply save post write draft advance move schedule
    merge""".split())
)  # fmt: skip
_TIMES = frozenset(
    map(
        stem,
        "this all last past next today yesterday tomorrow day week month quarter year daily weekly monthly".split(),
    )
)
"""Words for times, which are said of anything and name no tool."""
_PARTICULARS = frozenset("for of on that which so because with about to from when : ,".split())
_LEAD, _LED = 2, 0.9
_ADVICE, _OWNER = stem("suggest"), stem("owner")
"""What 'who should take it' asks for: advice, and whose it is to be."""
_KINDS = frozenset(map(stem, OBJECT_WORDS))
_PIECES = re.compile(r"[.,;:?!]\s|[.?!]$|\n")
_LONGEST_WORDING = 8
_ONE_WORD = 0.6
"""What a wording of a single word counts, of one of several."""
_RARE = 0.6
_EXAMPLES = re.compile(r",? (?:such as|e\.g\.|for example) .*")
_SEPARATORS = str.maketrans(dict.fromkeys(";:/()", ","))


@dataclass(frozen=True)
class Heard:
    """What a clause has to say about the tool it is meant for."""

    stems: tuple[str, ...]
    """Canonical content words in order, without names, numbers and dates."""
    head: str
    """The first of them: what is to be done, if anything is."""
    is_question: bool
    objects: Mapping[str, str]
    """Kinds of record that are named -> the canonical word for each."""
    asked: str = ""
    """The word that the question begins with: who, how, is ..."""
    lead: tuple[str, ...] = ()
    """The words before what it is about in particular, if something is to be done: 'write a rule' that or for ..."""

    @cached_property
    def all(self) -> frozenset[str]:
        return frozenset(self.stems)


@dataclass(frozen=True)
class Phrase:
    """One wording of a choice that an argument offers."""

    argument: str
    value: str
    stems: frozenset[str]


@dataclass(frozen=True)
class Profile:
    """The words of a tool, with how near to its name each stands."""

    spec: Spec
    name: tuple[str, ...]
    weights: Mapping[str, float]
    phrases: tuple[Phrase, ...]
    objects: frozenset[str]
    """Kinds of record that its required references take; empty if it needs none, or takes any."""
    verbs: frozenset[str]
    """What it does: the words with which its name and its description begin."""
    wordings: tuple[tuple[str, frozenset[str]], ...] = ()
    """Ways to ask for it that its description gives behind the first sentence: how each begins, and its words."""


@dataclass(frozen=True)
class Fit:
    """How well a tool answers to a clause: `score` from 0 to about 1, `named` by its name or a choice it offers."""

    spec: Spec
    score: float
    named: float


@lru_cache(maxsize=1_000)
def profile_of(spec: Spec) -> Profile:
    weights: dict[str, float] = {}

    def count(stems: Iterable[str], weight: float) -> None:
        for one in stems:
            weights[one] = max(weights.get(one, 0.0), weight)

    count(stems_of(spec.description), _REST)
    count(stems_of(spec.summary), _SUMMARY)
    for argument in spec.arguments:
        count(stems_of(argument.description), _ARGUMENT_TEXT)
        count(name_stems(argument.name), _ARGUMENT)
        for phrase in phrases_of(argument):
            count(phrase.stems, OPTION)
    name = tuple(dict.fromkeys(name_stems(spec.name)))
    count(name, _NAME)
    needed = [one for one in spec.taking(Takes.RECORD) if one.is_required]
    objects = frozenset(name for one in needed for name in one.objects) if all(n.objects for n in needed) else None
    phrases = tuple(phrase for argument in spec.arguments for phrase in phrases_of(argument))
    verbs = frozenset((*name[:1], *stems_of(spec.summary)[:1]))
    return Profile(spec, name, weights, phrases, objects or frozenset(), verbs, _wordings_of(spec))


def _wordings_of(spec: Spec) -> tuple[tuple[str, frozenset[str]], ...]:
    """'Who decides, talking points.' -> ('who', decide), ('', talk point)."""
    first = [one.strip() for one in spec.summary.partition(":")[2].split(",")]
    asked = [one for one in first if one.partition(" ")[0].lower() in _LOOKS]
    found = []
    for text in [*asked, *_PIECES.split(spec.description[len(spec.summary) :])]:
        words = [token.low for token in tokenize(text) if token.kind is Kind.WORD]
        stems = frozenset(stems_of(text))
        if stems and len(words) <= _LONGEST_WORDING:
            found.append((words[0] if words[0] in _LOOKS else "", stems))
    return tuple(dict.fromkeys(found))


def _wordings(value: str, meaning: str) -> set[frozenset[str]]:
    """The words of a value and of each wording in its meaning; what follows 'such as' names examples, not the value."""
    told = _EXAMPLES.sub("", meaning).translate(_SEPARATORS)
    texts = [value.replace("_", " "), *(text for part in told.split(",") for text in _either(part.split()))]
    return {stems for text in texts if (stems := choice_stems(text))}


def _either(words: Sequence[str]) -> list[str]:
    """'fast or slow at closing cases' -> 'fast at closing cases', 'slow at closing cases'."""
    if "or" not in words[1:-1]:
        return [" ".join(words)]
    at = words.index("or", 1)
    left, right = words[:at], words[at + 1 :]
    parts = [*_either([*left, *right[1:]]), *_either([*left[:-1], *right])]
    return [*parts, *(_either(right) if len(right) > 1 else [])]


@lru_cache(maxsize=5_000)
def phrases_of(argument: Argument) -> tuple[Phrase, ...]:
    """The wordings of every choice; those that two choices share tell nothing and are left out."""
    wordings = {value: _wordings(value, argument.meanings.get(value, "")) for value in argument.values}
    counts = Counter(stems for some in wordings.values() for stems in some)
    return tuple(
        Phrase(argument.name, value, stems)
        for value, some in wordings.items()
        for stems in sorted(some, key=sorted)
        if counts[stems] == 1
    )


class Chooser:
    """Weighs clauses against a set of tools."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._profiles = [profile_of(spec) for spec in specs]
        self._used = Counter(word for profile in self._profiles for word in profile.weights)
        self._most = math.log(1 + len(self._profiles))
        self._spellings: dict[str, str] = {}
        self._ways = [way for spec in specs for way in ways_of(spec)]

    @cached_property
    def _vocabulary(self) -> list[str]:
        return sorted({token.low for profile in self._profiles for token in _spoken(profile.spec)})

    def asked(self, clause: str, tokens: Sequence[Token]) -> list[Asked]:
        """The ways to ask for a tool, as the tools declare them, that the clause begins with; the fullest first."""
        return find_asked(clause, tokens, self._ways, self.spell)

    def weight(self, word: str) -> float:
        """How much a word tells one tool from the others: near 1 if one tool uses it, little if all do."""
        used = self._used.get(word, 0)
        if not used or not self._most:
            return 1.0
        return 0.15 + 0.85 * (math.log((1 + len(self._profiles)) / used) / self._most)

    def hear(self, tokens: Sequence[Token], *, asks: bool = False) -> Heard:
        """The clause without what names or counts something. Misspelt words are taken for those that tools use.

        `asks`: whether it ends with a question mark.
        """
        heard: list[str] = []
        is_asked = bool(tokens) and tokens[0].low in _LOOKS
        leading: int | None = None
        for at, token in enumerate(tokens):
            if leading is None and heard and token.low in _PARTICULARS:
                leading = len(heard)
            if token.low == "should" and at and is_asked:
                is_taker = tokens[0].low == "who" and not {"i", "we", "you"} & {
                    one.low for one in tokens[at + 1 : at + 2]
                }
                heard += [_ADVICE, *([_OWNER] if is_taker else [])]
            if token.kind is not Kind.WORD or not is_telling(token):
                continue
            root = stem(token.low)
            if _is_in_name(tokens, at):
                continue
            if root not in self._used:
                if token.is_capital and at:
                    continue
                root = stem(self.spell(token.low))
                if root not in self._used and at and _is_code(tokens[at - 1]):
                    continue  # 'PT-200 transmitter': what the code is the code of
            heard.append(root)
            if len(heard) == _MOST_HEARD:
                break
        named = {OBJECT_WORDS[word]: stem(word) for t in tokens[:200] if (word := singular(t.low)) in OBJECT_WORDS}
        head = heard[0] if heard else ""
        if _says_which_are_open(tokens):
            head = next(iter(heard[1:]), "")
        is_question = is_asked or (asks and head not in _CHANGES)
        lead = () if is_question else tuple(dict.fromkeys(heard[: leading if leading is not None else len(heard)]))
        asked = tokens[0].low if is_asked else ""
        return Heard(tuple(dict.fromkeys(heard)), head, is_question, named, asked, lead)

    def spell(self, word: str) -> str:
        """The word itself, or the word of a tool that it most likely misspells."""
        if len(word) < 5 or stem(word) in self._used:
            return word
        if word not in self._spellings:
            if len(self._spellings) > _MOST_SPELLINGS:
                self._spellings.clear()
            self._spellings[word] = self._look_up(word)
        return self._spellings[word]

    def _look_up(self, word: str) -> str:
        limit = 1 if len(word) < 8 else 2
        near = process.extract(word, self._vocabulary, scorer=OSA.distance, score_cutoff=limit, limit=8)
        fitting = [
            (distance, sorted(choice) != sorted(word), -len(choice), choice)
            for choice, distance, _ in near
            if choice[0] == word[0]
        ]
        return min(fitting)[-1] if fitting else word

    def rank(self, heard: Heard) -> list[Fit]:
        """All tools, the best first; among equals in the order they were bound."""
        return sorted((self._fit_best(profile, heard) for profile in self._profiles), key=lambda fit: -fit.score)

    def _fit_best(self, profile: Profile, heard: Heard) -> Fit:
        """By the whole clause, or nearly as good by its lead alone: the rest may be a text of many words."""
        fit = self._fit(profile, heard)
        leads = len(heard.lead) >= _LEAD or (heard.head in profile.verbs and self.weight(heard.head) >= _RARE)
        if not heard.lead or not leads or len(heard.lead) == len(heard.stems):
            return fit
        led = self._fit(profile, replace(heard, stems=heard.lead, lead=()))
        return Fit(led.spec, max(fit.score, _LED * led.score), max(fit.named, led.named))

    def fit(self, spec: Spec, heard: Heard) -> Fit:
        return self._fit(profile_of(spec), heard)

    def _fit(self, profile: Profile, heard: Heard) -> Fit:
        if not heard.stems:
            return Fit(profile.spec, 0.0, 0.0)
        said = sum(self.weight(word) for word in heard.stems)
        present = sum(self.weight(word) for word in heard.stems if word in profile.weights) / said
        prominent = sum(self.weight(word) * profile.weights.get(word, 0.0) for word in heard.stems) / said
        named = self._share(profile.name, heard)
        if heard.head in profile.name:
            named = max(named, 0.8 * self.weight(heard.head))
        if any(word in _KINDS and word not in heard.all for word in profile.name):
            named *= _UNSAID  # it is about a kind of record that was not named
        named = max(named, self._spoken_choice(profile, heard), self._spoken_wording(profile, heard))
        score = 0.25 * present + 0.3 * prominent + 0.45 * named
        score += 0.02 * sum(word in heard.all for word in profile.name)  # of two that are named in full, the longer
        if profile.spec.writes and heard.is_question:
            score *= 0.4
        elif profile.spec.writes and heard.head not in profile.verbs:
            score *= 0.7
        if not profile.spec.writes and heard.head in _CHANGES and profile.weights.get(heard.head, 0.0) < _SUMMARY:
            score *= 0.7
        strange = {name for name, word in heard.objects.items() if profile.weights.get(word, 0.0) < _SUMMARY}
        if profile.objects and strange and not profile.objects & heard.objects.keys():
            score *= 0.7
        return Fit(profile.spec, score, named)

    def _share(self, wanted: Iterable[str], heard: Heard) -> float:
        words = list(wanted)
        total = sum(self.weight(word) for word in words)
        return sum(self.weight(word) for word in words if word in heard.all) / total if total else 0.0

    def _spoken_choice(self, profile: Profile, heard: Heard) -> float:
        """1 for a choice said in several words, less for one that only this tool knows; a write has to be named."""
        best = 0.0
        if profile.spec.writes:
            return best
        for phrase in profile.phrases:
            if not phrase.stems <= _TIMES and phrase.stems - {"this", "all"} <= heard.all:
                rare = max(self.weight(word) for word in phrase.stems)
                best = max(best, rare if len(phrase.stems) > 1 else 0.6 * rare)
        return best

    def _spoken_wording(self, profile: Profile, heard: Heard) -> float:
        """How much of the clause is one of the wordings by which the tool says that it is asked for."""
        best = 0.0
        if profile.spec.writes or not heard.stems:
            return best
        said = sum(self.weight(word) for word in heard.stems)
        for asked, stems in profile.wordings:
            if stems <= heard.all and asked in ("", heard.asked):
                share = sum(self.weight(word) for word in stems) / said
                best = max(best, share if len(stems) > 1 else _ONE_WORD * share * max(map(self.weight, stems)))
        return best


def _is_in_name(tokens: Sequence[Token], at: int) -> bool:
    """'Harbor Tools': two words with capitals side by side, whatever either means by itself."""
    if not tokens[at].is_capital:
        return False
    before, after = tokens[max(at - 1, 0) : at], tokens[at + 1 : at + 2]
    return any(one.is_capital for one in before) or (at > 0 and any(one.is_capital for one in after))


def is_kind(word: str) -> bool:
    """Whether a canonical word names a kind of record."""
    return word in _KINDS


def _is_code(token: Token) -> bool:
    return token.is_capital and any(map(str.isdecimal, token.text)) and token.kind is Kind.WORD


def _says_which_are_open(tokens: Sequence[Token]) -> bool:
    """'open cases by priority' tells a state; 'open a case' is something to do."""
    telling = next((at for at, token in enumerate(tokens) if is_telling(token)), None)
    if telling is None or tokens[telling].low != "open":
        return False
    after = tokens[telling + 1].low if telling + 1 < len(tokens) else ""
    return telling > 0 or (singular(after) != after and singular(after) in OBJECT_WORDS)


def _spoken(spec: Spec) -> Iterable[Token]:
    """The words of a tool as they are written."""
    texts = [spec.name.replace("_", " "), spec.description, *spec.ways]
    for argument in spec.arguments:
        texts += [argument.name.replace("_", " "), argument.description, *argument.values, *argument.meanings.values()]
    return (token for text in texts for token in tokenize(text) if is_telling(token))
