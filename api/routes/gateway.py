"""What the tenant lets out to models, over HTTP: the rules, what was used of the budgets today, and changing them."""

from dataclasses import asdict
from datetime import UTC, date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import GatewayKeeperOf, ServiceOf
from api.errors import problems
from api.wire import Body
from crm.repositories import outgoing as rows
from crm.repositories.access import list_members
from crm.repositories.records import display_name
from trust.outgoing import change_outgoing, load_outgoing

router = APIRouter(tags=["gateway"])

Limit = Annotated[int, Field(strict=True, ge=0, le=2**53)]


class RulesBody(Body):
    """The rules to change; what is left out stays. A limit of null is no limit."""

    model: Literal["provider", "offline"] = Field(
        default="provider", description="offline: nothing leaves, the service's own model answers."
    )
    personal: Literal["masked", "clear"] = Field(
        default="masked", description="clear: for the service's own model only; a provider never gets personal values."
    )
    outside_text: Literal["send", "withhold"] = Field(
        default="send", description="Texts that people outside wrote: e-mails, case descriptions, chats, leads."
    )
    record_text: Literal["send", "withhold"] = Field(default="send", description="Long texts of records.")
    phone_region: str | None = Field(
        default=None, pattern="^[A-Z]{2}$", description="Country whose phone numbers are known without country code."
    )
    tenant_tokens_per_day: Limit | None = None
    tenant_calls_per_day: Limit | None = None
    user_tokens_per_day: Limit | None = None
    user_calls_per_day: Limit | None = None
    run_tokens: Limit | None = None
    run_calls: Limit | None = None


class Used(BaseModel):
    """What the tenant used on a day, in UTC."""

    day: str
    calls: int
    tokens: int


class GatewayWire(RulesBody):
    """The rules as they stand."""

    used: Used
    provider: str = Field(description="The model that answers where `model` is `provider`; set by the operator.")
    fallback: str | None = Field(description="The model that answers when that one does not.")


class PersonUsage(BaseModel):
    """What was done on somebody's behalf."""

    person: str
    name: str | None = Field(description="Null if they are not there any more.")
    calls: int
    tokens: int


class DayUsage(Used):
    """The same by person, those who used most first."""

    people: list[PersonUsage]


@router.get("/admin/gateway", responses=problems(403))
async def get_gateway_rules(principal: GatewayKeeperOf, service: ServiceOf) -> GatewayWire:
    """What leaves the house for models, and how much of it today."""
    day = service.runner.clock().astimezone(UTC).date()
    async with service.database.session(principal.tenant) as session:
        rules = await load_outgoing(session)
        calls, tokens = (await rows.list_usage(session, day, ["tenant"])).get("tenant", (0, 0))
    used = Used(day=day.isoformat(), calls=calls, tokens=tokens)
    settings = service.settings
    return GatewayWire(**asdict(rules), used=used, provider=settings.model, fallback=settings.fallback_model)


@router.get("/admin/gateway/usage", responses=problems(403))
async def list_gateway_usage(
    principal: GatewayKeeperOf,
    service: ServiceOf,
    days: Annotated[int, Query(ge=1, le=90, description="So many days up to today, in UTC.")] = 7,
) -> list[DayUsage]:
    """What models were asked and by whom, day by day, the newest first; days on which nobody asked are left out."""
    first = service.runner.clock().astimezone(UTC).date() - timedelta(days=days - 1)
    async with service.database.session(principal.tenant) as session:
        rows_of = await rows.list_usage_since(session, first)
        names = {one.user.Id: display_name(one.user) for one in await list_members(session)}
    found: dict[date, DayUsage] = {}
    for row in rows_of:
        day = found.setdefault(row.day, DayUsage(day=row.day.isoformat(), calls=0, tokens=0, people=[]))
        person = row.account.removeprefix("user:")
        if row.account == "tenant":
            day.calls, day.tokens = row.calls, row.tokens
        else:
            day.people.append(PersonUsage(person=person, name=names.get(person), calls=row.calls, tokens=row.tokens))
    return list(found.values())


@router.patch("/admin/gateway", responses=problems(403))
async def change_gateway_rules(body: RulesBody, principal: GatewayKeeperOf, service: ServiceOf) -> GatewayWire:
    """Change rules; runs that start from now on keep to them. What was changed goes into the audit."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        await change_outgoing(session, principal, body.model_dump(exclude_unset=True), at=now)
    return await get_gateway_rules(principal, service)
