"""In whose name assistants outside call tools: models that are not the service's, on behalf of a person who signed in.

What such a model has read is not known, so whatever it writes counts as an outsider's. That rules out everything that
leaves the house, since where it goes may not be named from outside: tools that send are not offered. Nor are the tools
for handles, which an assistant outside has none of.
"""

from functools import cache
from typing import Final

from agents._agent import DomainAgent
from tools._catalogue import load_catalogue
from tools.outside_text import extract_values, read_text
from trust.actions import Effect

OUTSIDE_NAME: Final = "mcp"
_FOR_HANDLES = (read_text, extract_values)


@cache
def outside_agent() -> DomainAgent:
    """The agent with every tool of the catalogue that makes sense from outside."""
    return DomainAgent(
        name=OUTSIDE_NAME,
        label="Assistants outside",
        handles=(),
        home_object=None,
        instructions="",
        tools=tuple(
            tool for tool in load_catalogue().values() if tool.effect is not Effect.SEND and tool not in _FOR_HANDLES
        ),
        is_outside=True,
    )
