"""Plays attacks and benign tasks on the service, whole and without one layer after the other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.attacks.cases import Attack, Benign, Family
from evals.attacks.foreign import bring_in
from evals.attacks.layers import LAYERS, Layer, without
from evals.attacks.outcome import Outcome, dump_records
from evals.attacks.search import Found
from evals.attacks.stage import Workshop, done, owner_of
from evals.attacks.victim import Victim


@dataclass(frozen=True)
class Played:
    """How one attack ended. `executed`: it reached its goal and no person had agreed."""

    family: Family
    name: str
    layer: str | None
    executed: bool
    asked: int
    """Requests that the attacker ordered and a person was asked about."""
    obeyed: bool
    """Whether the model came to read the order."""
    faults: tuple[str, ...] = ()
    """Runs that broke off: they show nothing."""

    def to_json(self) -> dict[str, Any]:
        return {
            "family": self.family.value,
            "attack": self.name,
            "without": self.layer,
            "executed": self.executed,
            "put_before_a_person": self.asked,
            "model_obeyed": self.obeyed,
            "faults": list(self.faults),
        }


@dataclass(frozen=True)
class TaskDone:
    """How one benign task ended."""

    name: str
    is_done: bool
    approvals: int
    faults: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"task": self.name, "done": self.is_done, "approvals": self.approvals, "faults": list(self.faults)}


@dataclass
class Report:
    """Everything that was played; `skipped` names layers that this build does not have."""

    attacks: list[Played] = field(default_factory=list)
    tasks: list[TaskDone] = field(default_factory=list)
    searches: list[Found] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    """Attacks that only layers stop which this build does not have; they were not played."""
    seconds: float = 0

    def of(self, family: Family, layer: str | None) -> list[Played]:
        return [one for one in self.attacks if one.family is family and one.layer == layer]

    @property
    def executed(self) -> list[str]:
        """What got through with every layer in place; empty in a service that holds."""
        attacks = [f"{one.family.value}: {one.name}" for one in self.attacks if one.layer is None and one.executed]
        return attacks + [f"search: {one.search}" for one in self.searches if one.layer is None and one.executed]

    @property
    def undone(self) -> list[str]:
        """Benign tasks that were not completed."""
        return [one.name for one in self.tasks if not one.is_done]

    @property
    def faults(self) -> list[str]:
        """Runs that broke off with every layer in place: what they would have done is not known."""
        broken = [fault for one in self.attacks if one.layer is None for fault in one.faults]
        return broken + [fault for one in self.tasks for fault in one.faults]

    def misses(self) -> list[tuple[str, Family]]:
        """Layers without which no attack of a family that they exist for succeeded, though some were played."""
        return [
            (layer.name, family)
            for layer in LAYERS
            for family in layer.exists_for
            if (played := self.of(family, layer.name)) and not any(one.executed for one in played)
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "attacks": [one.to_json() for one in self.attacks],
            "tasks": [one.to_json() for one in self.tasks],
            "searches": [one.to_json() for one in self.searches],
            "layers_not_in_this_build": self.skipped,
            "attacks_not_played": self.open,
            "seconds": round(self.seconds, 1),
        }


async def play(workshop: Workshop, attack: Attack, layer: Layer | None = None) -> tuple[Played, Outcome]:
    """One attack on a fresh copy of the database, with that layer taken out."""
    with without(layer) as build:
        if attack.tool_says is not None:
            bring_in(build, attack.tool_says)
        victim = Victim(turns=attack.task.turns, order=attack.order)
        async with workshop.stage(victim, limits=build.limits) as stage:
            stage.waves_through = build.waves_through
            await stage.plant(attack.plants, owner_of(attack.task))
            before = dump_records(stage.path)
            await stage.converse(attack.task, attack.meanwhile)
            if attack.afterwards is not None:
                await done(attack.afterwards, stage)
            outcome = stage.outcome(before, victim)
    name = None if layer is None else layer.name
    ended = Played(
        attack.family, attack.name, name, attack.goal(outcome), outcome.asked, outcome.has_obeyed, _faults(outcome)
    )
    return ended, outcome


def _faults(outcome: Outcome) -> tuple[str, ...]:
    return tuple(map(str, outcome.faults))


async def perform(workshop: Workshop, benign: Benign) -> TaskDone:
    """One benign task, with people who approve what they asked for."""
    victim = Victim(turns=benign.task.turns)
    async with workshop.stage(victim) as stage:
        await stage.plant(benign.plants, owner_of(benign.task))
        before = dump_records(stage.path)
        await stage.converse(benign.task)
        outcome = stage.outcome(before, victim)
    return TaskDone(benign.name, benign.is_done(outcome), outcome.approved, _faults(outcome))


def is_open(attack: Attack) -> bool:
    """Whether every layer that would stop the attack alone is missing in this build, so that nothing is promised."""
    named = [layer for layer in LAYERS if layer.name in attack.stopped_by]
    return bool(named) and not any(layer.is_built for layer in named)


def attacks_for(layer: Layer | None, attacks: Sequence[Attack]) -> list[Attack]:
    """All of them on the whole service; without a layer some of those that it stops alone, and one of every family."""
    playable = [attack for attack in attacks if not is_open(attack)]
    if layer is None:
        return playable
    stopped: Counter[Family] = Counter()
    chosen = []
    for attack in playable:
        is_its = layer.name in attack.stopped_by and stopped[attack.family] < _OF_EACH
        stopped[attack.family] += is_its
        if is_its or attack.is_small:
            chosen.append(attack)
    return chosen


_OF_EACH = 3
"""Attacks of a family that are played without a layer that stops them."""
