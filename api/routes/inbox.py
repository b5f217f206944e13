"""How a tenant and its people work with what waits: messages to waiting conversations, and notices by e-mail."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import ApproverOf, PolicyAdminOf, ServiceOf
from api.errors import ForbiddenError, problems
from api.wire import Body
from crm.repositories import inbox as rows
from trust.inbox import WhileWaiting, get_while_waiting, set_while_waiting

router = APIRouter(tags=["approvals"])


class InboxRulesBody(Body):
    while_waiting: WhileWaiting = Field(
        description="What becomes of a message to a conversation that waits for a decision, unless it says so itself."
    )


class InboxRulesWire(BaseModel):
    while_waiting: WhileWaiting


class NoticesBody(Body):
    how: Literal["off", "each", "daily"] = Field(description="daily: one e-mail a day, at 7:00 UTC.")


class NoticesWire(BaseModel):
    how: Literal["off", "each", "daily"]
    is_sent: bool = Field(description="Whether the service has a sender to write from.")


@router.get("/admin/inbox", responses=problems(403))
async def get_inbox_rules(principal: PolicyAdminOf, service: ServiceOf) -> InboxRulesWire:
    """How the tenant's conversations take messages while they wait."""
    async with service.database.session(principal.tenant) as session:
        return InboxRulesWire(while_waiting=await get_while_waiting(session))


@router.put("/admin/inbox", responses=problems(403))
async def set_inbox_rules(body: InboxRulesBody, principal: PolicyAdminOf, service: ServiceOf) -> InboxRulesWire:
    """Change that; it counts from the next message on."""
    async with service.database.session(principal.tenant, write=True) as session:
        await set_while_waiting(session, body.while_waiting, principal, at=service.runner.clock())
    return InboxRulesWire(while_waiting=body.while_waiting)


@router.get("/me/notices", responses=problems(403))
async def get_notices(principal: ApproverOf, service: ServiceOf) -> NoticesWire:
    """Whether the caller is written to about requests; off unless they wanted it."""
    async with service.database.session(principal.tenant) as session:
        choice = await rows.find_choice(session, principal.id)
    how = "off" if choice is None else choice.how
    return NoticesWire(how=how, is_sent=service.settings.notice_from is not None)


@router.put("/me/notices", responses=problems(403))
async def set_notices(body: NoticesBody, principal: ApproverOf, service: ServiceOf) -> NoticesWire:
    """Be written to about each request, once a day, or not at all."""
    if principal.is_customer:
        raise ForbiddenError("only members of staff are written to")
    async with service.database.session(principal.tenant, write=True) as session:
        await rows.put_choice(session, user_id=principal.id, how=body.how, changed_at=service.runner.clock())
    return NoticesWire(how=body.how, is_sent=service.settings.notice_from is not None)
