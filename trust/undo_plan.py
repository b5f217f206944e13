"""What taking back an entry of the ledger would do, effect by effect, and what cannot be taken back and why.

A field goes back to what it was only if it still has the value that the entry gave it: whatever a person or another
action has done since is not touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from crm.connector import Change, Connector, FieldChange
from crm.database import TenantSession
from crm.errors import CrmError, FieldError, RecordNotFoundError
from crm.fields import to_json
from crm.repositories import approvals as approval_rows
from crm.repositories import ledger as rows
from crm.repositories import provenance as provenance_rows
from crm.work import LedgerEntry
from trust.actions import UNDO, UNDOER, Action, Effect, FieldLabels, Input
from trust.decisions import Deny, Hold
from trust.digests import digest_of
from trust.enlisting import find_enlisted
from trust.guards.limit_records import MAX_RECORDS
from trust.labels import NOTHING, Integrity
from trust.policy import decide
from trust.principal import Principal
from trust.provenance import CONFIRMED, label_of, label_of_restored
from trust.scopes import CRM_WRITE

Json = dict[str, Any]

SCHEMA_HASH = digest_of({"tool": UNDO, "arguments": ["entry_id", "effects"], "version": 1})
"""Stands for how a request to take something back is read; a request of another form is not carried out."""

RefusalKind = Literal["sent", "undone", "moved_on", "hidden", "forbidden", "referred_to", "not_applied"]
Way = Literal["now", "asks", "refused"]


@dataclass(frozen=True)
class Refusal:
    """Why an effect stays. `fields` says of each that moved on what was written and what stands there now."""

    kind: RefusalKind
    message: str
    fields: tuple[Json, ...] = ()

    def to_json(self) -> Json:
        return {"kind": self.kind, "message": self.message, "fields": list(self.fields)}


@dataclass(frozen=True)
class Step:
    """One effect of the entry: the change that takes it back, or why there is none."""

    place: int
    record: tuple[str, str] | None
    """Object and id; None if the person may not know of the record."""
    change: Change | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class EntryPlan:
    """What can be taken back of one entry, newest effect first, and how."""

    entry_id: str
    steps: tuple[Step, ...]
    action: Action | None = None
    """What the guards are asked about; None if nothing can be taken back."""
    hold: Hold | None = None

    @property
    def way(self) -> Way:
        if self.hold is None:
            return "refused"
        return "now" if self.hold.self_approval and self.hold.votes <= 1 else "asks"

    @cached_property
    def digest(self) -> str:
        """The same as long as the same would happen."""
        changes = [[one.place, None if one.change is None else one.change.to_json()] for one in self.steps]
        return digest_of({"entry": self.entry_id, "way": self.way, "steps": changes})


@dataclass
class Ahead:
    """What the records will look like once what stands before this entry in a plan has been taken back."""

    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)

    def take(self, plan: EntryPlan) -> None:
        if plan.way != "now":
            return
        for step in plan.steps:
            if step.change is not None:
                self.records.add(step.change.record_id)
                self.values |= {(step.change.record_id, one.field): one.new for one in step.change.fields}


async def plan_entry(
    session: TenantSession,
    entry: LedgerEntry,
    person: Principal,
    crm: Connector,
    *,
    at: datetime,
    ahead: Ahead | None = None,
    only: Sequence[int] | None = None,
) -> EntryPlan:
    """`crm` is bound to the person: what they may not see or write, they do not take back. `only` names effects."""
    planner = _Planner(session, entry, crm, ahead or Ahead(), await _undone_places(session, entry))
    places = range(len(entry.effects)) if only is None else only
    steps = [planner.keep(await planner.plan(place)) for place in sorted(places, reverse=True)]
    if not entry.effects:
        refusal = Refusal("not_applied", f"the write was {entry.status}: there is nothing to take back")
        return EntryPlan(entry.entry_id, (Step(0, None, refusal=refusal),))
    doable = [step for step in steps if step.change is not None]
    if not doable:
        return EntryPlan(entry.entry_id, tuple(steps))
    action = await _action_of(session, entry, doable, person, at=at)
    verdict = await _ask(session, entry, action, person)
    if isinstance(verdict, Deny):
        refusal = Refusal("forbidden", verdict.reason)
        refused = [step if step.change is None else Step(step.place, step.record, refusal=refusal) for step in steps]
        return EntryPlan(entry.entry_id, tuple(refused))
    return EntryPlan(entry.entry_id, tuple(steps), action, verdict)


async def _ask(session: TenantSession, entry: LedgerEntry, action: Action, person: Principal) -> Hold | Deny:
    """What the guards demand, and whether this person is one to ask for it.

    Taking back is for those who may approve such a change, and for those who approved this one.
    """
    verdict = decide(action, person)
    if isinstance(verdict, Deny):
        return verdict
    demand = verdict if isinstance(verdict, Hold) else Hold(UNDO, "taken back by a person", None, self_approval=True)
    if demand.permissions <= person.access.permissions and demand.permissions:
        return demand
    votes = await approval_rows.list_votes(session, entry.approval_id or "")
    if any(vote.voter == person.id and vote.decision == "approve" for vote in votes):
        return demand
    needed = demand.permission or "approve_writes"
    return Deny(UNDO, f"taking this back needs the permission {needed!r}, or to have approved it")


async def _action_of(
    session: TenantSession, entry: LedgerEntry, steps: Sequence[Step], person: Principal, *, at: datetime
) -> Action:
    """The action with everything that guards look at. Its target is the ledger's own word: it counts as looked up."""
    changes = tuple(step.change for step in steps if step.change is not None)
    return Action(
        tool=UNDO,
        effect=Effect.WRITE,
        scope=CRM_WRITE,
        arguments={"entry_id": entry.entry_id, "effects": [step.place for step in steps]},
        schema_hash=SCHEMA_HASH,
        tenant=session.tenant,
        agent=UNDOER,
        agent_tools=frozenset({UNDO}),
        changes=changes,
        inputs=(Input("entry_id", "target", NOTHING, is_reference=True),),
        field_labels=await _labels(session, entry, steps, at=at),
        enlisted=await find_enlisted(session, changes),
        most_records=max(MAX_RECORDS, len(entry.effects)),  # what was done at once can be taken back at once
    )


async def _labels(
    session: TenantSession, entry: LedgerEntry, steps: Sequence[Step], *, at: datetime
) -> Mapping[tuple[str, str], FieldLabels]:
    origins = await provenance_rows.load_origins(session, [step.change.record_id for step in steps if step.change])
    found: dict[tuple[str, str], FieldLabels] = {}
    for step in steps:
        change = step.change
        if change is None or change.record_id not in origins:
            continue
        origin = origins[change.record_id]
        sources = entry.effects[step.place].get("sources")
        for one in change.fields:
            old = label_of(origin, one.field)
            new = label_of_restored(origin, one.field, sources, at=at) if change.operation == "update" else old
            found[change.record_id, one.field] = FieldLabels(old, new)
    return found


async def _undone_places(session: TenantSession, entry: LedgerEntry) -> set[int]:
    """The effects that were taken back and not done again since."""
    undone: set[int] = set()
    for later in await rows.list_undoing(session, [entry.entry_id]):
        again = await _undone_places(session, later)
        undone |= {one["undoes"] for place, one in enumerate(later.effects) if place not in again}
    return undone


@dataclass(frozen=True)
class _Planner:
    session: TenantSession
    entry: LedgerEntry
    crm: Connector
    ahead: Ahead
    undone: set[int]
    binned: set[str] = field(default_factory=set)
    """Records that the plan puts into the bin before it comes to older effects: what they point at may follow."""

    def keep(self, step: Step) -> Step:
        if step.change is not None and step.change.operation == "delete":
            self.binned.add(step.change.record_id)
        return step

    async def plan(self, place: int) -> Step:
        effect = self.entry.effects[place]
        record = (effect["object"], effect["id"])
        try:
            return Step(place, record, change=await self._compensate(effect, place))
        except _Refused as refused:
            return Step(place, None if refused.refusal.kind == "hidden" else record, refusal=refused.refusal)
        except RecordNotFoundError:
            return Step(place, None, refusal=Refusal("hidden", "there is no such record that you can see"))
        except CrmError as error:
            return Step(place, record, refusal=Refusal("forbidden", str(error)))

    async def _compensate(self, effect: Json, place: int) -> Change:
        """Raises: _Refused, CrmError."""
        if place in self.undone:
            raise _Refused(Refusal("undone", "it has been taken back already"))
        if (self.entry.result or {}).get("outbox_id") or _marks_as_sent(effect):
            raise _Refused(Refusal("sent", "a message went out: what has left the house cannot be called back"))
        match effect["operation"]:
            case "update":
                return await self._back_to_before(effect)
            case "create" | "restore":
                return await self._into_bin(effect)
            case "delete":
                return await self._out_of_bin(effect)
            case "confirm" | "unconfirm":
                return await self._about_trust(effect)
            case "convert" | "unconvert":
                return await self._about_conversion(effect)
            case other:
                raise _Refused(Refusal("forbidden", f"a {other!r} cannot be taken back"))

    async def _back_to_before(self, effect: Json) -> Change:
        object_name, record_id = effect["object"], effect["id"]
        fields = [name for name in effect["after"] if effect["before"].get(name) != effect["after"][name]]
        await self._require_present(effect, fields)
        changes = tuple(FieldChange(name, effect["after"][name], effect["before"].get(name)) for name in fields)
        if not changes:
            raise _Refused(Refusal("undone", "nothing was changed"))
        if record_id not in self.ahead.records:  # else the record does not yet look as it will
            await self.crm.propose_update(object_name, record_id, {one.field: one.new for one in changes})
        return Change("update", object_name, record_id, await self._name(record_id), changes)

    async def _into_bin(self, effect: Json) -> Change:
        """Only a record that nobody has worked on since, and that nothing points at."""
        object_name, record_id = effect["object"], effect["id"]
        present = await self.crm.get(object_name, record_id)
        written = [name for name in effect["after"] if name in present and name != "Id"]
        await self._require_present(effect, written)
        state = await rows.find_state(self.session, record_id)
        own = await rows.count_versions_after(self.session, record_id, effect["version"])
        if state is None or state[0] != effect["version"] + own:
            message = "somebody has worked on the record since it was made"
            raise _Refused(Refusal("moved_on", message, (await self._who(object_name, record_id),)))
        if await rows.is_referred_to(self.session, record_id, apart_from=self.binned):
            raise _Refused(Refusal("referred_to", "other records depend on it by now: take those back first"))
        shown = [name for name in written if name != "OwnerId" and effect["after"][name] is not None]
        binned = await self.crm.propose_delete(object_name, record_id)
        return replace(binned, fields=tuple(FieldChange(name, effect["after"][name], None) for name in shown))

    async def _out_of_bin(self, effect: Json) -> Change:
        """As it went in, for whoever may see the record there."""
        state = await rows.find_state(self.session, effect["id"])
        if state is None or state != (effect["version"], True):
            raise _Refused(Refusal("moved_on", "the record is not in the bin as it was left there"))
        return await self.crm.propose_restore(effect["object"], effect["id"])

    async def _about_conversion(self, effect: Json) -> Change:
        fields = list(effect["after"])
        await self._require_present(effect, fields)
        former = {name: effect["before"].get(name) for name in fields}
        if effect["operation"] == "unconvert":
            return await self.crm.propose_convert(effect["id"], former)
        return await self.crm.propose_unconvert(effect["id"], former)

    async def _about_trust(self, effect: Json) -> Change:
        object_name, record_id = effect["object"], effect["id"]
        is_lifting = effect["operation"] == "confirm"
        fields = list(effect["after"])
        await self._require_present(effect, fields)
        kept = await provenance_rows.list_kept(self.session, record_id, fields)
        for name in fields:
            one = kept.get(name)
            is_ours = one is not None and (one.source, one.version) == (CONFIRMED, effect["version"])
            if is_lifting and not is_ours:
                raise _Refused(Refusal("moved_on", f"{name} has been confirmed or written anew since"))
            if not is_lifting and one is not None and one.integrity == Integrity.CRM_VERIFIED.word:
                raise _Refused(Refusal("moved_on", f"{name} has been confirmed anew since"))
        await self.crm.propose_confirm(object_name, record_id, fields)  # whoever takes it back could have given it
        values = tuple(FieldChange(name, effect["after"][name], effect["after"][name]) for name in fields)
        operation: Literal["confirm", "unconfirm"] = "unconfirm" if is_lifting else "confirm"
        return Change(operation, object_name, record_id, await self._name(record_id), values)

    async def _require_present(self, effect: Json, fields: Sequence[str]) -> None:
        """Raises: _Refused if a field no longer has the value that the entry gave it; CrmError."""
        object_name, record_id = effect["object"], effect["id"]
        present = await self.crm.get(object_name, record_id, fields)
        moved = [
            {"field": name, "wrote": effect["after"][name], "now": now}
            for name in fields
            if (now := self.ahead.values.get((record_id, name), present[name])) != effect["after"][name]
        ]
        if moved:
            who = await self._who(object_name, record_id)
            names = ", ".join(one["field"] for one in moved)
            raise _Refused(Refusal("moved_on", f"changed since: {names}", tuple(one | who for one in moved)))

    async def _who(self, object_name: str, record_id: str) -> Json:
        """Who changed the record last, and when, as far as the person may know."""
        try:
            last = await self.crm.get(object_name, record_id, ["LastModifiedById", "LastModifiedDate"])
        except FieldError:
            return {}
        names = await self.crm.names_of([last["LastModifiedById"]] if last["LastModifiedById"] else [])
        return {
            "record_changed_by": names.get(last["LastModifiedById"] or ""),
            "record_changed_at": to_json(last["LastModifiedDate"]),
        }

    async def _name(self, record_id: str) -> str:
        return (await self.crm.names_of([record_id])).get(record_id, record_id)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _marks_as_sent(effect: Json) -> bool:
    """As `keep_mail_status` has it: what was sent is never a draft again."""
    statuses = (effect["before"].get("Status"), effect["after"].get("Status"))
    return effect["object"] == "EmailMessage" and "Sent" in statuses
