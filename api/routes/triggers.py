"""Rules about what is started when records change."""

import uuid
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import ReaderOf, ServiceOf
from api.errors import problems
from api.wire import Body, Details, Json
from crm.fields import to_json
from crm.triggers import Trigger
from graphs.triggers import WantedTrigger

router = APIRouter(prefix="/triggers", tags=["triggers"])


class TriggerBody(Body):
    """A rule to be made: the kind of record is the one that the workflow is about."""

    assistant_id: str = Field(max_length=60, description="The workflow, by name.")
    operation: Literal["create", "update"] = Field(description="What happens to the record.")
    field: str | None = Field(default=None, max_length=80, description="The field that has to have changed.")
    becomes: str | int | float | bool | None = Field(default=None, description="The value that it has to have then.")
    input: Details | None = Field(default=None, description="What else the workflow is started with.")
    person: str | None = Field(
        default=None,
        pattern="^005[0-9A-Za-z]{15}$",
        description="In whose name it starts; yourself if left out. Others need scope policy:manage and manage_policy.",
    )


class TriggerWire(BaseModel):
    """A rule as it stands."""

    trigger_id: str
    assistant_id: str
    object: str
    operation: str
    field: str | None
    becomes: Any
    input: Json
    person: str
    owner: str
    enabled: bool
    stopped_because: str | None
    created_at: str


def _wire(trigger: Trigger) -> TriggerWire:
    return TriggerWire(
        trigger_id=trigger.trigger_id,
        assistant_id=trigger.assistant,
        object=trigger.object_name,
        operation=trigger.operation,
        field=trigger.field_name,
        becomes=trigger.becomes,
        input=trigger.given,
        person=trigger.person,
        owner=trigger.owner,
        enabled=trigger.enabled,
        stopped_because=trigger.stopped_because,
        created_at=to_json(trigger.created_at),
    )


@router.post("", responses=problems(403))
async def create_trigger(body: TriggerBody, principal: ReaderOf, service: ServiceOf) -> TriggerWire:
    """Start a workflow whenever a record is created or changed through this service; each change starts it once.

    It has the rights of the person by then, within the scopes of this token, and what it would write waits as always.
    """
    wanted = WantedTrigger(
        assistant=body.assistant_id,
        operation=body.operation,
        field_name=body.field,
        becomes=body.becomes,
        given=body.input or {},
        person=body.person,
    )
    return _wire(await service.triggers.create(principal, wanted))


@router.get("", responses=problems(403))
async def list_triggers(principal: ReaderOf, service: ServiceOf) -> list[TriggerWire]:
    """The caller's own rules, all of the tenant for those who manage its policy; newest first."""
    return [_wire(one) for one in await service.triggers.list_triggers(principal)]


@router.delete("/{trigger_id}", status_code=204, responses=problems(403, 404))
async def delete_trigger(trigger_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> None:
    """Delete a rule. What it has started goes on."""
    await service.triggers.delete(principal, str(trigger_id))
