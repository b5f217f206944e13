"""Reads yes-or-no fields as they are said: 'opted out of e-mail' and 'opt-outs' are HasOptedOutOfEmail."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from agents._offline.lexicon import STOPWORDS
from agents._offline.prompt import ObjectInfo
from agents._offline.reader import Reader
from agents._offline.request import Condition
from agents._offline.stems import stem
from agents._offline.words import singular, split_name

_ALSO_SAID = {
    "HasOptedOutOfEmail": ("unsubscribed", "not want email", "not want any email", "want no email"),
    "HasEmailConsent__c": ("consented to email", "agreed to email", "agreed to get email", "agreed to receive email"),
}
"""Other words of the trade for such fields."""
_RECEIVING = frozenset("receiving getting further more".split())
_LONGEST_TAIL = 5


def read_worded_flags(reader: Reader, info: ObjectInfo, is_negated: Callable[[int], bool]) -> list[Condition]:
    """Conditions for the fields whose name is several words; `is_negated` also takes the 'not' before a place."""
    found = []
    for field in info.fields.values():
        if not field.is_flag:
            continue
        for words in _wordings(field.name):
            place = _find(reader, words)
            if place is None:
                continue
            reader.take(*place)
            _take_tail(reader, place[1], field.name)
            found.append(Condition(field.name, "eq", not is_negated(place[0]), field.name))
            break
    return found


@lru_cache(maxsize=1_000)
def _wordings(name: str) -> tuple[tuple[str, ...], ...]:
    """'HasOptedOutOfEmail' -> opt out, and what else people say; none for a field named by a single word."""
    words = split_name(name)[1:]
    head = words[: words.index("of")] if "of" in words else words
    said = [head] if len(head) > 1 else []
    said += [phrase.split() for phrase in _ALSO_SAID.get(name, ())]
    return tuple(tuple(map(stem, phrase)) for phrase in said)


def _find(reader: Reader, words: Sequence[str]) -> tuple[int, int] | None:
    ends = ((at, _end_of(reader, at, words)) for at in reader.free())
    return next(((at, end) for at, end in ends if end is not None), None)


def _end_of(reader: Reader, at: int, words: Sequence[str]) -> int | None:
    """Where these words end if they stand here; a hyphen may join them."""
    left = list(words)
    while left:
        if not reader.is_free(at):
            return None
        whole = reader.word(at)
        parts = [stem(whole)] if stem(whole) == left[0] else [stem(singular(one)) for one in whole.split("-")]
        if parts != left[: len(parts)]:
            return None
        left = left[len(parts) :]
        at += 1
    return at


def _take_tail(reader: Reader, at: int, name: str) -> None:
    """'... of receiving our e-mails': what the field is about, which may be left out."""
    words = split_name(name)
    if "of" not in words:
        return
    about = {stem(word) for word in words[words.index("of") + 1 :]}
    for end in range(at, min(at + _LONGEST_TAIL, len(reader))):
        if reader.is_free(end) and stem(reader.word(end)) in about:
            reader.take(at, end + 1)
            return
        if reader.word(end) not in STOPWORDS | _RECEIVING:
            return
