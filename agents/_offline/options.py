"""Fills choices: by the wordings that an argument gives for each of its values."""

from collections.abc import Sequence

from agents._offline.choosing import Phrase, phrases_of, profile_of
from agents._offline.dates import Span
from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.reader import Reader
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import name_stems, stem
from agents._offline.words import singular

NOT = frozenset("not no without except never non excluding".split())
_HALF = 0.5
_SPLITS = frozenset(map(stem, ("group", "split", "break", "dimension", "breakdown")))
_ORDERS = frozenset(map(stem, ("order", "sort", "rank")))
_SPLITTING = frozenset(
    "by per each every across between among which what who whose compare rank ranked versus vs and or".split()
)
_RANKING = frozenset(
    """most least best worst top bottom highest lowest fastest slowest quickest longest shortest largest smallest
    biggest fewest common frequent leading first last main""".split()
)
_PEOPLE = frozenset(map(stem, "person employee agent colleague user".split()))
_FILLERS = frozenset("the a an our my of in all is are has have had different single individual sales".split())


class Options:
    """Reads the choices of one tool from one clause."""

    def __init__(
        self, spec: Spec, reader: Reader, stems: Sequence[str], spans: Sequence[Span], *, is_whole: bool
    ) -> None:
        self._spec = spec
        self._reader = reader
        self._stems = list(stems)
        for at in range(len(reader)):
            if reader.word(at) in ("this", "all"):
                self._stems[at] = reader.word(at)
        head = next((at for at, word in enumerate(self._stems) if word), None)
        if is_whole and head is not None and self._stems[head] in profile_of(spec).verbs:
            self._stems[head] = ""  # 'generate a trigger': what the tool does chooses nothing
        self._spans = spans
        self._is_whole = is_whole
        self.values: dict[str, object] = {}
        self.dated: set[str] = set()
        """Arguments whose choice says when."""

    def read(self) -> dict[str, object]:
        """Each choice by its longest wording that is said; the longest of all first, so that no word counts twice."""
        for shares in (False, True):
            arguments = [one for one in self._spec.taking(Takes.CHOICE) if _shares(one) is shares]
            found = [
                (
                    -len(phrase.stems),
                    max(places) - min(places),
                    min(places),
                    argument.name,
                    phrase.value,
                    phrase,
                    places,
                )
                for argument in arguments
                for phrase in phrases_of(argument)
                if (places := self._places(argument, phrase))
            ]
            for *_, phrase, places in sorted(found, key=lambda one: one[:5]):
                if (argument := self._spec.argument(phrase.argument)) is not None:
                    self._choose(argument, phrase, places)
        if self._is_whole:
            self._guess()
        return self.values

    def _choose(self, argument: Argument, phrase: Phrase, places: Sequence[int]) -> None:
        if not _shares(argument) and not all(self._reader.is_free(at) for at in places):
            return
        if argument.name in self.values and not argument.is_list:
            return
        if self._reader.word(min(places) - 1) in NOT:
            return
        for at in places:
            self._reader.take(at, at + 1)
        self._put(argument, phrase.value)
        if any(span.start <= at < span.end for at in places for span in self._spans):
            self.dated.add(argument.name)

    def _put(self, argument: Argument, value: str) -> None:
        if not argument.is_list:
            self.values[argument.name] = value
            return
        listed = self.values.get(argument.name)
        listed = listed if isinstance(listed, list) else []
        self.values[argument.name] = listed if value in listed else [*listed, value]

    def _places(self, argument: Argument, phrase: Phrase) -> list[int]:
        """Where the words of a wording stand, close together; empty if they do not, or mean something else there."""
        places = []
        for wanted in phrase.stems:
            here = [at for at in self._at(wanted, argument) if self._may_stand(argument, phrase, at)]
            if not here:
                return []
            places.append(min(here, key=lambda at: (not self._reader.is_free(at), at)))
        if max(places) - min(places) > 4 + 2 * len(places):
            return []
        return places if _fits_period(self, argument, places) else []

    def _at(self, wanted: str, argument: Argument) -> list[int]:
        """Where a word stands; 'who' stands for any word for people where it is asked by whom to split."""
        if wanted in _PEOPLE and splits(argument):
            return [at for at, said in enumerate(self._stems) if said == wanted or self._reader.word(at) == "who"]
        return [at for at, said in enumerate(self._stems) if said == wanted]

    def _may_stand(self, argument: Argument, phrase: Phrase, at: int) -> bool:
        inside = next((span for span in self._spans if span.start <= at < span.end), None)
        if inside is None and counted_by(argument, self._spec) is not None:
            return False
        if inside is not None and not self._says_span(argument, phrase, inside):
            return False
        return not splits(argument) or len(phrase.stems) > 1 or self._splits_here(at)

    def _says_span(self, argument: Argument, phrase: Phrase, span: Span) -> bool:
        """Whether a wording says the whole of a date, such as 'last month', or the unit of a counted one."""
        said = {self._stems[at] for at in range(span.start, span.end) if self._stems[at]}
        is_counted = any(self._reader.word(at).isdecimal() or self._reader.word(at) in _COUNTS
                         for at in range(span.start, span.end))  # fmt: skip
        counts = counted_by(argument, self._spec)
        return (said - _COUNTS) <= phrase.stems and is_counted is (counts is not None)

    def _splits_here(self, at: int) -> bool:
        """'by agent', 'which agent', 'top issues': the word says what to split by, and not what to keep to."""
        before = at - 1
        while self._reader.word(before) in _FILLERS or self._reader.word(before).isdecimal():
            before -= 1
        if (before < 0 and self._is_whole) or self._reader.word(at) in ("who", "whom", "whose"):
            return True
        if self._reader.word(before) in _SPLITTING:
            return True
        # of 'the most site visits' the visits are ranked; of 'the top issue' the issue is, whatever else it names
        return self._reader.word(before) in _RANKING and (self._reader.is_free(at) or not self._reader.is_free(before))

    def _guess(self) -> None:
        """A choice that has to be made and was said in part: the one wording that more of was said than of others."""
        said = {one for one in self._stems if one} - {*name_stems(self._spec.name)}
        for argument in self._spec.taking(Takes.CHOICE):
            if argument.name in self.values or not argument.is_required:
                continue
            shares: dict[str, tuple[float, int]] = {}
            for phrase in phrases_of(argument):
                hits = len(phrase.stems & said)
                shares[phrase.value] = max(shares.get(phrase.value, (0.0, 0)), (hits / len(phrase.stems), hits))
            best = max(shares.values(), default=(0.0, 0))
            leaders = [value for value, share in shares.items() if share == best]
            if best[0] >= _HALF and len(leaders) == 1:
                self._put(argument, leaders[0])

    def near_span(self, places: Sequence[int]) -> bool:
        """Whether these words stand right before a date."""
        last = max(places) + 1
        while self._reader.word(last) in (
            "in",
            "on",
            "since",
            "after",
            "before",
            "during",
            "between",
            "the",
            "from",
            "within",
        ):
            last += 1
        is_noun = singular(self._reader.word(max(places))) in OBJECT_WORDS
        return not is_noun and any(span.start in (last, last - 1) for span in self._spans)


def _fits_period(options: Options, argument: Argument, places: Sequence[int]) -> bool:
    """Which date a period is about is said beside the period: 'closed in March', and not 'closing cases in March'."""
    about_date = "date" in argument.name.split("_") or "which date" in argument.description.lower()
    return not about_date or options.near_span(places)


_COUNTS = frozenset("one two three four five six seven eight nine ten eleven twelve a an".split())


def counted_by(argument: Argument, spec: Spec) -> Argument | None:
    """The number that this choice is the unit of: 'past_unit' goes with 'past_count'."""
    lead, _, tail = argument.name.rpartition("_")
    if not lead or tail not in ("unit", "units"):
        return None
    return next((one for one in spec.taking(Takes.NUMBER) if one.name.startswith(f"{lead}_")), None)


def _shares(argument: Argument) -> bool:
    """Whether its words may tell something else as well: 'top issue' is what is measured, the split and the order."""
    return splits(argument) or orders(argument)


def splits(argument: Argument) -> bool:
    return bool(argument.words & _SPLITS)


def orders(argument: Argument) -> bool:
    return bool(argument.own_words & _ORDERS) or "first" in argument.first_sentence.lower().split()
