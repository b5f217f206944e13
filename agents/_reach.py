"""How far an agent reaches for one person: what it can read, change and send, and who has to agree."""

from collections.abc import Iterator
from dataclasses import dataclass

from agents._agent import DomainAgent
from agents._samples import FieldSample, Sample, action_of, writable
from crm.schema import OBJECT_INFO
from tools._declare import Operation, Tool
from trust.actions import Effect, Outgoing, Recipient
from trust.explain import Explanation, Outcome, explain
from trust.labels import Integrity, Label
from trust.principal import Principal

OPERATIONS: tuple[Operation, ...] = ("create", "update", "delete", "confirm", "convert")


@dataclass(frozen=True)
class Way:
    """Fields that a tool can write under one and the same decision. A `delete` has none."""

    tool: str
    operation: Operation
    outcome: Outcome
    rules: tuple[str, ...]
    permission: str | None
    second_person: bool
    votes: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class ObjectReach:
    """What can be done with one kind of record. What may not be read or written is not listed."""

    object_name: str
    readable: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class SendReach:
    """What becomes of a message to one sort of recipient."""

    tool: str
    to: str
    outcome: Outcome
    reason: str
    permission: str | None
    second_person: bool
    votes: int


@dataclass(frozen=True)
class Reach:
    """At most this: a single record may be out of sight, and a value or its source may call for more."""

    agent: str
    person: str
    tools: tuple[str, ...]
    """Those that the person may have used at all."""
    objects: tuple[ObjectReach, ...]
    sends: tuple[SendReach, ...]


def reach_of(agent: DomainAgent, principal: Principal) -> Reach:
    """What the agent can do for the person, by the most ordinary call of each kind.

    Nothing outside was read, code looked up the records, and each field is written by itself.
    """
    usable = [
        tool for tool in agent.tools if explain(action_of(Sample(agent, tool), principal), principal).outcome != "deny"
    ]
    found = [_object_reach(agent, usable, name, principal) for name in OBJECT_INFO]
    sends = [one for tool in usable if tool.effect is Effect.SEND for one in _sends(agent, tool, principal)]
    return Reach(
        agent.name,
        principal.id,
        tuple(tool.name for tool in usable),
        tuple(one for one in found if one.readable or one.ways),
        tuple(sends),
    )


def _object_reach(agent: DomainAgent, tools: list[Tool], object_name: str, principal: Principal) -> ObjectReach:
    access = principal.access
    reads = any(tool.effect is Effect.READ for tool in tools) and access.may("read", object_name)
    ways = [
        way
        for tool in tools
        if tool.effect is not Effect.READ
        for operation in OPERATIONS
        if tool.may_propose(operation, object_name)
        for way in _ways(agent, tool, operation, object_name, principal)
    ]
    return ObjectReach(object_name, access.readable(object_name) if reads else (), tuple(ways))


def _ways(
    agent: DomainAgent, tool: Tool, operation: Operation, object_name: str, principal: Principal
) -> Iterator[Way]:
    """The fields of one operation, gathered by what is decided on them; denials are left out."""
    gathered: dict[tuple[Outcome, tuple[str, ...], str | None, bool, int], list[str]] = {}
    names = [] if operation == "delete" else writable(list(OBJECT_INFO[object_name].fields), object_name)
    for name in names or [""]:
        fields = {name: FieldSample()} if name else {}
        said = explain(action_of(Sample(agent, tool, operation, object_name, fields), principal), principal)
        if said.outcome != "deny":
            gathered.setdefault(_terms(said), []).append(name)
    for (outcome, rules, permission, second_person, votes), found in gathered.items():
        yield Way(
            tool.name,
            operation,
            outcome,
            rules,
            permission,
            second_person,
            votes,
            tuple(name for name in found if name),
        )


def _terms(said: Explanation) -> tuple[Outcome, tuple[str, ...], str | None, bool, int]:
    rules = tuple(step.source for step in said.steps if step.outcome == "hold" and step.source.startswith("policy:"))
    return said.outcome, rules, said.permission, said.second_person, said.votes


def _sends(agent: DomainAgent, tool: Tool, principal: Principal) -> Iterator[SendReach]:
    known, unknown = Label(Integrity.CRM_VERIFIED), Label(Integrity.EXTERNAL)
    reader = Recipient("somebody@example.com", known, record="Contact:reader")
    for to, recipient in (
        ("staff", Recipient("somebody@example.com", known, is_staff=True)),
        ("somebody who may read it", reader),
        ("somebody who may not read it", Recipient("somebody@example.com", known, record="Contact:other")),
        ("an address from outside", Recipient("somebody@example.com", unknown)),
    ):
        outgoing = Outgoing(
            "any", (recipient,), Label(Integrity.USER, readers=frozenset({"contact:reader"})), wrong_reader="hold"
        )
        record = tool.changes[0] if tool.changes and tool.changes[0][1] != "*" else ("create", "EmailMessage")
        sample = Sample(agent, tool, record[0], record[1], outgoing=outgoing)
        said = explain(action_of(sample, principal), principal)
        yield SendReach(tool.name, to, said.outcome, said.reason, said.permission, said.second_person, said.votes)
