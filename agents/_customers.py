"""What a verified customer's words ask for that is not theirs to know, to be told why instead of finding nothing.

This words a refusal; it keeps nothing. What a customer may see is decided below the tools, whatever they say.
"""

import re
from collections.abc import Sequence
from typing import Final

_RESERVED: Final = (
    (
        "what belongs to other customers",
        re.compile(
            r"\b(?:(?:other|another|all|every|any) (?:your )?"
            r"(?:customers?|clients?|contacts?|companies|company|accounts?)"
            r"|(?:someone|somebody|anyone|anybody) else['’]?s?)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "how we work inside",
        re.compile(
            r"\b(?:handl(?:e|ing) times?|transfer counts?|workloads?|quotas?|commissions?|pipeline|forecasts?"
            r"|territor(?:y|ies)|leads"
            r"|lead (?:qualification|routing|scoring)|opportunit(?:y|ies)|deals|(?:conversion|win) rates?|sales cycles?"
            r"|(?:which|what|best|worst|your|every|each|per) (?:support |service |sales )?(?:agents?|reps?|employees?)"
            r"|performance of (?:your|the) (?:agents?|staff|team|reps?))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "what the company keeps to itself",
        re.compile(
            r"\b(?:confidential|trade secrets?|(?:profit |price |sales )?margins?|cost prices?|discount authority"
            r"|internal(?:ly)? (?:polic(?:y|ies)|guidelines?|guidance|documents?|notes?|comments?|articles?|rules?"
            r"|process(?:es)?|knowledge|information|data|pricing)"
            r"|pricing (?:strategy|rules|policy)|negotiation (?:strategy|limits?)|escalation (?:policy|rules?|process)"
            r"|discounts?\b.{0,60}\b(?:managers?|reps?|representatives?|staff|agents?)|(?:give|grant)\b.{0,60}\bdiscount)\b",
            re.IGNORECASE,
        ),
    ),
)
_RECORDS = frozenset(
    """case cases ticket tickets issue issues order orders customer customers client clients account accounts contact
    contacts deal deals contract contracts campaign campaigns quote quotes agent agents""".split()
)
_OWN = frozenset("i me my mine we us our ours".split())


def find_reserved(text: str, words: Sequence[str], *, counts_many: bool) -> str | None:
    """What the words are about that is for staff only; None if a customer may be answered.

    `counts_many`: whether the words ask for a figure over records. One over the customer's own is theirs to ask.
    """
    found = next((about for about, pattern in _RESERVED if pattern.search(text[:4000])), None)
    if found is None and counts_many and _RECORDS & set(words) and not _OWN & set(words):
        return "figures over everybody's records"
    return found
