"""What a caller is shown of the ledger: records that they may see, and of those the fields that they may read."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from crm.connector import Connector
from crm.fields import to_json
from crm.work import LedgerEntry
from trust.principal import Principal
from trust.undo import Preview, Undone
from trust.undo_plan import EntryPlan, Refusal, Step


class EffectWire(BaseModel):
    """What was done to one record."""

    place: int
    operation: str
    object: str
    id: str
    name: str | None = Field(description="As it is called now; null if you may not see the record, or it is gone.")
    version: int
    before: dict[str, Any] = Field(description="As read back, the fields that you may read.")
    after: dict[str, Any]
    is_hidden: bool = Field(description="Whether values were left out because you may not see the record.")


class LedgerWire(BaseModel):
    """A write that was carried out or refused, with before and after per record as read back."""

    entry_id: str
    status: str
    approval_id: str | None
    thread_id: str
    run_id: str
    agent: str
    tool: str
    on_behalf_of: str
    undoes: str | None = Field(description="The entry that this one takes back.")
    effects: list[EffectWire]
    reason: str | None = Field(description="Why it was refused.")
    created_at: str


async def entry_wires(
    entries: Sequence[LedgerEntry], reader: Principal, crm: Connector, *, is_auditor: bool
) -> list[LedgerWire]:
    """Auditors are told which records were touched even where they may not see them; others are not."""
    ids = {effect["id"] for entry in entries for effect in entry.effects}
    names = await crm.names_of(sorted(ids))
    return [_entry_wire(entry, reader, names, is_auditor=is_auditor) for entry in entries]


def _entry_wire(entry: LedgerEntry, reader: Principal, names: dict[str, str], *, is_auditor: bool) -> LedgerWire:
    return LedgerWire(
        entry_id=entry.entry_id,
        status=entry.status,
        approval_id=entry.approval_id,
        thread_id=entry.thread_id,
        run_id=entry.run_id,
        agent=entry.agent,
        tool=entry.tool,
        on_behalf_of=entry.on_behalf_of,
        undoes=entry.undoes,
        effects=[
            _effect_wire(place, effect, reader, names.get(effect["id"]))
            for place, effect in enumerate(entry.effects)
            if is_auditor or effect["id"] in names
        ],
        reason=None if entry.status == "applied" else (entry.result or {}).get("message"),
        created_at=to_json(entry.created_at),
    )


def _effect_wire(place: int, effect: dict[str, Any], reader: Principal, name: str | None) -> EffectWire:
    object_name = effect["object"]

    def readable(values: dict[str, Any]) -> dict[str, Any]:
        shown = values if name is not None else {}
        return {field: value for field, value in shown.items() if reader.access.can_read(object_name, field)}

    return EffectWire(
        place=place,
        operation=effect["operation"],
        object=object_name,
        id=effect["id"],
        name=name,
        version=effect["version"],
        before=readable(effect["before"]),
        after=readable(effect["after"]),
        is_hidden=name is None,
    )


class BackWire(BaseModel):
    """A field, what stands there now, and what would stand there."""

    field: str
    old: Any
    new: Any


class StepWire(BaseModel):
    """One effect: how it would be taken back, or why it stays."""

    place: int
    object: str | None = Field(description="Null if you may not know of the record.")
    id: str | None
    name: str | None
    operation: str | None = Field(description="What would be done; null if nothing.")
    fields: list[BackWire]
    refused: "RefusalWire | None"


class RefusalWire(BaseModel):
    """Why an effect stays. `fields` says of those that moved on what was written and what stands there now."""

    kind: str
    message: str
    fields: list[dict[str, Any]]


class PlanWire(BaseModel):
    """One entry: `now` it is taken back at once, `asks` a second person is asked, `refused` all of it stays."""

    entry_id: str
    way: str
    reason: str | None = Field(description="What a second person is asked for.")
    steps: list[StepWire]


class PreviewWire(BaseModel):
    """What would be taken back, newest first. Sending the digest back is agreeing to exactly this."""

    digest: str
    entries: list[PlanWire]


class DoneWire(BaseModel):
    """An entry that was taken back, and the entry that did it."""

    entry_id: str
    undone_by: str


class AskedWire(BaseModel):
    """An entry for which a second person is asked."""

    entry_id: str
    approval_id: str


class RefusedWire(BaseModel):
    """An effect that stays."""

    entry_id: str
    place: int
    object: str | None
    id: str | None
    refused: RefusalWire


class UndoneWire(BaseModel):
    """What came of it. `run_id` is the run that the new entries belong to; taking that back does the writes again."""

    run_id: str | None
    thread_id: str | None
    done: list[DoneWire]
    asked: list[AskedWire]
    refused: list[RefusedWire]


def preview_wire(preview: Preview) -> PreviewWire:
    return PreviewWire(digest=preview.digest, entries=[_plan_wire(plan) for plan in preview.plans])


def _plan_wire(plan: EntryPlan) -> PlanWire:
    reason = plan.hold.reason if plan.hold is not None and plan.way == "asks" else None
    return PlanWire(
        entry_id=plan.entry_id, way=plan.way, reason=reason, steps=[_step_wire(step) for step in plan.steps]
    )


def _step_wire(step: Step) -> StepWire:
    object_name, record_id = step.record or (None, None)
    change = step.change
    return StepWire(
        place=step.place,
        object=object_name,
        id=record_id,
        name=None if change is None else change.name,
        operation=None if change is None else change.operation,
        fields=[] if change is None else [BackWire(field=f.field, old=f.old, new=f.new) for f in change.fields],
        refused=None if step.refusal is None else _refusal_wire(step.refusal),
    )


def _refusal_wire(refusal: Refusal) -> RefusalWire:
    return RefusalWire(kind=refusal.kind, message=refusal.message, fields=list(refusal.fields))


def undone_wire(undone: Undone) -> UndoneWire:
    return UndoneWire(
        run_id=undone.run_id,
        thread_id=undone.thread_id,
        done=[DoneWire(entry_id=entry, undone_by=by) for entry, by in undone.done],
        asked=[AskedWire(entry_id=entry, approval_id=approval) for entry, approval in undone.asked],
        refused=[
            RefusedWire(
                entry_id=one.entry_id,
                place=one.step.place,
                object=one.step.record[0] if one.step.record else None,
                id=one.step.record[1] if one.step.record else None,
                refused=_refusal_wire(one.refusal),
            )
            for one in undone.refused
        ],
    )
