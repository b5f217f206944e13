"""Kill switches over HTTP, for administrators of a tenant. The operator's own is thrown on the machine only."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from api.callers import PolicyAdminOf, ServiceOf
from api.errors import InputError, problems
from api.wire import Body
from api.wiring import Service
from crm.fields import to_json
from crm.switches import KillSwitch, ServiceSwitch
from trust.actions import UNDO, UNDOER
from trust.foreign import list_full_names
from trust.principal import Principal
from trust.switches import MAX_REASON, Throw, list_switches, throw

router = APIRouter(prefix="/admin", tags=["switches"])


class SwitchBody(Body):
    """How a switch is to stand from now on. On stops: the tenant's copilot as a whole, an agent, or a tool."""

    scope: Literal["tenant", "agent", "tool"]
    name: Annotated[str, Field(max_length=60)] = Field(default="", description="Of the agent or the tool.")
    state: Literal["on", "off"]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)] = Field(
        description="Told to staff whose work it stops, and to the model."
    )
    until: AwareDatetime | None = Field(default=None, description="When it stops stopping by itself.")


class SwitchWire(BaseModel):
    """A switch as it stands."""

    scope: str
    name: str
    state: Literal["on", "off"]
    is_stopping: bool = Field(description="Whether it is on and its time has not passed.")
    reason: str
    changed_by: str
    changed_at: str
    until: str | None


class TargetsWire(BaseModel):
    """What a switch can stop by name."""

    agents: list[str]
    tools: list[str]


@router.get("/switches/targets", responses=problems(403))
async def list_switch_targets(principal: PolicyAdminOf, service: ServiceOf) -> TargetsWire:
    """The agents and tools that there are, by name."""
    known = await _known(service, principal)
    return TargetsWire(agents=sorted(known["agent"]), tools=sorted(known["tool"]))


async def _known(service: Service, principal: Principal) -> dict[str, set[str]]:
    """By scope. Tools of others are among them in whatever state they are: they can be stopped before they are used."""
    desk = service.runner.desk
    async with service.database.session(principal.tenant) as session:
        foreign = await list_full_names(session)
    return {"tenant": {""}, "agent": {*desk.roster, UNDOER}, "tool": {*desk.catalogue, UNDO, *foreign}}


@router.get("/switches", responses=problems(403))
async def list_kill_switches(principal: PolicyAdminOf, service: ServiceOf) -> list[SwitchWire]:
    """All that were ever thrown; the operator's comes first. Who threw which before is in the audit."""
    async with service.database.session(principal.tenant) as session:
        operators, own = await list_switches(session)
    now = service.runner.clock()

    def wire(one: KillSwitch | ServiceSwitch, scope: str, name: str) -> SwitchWire:
        return SwitchWire(
            scope=scope,
            name=name,
            state="on" if one.is_on else "off",
            is_stopping=one.is_on and (one.until is None or one.until > now),
            reason=one.reason,
            changed_by=one.changed_by,
            changed_at=to_json(one.changed_at),
            until=None if one.until is None else to_json(one.until),
        )

    first = [] if operators is None else [wire(operators, "global", "")]
    return first + [wire(one, one.scope, one.name) for one in own]


@router.post("/switches", responses=problems(403))
async def throw_kill_switch(body: SwitchBody, principal: PolicyAdminOf, service: ServiceOf) -> list[SwitchWire]:
    """Throw a switch: it counts for everything that begins after the answer, in every process. Entered in the audit."""
    now = service.runner.clock()
    if body.name not in (await _known(service, principal))[body.scope]:
        message = "expected none for a tenant" if body.scope == "tenant" else f"there is no {body.scope} of this name"
        raise InputError("name", message)
    if body.until is not None and (body.state == "off" or body.until <= now):
        raise InputError("until", "expected with state 'on' only, and in the future")
    switch = Throw(body.scope, body.name, body.state == "on", body.reason, body.until)
    async with service.database.session(principal.tenant, write=True) as session:
        await throw(session, switch, by=principal.id, at=now)
    return await list_kill_switches(principal, service)
