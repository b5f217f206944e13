"""What a passage says about Budget, Authority, Need or Timeline: by cue words, with the question before it in mind."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from tools._passages import Passage, sentences

Factor = Literal["budget", "authority", "need", "timeline"]
Status = Literal["met", "not_met", "unknown"]
FACTORS: tuple[Factor, ...] = ("budget", "authority", "need", "timeline")


def _cues(listed: str) -> re.Pattern[str]:
    """Beginnings of words, listed with semicolons between them."""
    stems = "|".join(one.strip() for one in listed.split(";"))
    return re.compile(rf"\b(?:{stems})", re.IGNORECASE)


_CLAUSE = re.compile(r"[;,]\s+(?:and|but|yet)\s+|;\s+")
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NOT_HOW_OFTEN = "(?<!\\ba )(?<!per )(?<!each )(?<!every )"
_ABOUT: dict[Factor, re.Pattern[str]] = {
    "budget": _cues("budget; funds?\\b; funded; funding; set aside; afford; fiscal; finance; capex; invest; money"),
    "authority": _cues(
        "decid; decision; signs?\\b; signed; approv; authori; committee; board\\b; head office; final say; procurement;"
        "recommend; my call\\b"
    ),
    "timeline": _cues(
        f"{_NOT_HOW_OFTEN}(?:weeks?|months?|quarters?|years?)\\b; deadline; shutdown; audit on; as soon as; asap;"
        f"urgent; hurry; rush; when do you; by when; by the end; by (?:{_MONTH}|\\d); before (?:the|our); live by"
    ),
    "need": _cues(
        "need; problem; los(?:e|es|ing|t)\\b; gap; fail; broken; by hand; manual; requir; struggl; trust; repair;"
        "pain\\b; complain; too slow; brought you; wrong; looking for; mistake; downtime; nobody knows; run out"
    ),
}
_SPEAKS_AGAINST: dict[Factor, re.Pattern[str]] = {
    "budget": _cues(
        "no (?:\\w+ )?(?:budget|money|funds); not? yet; (?:have|has)n.t; do(?:es)? not; don.t; cannot; can.t; frozen;"
        "would have to ask; too expensive; shared with; without a budget"
    ),
    "authority": _cues(
        "(?:only|just) recommend; i (?:only |just )?collect; made by; committee; not my; not mine; cannot;"
        "(?:director|board|boss|manager|management|head office|purchasing|procurement|owner|ceo|cfo|he|she|they|someone"
        " else|somebody else) (?:\\w+ ){0,3}(?:decid|sign|approv|buy); needs? approval; have to ask"
    ),
    "timeline": _cues(
        "no (?:hurry|rush|deadline|date|plan); not urgent; next year; some ?day; looking around; not before;"
        "do(?:es)? not know; don.t know; undecided; years? from now"
    ),
    "need": _cues("no (?:real |urgent )?(?:need|problem); do(?:es)? not need; don.t need; just looking; happy with"),
}
_SPEAKS_FOR: dict[Factor, re.Pattern[str]] = {
    "budget": _cues("(?:have|has|is|are|got|were|was)\\b; set aside; approved; allocated; \\d[\\d.,]{2,}; plan"),
    "authority": _cues("i (?:\\w+ )?(?:decide|sign|approve|have the|am the); my (?:call|decision); myself; up to me"),
    "timeline": _ABOUT["timeline"],
    "need": _ABOUT["need"],
}
_WHERE_CUES_ARE_EVEN: tuple[Factor, ...] = ("budget", "authority", "timeline", "need")


@dataclass(frozen=True)
class Finding:
    """A passage that says something about a factor, and to which end."""

    factor: Factor
    is_met: bool
    passage: Passage


def find_evidence(passages: Sequence[Passage]) -> list[Finding]:
    """In the order of the passages. A question decides what the next line is about, and is no evidence itself."""
    found: list[Finding] = []
    for _, some in groupby(passages, key=lambda one: one.record_id):
        asked: Factor | None = None
        for passage in some:
            answered, asked = asked, None
            statements = []
            for sentence in sentences(passage.text):
                if sentence.rstrip().endswith("?"):
                    asked = _topic(sentence)
                else:
                    statements += _CLAUSE.split(sentence)
            found += _judge(passage, statements, answered)
    return found


def _judge(passage: Passage, statements: Sequence[str], answered: Factor | None) -> Iterator[Finding]:
    """At most one finding for each factor: what speaks against it outweighs the rest of the passage."""
    ends: dict[Factor, list[bool]] = {}
    for sentence in statements:
        factor = answered or _topic(sentence)
        end = None if factor is None else _end_of(factor, sentence, is_answer=answered is not None)
        if factor is not None and end is not None:
            ends.setdefault(factor, []).append(end)
    for factor, said in ends.items():
        yield Finding(factor, all(said), passage)


def _topic(sentence: str) -> Factor | None:
    """The factor that most cues of a sentence point to; None if none does."""
    hits = {factor: len(cues.findall(sentence)) for factor, cues in _ABOUT.items()}
    best = max(_WHERE_CUES_ARE_EVEN, key=lambda factor: hits[factor])
    return best if hits[best] else None


def _end_of(factor: Factor, sentence: str, *, is_answer: bool) -> bool | None:
    """Whether it speaks for the factor; None if it says nothing. Whoever answers what is wrong has a need."""
    if _SPEAKS_AGAINST[factor].search(sentence):
        return False
    is_need_told = factor == "need" and is_answer
    return True if is_need_told or _SPEAKS_FOR[factor].search(sentence) else None


def status_of(findings: Sequence[Finding]) -> Status:
    """What was said last counts; `findings` are about one factor."""
    if not findings:
        return "unknown"
    newest = max((one.passage.at or "") for one in findings)
    latest = [one for one in findings if (one.passage.at or "") == newest]
    return "met" if latest[-1].is_met else "not_met"
