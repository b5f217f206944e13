"""Versions of a graph: a conversation goes on by the graph that it rests on, or is carried over by a function.

A graph that lost the node at which a conversation waits would forget the waiting without a word. So every checkpoint is
stored with the version of the graph that wrote it, and a build that neither has that version nor a way from it to its
own does not touch the conversation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint, empty_checkpoint
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from crm.database import Database
from crm.ids import TenantId
from crm.repositories import threads
from graphs._calls import CallDesk
from graphs._voice import Voice
from graphs.checkpoints import acting_for, checkpoint_thread_id
from graphs.context import RunContext
from trust.digests import digest_of

Graph = CompiledStateGraph[Any, RunContext, Any, Any]
Build = Callable[[Voice, CallDesk], StateGraph[Any, RunContext, Any, Any]]

_NEXT = "branch:to:"
"""How LangGraph calls the channel that says which node comes next."""


@dataclass(frozen=True)
class Position:
    """Where a conversation rests: the values of its state, and the nodes that come next; none after a finished turn."""

    values: Mapping[str, Any]
    next: tuple[str, ...] = ()


Migrate = Callable[[Position], Position]
"""Carries a position of the version before over to this one.

A node that waits for decisions is mapped to the one that reads them: it looks at the approvals' rows, and waits on by
itself where nobody has decided.
"""


@dataclass(frozen=True)
class GraphVersion:
    """One version of the graph. Numbers start at 1 and only grow."""

    number: int
    fingerprint: str
    """Of the compiled graph, as `fingerprint` works it out: another graph needs another number."""
    build: Build | None = None
    """None: conversations can no longer go on by this version, only pass through it."""
    migrate: Migrate | None = None
    """From the version before; None: there is no way from it."""


class OrphanedRunError(Exception):
    """The conversation rests on a version that this build can neither run nor carry over. Nothing of it is touched."""

    def __init__(self, graph: str, version: int, current: int | None) -> None:
        has = f"goes by version {current} without a way from the one to the other" if current else "does not have it"
        super().__init__(
            f"this conversation rests on version {version} of the graph {graph!r}, and this build {has}; "
            "nothing is lost, and it goes on once a build can take it up"
        )
        self.version = version


class OrphanedApprovalsError(Exception):
    """The service was to start with a build that cannot go on with what waits for decisions."""


@dataclass
class Versions:
    """One graph of this build in all its versions, oldest first, compiled when they are first needed."""

    name: str
    voice: Voice
    desk: CallDesk
    saver: BaseCheckpointSaver[int]
    known: Sequence[GraphVersion]
    _compiled: dict[int, Graph] = field(default_factory=dict)

    @property
    def current(self) -> int:
        """The version of what begins anew."""
        return self.known[-1].number

    @property
    def newest(self) -> Graph:
        return self.compiled(self.current)

    def compiled(self, number: int) -> Graph:
        if number not in self._compiled:
            version = _find(self.known, number)
            if version is None or version.build is None:
                raise OrphanedRunError(self.name, number, self.current)
            graph = version.build(self.voice, self.desk)
            self._compiled[number] = graph.compile(checkpointer=self.saver, name=self.name)
        return self._compiled[number]

    def compiled_to_read(self, number: int) -> Graph:
        """The graph by which a resting conversation is described: its own, where the build has it."""
        return self.compiled(number if can_run(self.known, number) else self.current)

    async def graph_for(
        self, database: Database, tenant: TenantId, thread_id: str, *, is_resume: bool
    ) -> tuple[int, Graph]:
        """The graph that the next run of a thread goes by, and its version. Carries the thread over if it has to.

        What waits goes on by its own version as long as the build has it. A new turn begins on the current one, where
        there is a way to it. Raises: OrphanedRunError.
        """
        async with database.session(tenant) as session:
            number = await threads.get_graph_version(session, thread_id)
        if number in (0, self.current):
            return self.current, self.newest
        if is_resume and can_run(self.known, number):
            return number, self.compiled(number)
        if way(self.known, number) is not None:
            await self.carry_over(tenant, thread_id, number)
            return self.current, self.newest
        return number, self.compiled(number)

    async def carry_over(self, tenant: TenantId, thread_id: str, number: int) -> None:
        """Write the thread's position as the current version has it, with its number, in one transaction.

        For a thread that nobody works on. Raises: OrphanedRunError, ValueError for a function that leads nowhere.
        """
        steps = way(self.known, number)
        if steps is None:
            raise OrphanedRunError(self.name, number, self.current)
        place: dict[str, Any] = {"thread_id": checkpoint_thread_id(tenant, thread_id), "checkpoint_ns": ""}
        with acting_for(tenant, version=self.current):
            found = await self.saver.aget_tuple({"configurable": place})
            if found is None:
                return
            position = _position_of(found.checkpoint)
            for migrate in steps:
                position = migrate(position)
            place["checkpoint_id"] = found.checkpoint["id"]
            # Its form is that of the one before: `empty_checkpoint` gives an older one, which LangGraph would convert.
            checkpoint = self._checkpoint_of(position, form=found.checkpoint["v"])
            step = found.metadata.get("step", 0) + 1
            metadata: Any = {"source": "update", "step": step, "parents": {}}
            await self.saver.aput({"configurable": place}, checkpoint, metadata, checkpoint["channel_versions"])

    def _checkpoint_of(self, position: Position, *, form: int) -> Checkpoint:
        """A checkpoint from which the current graph goes on with exactly these nodes. Raises: ValueError."""
        graph = self.newest
        strange = set(position.next) - set(graph.nodes) | set(position.values) - set(graph.channels)
        if strange:
            raise ValueError(f"the migration leads to what the graph does not have: {', '.join(sorted(strange))}")
        values = {**position.values, **{f"{_NEXT}{node}": None for node in position.next}}
        versions: dict[str, str | int | float] = dict.fromkeys(values, 1)
        return {**empty_checkpoint(), "v": form, "channel_values": values, "channel_versions": versions}


def can_run(known: Sequence[GraphVersion], number: int) -> bool:
    """Whether conversations can go on by this version."""
    version = _find(known, number)
    return version is not None and version.build is not None


def way(known: Sequence[GraphVersion], number: int) -> list[Migrate] | None:
    """The functions that carry a position from this version over to the current one; None if one is missing."""
    steps: list[Migrate] = []
    if not known:
        return None
    for wanted in range(number + 1, known[-1].number + 1):
        version = _find(known, wanted)
        if version is None or version.migrate is None:
            return None
        steps.append(version.migrate)
    return steps if number <= known[-1].number else None


def is_within_reach(known: Sequence[GraphVersion], number: int) -> bool:
    """Whether the build can go on with a conversation that rests on this version; 0 rests on none."""
    return number == 0 or can_run(known, number) or way(known, number) is not None


def fingerprint(graph: Graph) -> str:
    """A digest of the nodes, edges and parts of the state: what stored conversations rely on."""
    drawn = graph.get_graph()
    edges = [[edge.source, edge.target, edge.conditional] for edge in drawn.edges]
    channels = [
        [name, type(channel).__name__, getattr(getattr(channel, "operator", None), "__name__", "")]
        for name, channel in graph.channels.items()
    ]
    return digest_of({"nodes": sorted(drawn.nodes), "edges": sorted(edges), "state": sorted(channels)})


async def check_versions(database: Database, known: Mapping[str, Sequence[GraphVersion]]) -> None:
    """Whether this build can go on with everything that waits for a decision or for its change to be made.

    `known` are the versions of its graphs, by name. Raises: OrphanedApprovalsError.
    """
    orphaned: dict[tuple[str, int], int] = {}
    for name in await database.tenants():
        # tenant-id: the service looks at each tenant by itself before it starts
        async with database.session(TenantId(name)) as session:
            for (graph, number), count in (await threads.count_waiting_by_version(session)).items():
                if not is_within_reach(known.get(graph, ()), number):
                    orphaned[graph, number] = orphaned.get((graph, number), 0) + count
    if orphaned:
        told = ", ".join(
            f"{count} on version {number} of {graph}" for (graph, number), count in sorted(orphaned.items())
        )
        raise OrphanedApprovalsError(
            f"requests wait that this build cannot go on with: {told}. "
            "Start the build that made them, or one with a migration from there, and let them be decided; "
            "`countersign migrate-runs --withdraw` recalls them"
        )


def _find(known: Sequence[GraphVersion], number: int) -> GraphVersion | None:
    return next((one for one in known if one.number == number), None)


def _position_of(checkpoint: Checkpoint) -> Position:
    values = checkpoint["channel_values"]
    following = tuple(name.removeprefix(_NEXT) for name in values if name.startswith(_NEXT))
    return Position({name: value for name, value in values.items() if ":" not in name and name[:2] != "__"}, following)
