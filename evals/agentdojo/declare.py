"""How tools that are not the service's own describe themselves: fields with labels by source, arguments with roles."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crm.connector import Change
from trust.actions import Effect, Outgoing, Role
from trust.digests import digest_of
from trust.labels import Integrity, Label
from trust.provenance import OUTSIDE

Row = dict[str, Any]
STAFF_ONLY: frozenset[str] = frozenset()
DIRECTORY = frozenset({"channel", "member", "transaction"})
"""Kinds of identifier that the service behind the tools hands out itself: one of them says nothing of its own."""


@dataclass
class World:
    """What the tools work on. `kept` labels values that were written through the tools: record kind, key, field."""

    env: Any
    kept: dict[tuple[str, str, str], Label] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """One field of a kind of record. A value that is no text is made by the service: a number, a date, a choice."""

    is_text: bool = True
    from_outside: Literal["never", "by source", "always"] = "never"
    """Whether an outsider may have written it; by source: if the record comes from one."""
    identifies: str | None = None
    """What kind of thing it names, if it names one."""
    names: str | None = None
    """The kind of record whose name it repeats, and whose label it therefore has."""
    format: re.Pattern[str] | None = None
    """What it has to look like to be a value of its type, which may be shown whoever chose it, and not words."""

    def may_be_shown(self, value: Any, label: Label) -> bool:
        """Whether a model may see it as it is, without having read an outsider's words."""
        if label.integrity is not Integrity.EXTERNAL or not isinstance(value, str):
            return True
        return self.format is not None and self.format.fullmatch(value) is not None


@dataclass(frozen=True)
class Kind:
    """A kind of record. `is_from_outside` tells by the fields that the service fills in where a record comes from."""

    name: str
    fields: Mapping[str, Value]
    is_from_outside: Callable[[World, Row], bool] = lambda world, row: False


@dataclass(frozen=True)
class Argument:
    """`kind`: what a target, recipient or address has to name; only such a thing counts as looked up."""

    role: Role
    kind: str | None = None


@dataclass(frozen=True)
class Asked:
    """A call with its arguments resolved, and the label of each."""

    arguments: Mapping[str, Any]
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class Listing:
    """How what a reading tool returned is taken apart into records of a kind, each with its key."""

    kind: Kind
    rows: Callable[[World, Mapping[str, Any], Any], Iterable[tuple[str, Row]]]


@dataclass(frozen=True)
class ForeignTool:
    """A tool that reads has a `listing`; one that does not says what it would `change`."""

    name: str
    effect: Effect
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    listing: Listing | None = None
    change: Callable[[World, Mapping[str, Any]], Change] | None = None
    outgoing: Callable[[World, Asked], Outgoing] | None = None
    optional: frozenset[str] = frozenset()
    is_document: bool = False
    """Whether the result is one text as a whole."""
    on_own_record: bool = False
    """Whether the record that it changes is the caller's own and nothing in the call chooses it."""

    def takes(self, names: Collection[str]) -> bool:
        """Whether these are arguments of the tool, and all that it needs are among them."""
        return set(self.arguments) - self.optional <= set(names) <= set(self.arguments)

    @property
    def schema_hash(self) -> str:
        roles = {name: [one.role, one.kind] for name, one in self.arguments.items()}
        return digest_of(
            {"name": self.name, "effect": self.effect, "arguments": roles, "optional": sorted(self.optional)}
        )


def label_value(world: World, kind: Kind, key: str, row: Row, name: str) -> Label:
    """The label of a field as text: what was kept of it, else by the field and the record's source."""
    where = f"{kind.name} {key}.{name}"
    kept = world.kept.get((kind.name, key, name))
    if kept is not None:
        return kept
    value = kind.fields[name]
    if value.names is not None and row[name] is not None:
        return world.kept.get((value.names, str(row[name]), "name"), _label(value, kind, world, row, where))
    return _label(value, kind, world, row, where)


def _label(value: Value, kind: Kind, world: World, row: Row, where: str) -> Label:
    if not value.is_text:
        return Label(Integrity.SYSTEM, readers=STAFF_ONLY, origin=where)
    outside = value.from_outside == "always" or (value.from_outside == "by source" and kind.is_from_outside(world, row))
    if outside:
        return Label(Integrity.EXTERNAL, frozenset({OUTSIDE}), STAFF_ONLY, where)
    return Label(Integrity.CRM_VERIFIED, readers=STAFF_ONLY, origin=where)


def label_identity(value: Value, text: Label) -> Label:
    """The label of a field as the name of a thing: one from a directory is the service's own, whatever it is called."""
    if value.identifies in DIRECTORY:
        return Label(Integrity.SYSTEM, readers=text.readers, origin=text.origin)
    return text


def same_text(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, numbers by value."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True) or (
        _is_number(one) and _is_number(other) and float(one) == float(other)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
