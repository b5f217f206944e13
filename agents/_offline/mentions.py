"""Finds the kinds of record that a clause speaks of."""

from dataclasses import dataclass

from agents._offline.lexicon import object_named
from agents._offline.prompt import Briefing
from agents._offline.reader import Reader
from agents._offline.words import Kind, singular

_RATHER_NOT = frozenset("email issue person proposal business agreement buyer event".split())
"""Single words that name a kind of record only in the plural or with more around them."""
_OF_CUSTOMERS = frozenset("request enquiry inquiry query problem".split())
"""What customers call their cases; to staff these words may mean anything."""
_NO_SLIPS = frozenset(
    "older elder border under carries caser dials leaks loads even events quite orderly ordered".split()
)
"""Words of their own that are one letter away from the name of a kind of record."""
_VALUE_MARKS = frozenset("to as into = : ->".split())
_FIELD_NOUNS = frozenset("owner priority status name number stage amount date type value".split())
_OPENERS = frozenset("move push advance assign transfer reassign put take promote hand give".split())


@dataclass(frozen=True)
class Mention:
    """An object named in a clause, and how."""

    name: str
    start: int
    end: int
    is_plural: bool
    is_possessive: bool


def find_object(reader: Reader, briefing: Briefing) -> Mention | None:
    """The object a clause is about: the first one named, unless it only owns or describes the next."""
    mentions = []
    at = 0
    while at < len(reader):
        mention = mention_at(reader, at, briefing)
        if mention:
            mentions.append(mention)
        at = mention.end if mention else at + 1
    for at, mention in enumerate(mentions):
        following = mentions[at + 1] if at + 1 < len(mentions) else None
        if mention.is_possessive and following:
            continue
        if following and following.start == mention.end:
            reader.take(mention.start, mention.end)
            continue
        return mention
    return None


def mention_at(reader: Reader, at: int, briefing: Briefing) -> Mention | None:
    for size in (3, 2, 1):
        tokens = reader.tokens[at : at + size]
        if (
            len(tokens) < size
            or any(token.kind is not Kind.WORD for token in tokens)
            or not all(reader.is_free(at + i) for i in range(size))
        ):
            continue
        words = ["email" if token.low == "e-mail" else token.low for token in tokens]
        if (size == 1 and words[0] in _RATHER_NOT) or _is_name_part(reader, at, size):
            continue
        is_word = words[0].endswith(("ed", "ing")) or words[0] in _NO_SLIPS | briefing.value_words
        fuzzy = (tokens[0].text.islower() or at == 0) and not is_word
        name = object_named(words, briefing.objects, fuzzy=fuzzy)
        if name is None and briefing.caller and briefing.caller.is_customer and singular(words[-1]) in _OF_CUSTOMERS:
            name = "Case" if size == 1 else None
        if name:
            possessive = reader.word(at + size) in ("'s", "'")
            return Mention(name, at, at + size, singular(words[-1]) != words[-1] or words[-1] == "people", possessive)
    return None


def _is_name_part(reader: Reader, at: int, size: int) -> bool:
    """'Acme Business Account Services': a capitalised word between capitalised words is part of a name."""
    token = reader.tokens[at]
    if not token.is_capital or at == 0:
        return False
    following = reader.tokens[at + size] if at + size < len(reader) else None
    return bool(following and following.is_capital and following.low not in ("is",))


def find_changed(reader: Reader, briefing: Briefing) -> Mention | None:
    """The object that an update is about: named in the singular, not as the value or the field of a change."""
    in_value = False
    for at in range(1, len(reader)):
        word = reader.word(at)
        if word in _VALUE_MARKS:
            in_value = True
        elif word in ("on", "for", "of", "and", ","):
            in_value = False
        mention = mention_at(reader, at, briefing)
        if not mention or mention.is_plural or in_value or _names_field(reader, mention):
            continue
        return mention
    return None


def _names_field(reader: Reader, mention: Mention) -> bool:
    """'the account owner', 'change the account to Globex': the word names a field, not the record."""
    following = reader.word(mention.end)
    if following in _FIELD_NOUNS:
        return following not in ("priority", "status", "stage", "amount", "value") and reader.word(0) not in _OPENERS
    before = reader.word(mention.start - 1)
    return following == "to" and before in ("the", "its", "his", "her") and reader.word(0) not in _OPENERS
