"""Actions that nobody asked for, to ask the guards about: one call of a tool as it would reach them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents._agent import DomainAgent
from crm.connector import Change, FieldChange
from crm.fields import NUMERIC, FieldSpec, Kind
from crm.schema import OBJECT_INFO
from tools._declare import Operation, Tool
from trust.actions import Action, Effect, FieldLabels, Input, Outgoing, Role
from trust.labels import Integrity, Label
from trust.principal import Principal

RECORD = "a record"
_DATES = {Kind.DATE: "2026-01-01", Kind.DATETIME: "2026-01-01T00:00:00Z"}


@dataclass(frozen=True)
class FieldSample:
    """How a field would change. `new` is made up if it is left out."""

    old: Any = None
    new: Any = None
    empties: bool = False
    old_integrity: Integrity = Integrity.CRM_VERIFIED
    new_integrity: Integrity = Integrity.USER


@dataclass(frozen=True)
class Sample:
    """A call to ask about. The defaults are those of a person's own words about records that code looked up."""

    agent: DomainAgent
    tool: Tool
    operation: Operation | None = None
    object_name: str | None = None
    fields: Mapping[str, FieldSample] = field(default_factory=dict)
    records: int = 1
    is_tainted: bool = False
    is_in_plan: bool = True
    inputs: Mapping[Role, Integrity] = field(default_factory=dict)
    is_resolved: bool = True
    outgoing: Outgoing | None = None


def action_of(sample: Sample, principal: Principal) -> Action:
    """The action that guards would see. Without an object, a writing tool only works out what it would do."""
    tool = sample.tool
    inputs = [Input(role, role, Label(level), sample.is_resolved) for role, level in sample.inputs.items()]
    if not any(one.role == "target" for one in inputs):
        inputs.append(Input("target", "target", Label(Integrity.USER), sample.is_resolved))
    plan = frozenset({tool.name} if sample.is_in_plan else set())
    return Action(
        tool=tool.name,
        effect=tool.effect,
        scope=tool.scope,
        arguments={},
        schema_hash=tool.schema_hash,
        tenant=principal.tenant,
        agent=sample.agent.name,
        agent_tools=sample.agent.tool_names,
        for_customers=tool.for_customers,
        permission=tool.permission,
        changes=_changes(sample, principal),
        plan=plan if sample.is_tainted or not sample.is_in_plan else None,
        inputs=tuple(inputs),
        field_labels=_field_labels(sample),
        outgoing=sample.outgoing,
    )


def operation_of(sample: Sample) -> Operation:
    """As asked for; else the first that the tool declares, else an update."""
    declared = sample.tool.changes[0][0] if sample.tool.changes else "update"
    return sample.operation or declared


def _changes(sample: Sample, principal: Principal) -> tuple[Change, ...] | None:
    if sample.tool.effect is Effect.READ or sample.object_name is None:
        return None
    operation = operation_of(sample)
    fields = _field_changes(sample, sample.object_name, principal)
    if operation == "delete":
        fields = ()
    return tuple(
        Change(operation, sample.object_name, f"{RECORD} {number}", RECORD, fields) for number in range(sample.records)
    )


def _field_changes(sample: Sample, object_name: str, principal: Principal) -> tuple[FieldChange, ...]:
    specs = OBJECT_INFO[object_name].fields
    is_new = operation_of(sample) == "create"
    own = (FieldChange("OwnerId", None, principal.id),) if is_new and "OwnerId" not in sample.fields else ()
    return own + tuple(
        FieldChange(name, one.old, None if one.empties else _value(specs[name], one.new))
        for name, one in sample.fields.items()
    )


def _field_labels(sample: Sample) -> dict[tuple[str, str], FieldLabels]:
    return {
        (f"{RECORD} {number}", name): FieldLabels(Label(one.old_integrity), Label(one.new_integrity))
        for name, one in sample.fields.items()
        for number in range(sample.records)
    }


def _value(spec: FieldSpec, given: Any) -> Any:
    if given is not None:
        return given
    if spec.kind is Kind.BOOLEAN:
        return True
    if spec.kind in NUMERIC:
        return 1
    return _DATES.get(spec.kind) or (spec.values[0] if spec.values else "x")


def writable(names: Sequence[str], object_name: str) -> list[str]:
    """Those that a tool may write at all: the service fills in the others itself."""
    specs = OBJECT_INFO[object_name].fields
    return [name for name in names if not specs[name].is_system and specs[name].kind is not Kind.ID]
