"""Which agents a request is meant for by the tools they list, read off the tools' own names and descriptions."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from agents._agent import DomainAgent
from agents._offline.asking import Asked
from agents._offline.choosing import Chooser
from agents._offline.clauses import strip_polite
from agents._offline.deciding import GRAMMAR
from agents._offline.measuring import asks_for_figures
from agents._offline.schemas import Spec, read_spec
from agents._offline.stems import is_telling
from agents._offline.words import Token, clean, tokenize
from tools._declare import Tool
from trust.actions import Effect

_MOST_TOKENS = 120
_FITS, _NAMED = 0.5, 0.6
_WEIGHT = 3.0
"""What a tool that fits entirely counts, in words of an agent's field."""
_LONG = 4
"""Words of a way to ask that tell by themselves what is meant, whatever else is said."""
_PAUSES = frozenset((",", ";", ".", "?", "!"))
_ASKED = 5.0
"""What a way to ask counts that a tool declares word for word."""


def score_by_tools(text: str, roster: Mapping[str, DomainAgent], *, for_customer: bool) -> dict[str, float]:
    """Agent -> how well the tool that fits best fits, for the agents that list it; empty if none fits well.

    Tools that every agent lists, or that work on any record, say nothing about who is meant.
    """
    shared = frozenset[str].intersection(*(agent.tool_names for agent in roster.values()))
    telling = {
        tool.name: tool
        for agent in roster.values()
        for tool in agent.tools
        if tool.name not in shared | GRAMMAR and (tool.for_customers or not for_customer)
    }
    chooser = _chooser_of(tuple(telling.values()))
    bare = strip_polite(clean(text)).rstrip(" ?!.")
    tokens = tokenize(bare)[:_MOST_TOKENS]
    if agents := _agents_asked(chooser.asked(bare, tokens), tokens, roster):
        return agents
    ranked = chooser.rank(chooser.hear(tokens, asks=text.rstrip().endswith("?")))
    best = next(iter(ranked), None)
    if best is None or best.score < _FITS or best.named < _NAMED:
        return {}
    return {name: _WEIGHT * best.score for name, agent in roster.items() if best.spec.name in agent.tool_names}


def _agents_asked(
    found: Sequence[Asked], tokens: Sequence[Token], roster: Mapping[str, DomainAgent]
) -> dict[str, float]:
    """The agents with a tool that the text asks for in one of the tool's own ways, and asks nothing besides."""
    whole = [one for one in found if one.way.length >= _LONG or not _left(one, tokens)]
    most = max((one.way.size for one in whole), default=0)
    names = {one.spec.name for one in whole if one.way.size == most}
    return {name: _ASKED for name, agent in roster.items() if names & agent.tool_names}


def _left(asked: Asked, tokens: Sequence[Token]) -> list[Token]:
    """The telling words that are no part of the way to ask."""
    said = asked.heard | asked.seen
    last = max(said, default=0)
    end = next((at for at, token in enumerate(tokens) if at > last and token.low in _PAUSES), len(tokens))
    return [token for at, token in enumerate(tokens[:end]) if at not in said and is_telling(token)]


def agents_that_measure(text: str, roster: Mapping[str, DomainAgent]) -> list[str]:
    """The agents with a tool that gives the figures a text asks for; empty if it asks for none for certain."""
    asked: dict[str, bool] = {}
    return [name for name, agent in roster.items() if any(_measures(tool, text, asked) for tool in agent.tools)]


def _measures(tool: Tool, text: str, asked: dict[str, bool]) -> bool:
    if tool.effect is not Effect.READ:
        return False
    if tool.name not in asked:
        asked[tool.name] = asks_for_figures(text, _specs_of(tool))
    return asked[tool.name]


@lru_cache(maxsize=256)
def _specs_of(tool: Tool) -> tuple[Spec, ...]:
    return (read_spec(tool.schema["function"]),)


@lru_cache(maxsize=16)
def _chooser_of(tools: tuple[Tool, ...]) -> Chooser:
    return Chooser([read_spec(tool.schema["function"]) for tool in tools])
