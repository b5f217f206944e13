"""Who may do what, and why: answers for administrators, made by asking the guards, without doing anything."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from agents._agent import DomainAgent
from agents._reach import reach_of
from agents._roster import load_roster
from agents._samples import FieldSample, Sample, action_of
from api.callers import PolicyAdminOf, ServiceOf
from api.errors import InputError, problems
from api.wire import Body
from crm.access import Caller
from crm.database import TenantSession
from crm.ids import UserId, normalise_id
from crm.repositories.access import (
    UnknownCallerError,
    find_contact_by_email,
    find_holders,
    find_staff,
    find_user_by_username,
    load_access,
)
from crm.repositories.records import display_name
from crm.schema import OBJECT_INFO
from tools._catalogue import load_catalogue
from tools._declare import Tool
from trust.actions import Outgoing, Recipient, Role
from trust.explain import Explanation, explain
from trust.labels import Integrity, Label
from trust.principal import Principal, load_principal
from trust.scopes import ALL_SCOPES

router = APIRouter(prefix="/admin", tags=["policy"])

Level = Literal["external", "crm_verified", "user", "system"]
Scope = Annotated[str, Field(max_length=60)]
MOST_NAMED = 20


class FieldBody(Body):
    """How a field would change; values that are left out are made up."""

    old: str | int | float | bool | None = None
    new: str | int | float | bool | None = None
    empties: bool = False
    old_integrity: Level = "crm_verified"
    new_integrity: Level = "user"


class RecipientBody(Body):
    address: Annotated[str, Field(max_length=254)]
    integrity: Level = "crm_verified"
    record: Annotated[str, Field(max_length=80)] | None = None
    account_id: Annotated[str, Field(max_length=18)] | None = None
    may_be_written_to: bool = True
    is_staff: bool = False


class ExplainBody(Body):
    """A call to ask about. What is left out is the ordinary: nothing outside was read, records were looked up."""

    person: Annotated[str, Field(min_length=1, max_length=254, description="Record id, user name, or e-mail address.")]
    agent: Annotated[str, Field(max_length=40)]
    tool: Annotated[str, Field(max_length=60)]
    scopes: list[Scope] | None = Field(
        default=None, max_length=20, description="Of the person's token; all if left out."
    )
    object: Annotated[str, Field(max_length=60)] | None = None
    operation: Literal["create", "update", "delete", "confirm", "convert"] | None = None
    fields: dict[str, FieldBody] = Field(default={}, max_length=100)
    records: Annotated[int, Field(ge=1, le=50)] = 1
    tainted: bool = Field(default=False, description="Whether the model has read outside text in the turn.")
    in_plan: bool = True
    inputs: dict[Role, Level] = Field(default={}, description="The worst source of the arguments of each role.")
    resolved: bool = Field(default=True, description="Whether code looked the records and recipients up.")
    recipients: list[RecipientBody] = Field(default=[], max_length=20)
    content: Level = "user"
    readers: list[Annotated[str, Field(max_length=80)]] | None = Field(
        default=[], max_length=50, description="Who outside may read the content; null: anybody."
    )


class PersonWire(BaseModel):
    id: str
    name: str


class StepWire(BaseModel):
    """What one guard or rule said."""

    source: str
    outcome: Literal["allow", "hold", "deny"]
    reason: str
    remedy: str


class ExplanationWire(BaseModel):
    """What would be decided, by which guard or rule, why, and what would satisfy it."""

    decision: Literal["allow", "hold", "deny"]
    source: str
    reason: str
    permission: str | None
    second_person: bool
    votes: int
    approver_rules: list[str] = Field(description="What the tenant's rules ask of approvers, in words; all of them.")
    approvers: list[PersonWire] = Field(description="Some of those who could approve; the person only where they may.")
    remedies: list[str]
    steps: list[StepWire]
    facts: dict[str, Any]
    policy_version: str


class WayWire(BaseModel):
    tool: str
    operation: str
    decision: str
    rules: list[str]
    permission: str | None
    second_person: bool
    votes: int
    fields: list[str]


class ObjectReachWire(BaseModel):
    object: str
    readable: list[str]
    changes: list[WayWire]


class SendReachWire(BaseModel):
    tool: str
    to: str
    decision: str
    reason: str
    permission: str | None
    second_person: bool
    votes: int


class ReachWire(BaseModel):
    """How far an agent reaches for a person, at most. What is not listed is denied or unseen."""

    agent: str
    person: PersonWire
    tools: list[str]
    objects: list[ObjectReachWire]
    sends: list[SendReachWire]
    approvers: dict[str, list[PersonWire]] = Field(description="Permission -> some of those who have it.")


@router.post("/policy/explain", responses=problems(403))
async def explain_policy(body: ExplainBody, principal: PolicyAdminOf, service: ServiceOf) -> ExplanationWire:
    """Who may do what: the decision on a call that nobody made, with everything that speaks for and against it."""
    sample = _sample_of(body)
    async with service.database.session(principal.tenant) as session:
        scopes = ALL_SCOPES if body.scopes is None else frozenset(body.scopes)
        person = await _load_person(session, body.person, scopes)
        said = explain(action_of(sample, person), person)
        able = await _able(session, said, service.runner.clock())
    approvers = [one for one in able if one.id != person.id]
    met = all(one.is_met_by(person.access, at=service.runner.clock()) for one in said.requirements)
    if said.outcome == "hold" and not said.second_person and met:
        approvers.insert(0, PersonWire(id=person.id, name=person.access.display_name))
    return ExplanationWire(
        decision=said.outcome,
        source=said.source,
        reason=said.reason,
        permission=said.permission,
        second_person=said.second_person,
        votes=said.votes,
        approver_rules=[one.words for one in said.requirements],
        approvers=approvers[:MOST_NAMED],
        remedies=said.remedies,
        steps=[StepWire(**asdict(step)) for step in said.steps],
        facts={name: _plain(value) for name, value in asdict(said.facts).items()},
        policy_version=said.policy_version,
    )


@router.get("/reach", responses=problems(403))
async def get_reach(
    principal: PolicyAdminOf,
    service: ServiceOf,
    agent: Annotated[str, Query(max_length=40)],
    person: Annotated[str, Query(min_length=1, max_length=254, description="Record id, user name, or e-mail.")],
) -> ReachWire:
    """What this agent could read, change and send for this person, and who would have to agree."""
    found = _find_agent(agent)
    async with service.database.session(principal.tenant) as session:
        known = await _load_person(session, person, ALL_SCOPES)
        reach = await asyncio.to_thread(reach_of, found, known)
        ways = [way for one in reach.objects for way in one.ways]
        asked = [way.permission for way in ways] + [one.permission for one in reach.sends]
        wanted = sorted({one for one in asked if one})
        approvers = {permission: (await _holders(session, permission))[:MOST_NAMED] for permission in wanted}
    return ReachWire(
        agent=reach.agent,
        person=PersonWire(id=known.id, name=known.access.display_name),
        tools=list(reach.tools),
        objects=[
            ObjectReachWire(
                object=one.object_name,
                readable=list(one.readable),
                changes=[WayWire(**_renamed(asdict(way))) for way in one.ways],
            )
            for one in reach.objects
        ],
        sends=[SendReachWire(**_renamed(asdict(one))) for one in reach.sends],
        approvers=approvers,
    )


def _renamed(given: dict[str, Any]) -> dict[str, Any]:
    return {"decision" if name == "outcome" else name: value for name, value in given.items()}


def _plain(value: Any) -> Any:
    return value.word if isinstance(value, Integrity) else value


async def _load_person(session: TenantSession, who: str, scopes: frozenset[str]) -> Principal:
    """Raises: InputError if the tenant has no such person."""
    member = normalise_id(who)
    if member is None:
        found = await find_user_by_username(session, who) or await find_contact_by_email(session, who)
        member = found.Id if found else ""
    try:
        return await load_principal(session, member, scopes)
    except UnknownCallerError:
        raise InputError("person", "expected an active user or a contact of the tenant") from None


async def _holders(session: TenantSession, permissions: str | None) -> list[PersonWire]:
    found = await find_holders(session, frozenset((permissions or "").split()))
    return [PersonWire(id=one.Id, name=display_name(one)) for one in found]


async def _able(session: TenantSession, said: Explanation, at: datetime) -> list[PersonWire]:
    """Those who could decide now. Whose manager is meant is known only once there is a record."""
    if not said.requirements:
        return await _holders(session, said.permission)
    able = []
    for user in await find_staff(session, frozenset((said.permission or "").split())):
        access = await load_access(session, Caller(session.tenant, user_id=UserId(user.Id)))
        if all(one.is_met_by(access, at=at) for one in said.requirements):
            able.append(PersonWire(id=user.Id, name=access.display_name))
        if len(able) > MOST_NAMED:
            break
    return able


def _find_agent(name: str) -> DomainAgent:
    agent = load_roster().get(name)
    if agent is None:
        raise InputError("agent", f"expected one of {', '.join(load_roster())}")
    return agent


def _find_tool(name: str) -> Tool:
    tool = load_catalogue().get(name)
    if tool is None:
        raise InputError("tool", f"expected one of {', '.join(load_catalogue())}")
    return tool


def _sample_of(body: ExplainBody) -> Sample:
    """Raises: InputError."""
    tool = _find_tool(body.tool)
    return Sample(
        agent=_find_agent(body.agent),
        tool=tool,
        operation=body.operation,
        object_name=_object_of(body, tool),
        fields={name: _field_sample(one) for name, one in body.fields.items()},
        records=body.records,
        is_tainted=body.tainted,
        is_in_plan=body.in_plan,
        inputs={role: Integrity[level.upper()] for role, level in body.inputs.items()},
        is_resolved=body.resolved,
        outgoing=_outgoing_of(body),
    )


def _object_of(body: ExplainBody, tool: Tool) -> str | None:
    """As asked for; else the only one that the tool changes. Raises: InputError."""
    declared = {name for _, name in tool.changes if name != "*"}
    name = body.object or (declared.pop() if len(declared) == 1 else None)
    if name is None:
        if body.fields:
            raise InputError("object", "expected the kind of record that the fields belong to")
        return None
    if name not in OBJECT_INFO:
        raise InputError("object", f"expected one of {', '.join(OBJECT_INFO)}")
    unknown = next((field for field in body.fields if field not in OBJECT_INFO[name].fields), None)
    if unknown is not None:
        raise InputError("fields", f"{name} has no field {unknown[:80]!r}")
    return name


def _field_sample(body: FieldBody) -> FieldSample:
    return FieldSample(
        body.old,
        body.new,
        body.empties,
        Integrity[body.old_integrity.upper()],
        Integrity[body.new_integrity.upper()],
    )


def _outgoing_of(body: ExplainBody) -> Outgoing | None:
    if not body.recipients:
        return None
    recipients = tuple(
        Recipient(
            one.address,
            Label(Integrity[one.integrity.upper()]),
            one.record,
            one.account_id,
            one.may_be_written_to,
            one.is_staff,
        )
        for one in body.recipients
    )
    readers = None if body.readers is None else frozenset(body.readers)
    return Outgoing("email", recipients, Label(Integrity[body.content.upper()], readers=readers))
