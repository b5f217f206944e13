"""Puts what is told in one sentence into the request of the next, which leaves it out."""

import re
from collections.abc import Sequence

from agents._offline.conditions import is_form_of
from agents._offline.intents import recognise_verb
from agents._offline.lexicon import OBJECT_WORDS, STOPWORDS, field_named
from agents._offline.prompt import Briefing, FieldInfo
from agents._offline.reader import Reader
from agents._offline.references import read_names
from agents._offline.words import Kind, is_written_as_name, singular, tokenize

_SETS = re.compile(r"^(?:set|change|update|move|adjust|put)\b", re.IGNORECASE)
_ACCORDINGLY = re.compile(
    r",? (?:accordingly|to match|to that|to reflect (?:that|this|it)|correspondingly|in line with (?:that|this))\b",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"^(?P<told>.{6,300}?)(?: ?[,;.:]| -)* (?:(?:so|and|please|now|can you|could you|then)[ ,]+)*"
    r"(?:add|put|enter|save|create|register|record) (?P<who>her|him|them) (?:in |up |down )?"
    r"(?:to|as|in|into|under|among)"
    r" (?:(?:a|an|the|our|my|your|new)\b ?)*(?P<kind>[\w-]+)\W*$",
    re.IGNORECASE,
)
_PASSED_ON = re.compile(
    r"^(?:(?:a|the|my|our|another|one) )?(?:customer|client|caller|contact)s?"
    r" (?:asks?|asked|is asking|wants? to know|wonders?)(?: me| us)? (?P<question>.{6,600}?)"
    r"(?:[,;.?-] *(?:so )?(?:what|how) (?:do|should|can|shall|would) (?:i|we)"
    r" (?:tell|answer|say|reply|respond)\b.{0,30})?\W*$",
    re.IGNORECASE,
)
"""'a customer asks how to trim it, what do I tell them?'"""
_JOINED = frozenset("joined joins started starts moved works entered".split())
_HAS = frozenset("has have got hired gets employs appointed welcomed".split())
_OPENS = re.compile(
    r"^(?:open|create|raise|log|file|make|start|add|need)(?: me| us)?(?: (?:a|an|another|new|one))+ (?P<kind>[\w-]+)"
    r"(?: (?:for|about|on|with) (?:it|this|that))?$",
    re.IGNORECASE,
)
_ASKING = frozenset("what which who whom whose when where why how is are was were do does did can could".split())


def put_in(utterance: str) -> str:
    """'Globex has a new buyer, Ann Poe - add her to the contacts' -> 'add Ann Poe as a contact at Globex'."""
    if asked := _PASSED_ON.match(utterance):
        is_of_record = any(token.kind is Kind.NUMBER and len(token.text) > 4 for token in tokenize(utterance))
        return asked["question"] if is_of_record else f"search the knowledge base: {asked['question']}"
    found = _ADDS.match(utterance)
    kind = singular(found["kind"].lower()) if found else ""
    if found is None or kind not in OBJECT_WORDS:
        return utterance
    reader = Reader.of(found["told"])
    names = _names(reader)
    owner = next((text for at, text in names if reader.word(at - 1) in ("at", "of", "from", "for", "with")), "")
    if not owner and len(names) > 1:
        between = {reader.word(at) for at in range(names[0][0], names[1][0])}
        owner = names[1][1] if between & _JOINED else names[0][1] if between & _HAS else ""
    person = next((text for _, text in names if text != owner), "")
    if not person:
        return utterance
    return f"add {person} as a {kind}" + (f" at {owner}" if owner else "")


def _names(reader: Reader) -> list[tuple[int, str]]:
    """Runs of capitalised words with the place of each: in what is told, other words may stand right beside a name."""
    runs: list[tuple[int, int]] = []
    for at, token in enumerate(reader.tokens):
        if not token.is_capital or (not at and token.low in STOPWORDS):
            continue
        if runs and runs[-1][1] == at:
            runs[-1] = (runs[-1][0], at + 1)
        else:
            runs.append((at, at + 1))
    return [(start, reader.rest(start, end)) for start, end in runs]


def join_told(clauses: Sequence[str], briefing: Briefing) -> list[str]:
    """The clauses, each with what the one before it told, where it cannot do without."""
    joined: list[str] = []
    for clause in clauses:
        told = joined[-1] if joined else ""
        if told and (whole := _accordingly(told, clause, briefing) or _opened(told, clause)):
            joined[-1] = whole
        else:
            joined.append(clause)
    return joined


def _accordingly(told: str, clause: str, briefing: Briefing) -> str:
    """'we negotiate the renewal', 'set the stage accordingly' -> 'set the stage of the renewal to Negotiation'."""
    if not _SETS.match(clause) or not _ACCORDINGLY.search(clause):
        return ""
    words = [token.low for token in tokenize(_ACCORDINGLY.sub("", clause))][1:]
    words = words[1:] if words[:1] in (["the"], ["its"], ["their"]) else words
    infos = briefing.objects.values()
    fields = [named for info in infos if (named := field_named(words[:2], info) or field_named(words[:1], info))]
    reader = Reader.of(told)
    value = next((one for field in fields if (one := _value_in(reader, field))), "")
    record = next((one.text for _, one in read_names(reader) if is_written_as_name(one.text)), "it")
    return f"set the {' '.join(words[:1])} of {record} to {value}" if value else ""


def _value_in(reader: Reader, field: FieldInfo) -> str:
    """The allowed value that some form of is said; its words are taken."""
    for value in field.values:
        for at in reader.free():
            if reader.word(at) == value.lower() or is_form_of(reader.word(at), value.lower()):
                reader.take(at, at + 1)
                return value
    return ""


def _opened(told: str, clause: str) -> str:
    """'the pump leaks', 'open a ticket' -> 'open a ticket: the pump leaks'."""
    found = _OPENS.match(clause)
    if found is None or singular(found["kind"].lower()) not in OBJECT_WORDS:
        return ""
    is_statement = recognise_verb(told) is None and told.split(" ", 1)[0].lower() not in _ASKING
    return f"{clause[: found.end('kind')]}: {told}" if is_statement and len(tokenize(told)) > 2 else ""
