"""Who answers: decided by words first, by a model only where words say nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agents._agent import DomainAgent
from crm.access import Access

RouteKind = Literal["agent", "clarify", "off_topic", "escalate"]

_WORDS = re.compile(r"[\w'’&.-]+")
_ESCALATE = re.compile(
    r"\b(?:talk|speak|chat|connect(?: me)?|transfer(?: me)?|hand(?: me)?(?: over)?|escalate(?: this)?|put me through)"
    r"\s+(?:to|with)\s+(?:a|an|the|my|some|your)?\s*"
    r"(?:real |live |actual |human )?"
    r"(?:human|person|people|agent|representative|rep|manager|supervisor|someone|somebody|colleague)\b"
    r"|\b(?:i )?(?:want|need|get me) (?:a|an) (?:real |live |actual )?(?:human|person)\b",
    re.IGNORECASE,
)
_LOOKS = frozenset(
    """show find list get open display give tell who what which where when summarise summarize look search pull see
    check update change set move mark edit create add make write draft log note remind assign close reopen
    count""".split()
)
_REFERS = frozenset(
    "it its he his him she her they their them this that these those one ones first second third last".split()
)
_SMALL = frozenset(
    "a an the of to for and or but is are was be do does did can could please me my i you your we us so".split()
)
_RECORD_LIKE = re.compile(r"\b(?:[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?|\d{4,8})\b")


@dataclass(frozen=True)
class Route:
    """Where a turn goes, and why in words that a person may be shown."""

    kind: RouteKind
    agent: str | None
    reason: str


def route_by_words(
    text: str, roster: Mapping[str, DomainAgent], access: Access, *, previous: str | None
) -> Route | None:
    """The route if the words decide it; None if they say nothing and a model should be asked."""
    if _ESCALATE.search(text[:2000]):
        return Route("escalate", None, "asked for a person")
    words = [word.strip(".'’-").lower() for word in _WORDS.findall(text[:4000])]
    scores = {name: score for name, agent in roster.items() if (score := _score(words, agent))}
    if scores:
        return _best(scores, roster, access, previous)
    if previous in roster and (_is_follow_up(words) or _looks_like_request(text, words)):
        return Route("agent", previous, "continues the conversation")
    if _looks_like_request(text, words):
        return Route("agent", home_agent(roster, access), "names a record")
    if len([word for word in words if word not in _SMALL]) < 2:
        return Route("clarify", None, "too little to go by")
    return None


def home_agent(roster: Mapping[str, DomainAgent], access: Access) -> str:
    """Where a caller's requests go when their words point nowhere: by what they work with."""
    if access.caller.contact_id is not None and "service" in roster:
        return "service"
    for preferred in ("sales", "service", *roster):
        agent = roster.get(preferred)
        if agent and agent.home_object and access.may("edit", agent.home_object):
            return agent.name
    return "sales" if "sales" in roster else next(iter(roster))


def _score(words: Sequence[str], agent: DomainAgent) -> float:
    """Longer phrases say more than single words; saying a word twice says no more than once."""
    joined = f" {' '.join(words)} "
    return sum(1 + 0.75 * phrase.count(" ") for phrase in agent.handles if f" {phrase} " in joined)


def _best(
    scores: Mapping[str, float], roster: Mapping[str, DomainAgent], access: Access, previous: str | None
) -> Route:
    """The highest score; among equals the agent of the conversation, then the caller's own, then by name."""
    top = max(scores.values())
    tied = [name for name in scores if scores[name] == top]
    for preferred in (previous, home_agent(roster, access)):
        if preferred in tied:
            return Route("agent", preferred, "by its words")
    return Route("agent", tied[0], "by its words")


def _is_follow_up(words: Sequence[str]) -> bool:
    return len(words) <= 12 and bool(_REFERS & set(words) or words[:1] in (["and"], ["what"], ["how"], ["yes"], ["no"]))


def _looks_like_request(text: str, words: Sequence[str]) -> bool:
    """Something is to be done, and there is a number, an id or a name it may be done to."""
    if not _LOOKS & set(words[:8]):
        return bool(_RECORD_LIKE.search(text[:2000])) and len(words) <= 6
    names = [word for word in _WORDS.findall(text[:2000])[1:] if word[:1].isupper() and word != "I"]
    return bool(names or _RECORD_LIKE.search(text[:2000]))


def choice_tool(roster: Mapping[str, DomainAgent]) -> dict[str, object]:
    """The one tool a model is given when it is asked for the route."""
    handled = "\n".join(f"- {agent.name}: {', '.join(agent.handles)}" for agent in roster.values())
    return {
        "type": "function",
        "function": {
            "name": "choose_agent",
            "description": f"Choose who answers. Do not call this for anything outside a CRM.\n{handled}",
            "parameters": {
                "type": "object",
                "properties": {
                    "agent": {"type": "string", "enum": list(roster), "description": "Who answers."},
                    "reason": {"type": "string", "description": "Why, in a few words."},
                },
                "required": ["agent"],
            },
        },
    }


ROUTER_PROMPT = (
    "You route requests of CRM users to the right specialist. Call choose_agent if one fits. "
    "If the request has nothing to do with CRM records, call nothing."
)
