"""Whether an answer declines, and why: read from what the service did and from the words of the answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evals.quality.matching import plain

REASONS: dict[str, re.Pattern[str]] = {
    "other_customers": re.compile(
        r"(?:other|another|different|else'?s?) ?(?:customer|compan|account|contact|people|person|case|order)?"
        r"|\byour own\b|not yours|\byours\b|\bprivate\b|privacy|personal data"
    ),
    "internal_operations": re.compile(
        r"\binternal|\bstaff\b|employee|our (?:team|agents|people)|how we work|operation|performance"
    ),
    "confidential_knowledge": re.compile(r"\binternal|confidential|not (?:public|published)|\bstaff\b|employee"),
    "not_permitted": re.compile(
        r"permi|not allowed|not entitled|\brights?\b|access|denied|may not|needs? scope|not available to|only staff"
    ),
    "off_topic": re.compile(r"outside (?:what|my)|nothing to do with|records of your crm|cannot help with that"),
    "policy": re.compile(
        r"polic|guideline|limit|authorit|appetite|not eligible|ineligible|exclud|approv|deal desk|at most|up to"
        r"|more than|above|maximum|never"
    ),
    "not_found": re.compile(r"\b(?:no|not|nothing|none|cannot find|couldn't find)\b"),
    "opted_out": re.compile(r"opted out|opt-out|opt out|suppress|does not (?:want|wish)|consent|unsubscri"),
}
"""Reason class -> words by which an answer gives that reason."""

_DECLINES = re.compile(
    r"\b(?:i|we) (?:cannot|can't|can not|could not|couldn't|am not able|am unable|are not able|may not|won't|will not"
    r"|am not allowed|do not have (?:access|permission)|don't have (?:access|permission))\b"
    r"|\b(?:is|are|was) (?:not|n't) (?:allowed|permitted|authori[sz]ed|available to|something i|for customers)"
    r"|\b(?:isn't|aren't) (?:allowed|permitted|available to|something i|for customers)"
    r"|\boutside (?:what|of what|my)|\b(?:you|customers) (?:may|can) not\b|\b(?:you|customers) cannot\b"
    r"|\b(?:is|are) (?:confidential|internal|not public|reserved for|only for)\b"
    r"|\bonly for (?:staff|employees)\b|\bstaff only\b"
    r"|\bno permission\b|\bnot permitted\b|\bneeds? (?:the )?(?:permission|scope)\b|\bdeclin(?:e|ed)\b"
)
_NOT_FOUND = re.compile(
    r"\b(?:found|find|see|shows?|have|is|are|there's|there is|there are|know of) (?:no|nothing|none)\b"
    r"|\bno (?:match|record|case|account|order|contact|article|opportunit|lead|such)\w*"
    r"|\bnot (?:found|find|there)\b|\bnothing (?:found|fits)\b|\bcould not be found\b|\bcannot find\b"
)
_NOT_UNDERSTOOD = re.compile(r"\b(?:not|n't) (?:understood|understand|sure what|clear)\b|\bplease rephrase\b")


@dataclass(frozen=True)
class Declined:
    """`is_refusal`: said no. `is_not_found`: said that there is nothing, which is all that a hidden record lets it."""

    is_refusal: bool
    is_not_found: bool
    reasons: frozenset[str]


def read_refusal(answer: str, *, route: str, errors: Sequence[str], quoted: Sequence[str] = ()) -> Declined:
    """`errors` are the kinds of failure that tools answered with; sentences that stand in `quoted` are not its own."""
    own = " ".join(_own_sentences(answer, quoted))
    is_off_topic = route == "off_topic"
    is_turned_away = is_off_topic or route == "restricted"
    is_denied = "denied" in errors and not _NOT_UNDERSTOOD.search(own)
    is_refusal = is_turned_away or is_denied or _DECLINES.search(own) is not None
    is_not_found = _NOT_FOUND.search(own) is not None
    reasons = {name for name, words in REASONS.items() if words.search(own)}
    if is_off_topic:
        reasons.add("off_topic")
    return Declined(is_refusal, is_not_found, frozenset(reasons))


def _own_sentences(answer: str, quoted: Sequence[str]) -> list[str]:
    shown = plain(answer)
    sentences = re.split(r"(?<=[.!?;])\s+|\n+", shown)
    others = [plain(one) for one in quoted]
    return [one for one in sentences if len(one) < 20 or not any(one.strip(" \"'“”") in text for text in others)]
