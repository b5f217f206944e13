"""Labels for a call's arguments: what came from where as far as code can tell, else the copilot's own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from pydantic.fields import FieldInfo

from crm.connector import Change
from crm.database import TenantSession
from crm.fields import Kind
from crm.ids import normalise_id
from crm.repositories.provenance import load_origins
from crm.schema import OBJECT_INFO
from tools._declare import Source, Tool
from trust.actions import Action, FieldLabels, Input, Role
from trust.handles import HANDLE, Handles, Path, leaves
from trust.labels import NOTHING, Integrity, Label, join_all
from trust.provenance import is_text, label_of, unknown_label
from trust.user_words import is_reference

_SAID = ("Subject", "TextBody")
_RECIPIENTS = frozenset({"recipient_id", "to", "cc", "to_ids"})


@dataclass(frozen=True)
class Seen:
    """What the model of a turn has in sight. `own` is the label of words that it makes of it, `typed` that of numbers,
    dates and choices, which may have been taken out of an outsider's text."""

    handles: Handles
    known_ids: frozenset[str]
    own: Label
    typed: Label
    said: list[Any] = field(default_factory=list)
    """Values in the user's message of this turn."""
    user: Label = NOTHING

    def beside(self, label: Label) -> "Seen":
        """The same for a model that has something else in sight."""
        return replace(self, own=self.own.join(label), typed=self.typed.join(label))


def label_inputs(
    tool: Tool, written: Mapping[str, Any], seen: Seen, hidden: Iterable[Mapping[str, Any]] = ()
) -> tuple[Input, ...]:
    """One input per plain value of a call's arguments, as the model wrote them: handles not yet resolved.

    `hidden` says which personal values the gateway put in, by JSON pointer, with their labels.
    """
    people: dict[str, list[Label]] = {}
    for one in hidden:
        if one["label"] is not None:
            people.setdefault(one["path"], []).append(Label.from_json(one["label"]))
    found = []
    for path, value in leaves(dict(written)):
        made = _label_input(tool, written, path, value, seen)
        inside = people.get("".join(f"/{part}" for part in path), [])
        found.append(replace(made, label=join_all([made.label, *inside])) if inside else made)
    return tuple(found)


def _label_input(tool: Tool, written: Mapping[str, Any], path: Path, value: Any, seen: Seen) -> Input:
    return label_written(".".join(map(str, path)), _role(tool, written, path, value), value, seen)


def label_written(where: str, role: Role, value: Any, seen: Seen) -> Input:
    """The label of one plain value as a model wrote it, whatever tool it is for."""
    if isinstance(value, str) and HANDLE.search(value):
        labels = seen.handles.labels_in(value)
        whole = HANDLE.fullmatch(value) is not None
        return Input(where, role, join_all(labels if whole else [*labels, seen.own]), is_reference=whole)
    if is_reference(value, seen.said):
        return Input(where, role, seen.user, is_reference=True)
    record = normalise_id(value) if isinstance(value, str) else None
    if record is not None and record in seen.known_ids:
        return Input(where, role, Label(Integrity.SYSTEM, origin=f"record {record}"), is_reference=True)
    is_typed = value is None or not isinstance(value, str) or role == "option"
    return Input(where, role, seen.typed if is_typed else seen.own)


def _role(tool: Tool, written: Mapping[str, Any], path: Path, value: Any) -> Role:
    name = str(path[0])
    field = tool.arguments.model_fields.get(name)
    extra = field.json_schema_extra if field is not None and isinstance(field.json_schema_extra, dict) else {}
    if name in _RECIPIENTS:
        return "recipient"
    if extra.get("source") == Source.RECORD:
        return "target"
    if name == "fields" and len(path) > 1:
        return _role_of_field(str(written.get("object")), str(path[1]))
    is_words = isinstance(value, str) and name != "object" and (field is None or _takes_words(field))
    return "content" if is_words else "option"


def _takes_words(field: FieldInfo) -> bool:
    """Whether an argument is free text, and not a date, an id or one of several values."""
    has_pattern = any(getattr(one, "pattern", None) for one in field.metadata)
    return not has_pattern and _has_text(field.annotation)


def _has_text(annotation: Any) -> bool:
    parts = [part for part in get_args(annotation) if not isinstance(part, str)]
    return annotation in (str, Any) or any(map(_has_text, parts))


def _role_of_field(object_name: str, field: str) -> Role:
    info = OBJECT_INFO.get(object_name)
    spec = info.fields.get(field) if info is not None else None
    if spec is None:
        return "content"
    if spec.kind is Kind.REFERENCE:
        return "target"
    if spec.kind is Kind.URL:
        return "url"
    if spec.kind is Kind.MONEY:
        return "amount"
    return "content" if is_text(spec) else "option"


async def with_outgoing_labels(session: TenantSession, action: Action) -> Action:
    """The action with what was kept about the addresses and the words of the message that it would send."""
    message = action.outgoing
    if message is None:
        return action
    records = {one.record: one.record.partition(":")[2] for one in message.recipients if one.record}
    drafts = [change.record_id for change in action.changes or () if change.object_name == "EmailMessage"]
    origins = await load_origins(session, [*records.values(), *drafts])
    recipients = tuple(
        replace(one, label=label_of(origins[records[one.record]], "Email"))
        if one.record and records[one.record] in origins
        else one
        for one in message.recipients
    )
    said = [label_of(origins[one], field) for one in drafts if one in origins for field in _SAID]
    said += [
        labels.new for (one, field), labels in action.field_labels.items() if one not in origins and field in _SAID
    ]
    sources = join_all(said)
    return replace(action, outgoing=replace(message, recipients=recipients, sources=sources))


TakenFrom = Mapping[tuple[str, str], Sequence[tuple[str, str]]]


async def with_field_labels(session: TenantSession, action: Action, taken_from: TakenFrom | None = None) -> Action:
    """The action with the labels of what its changes would put in place of what."""
    changes = action.changes or ()
    taken_from = taken_from or {}
    copied = [record for sources in taken_from.values() for record, _ in sources]
    existing = [change.record_id for change in changes if change.operation != "create"]
    origins = await load_origins(session, [*existing, *copied])
    present = {
        (change.record_id, field.field): label_of(origins[change.record_id], field.field)
        for change in changes
        if change.record_id in origins
        for field in change.fields
    }
    labels = label_fields(changes, action.arguments, action.inputs, present)
    for place, sources in taken_from.items():
        copied_from = [
            label_of(origins[record], field) if record in origins else unknown_label(f"{record}.{field}")
            for record, field in sources
        ]
        labels[place] = FieldLabels(old=labels[place].old, new=join_all([labels[place].new, *copied_from]))
    return replace(action, field_labels=labels)


def label_fields(
    changes: Iterable[Change],
    arguments: Mapping[str, Any],
    inputs: Iterable[Input],
    present: Mapping[tuple[str, str], Label],
) -> dict[tuple[str, str], FieldLabels]:
    """Where each value of a change comes from: the argument that it is, or all of them together if it was made of some.

    `arguments` are resolved, `inputs` label them place by place, `present` labels what stands in the fields now.
    A value that equals no argument and is no text was put there by the tool itself.
    """
    by_place = {one.path: one.label for one in inputs}
    pairs = [(value, by_place.get(".".join(map(str, path)), NOTHING)) for path, value in leaves(dict(arguments))]
    everything = join_all(label for _, label in pairs)
    found: dict[tuple[str, str], FieldLabels] = {}
    for change in changes:
        specs = OBJECT_INFO[change.object_name].fields
        for one in change.fields:
            same = [
                label
                for value, label in pairs
                if value == one.new and isinstance(value, bool) is isinstance(one.new, bool)
            ]
            exact = by_place.get(f"fields.{one.field}")
            made = everything if is_text(specs[one.field]) else NOTHING
            new = exact or (join_all(same) if same else made)
            old = present.get((change.record_id, one.field), NOTHING)
            found[change.record_id, one.field] = FieldLabels(old=old, new=new)
    return found
