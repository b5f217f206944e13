"""Proposes new records and changes of fields."""

from collections.abc import Iterable, Mapping, Sequence

from agents._offline import compose
from agents._offline.changes import Assignment, fit
from agents._offline.lexicon import NAME_FIELDS, REFERENCE_TARGETS, field_named, usual_fields
from agents._offline.memory import Known
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.request import Change, Reference, Request
from agents._offline.resolve import AskError, GiveUpError, Steps
from agents._offline.words import say_name
from agents._offline.work import Work, links_of


def update(work: Work, request: Request) -> Steps[str]:
    work.need("update_record", "change records")
    objects = request.target.objects if request.target else ()
    candidates = objects or _objects_fitting(request.changes, work.briefing)
    record = yield from work.resolve(request.target or Reference(pronoun="it"), candidates)
    if not request.changes or all(not c.value and not c.field for c in request.changes):
        raise AskError(f"What should change on {compose.cite(record, work.memory)}?", slot="changes")
    fields = yield from _assign(work, request.changes, work.briefing.object(record.object))
    left = work.memory.changed.get(record.record_id, {})
    seems_so = all(name in left and left[name] == value for name, value in fields.items())
    if seems_so and (yield from _is_so_already(work, record, fields)):
        told = [f"{say_name(name)}: {compose.say_value(value, work.memory)}" for name, value in fields.items()]
        return f"Nothing to change: {compose.cite(record, work.memory)} has these values already — {'; '.join(told)}."
    outcome = (
        yield [work.toolbox.call("update_record", object=record.object, record_id=record.record_id, fields=fields)]
    )[0]
    return work.applied(outcome, "Updated" if outcome.ok else f"Updating {compose.cite(record, work.memory)}")


def _is_so_already(work: Work, record: Known, fields: Mapping[str, object]) -> Steps[bool]:
    """Whether the record holds these values now, and not only when it was last seen."""
    if "get_record" not in work.toolbox:
        return False
    outcome = (yield [work.toolbox.call("get_record", object=record.object, record_id=record.record_id)])[0]
    now = outcome.result.get("fields")
    return outcome.ok and isinstance(now, Mapping) and all(now.get(name) == value for name, value in fields.items())


def create(work: Work, request: Request) -> Steps[str]:
    work.need("create_record", "create records")
    info = work.briefing.object(request.object or "")
    named = [change for change in request.changes if change.field == "name"]
    others = [change for change in request.changes if change.field != "name"]
    fields = _name_fields(named[-1].value if named else "", info)
    if not fields and info.first(*NAME_FIELDS):
        label = "subject" if info.first("Subject") else "name"
        raise AskError(f"What is the {label} of the new {compose.say_object(info.name)}?", slot="name")
    fields.update((yield from _assign(work, others, info)))
    if request.scope:
        fields.update((yield from _parent(work, request.scope, info)))
    outcome = (yield [work.toolbox.call("create_record", object=info.name, fields=fields)])[0]
    if outcome.kind == "retry":
        raise GiveUpError(
            f"The {compose.say_object(info.name)} cannot be created yet: {compose.escape(outcome.message)}"
        )
    return work.applied(outcome, "Created" if outcome.ok else f"Creating the {compose.say_object(info.name)}")


def _assign(work: Work, changes: Iterable[Change], info: ObjectInfo) -> Steps[dict[str, object]]:
    """Fields with values for a write; people are looked up."""
    fields: dict[str, object] = {}
    for at, change in enumerate(changes):
        if hidden := _hidden_field(change, info):
            work.require_readable(info.name, hidden)
        assignment = fit(change, info, work.briefing)
        if assignment.problem:
            raise AskError(assignment.problem, slot=f"change:{at}:{change.field or say_name(assignment.field)}")
        fields[assignment.field] = (yield from _linked(work, assignment)) if assignment.person else assignment.value
    return fields


def _linked(work: Work, assignment: Assignment) -> Steps[str]:
    objects = REFERENCE_TARGETS.get(assignment.field, ())
    record = yield from work.resolve(Reference(text=assignment.person), objects)
    return record.record_id


def _parent(work: Work, scope: Reference, info: ObjectInfo) -> Steps[dict[str, object]]:
    """The link from a new record to the one it belongs to."""
    if info.name == "Account" and info.first("BillingCity") and scope.text:
        return {"BillingCity": scope.text}
    if info.first("Company") and not info.first("AccountId") and scope.text:
        return {"Company": scope.text}
    targets = links_of(info)
    targets.pop("User", None)
    parent = yield from work.resolve(scope, tuple(targets))
    link = targets.get(parent.object)
    fields: dict[str, object] = {link: parent.record_id} if link else {}
    account = parent.details.get("AccountId")
    if link == "ContactId" and account and info.first("AccountId"):
        fields["AccountId"] = account
    return fields


def _objects_fitting(changes: Sequence[Change], briefing: Briefing) -> tuple[str, ...]:
    """Objects that have every field, or a field for every value, of the changes."""
    main = ("Opportunity", "Case", "Account", "Contact", "Lead", "Quote", "Task", "Contract", "Order", "Campaign")
    fitting = [
        name
        for name in main
        if name in briefing.objects
        and changes
        and all(_may_fit(change, briefing.object(name), briefing) for change in changes)
    ]
    return tuple(fitting)


def _may_fit(change: Change, info: ObjectInfo, briefing: Briefing) -> bool:
    return bool(_hidden_field(change, info)) or not fit(change, info, briefing).problem


def _hidden_field(change: Change, info: ObjectInfo) -> frozenset[str]:
    """The usual fields that a change names and none of which the caller sees."""
    words = change.field.split()
    return frozenset() if not words or field_named(words, info) else usual_fields(words, [info.name])


def _name_fields(name: str, info: ObjectInfo) -> dict[str, object]:
    if not name:
        return {}
    if info.first("LastName"):
        first, _, last = name.rpartition(" ")
        return {"FirstName": first, "LastName": last} if first else {"LastName": last}
    field_name = info.first(*NAME_FIELDS) or "Name"
    return {field_name: name}
