"""Finds what a clause points at: an id, a number, a pronoun, a place in a list, or a name."""

import re

from rapidfuzz.distance import OSA

from agents._offline.amounts import small_number
from agents._offline.lexicon import HINT_WORDS, OBJECT_WORDS, ORDINALS, PERSON_OBJECTS, PREFIXES, object_named
from agents._offline.reader import Reader
from agents._offline.request import Reference
from agents._offline.words import Kind, singular

_ID = re.compile(r"^[0-9a-zA-Z]{15}(?:[0-9a-zA-Z]{3})?$")
_PERSONAL = frozenset("him his her he she".split())
_PRONOUNS = frozenset("it its them their they".split()) | _PERSONAL
_NO_PLACE = frozenset("is are was were over out up".split())
"""'over there' points at nothing that was spoken of."""
_POINTERS = frozenset("this that these those same".split())
_AFTER_POINTER = frozenset(("one", "", "record", ".", "?", "!", "'s", ",", "to", "as", "about", "with", "before",
                            "already", "again"))  # fmt: skip
_NUMBERED = {
    "case": "Case",
    "ticket": "Case",
    "order": "Order",
    "quote": "Quote",
    "contract": "Contract",
    "article": "Knowledge__kav",
    "complaint": "Case",
    "incident": "Case",
}


def object_of_id(record_id: str) -> str | None:
    return PREFIXES.get(record_id[:3])


def read_exact(reader: Reader) -> Reference | None:
    """An id or a record number; their tokens and the words that only introduce them are taken."""
    for at in reader.free():
        token = reader.tokens[at]
        if _ID.match(token.text) and object_of_id(token.text) and any(char.isdecimal() for char in token.text):
            reader.take(at, at + 1)
            _take_lead(reader, at)
            return Reference(record_id=token.text, objects=(object_of_id(token.text) or "",))
        if reference := _read_number(reader, at):
            return reference
    return None


def _read_number(reader: Reader, at: int) -> Reference | None:
    token = reader.tokens[at]
    if token.kind is not Kind.NUMBER or not token.text.isdecimal() or len(token.text) < 3:
        return None
    lead = at - 1
    while reader.word(lead) in ("#", "number", "no", "nr", ".", "num"):
        lead -= 1
    said = singular(reader.word(lead))
    slip = next((n for n in _NUMBERED if len(said) >= 3 and OSA.distance(n, said, score_cutoff=1) <= 1), "")
    named = _NUMBERED.get(said) or _NUMBERED.get(slip)
    if named is None and not (len(token.text) >= 6 and (token.text.startswith("0") or reader.word(at - 1) == "#")):
        return None
    reader.take(lead if named else lead + 1, at + 1)
    return Reference(number=token.text, objects=(named or "Case",))


def read_number(reader: Reader, object_name: str) -> Reference | None:
    """A bare number where only one kind of record can be meant: 'cases similar to 1007'."""
    for at in reader.free():
        token = reader.tokens[at]
        if token.kind is Kind.NUMBER and token.text.isdecimal() and len(token.text) >= 3:
            reader.take(at, at + 1)
            return Reference(number=token.text, objects=(object_name,))
    return None


def _take_lead(reader: Reader, at: int) -> None:
    for back in (1, 2):
        if singular(reader.word(at - back)) in OBJECT_WORDS or reader.word(at - back) in ("id", "(", "record"):
            reader.take(at - back, at - back + 1)


def read_ordinal(reader: Reader) -> Reference | None:
    """'the second one', 'number 2', '#3', 'the last opportunity'; never 'last month'."""
    for at in reader.free():
        word, following = reader.word(at), reader.word(at + 1)
        place = ORDINALS.get(word, 0)
        named = object_named([following], (), fuzzy=False) if following.isalpha() else None
        is_single = named is not None and singular(following) == following
        if place and (following in ("one", "") or following in (".", "?", "!", "'s") or is_single):
            if word == "last" and following not in ("one", "") and not is_single:
                continue
            reader.take(at, at + 1 + (following == "one" or is_single))
            return Reference(ordinal=place, objects=(named,) if named else ())
        number = small_number(following)
        if word in ("number", "#", "no", "option", "item") and number and number <= 50:
            reader.take(at, at + 2)
            return Reference(ordinal=number)
    return None


def read_pronoun(reader: Reader) -> Reference | None:
    """'its', 'him', 'this case', 'the deal': points back into the thread."""
    for at in reader.free():
        word, following = reader.word(at), reader.word(at + 1)
        if word in _PRONOUNS:
            reader.take(at, at + 1)
            return Reference(pronoun=word, objects=PERSON_OBJECTS if word in _PERSONAL else ())
        is_last = at == len(reader) - 1 or (at == len(reader) - 2 and following in ("?", ".", "!"))
        if word == "there" and is_last and at and reader.word(at - 1) not in _NO_PLACE:
            reader.take(at, at + 1)
            return Reference(pronoun="it", objects=("Account",))
        if word in _POINTERS and reader.tokens[at].kind is Kind.WORD:
            named = object_named([following], (), fuzzy=False) if following.isalpha() else None
            if named or following in _AFTER_POINTER:
                reader.take(at, at + 1 + bool(named or following in ("one", "record")))
                return Reference(pronoun=word, objects=(named,) if named else ())
    return None


def read_names(reader: Reader) -> list[tuple[str, Reference]]:
    """The remaining names with the preposition before each, in the order said."""
    names = []
    for start, end in reader.leftovers():
        before = start - 1
        while reader.word(before) in (
            "the",
            "a",
            "an",
            "our",
            "account",
            "company",
            "customer",
            "contact",
            "client",
            "deal",
            "is",
        ):
            before -= 1
        names.append(
            (reader.word(before), Reference(text=reader.rest(start, end), objects=hinted(reader.rest(start, end))))
        )
        reader.take(start, end)
    return names


def hinted(name: str) -> tuple[str, ...]:
    """The objects that words inside the name speak for: 'Acme renewal' is an opportunity."""
    found = {HINT_WORDS[word] for word in name.lower().split() if word in HINT_WORDS}
    return tuple(sorted(found)) if len(found) == 1 else ()
