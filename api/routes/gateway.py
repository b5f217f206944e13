"""What the tenant lets out to models, over HTTP: the rules, what was used of the budgets today, and changing them."""

from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import GatewayKeeperOf, ServiceOf
from api.errors import problems
from api.wire import Body
from crm.repositories import outgoing as rows
from trust.outgoing import Outgoing, change_outgoing, load_outgoing

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


@router.get("/admin/gateway", responses=problems(403))
async def get_gateway_rules(principal: GatewayKeeperOf, service: ServiceOf) -> GatewayWire:
    """What leaves the house for models, and how much of it today."""
    day = service.runner.clock().astimezone(UTC).date()
    async with service.database.session(principal.tenant) as session:
        rules = await load_outgoing(session)
        calls, tokens = (await rows.list_usage(session, day, ["tenant"])).get("tenant", (0, 0))
    return _wire(rules, Used(day=day.isoformat(), calls=calls, tokens=tokens))


@router.patch("/admin/gateway", responses=problems(403))
async def change_gateway_rules(body: RulesBody, principal: GatewayKeeperOf, service: ServiceOf) -> GatewayWire:
    """Change rules; runs that start from now on keep to them. What was changed goes into the audit."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        await change_outgoing(session, principal, body.model_dump(exclude_unset=True), at=now)
    return await get_gateway_rules(principal, service)


def _wire(rules: Outgoing, used: Used) -> GatewayWire:
    return GatewayWire(**asdict(rules), used=used)
