"""What a question for figures splits by: 'by agent', 'which state', 'who', 'month with the most'."""

from collections.abc import Sequence
from functools import lru_cache

from agents._offline.choosing import phrases_of
from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.measuring.ranking import LEVELS
from agents._offline.measuring.roles import Roles
from agents._offline.reader import Reader
from agents._offline.schemas import Argument
from agents._offline.stems import stem, stems_of
from agents._offline.words import Kind, singular, tokenize

_BEFORE = frozenset(
    "by per each every across between among amongst which what whch wich whose compare versus vs of in over".split()
)
_FILLERS = frozenset(
    """the a an our my us of all in different single individual sales service support top these
    those other field common frequent often important average mean s with case handling lead most number one main goes
    went reported seen raised mentioned named""".split()
)
_AFTER = frozenset("with w/ who whose that has having had is".split())
_RANKS = frozenset(word for level in LEVELS for word in level) | {"one", "common", "frequent", "main"}
_PEOPLE = frozenset("who whom whose anybody anyone somebody someone people person persons".split())
_PERSON = frozenset(map(stem, "employee colleague person agent".split()))
_RECORDS = frozenset(map(stem, OBJECT_WORDS)) - _PERSON
_DOER_ENDS = ("er", "or")
_NO_DOERS = frozenset(
    "number order customer quarter either over after other never december november october september per under".split()
)
_GRAINS = frozenset("day week month quarter year".split())
_EVERY = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}


def read_splits(roles: Roles, reader: Reader, stems: Sequence[str], *, is_ranked: bool) -> list[str]:
    """Values of the split in the order they are said; people are asked for by 'who'."""
    found: list[tuple[int, int, str]] = []
    for phrase in phrases_of(roles.split):
        places = _places(phrase.stems, stems, reader)
        told = f"{phrase.value.replace('_', ' ')} {roles.split.meanings.get(phrase.value, '')}"
        if places and _splits_here(reader, min(places), max(places)) and _is_worded(reader, places, told):
            found.append((min(places), -len(places), phrase.value))
    person = person_of(roles.split)
    if person is not None:
        found += [(at, 0, person) for at in range(len(reader)) if _asks_who(reader, at, is_ranked=is_ranked)]
    values = list(dict.fromkeys(value for *_, value in sorted(found)))
    if person in values and len(values) > 1 and not any(value == person and size for _, size, value in found):
        values.remove(person)  # 'who' beside a split that is named only leads into the question
    return values[:2]


def _is_worded(reader: Reader, places: Sequence[int], told: str) -> bool:
    """Whether the words themselves stand in the meaning, and not only such as count the same: 'share' and 'rating'."""
    words = {singular(token.low) for token in tokenize(told)}
    return all(singular(reader.word(at)) in words for at in places)


def person_of(split: Argument) -> str | None:
    """The value of the split that stands for people who do the work."""
    return next((one for one in split.values if _PERSON & set(stems_of(split.meanings.get(one, "")))), None)


@lru_cache(maxsize=64)
def words_for(split: Argument, value: str | None) -> frozenset[str]:
    """The words of the wordings of one value that are no word for a record."""
    return frozenset(
        word for one in phrases_of(split) if one.value == value and len(one.stems) == 1 for word in one.stems - _RECORDS
    )


def _places(words: frozenset[str], stems: Sequence[str], reader: Reader) -> list[int]:
    here: list[int] = []
    for word in words:
        stand = [at for at, said in enumerate(stems) if said == word and reader.is_free(at)]
        if not stand:
            return []
        here.append(next((at for at in stand if _splits_here(reader, at, at)), stand[0]))
    return here if max(here) - min(here) < len(here) + 1 else []


def _splits_here(reader: Reader, first: int, last: int) -> bool:
    before = first - 1
    skipped = []
    while before >= 0 and (reader.word(before) in _FILLERS | _RANKS or reader.word(before).isdecimal()):
        skipped.append(reader.word(before))
        before -= 1
    if set(skipped) & _RANKS or reader.word(first - 1) in _RANKS:
        return True
    lead = reader.word(before)
    if lead in _BEFORE - {"of", "in", "over"}:
        return True
    follows = reader.word(last + 1) in _AFTER or [reader.word(last + 1), reader.word(last + 2)] == ["in", "which"]
    if reader.word(first - 1) == "(" and reader.word(last + 1) == ")":
        return True
    if follows and (
        lead in ("of", "in", "") or before < 0 or "the" in skipped or "in which" in reader.rest(last + 1, last + 3)
    ):
        return True
    if lead in ("over", "among") or (reader.word(first - 1) in ("of", "over") and reader.word(last).endswith("s")):
        return reader.word(last).endswith("s") and "the" in skipped
    return before < 0 or (lead in (":", ",", "-") and reader.word(last + 1) in _AFTER)


def _asks_who(reader: Reader, at: int, *, is_ranked: bool) -> bool:
    word = reader.word(at)
    if word in ("who", "whom", "whose"):
        return is_ranked or reader.word(at + 1) in ("has", "have")
    if word in _PEOPLE:
        return is_ranked and reader.word(at - 1) in _RANKS | {"of", "our", "sales", "service", "which"}
    is_doer = word.endswith(_DOER_ENDS) and len(word) > 4 and reader.tokens[at].kind is Kind.WORD
    if not is_doer or word in _NO_DOERS or reader.tokens[at].is_capital or not reader.is_free(at):
        return False
    return is_ranked and any(reader.word(at - back) in _RANKS for back in (1, 2))


def read_grain(reader: Reader, values: Sequence[str], *, is_ranked: bool) -> str:
    """'by month', 'monthly', 'which month', 'the month with the most'; 'when' where a peak is asked for."""
    for at in range(len(reader)):
        word = reader.word(at)
        if not reader.is_free(at):
            continue
        if word in _EVERY:
            return _EVERY[word] if _EVERY[word] in values else ""
        grain = singular(word)
        if grain in _GRAINS and grain in values and _splits_time(reader, at):
            return grain
    asks_when = any(reader.word(at) == "when" for at in range(len(reader)))
    return "month" if asks_when and is_ranked and "month" in values else ""


def _splits_time(reader: Reader, at: int) -> bool:
    before, after = reader.word(at - 1), reader.word(at + 1)
    if before in _RANKS and reader.word(at) != singular(reader.word(at)):
        return False  # 'the fewest days' is a length of time
    if before in ("by", "per", "each", "every", "which", "what", "single", "a") or before in _RANKS:
        return before != "a" or after in ("in", "with")
    if before == "the" or at == 0 or reader.word(at - 1) in (",", "-", ":"):
        return after in ("with", "in", "by", "that") or "in which" in reader.rest(at, at + 6)
    return False
