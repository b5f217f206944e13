"""Cuts an utterance into the single requests it holds."""

import itertools
import re

from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.words import Kind, Token, clean, singular, tokenize

_POLITE = re.compile(
    r"^(?:please|pls|hey|hi|hello|ok|okay|now|also|then|and|so|well|great|thanks|thank you|perfect|could you|can you"
    r"|would you|will you|can i|may i|could i|can we|i want you to|i want to|i want|i would like you to|i would like to"
    r"|i would like|i need you to|i need to|i need|we need to|we need|let us|go ahead and|just|kindly|quickly"
    r"|help me to|help me|for me|next|finally|after that|afterwards|yes|do you know|can you tell me|could you tell me"
    r"|tell me(?= (?:how many|who|what|which|where)))"
    r"(?:\s*[,!.]\s*|\s+)",
    re.IGNORECASE,
)
STARTERS = frozenset(
    """show list display find get pull fetch create add draft log set move change update mark remind summarise summarize
    count give tell write compose email assign reassign close reopen escalate rename open advance search look make
    schedule raise comment post what who how which when where brief compare record email put delete bring""".split()
)
_PAYLOAD_STARTERS = frozenset(
    "show list create draft log set move summarise summarize remind mark count how add".split()
)
_FREE_TEXT = re.compile(
    r"^(?:remind me|(?:log|record|note|register|track|enter|add|create|post|leave|write|draft|make)\b.{0,60}?"
    r"\b(?:call|comment|note|task|reminder|to-?do|e-?mail|message|reply)\b"
    r"|comment\b|e-?mail\b|draft\b|i (?:just )?(?:called|spoke))",
    re.IGNORECASE,
)
_POSSESSIVES = frozenset("his her its their my".split())


_ASIDE = re.compile(
    r",?\s*\b(?:if possible|if you can|if you could|if you please|when you can|when you get a chance|asap)\b,?",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"[\s,.!?;-]*\b(?:(?:many )?thanks|thank you|thx|cheers|please|pls|plz)"
    r"(?: a lot| so much| very much| in advance| again)?[\s.!]*$",
    re.IGNORECASE,
)


def _without_courtesy(text: str) -> str:
    """Without 'if possible' and a closing 'thanks a lot'; thanks alone stay."""
    bare = _FAREWELL.sub("", _FAREWELL.sub("", _ASIDE.sub("", text)))
    return bare if bare.strip() else text


def strip_polite(text: str) -> str:
    """Without the courtesies in front; a text that is nothing else stays as it is."""
    for _ in range(8):
        found = _POLITE.match(text)
        if not found or not text[found.end() :].strip():
            return text
        text = text[found.end() :].lstrip()
    return text


def split_clauses(utterance: str, starters: frozenset[str] = frozenset()) -> list[str]:
    """The requests of an utterance in order, each without courtesies. Empty if it says nothing.

    `starters`: words by which a request may begin, besides those that it begins with everywhere.
    """
    text = strip_polite(_without_courtesy(clean(utterance)))
    tokens = tokenize(text)
    cuts = [0]
    for at, token in enumerate(tokens):
        if at and _cuts_here(text[tokens[cuts[-1]].start :], tokens, cuts[-1], at, starters):
            cuts.append(at)
        if token.low == ":" and _FREE_TEXT.match(strip_polite(text[tokens[cuts[-1]].start :])):
            break
    edges = [*cuts, len(tokens)]
    parts = [_text(text, tokens[start:end]) for start, end in itertools.pairwise(edges)]
    return [part for part in parts if part]


def _text(text: str, tokens: list[Token]) -> str:
    while tokens and tokens[-1].low in ("and", "then", ",", ";", ".", "also", "?", "!", "&", "plus"):
        tokens = tokens[:-1]
    return strip_polite(text[tokens[0].start : tokens[-1].end]) if tokens else ""


def _cuts_here(clause: str, tokens: list[Token], start: int, at: int, starters: frozenset[str]) -> bool:
    before, word = tokens[at - 1].low, tokens[at]
    joined = before in ("and", "then", "also", ";", "plus") or (before in (".", "?", "!", ",") and at - start > 1)
    if not joined or word.kind is Kind.QUOTE:
        return False
    head = _skip_courtesy(tokens, at)
    if head >= len(tokens):
        return False
    if _FREE_TEXT.match(strip_polite(clause)):
        return tokens[head].low in _PAYLOAD_STARTERS and before != "," and _names_work(tokens, head)
    if before in (".", "?", "!"):
        return True
    if tokens[head].low in STARTERS or tokens[head].low in starters:
        return not _is_object(tokens, head, before)
    return before != "," and word.low in _POSSESSIVES and any(_is_object_word(t) for t in tokens[at + 1 : at + 4])


def _skip_courtesy(tokens: list[Token], at: int) -> int:
    while at < len(tokens) and tokens[at].low in (
        "please",
        "also",
        "then",
        "and",
        "now",
        "finally",
        "can",
        "you",
        "could",
    ):
        at += 1
    return at


def _is_object(tokens: list[Token], at: int, before: str) -> bool:
    """'... and email' or ', close date' continue a list of fields; they start no request."""
    following = tokens[at + 1].low if at + 1 < len(tokens) else ""
    word = tokens[at].low
    if word == "close" and following == "date":
        return True
    return word == "email" and (before == "," or following in ("", ",", ":", "to", "=", "is") or "@" in following)


def _names_work(tokens: list[Token], at: int) -> bool:
    """Whether the words after a starter speak of records, so that they are a request and no part of a text."""
    following = tokens[at + 1 : at + 8]
    return any(
        _is_object_word(token) or token.low in ("comment", "call", "status", "priority", "stage", "amount", "it", "me")
        for token in following
    )


def _is_object_word(token: Token) -> bool:
    return singular(token.low) in OBJECT_WORDS
