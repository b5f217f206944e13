"""Starts workflows when records change, and when somebody has agreed to it in a conversation.

What happens is read in the ledger, after it was written. That a rule has looked at an effect and the run that it
started are one transaction, so each effect starts a workflow once, however many processes look.
"""

import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import ValidationError

from crm.database import TenantSession
from crm.errors import FieldError
from crm.ids import TenantId
from crm.repositories import approvals as approval_rows
from crm.repositories import runs
from crm.repositories import triggers as rows
from crm.repositories.access import UnknownCallerError
from crm.repositories.triggers import NewEffect
from crm.schema import OBJECT_INFO
from crm.triggers import Firing, Trigger
from crm.work import Run
from graphs.conversations import Ask, Conversations, OverloadedError
from graphs.workflows._book import load_workflows
from graphs.workflows._declare import Workflow
from tools.workflows import start_workflow
from trust import audit
from trust.bound_labels import read_labels
from trust.labels import Integrity
from trust.principal import Principal, load_principal
from trust.scopes import POLICY_MANAGE
from trust.switches import SwitchedOffError, require_running

LOOK_BACK = timedelta(days=1)
"""How old an effect may be that something is still started by."""
MOST_TRIGGERS: Final = 100
FOR_OTHERS = "manage_policy"
"""The permission to make a rule that starts in somebody else's name, and to see and delete all rules."""
_CHAT: Final = "chat"
"""Stands for a rule in the notes on what was agreed to in conversations."""


class TriggerError(Exception):
    """A rule cannot be as it was asked for. `field` names what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TriggerNotFoundError(Exception):
    """There is no such rule, or it is somebody else's."""

    def __init__(self, trigger_id: str) -> None:
        super().__init__(f"no trigger {trigger_id!r} of yours")


@dataclass(frozen=True)
class WantedTrigger:
    """What a rule is to be."""

    assistant: str
    operation: Literal["create", "update"]
    field_name: str | None = None
    becomes: Any = None
    given: Mapping[str, Any] = field(default_factory=dict)
    person: str | None = None
    """In whose name; None: the maker's."""


@dataclass(frozen=True)
class Triggers:
    """The rules of all tenants, and what makes them fire."""

    conversations: Conversations

    # Rules

    async def create(self, principal: Principal, wanted: WantedTrigger) -> Trigger:
        """Raises: TriggerError."""
        now = self._clock()
        workflow = _check(wanted, principal)
        async with self._session(principal.tenant, write=True) as session:
            if await rows.count(session) >= MOST_TRIGGERS:
                raise TriggerError("trigger", f"there are {MOST_TRIGGERS} already; delete one first")
            person = wanted.person or principal.id
            try:
                named = await load_principal(session, person, principal.scopes, at=now)
            except UnknownCallerError:
                raise TriggerError("person", "expected the id of an active user") from None
            if named.is_customer:
                raise TriggerError("person", "expected the id of an active user")
            trigger = Trigger(
                trigger_id=str(uuid.uuid4()),
                owner=principal.id,
                person=person,
                assistant=workflow.name,
                object_name=workflow.about[0] if workflow.about else "",
                operation=wanted.operation,
                field_name=wanted.field_name,
                becomes=wanted.becomes,
                given=dict(wanted.given),
                scopes=sorted(principal.scopes),
                enabled=True,
                created_at=now,
            )
            await rows.add(session, trigger)
            await self._tell_audit(session, "trigger.created", trigger, principal.id)
        return trigger

    async def delete(self, principal: Principal, trigger_id: str) -> None:
        """What it has started goes on. Raises: TriggerNotFoundError."""
        async with self._session(principal.tenant, write=True) as session:
            trigger = await rows.find(session, trigger_id, owner=_owner_for(principal))
            if trigger is None:
                raise TriggerNotFoundError(trigger_id)
            await rows.remove(session, trigger)
            await self._tell_audit(session, "trigger.deleted", trigger, principal.id)

    async def list_triggers(self, principal: Principal) -> list[Trigger]:
        """The caller's own, of an administrator all; newest first."""
        async with self._session(principal.tenant) as session:
            return await rows.list_triggers(session, owner=_owner_for(principal))

    # Firing

    async def fire_new(self, tenant: TenantId) -> int:
        """Start what new effects in the ledger start; gives how many runs that were."""
        since = self._clock() - LOOK_BACK
        async with self._session(tenant) as session:
            found = [
                (trigger, effect)
                for trigger in await rows.list_enabled(session)
                for effect in await rows.list_effects_on(
                    session, trigger.trigger_id, trigger.object_name, since=max(since, trigger.created_at)
                )
            ]
            agreed = await rows.list_effects_of(session, _CHAT, start_workflow.name, since=since)
        begun = [await self._try(self._fire(tenant, trigger, effect)) for trigger, effect in found]
        begun += [await self._try(self._start_agreed(tenant, effect)) for effect in agreed]
        for run in begun:
            if run is not None:
                await self.conversations.runner.enqueue(tenant, run)
        return sum(run is not None for run in begun)

    @staticmethod
    async def _try(starting: Awaitable[Run | None]) -> Run | None:
        """None as well if it is switched off, or there is too much to do: the effect is then looked at again."""
        try:
            return await starting
        except (SwitchedOffError, OverloadedError):
            return None

    async def _fire(self, tenant: TenantId, trigger: Trigger, effect: NewEffect) -> Run | None:
        """Look at one effect with one rule, once."""
        async with self._session(tenant, write=True) as session:
            firing = await rows.note(session, trigger.trigger_id, effect, at=self._clock())
            if firing is None or not _fits(trigger, effect):
                return None
            try:
                await self._require_standing(session, trigger)
            except (UnknownCallerError, TriggerError) as error:
                await rows.switch_off(session, trigger.trigger_id, because=str(error))
                await self._tell_audit(session, "trigger.stopped", trigger, audit.SERVICE)
                return None
            given = {**trigger.given, **(_workflow(trigger.assistant).given_for(_record_of(effect)) or {})}
            return await self._open(
                session, firing, trigger.person, frozenset(trigger.scopes), trigger.assistant, given, effect
            )

    async def _require_standing(self, session: TenantSession, trigger: Trigger) -> None:
        """Whoever made the rule may still make it so. Raises: UnknownCallerError, TriggerError."""
        if trigger.assistant not in load_workflows():
            raise TriggerError("assistant", f"there is no workflow {trigger.assistant!r} any more")
        owner = await load_principal(session, trigger.owner, frozenset(trigger.scopes), at=self._clock())
        if trigger.person != trigger.owner and not _manages(owner):
            raise TriggerError("person", "who made the rule may no longer start things in other people's names")
        if trigger.field_name is not None and not owner.access.can_read(trigger.object_name, trigger.field_name):
            raise TriggerError("field", "who made the rule may no longer read the field that it goes by")

    async def _start_agreed(self, tenant: TenantId, effect: NewEffect) -> Run | None:
        """Start what a person has asked for in a conversation and a person has agreed to."""
        async with self._session(tenant, write=True) as session:
            firing = await rows.note(session, _CHAT, effect, at=self._clock())
            approval = await approval_rows.find(session, effect.entry.approval_id or "")
            asked = await runs.find(session, effect.entry.run_id)
            if firing is None or approval is None or approval.is_erased or asked is None or asked.is_erased:
                return None
            workflow = load_workflows().get(str(approval.arguments["workflow"]))
            labels = read_labels(approval.labels)["inputs"]
            if workflow is None or any(one.label.integrity is Integrity.EXTERNAL for one in labels):
                return None
            given = workflow.read(approval.arguments)
            scopes = frozenset(asked.request["scopes"])
            return await self._open(session, firing, approval.requester, scopes, workflow.name, given, effect)

    async def _open(
        self,
        session: TenantSession,
        firing: Firing,
        person: str,
        scopes: frozenset[str],
        assistant: str,
        given: Mapping[str, Any],
        effect: NewEffect,
    ) -> Run | None:
        """A conversation of the person's own in which the workflow begins; None if they do not see the record.

        Raises: SwitchedOffError, OverloadedError.
        """
        now = self._clock()
        try:
            principal = await load_principal(session, person, scopes, at=now)
        except UnknownCallerError:
            return None
        await require_running(session, principal, at=now, agent=assistant)
        if await runs.count_unfinished(session) >= self.conversations.max_unfinished:
            raise OverloadedError("too many runs are waiting")
        crm = self.conversations.runner.desk.crm_for(session, principal, now)
        record = _record_of(effect)
        if principal.is_customer or record not in await crm.names_of([record]):
            return None
        ask = Ask(
            None,
            assistant=assistant,
            given=given,
            details={"started_by": effect.entry.entry_id},
            in_background=True,
        )
        run = await self.conversations.open_for(session, person, scopes, ask)
        firing.run_id = run.run_id
        return run

    # Parts

    def _clock(self) -> datetime:
        return self.conversations.runner.clock()

    def _session(self, tenant: TenantId, *, write: bool = False) -> Any:
        return self.conversations.runner.database.session(tenant, write=write)

    async def _tell_audit(self, session: TenantSession, kind: str, trigger: Trigger, actor: str) -> None:
        payload = {
            "workflow": trigger.assistant,
            "object": trigger.object_name,
            "operation": trigger.operation,
            "field": trigger.field_name,
            "person": trigger.person,
        }
        subject = trigger.trigger_id
        await audit.record(session, at=self._clock(), kind=kind, actor=actor, subject=subject, payload=payload)


def _manages(principal: Principal) -> bool:
    """Whether rules of others, and in the names of others, are the person's to manage, with this token."""
    return FOR_OTHERS in principal.access.permissions and POLICY_MANAGE in principal.scopes


def _owner_for(principal: Principal) -> str | None:
    return None if _manages(principal) else principal.id


def _workflow(name: str) -> Workflow:
    return load_workflows()[name]


def _check(wanted: WantedTrigger, principal: Principal) -> Workflow:
    """The workflow that the rule is about. Raises: TriggerError."""
    if principal.is_customer:
        raise TriggerError("trigger", "triggers are for employees")
    able = {name: one for name, one in load_workflows().items() if one.about is not None}
    if wanted.assistant not in able:
        raise TriggerError("assistant_id", f"expected one of {', '.join(able)}")
    if wanted.person not in (None, principal.id) and not _manages(principal):
        needed = f"the permission {FOR_OTHERS!r} and scope {POLICY_MANAGE!r}"
        raise TriggerError("person", f"starting in other people's names needs {needed}")
    workflow = able[wanted.assistant]
    object_name, argument = workflow.about or ("", "")
    if wanted.field_name is not None:
        if wanted.operation == "create" and wanted.becomes is None:
            raise TriggerError("becomes", "expected the value that the field of a new record has to have")
        try:
            principal.access.require_readable(object_name, wanted.field_name)
        except FieldError as error:
            raise TriggerError("field", error.message) from None
    elif wanted.becomes is not None:
        raise TriggerError("field", "expected the field that has to have this value")
    if argument in wanted.given:
        raise TriggerError(f"input.{argument}", "is filled in with the record that the event is about")
    try:
        blank = f"{OBJECT_INFO[object_name].prefix}{'0' * 12}"
        workflow.input.model_validate({**wanted.given, argument: blank})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["input", *(str(part)[:80] for part in first["loc"])])
        raise TriggerError(where, first["msg"][:300]) from None
    return workflow


def _fits(trigger: Trigger, effect: NewEffect) -> bool:
    """Whether an effect is one that the rule is about. What workflows write starts none: it might never end."""
    if effect.entry.agent in load_workflows():
        return False
    found = effect.entry.effects[effect.place]
    if found["operation"] != trigger.operation:
        return False
    if trigger.field_name is None:
        return True
    name = trigger.field_name
    if name not in found["after"] or found["before"].get(name) == found["after"][name]:
        return False
    return trigger.becomes is None or bool(found["after"][name] == trigger.becomes)


def _record_of(effect: NewEffect) -> str:
    return str(effect.entry.effects[effect.place]["id"])
