"""All workflows there are, found by importing the modules of this package; checked once, when the program starts."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import get_args

import graphs.workflows
from agents._agent import DomainAgent
from agents._outside import OUTSIDE_NAME, outside_agent
from agents._roster import load_roster
from graphs.research._agent import RESEARCHER
from graphs.turn import GRAPH_NAME
from graphs.workflows._declare import Workflow, WorkflowError
from tools._catalogue import load_catalogue
from tools.workflows import WorkflowName


@cache
def load_workflows() -> dict[str, Workflow]:
    """Name -> workflow, sorted by name. Raises: WorkflowError."""
    found: dict[str, Workflow] = {}
    for module in pkgutil.iter_modules(graphs.workflows.__path__):
        if module.name.startswith("_"):
            continue
        for value in vars(importlib.import_module(f"graphs.workflows.{module.name}")).values():
            if isinstance(value, Workflow):
                _check(value, found)
                found[value.name] = value
    if set(get_args(WorkflowName)) != set(found):
        raise WorkflowError("tools/workflows.py has to name exactly the workflows that there are")
    return dict(sorted(found.items()))


def _check(workflow: Workflow, found: dict[str, Workflow]) -> None:
    if (
        workflow.name in found
        or workflow.name in load_roster()
        or workflow.name in (GRAPH_NAME, RESEARCHER.name, OUTSIDE_NAME)
    ):
        raise WorkflowError(f"there are two of the name {workflow.name!r}")
    for tool in workflow.tools:
        if load_catalogue().get(tool.name) is not tool:
            raise WorkflowError(f"workflow {workflow.name!r} has the tool {tool.name!r}, which is not in the catalogue")
    workflow.check()


def with_all_agents(roster: Mapping[str, DomainAgent]) -> dict[str, DomainAgent]:
    """All in whose name calls are made: the domain agents of the roster, the researcher, the workflows, and assistants
    outside."""
    return {
        **roster,
        RESEARCHER.name: RESEARCHER,
        OUTSIDE_NAME: outside_agent(),
        **{name: workflow.agent for name, workflow in load_workflows().items()},
    }
