"""Who answers: by the words of each agent's field and tools first, by a model only where words say nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import OSA

from agents._agent import DomainAgent
from agents._customers import find_reserved
from agents._offline.intents import asks_for_rules
from agents._offline.told import put_in
from agents._tool_words import agents_that_measure, score_by_tools
from crm.access import Access
from crm.schema import OBJECT_INFO
from tools._declare import Tool
from trust.actions import Effect

RouteKind = Literal["agent", "clarify", "off_topic", "restricted", "escalate"]

_WORDS = re.compile(r"[\w'’&.-]+")
_CONTRACTED = re.compile(r"\b(what|who|where|when|how|that|there|here)['’]?s\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(phone|telephone|mobile|case|ticket|order|contact) number of\b", re.IGNORECASE)
"""A number that is a name of something and counts nothing."""
_HUMAN = (
    r"(?:human(?: being)?|person|people|agent|representative|rep|manager|supervisor|someone|somebody|colleague"
    r"|operator|employee|staff member|support team|your team)"
)
_ESCALATE = re.compile(
    r"\b(?:talk|speak|chat|deal|connect(?: me)?|transfer(?: me)?|hand(?: me)?(?: over)?|escalate(?: this)?"
    r"|put me through)"
    r"\s+(?:to|with)\s+(?:a|an|the|my|some|your)?\s*(?:real |live |actual |human )?" + _HUMAN + r"\b"
    r"|\b(?:i )?(?:want|need|get me|give me|call me) (?:a|an) (?:real |live |actual |human )?"
    r"(?:human|person|agent|representative|operator)\b"
    r"|\b(?:can|could|may) (?:a|an|some) (?:real |live |actual )?(?:human|person|colleague)"
    r" (?:help|call|look|take over)"
    r"|^\W*(?:a |an )?(?:real |live )?(?:human|person|agent|representative|operator)(?: please)?\W*$",
    re.IGNORECASE,
)
_WORK = frozenset(
    """update change set move mark edit create add make write draft send log note remind assign close reopen escalate
    comment post rename reassign record push advance put schedule hand transfer raise lower""".split()
)
"""What changes something; not every agent can."""
_SHOWN_AS = frozenset("chart graph line bar bars pie table".split())
"""How something is to be shown, which changes nothing: make it a line."""
_PARTS_OF_NAME = re.compile(r"[A-Z][a-z]+")
_LOOKS = _WORK | frozenset(
    """show find list get open display give tell who what which when where whose summarise summarize look search pull
    see check count brief view fetch any activity latest news catch happened happening going called spoke talked met
    status details history timeline""".split()
)
_FINDS = frozenset("show find get open display pull view fetch search look see who summarise summarize".split())
_REFERS = frozenset(
    "it its he his him she her they them their this that these those one ones first second third last".split()
)
_SMALL = frozenset(
    """a an the of to for and or but is are was be do does did can could please me my i you your we us so hi
    hello hey""".split()
)
_ELSEWHERE = frozenset(
    """weather joke jokes poem poems song songs lyrics recipe recipes horoscope football soccer
    basketball movie movies film films celebrity bitcoin lottery homework essay
    riddle haiku novel astrology restaurant restaurants pasta pizza""".split()
)
"""What people ask chatbots for, and no CRM holds."""
_ASKS_HOW = re.compile(
    r"^\W*(?:please )?(?:how (?:much|many) \w+ (?:can|may|should|must) (?:i|we|you)"
    r"|how (?:do|does|can|to|often|long|should|must)|why (?:do|does|is|are|did)"
    r"|is it (?:possible|ok)|(?:can|may|must|should) (?:customers?|i|we|one)"
    r"|what (?:should|must|do) (?:i|we)|do(?:es)? (?:the|we|our))\b",
    re.IGNORECASE,
)
_FIGURES = re.compile(r"^\W*(?:how (?:much|many)|what is the (?:sum|total|average))\b", re.IGNORECASE)
_OVER_MANY = re.compile(
    r"^\W*(?:how many\b(?! (?:days|hours|weeks|employees))|how much is in\b|what is the (?:sum|total|average|mean)\b"
    r"|what (?:share|percentage|proportion) of\b|which \w+ do most of\b|(?:split|break|group)\b.+\b(?:by|per)\b)",
    re.IGNORECASE,
)
"""Begins a question for a figure over many records, whatever they are."""
_STATES = frozenset(
    value.lower() for info in OBJECT_INFO.values() for field in info.fields.values() for value in field.values
) - frozenset(
    "new closed high low normal medium draft event web website other email phone task call event open".split()
)
"""Values of picklists that are spoken of nowhere else."""
_ATTRIBUTES = frozenset(
    """phone website industry revenue turnover employees headcount owner amount probability discount subject
    rating""".split()
)
_OURS = frozenset("we our us".split())
_RECORD_LIKE = re.compile(r"\b(?:[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?|\d{4,8})\b")
_FULL_NAME = re.compile(r"(?<=[\w,] )[A-Z][\w&-]+ (?:[A-Z&][\w&-]*|\d+)")
_FIGURE = 2.5
_MEASURED = 5.0
"""What a question for figures that a tool measures counts, in words of an agent's field."""
_SHORT = 15
"""Words of a message that may be the answer to a question of the copilot, or a follow-up."""


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
    plain = put_in(_NUMBERED.sub(r"\1 of", _CONTRACTED.sub(r"\1 is", text[:4000])))
    words = [word.strip(".'’-").lower() for word in _WORDS.findall(plain)]
    if _ESCALATE.search(text[:2000]) and not _WORK & set(words[:1]):
        return Route("escalate", None, "asked for a person")
    scores = {name: score for name, agent in roster.items() if (score := _score(words, agent))}
    if _ELSEWHERE & set(_WORDS.findall(text[:4000])) and max(scores.values(), default=0) < 2:
        return Route("off_topic", None, "nothing to do with the CRM")
    for name, score in score_by_tools(plain, roster, for_customer=access.caller.contact_id is not None).items():
        scores[name] = scores.get(name, 0) + score
    if not scores:
        scores = {name: score for name, agent in roster.items() if (score := _score_misspelt(words, agent))}
    is_rule = asks_for_rules(plain)
    measuring = agents_that_measure(plain, roster)
    for name in measuring:
        scores[name] = scores.get(name, 0) + _MEASURED
    if not measuring and is_rule:
        scores.pop("analytics", None)
    elif "analytics" in roster and _OVER_MANY.match(plain[:200]):
        scores["analytics"] = scores.get("analytics", 0) + _FIGURE
    if access.caller.contact_id is not None:
        reserved = find_reserved(plain, words, counts_many="analytics" in scores)
        if reserved is not None:
            return Route("restricted", None, reserved)
        if scores or _REFERS & set(words):
            return Route("agent", home_agent(roster, access), "a customer's own affairs")
    if measuring:
        return _best(scores, roster, access, previous)
    if scores:
        return _able(_best(scores, roster, access, previous), roster, access, words)
    if _looks_like_request(text, words) or (previous in roster and (_is_follow_up(words) or len(words) <= _SHORT)):
        if previous in roster:
            return _able(Route("agent", previous, "continues the conversation"), roster, access, words)
        return Route("agent", home_agent(roster, access), "names a record")
    if (_ASKS_HOW.match(text[:200]) or is_rule) and "service" in roster:
        return Route("agent", "service", "a question that articles may answer")
    if (_STATES | _ATTRIBUTES) & set(words):
        figures = _FIGURES.match(text[:200]) and "analytics" in roster
        return Route("agent", "analytics" if figures else home_agent(roster, access), "speaks of a state of records")
    if _OURS & set(words) or access.caller.contact_id is not None:
        return Route("agent", home_agent(roster, access), "speaks of the company")
    if len([word for word in words if word not in _SMALL]) < 2:
        return Route("clarify", None, "too little to go by")
    return None


def _able(route: Route, roster: Mapping[str, DomainAgent], access: Access, words: Sequence[str]) -> Route:
    """The same route, or the caller's own agent if something is to be changed that the chosen agent cannot change."""
    agent = roster[route.agent or ""]
    begins = [word for word in words if word not in _SMALL][:1]
    if _WORK & set(begins) and not _SHOWN_AS & set(words) and not any(_may_change(tool, words) for tool in agent.tools):
        return Route("agent", home_agent(roster, access), "something is to be changed")
    return route


def _may_change(tool: Tool, words: Sequence[str]) -> bool:
    """Whether the tool changes records of any kind, or of a kind that the words name."""
    if tool.effect is Effect.READ:
        return False
    kinds = {name for _, name in tool.changes}
    named = {part.lower() for name in kinds for part in _PARTS_OF_NAME.findall(name.removesuffix("__c"))}
    return not kinds or "*" in kinds or bool(named & set(words))


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
    return sum(1 + 1.25 * phrase.count(" ") for phrase in agent.handles if f" {phrase} " in joined)


def _score_misspelt(words: Sequence[str], agent: DomainAgent) -> float:
    """Words that are one slip away from a word of the agent's field; shorter ones are too easily something else."""
    handles = [phrase for phrase in agent.handles if " " not in phrase and len(phrase) >= 4]
    typed = [word for word in words[:200] if len(word) >= 5]
    return sum(0.5 for phrase in handles if any(OSA.distance(word, phrase, score_cutoff=1) <= 1 for word in typed))


def _best(
    scores: Mapping[str, float], roster: Mapping[str, DomainAgent], access: Access, previous: str | None
) -> Route:
    """The highest score; among equals the agent of the conversation, then the caller's own, then by name."""
    top = max(scores.values())
    tied = [name for name in scores if scores[name] == top]
    edits_nothing = not any(a.home_object and access.may("edit", a.home_object) for a in roster.values())
    for preferred in (previous, "analytics" if edits_nothing else None, home_agent(roster, access)):
        if preferred in tied:
            return Route("agent", str(preferred), "by its words")
    return Route("agent", tied[0], "by its words")


def _is_follow_up(words: Sequence[str]) -> bool:
    return len(words) <= 12 and bool(_REFERS & set(words) or words[:1] in (["and"], ["what"], ["how"], ["yes"], ["no"]))


def _looks_like_request(text: str, words: Sequence[str]) -> bool:
    """Something is to be done, and there is a number, an id or a name it may be done to."""
    if not _LOOKS & set(words[:8]):
        if _holds_full_name(text) and len(words) <= _SHORT:
            return True
        return bool(_RECORD_LIKE.search(text[:2000])) and len(words) <= 6
    content = [word for word in words if word not in _SMALL]
    finds = bool(_FINDS & set(content[:2])) and 2 <= len(content) <= 5 and content[0] not in ("what", "which")
    return finds or _names_something(text)


def _holds_full_name(text: str) -> bool:
    """Two words with capitals side by side, not at the beginning: the name of a person or a company."""
    return bool(_FULL_NAME.search(text[:2000]))


def _names_something(text: str) -> bool:
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
