"""All domain agents there are, found by importing the modules of this package."""

import importlib
import pkgutil
from functools import cache

import agents
from agents._agent import DomainAgent
from crm.schema import OBJECT_INFO
from tools._catalogue import load_catalogue


class RosterError(Exception):
    """Two agents of one name, or one that lists a tool which is not in the catalogue. The program does not start."""


@cache
def load_roster() -> dict[str, DomainAgent]:
    """Agent name -> agent, sorted by name. Raises: RosterError."""
    found: dict[str, DomainAgent] = {}
    for module in pkgutil.iter_modules(agents.__path__):
        if module.name.startswith("_"):
            continue
        for value in vars(importlib.import_module(f"agents.{module.name}")).values():
            if isinstance(value, DomainAgent):
                _check(value, found)
                found[value.name] = value
    return dict(sorted(found.items()))


def _check(agent: DomainAgent, found: dict[str, DomainAgent]) -> None:
    if agent.name in found:
        raise RosterError(f"there are two agents named {agent.name!r}")
    catalogue = load_catalogue()
    for tool in agent.tools:
        if catalogue.get(tool.name) is not tool:
            raise RosterError(f"agent {agent.name!r} lists {tool.name!r}, which is not in the catalogue")
    if agent.home_object is not None and agent.home_object not in OBJECT_INFO:
        raise RosterError(f"agent {agent.name!r} is at home with {agent.home_object!r}, which is no object")
