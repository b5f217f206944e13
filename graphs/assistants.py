"""The graphs that runs go by, under the names that callers know them by."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import BaseModel

from agents._outside import OUTSIDE_NAME
from graphs._calls import CallDesk
from graphs._voice import Voice
from graphs.outside_call import OutsideGiven, build_outside_call
from graphs.research._agent import RESEARCHER, ResearchGiven
from graphs.research._graph import build_research
from graphs.turn import GRAPH_NAME, STEP_LIMIT, build_turn
from graphs.versions import GraphVersion, OrphanedRunError, Versions
from graphs.workflows._book import load_workflows
from graphs.workflows._declare import Branch, Step, Workflow
from graphs.workflows._engine import build_workflow

WORKFLOW_STEPS = 400
_NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True)
class StepInfo:
    """What a node of a graph does, for people."""

    title: str
    tool: str | None = None
    """None: it calls nothing."""
    is_checkpoint: bool = False
    """Whether people are waited for before it is done."""


@dataclass(frozen=True)
class Assistant:
    """A graph that runs can be of.

    What its state has to have: `turn` with the `run_id` of the context from the first node on, by which a run that
    begins again sees that it had begun; what is held in `request`; and, unless it takes messages, its input in `given`.
    """

    name: str
    description: str
    versions: tuple[GraphVersion, ...]
    """Oldest first; the last one is that of new runs."""
    input: type[BaseModel] | None = None
    """What a run is started with, once per thread; None: the messages of a conversation."""
    for_customers: bool = False
    step_limit: int = STEP_LIMIT
    """How many steps of the graph a run may take."""
    is_offered: bool = True
    """Whether callers may start it by its name; otherwise only the service does."""
    kind: Literal["conversation", "research", "workflow"] = "conversation"
    title: str = ""
    """Its name for people."""
    steps: Mapping[str, StepInfo] = field(default_factory=dict)
    """Of a workflow, by node: its steps and choices, in their order."""

    @property
    def assistant_id(self) -> str:
        """The id that clients of the protocol expect for the default assistant of a graph of this name."""
        return assistant_id(self.name)


TURN: Final = Assistant(
    name=GRAPH_NAME,
    description="CRM copilot: sales, service, marketing, analytics and developer agents.",
    versions=(GraphVersion(1, "e0db1305a8ebf740fb348b98d1a1c0c7e756fd3aae1568bc5252eff73d2ed5c1", build_turn),),
    for_customers=True,
    title="Copilot",
)


def _assistant_of(workflow: Workflow) -> Assistant:
    build = partial(build_workflow, workflow)
    return Assistant(
        name=workflow.name,
        description=workflow.description,
        versions=(*workflow.earlier, GraphVersion(workflow.version, workflow.fingerprint, build)),
        input=workflow.input,
        step_limit=WORKFLOW_STEPS,
        kind="workflow",
        title=workflow.title,
        steps={step.name: _info_of(step) for step in workflow.steps},
    )


def _info_of(step: Step | Branch) -> StepInfo:
    return StepInfo(step.title, step.tool.name, step.waits) if isinstance(step, Step) else StepInfo(step.title)


_RESEARCH_AS_BUILT = "63152115eb102ac00962f39d043dfe7f0d6f1484da138a30500b29272f1c06f0"
RESEARCH: Final = Assistant(
    name=RESEARCHER.name,
    description="Research on a record: sub-questions looked up side by side by workers that only read.",
    versions=(GraphVersion(1, _RESEARCH_AS_BUILT, build_research),),
    input=ResearchGiven,
    kind="research",
    title="Research",
)

_OUTSIDE_CALL_AS_BUILT = "800e1fa97b22e82e42cc9e9b0ab61a37e99b88a6105721df5874e6d32dbf22f3"
OUTSIDE: Final = Assistant(
    name=OUTSIDE_NAME,
    description="Single calls of tools by assistants outside.",
    versions=(GraphVersion(1, _OUTSIDE_CALL_AS_BUILT, build_outside_call),),
    input=OutsideGiven,
    for_customers=True,
    is_offered=False,
)

ASSISTANTS: Final[Mapping[str, Assistant]] = {
    one.name: one for one in (TURN, RESEARCH, OUTSIDE, *map(_assistant_of, load_workflows().values()))
}
"""All that this build has."""
UNSEEN: Final = tuple(name for name, one in ASSISTANTS.items() if not one.is_offered)
"""Graphs whose threads are no conversations that anybody had."""


def assistant_id(name: str = GRAPH_NAME) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


def known_versions(assistants: Mapping[str, Assistant] = ASSISTANTS) -> dict[str, Sequence[GraphVersion]]:
    return {name: one.versions for name, one in assistants.items()}


class Graphs:
    """The graphs of this build with what they are made of."""

    def __init__(
        self,
        voice: Voice,
        desk: CallDesk,
        saver: BaseCheckpointSaver[int],
        assistants: Mapping[str, Assistant] = ASSISTANTS,
    ) -> None:
        self.assistants = assistants
        self._versions = {
            name: Versions(name, voice, desk, saver, assistant.versions) for name, assistant in assistants.items()
        }

    def versions_of(self, graph: str, *, version: int = 0) -> Versions:
        """The versions of a graph. Raises: OrphanedRunError about the version that is asked for if there is none."""
        if graph not in self._versions:
            raise OrphanedRunError(graph, version, None)
        return self._versions[graph]

    def find(self, named: str, *, is_customer: bool) -> Assistant | None:
        """The assistant by its name or its id; None if there is none for such callers."""
        for one in self.for_caller(is_customer=is_customer):
            if named in (one.name, one.assistant_id):
                return one
        return None

    def for_caller(self, *, is_customer: bool) -> list[Assistant]:
        """Those that a caller may start, sorted by name."""
        offered = [one for one in self.assistants.values() if one.is_offered]
        open_to = [one for one in offered if one.for_customers or not is_customer]
        return sorted(open_to, key=lambda one: one.name)
