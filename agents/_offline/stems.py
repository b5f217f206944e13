"""Words brought to one form, so that 'routing', 'route' and 'routed', or 'ticket' and 'case', count as the same."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import snowballstemmer

from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.words import Token, say_name, singular, tokenize

_STEMMER = snowballstemmer.stemmer("english")

_ALIKE = """
summary summarise summarize overview recap rundown digest sum
similar alike comparable resemble resembling like
prepare prep preparation ready
price pricing cost charge pay
draft write compose word
quote quotation offer proposal
reply respond response answer
create make add new generate produce build set need
cancel revoke void
close finish complete
solve resolve resolution solution fix
escalate raise
route assign reassign dispatch allocate
classify categorise categorize category triage
qualify qualification qualified bant
convert conversion converted turn
explore examine analyse analyze inspect study
transcript recording conversation
forecast projection outlook predict prediction
advice recommend recommendation suggest suggestion propose
plan roadmap
committee stakeholders
risk danger warning
review check audit verify inspect
policy rule guideline compliance comply
publish release
refine revise rework improve
segment audience cohort
variant alternative version
audience recipients
page site
chart graph plot diagram visualise visualize
trend development
compute calculate work
explain explanation describe
fast quick speed
slow long
cheap low
delete remove
schedule book arrange
send deliver
meeting appointment
todo task reminder
ship shipment shipping delivery deliver
refund reimburse reimbursement
notify alert alarm warn
insight finding observation
average mean avg
number count many
percent percentage rate ratio share fraction proportion
sale sell sold
win won
lose lost
duration time
region area territory
year yearly annual
day daily
expire expiry expiration lapse
renew renewal
""".strip().splitlines()
"""Words that ask for the same thing, one group a line; the first stands for all."""

STAND_INS: Mapping[str, str] = {
    "ticket": "case", "complaint": "case", "incident": "case", "deal": "opportunity", "opp": "opportunity",
    "oppty": "opportunity", "prospect": "lead", "company": "account", "firm": "account", "organisation": "account",
    "organization": "account", "rep": "agent", "colleague": "agent", "people": "person", "mail": "email",
    "e-mail": "email", "emails": "email", "doc": "document", "docs": "document", "documentation": "document",
    "fastest": "fast", "quickest": "fast", "slowest": "slow", "longest": "long", "shortest": "short",
    "faq": "article", "kb": "article", "info": "information",
}  # fmt: skip
"""Other words for a kind of record or of person, where each means the other in most sentences of the trade."""

EMPTY = frozenset(
    """a an the my your our his her its their me us you i we it this that these those he she they them of in on at to
    for from with by and or but not no is are was were be been am do does did has have had can could would should
    will shall may might must please thanks want need let get give show tell see look us there here what which who
    whom whose when where how why all any some each every more less than then so if about into out up down just
    also too now again one ones thing things kind kinds as per via use used using only already yet still very much
    such own far quick quickly find expect expected before around after over it's who's what's please kindly okay ok hi
    two three four five six seven eight nine ten dozen else
    hello hey yes got go going come comes put take took""".split()
)
"""Words that say nothing about which tool is meant."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The canonical form of a lower-case word."""
    known = STAND_INS.get(singular(word)) or STAND_INS.get(word) or word
    root = str(_STEMMER.stemWord(known))
    return _GROUPS.get(root, root)


def _group_roots() -> dict[str, str]:
    roots: dict[str, str] = {}
    for line in _ALIKE:
        words = [str(_STEMMER.stemWord(word)) for word in line.split()]
        for word in words:
            roots.setdefault(word, words[0])
    return roots


_GROUPS: dict[str, str] = {}
_GROUPS.update(_group_roots())


def stems_of(text: str) -> list[str]:
    """The canonical content words of a text, in order, repeats included."""
    return [stem(token.low) for token in tokenize(text) if is_telling(token)]


def choice_stems(text: str) -> frozenset[str]:
    """The canonical words of one wording of a choice, 'this' and 'all' included.

    Empty if there is no other, or if the words that tell nothing outweigh the rest: 'where leads come from'.
    """
    words = [token.low for token in tokenize(text) if token.low[0].isalpha()]
    telling = {stem(word) for word in words if word not in EMPTY and len(word) > 1}
    weighed = [word for word in words if word not in _JOINING]
    if not telling or 2 * len([word for word in weighed if word not in EMPTY]) < len(weighed):
        return frozenset()
    return frozenset(telling | {word for word in words if word in ("this", "all")})


_JOINING = frozenset("a an the of per by each in to for as on with and at is was were are this all".split())


def is_telling(token: Token) -> bool:
    return token.low not in EMPTY and token.low[0].isalpha() and len(token.low) > 1


def name_stems(name: str) -> list[str]:
    """'prepare_meeting' -> its canonical words, without those that every tool's name has."""
    return [stem(word) for word in name.lower().split("_") if word and word not in _PLAIN]


_PLAIN = frozenset(("get", "find", "show", "list", "my", "from", "to", "of", "for", "the", "and", "in", "on", "with",
                    "id", "ids", "a", "record", "records", "is", "by", "as", "lookup", "fetch", "search"))  # fmt: skip


def objects_in(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Kinds of record that a text names, in order: 'The account, contact or lead.'"""
    own = {say_name(name): name for name in known}
    tokens = [token.low for token in tokenize(text)]
    found: list[str] = []
    at = 0
    while at < len(tokens):
        size = next((n for n in (3, 2, 1) if _object(tokens[at : at + n], own)), 0)
        if size:
            found.append(_object(tokens[at : at + size], own) or "")
        at += size or 1
    return tuple(dict.fromkeys(found))


def _object(words: Sequence[str], own: Mapping[str, str]) -> str | None:
    if not words:
        return None
    phrase = " ".join([*words[:-1], singular(words[-1])])
    return OBJECT_WORDS.get(phrase) or own.get(phrase)
