"""Erasing and keeping over HTTP, for a tenant's admins."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import EraserOf, ServiceOf
from api.errors import problems
from api.wire import Body
from crm.errors import RecordNotFoundError
from crm.ids import normalise_id
from crm.repositories import retention as rows
from crm.schema import object_of
from graphs.conversations import ThreadNotFoundError
from trust import erasure

router = APIRouter(tags=["erasure"])

Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionWire(BaseModel):
    """How long the tenant keeps what it need not keep."""

    conversation_days: int | None = Field(
        description="Days after which a conversation that nobody touched is erased; null: never."
    )
    prompt_days: int = Field(description="Days for which texts to and from models are kept; 0: they are not stored.")


class RetentionBody(Body):
    """Both settings as they should be."""

    conversation_days: Days | None
    prompt_days: int = Field(ge=0, le=36_500)


class TenantErasureBody(Body):
    """Erasing everything cannot be taken back, so it is said in full."""

    confirm: Literal["erase every conversation of this tenant"]


class Erased(BaseModel):
    """What is lost now."""

    conversations: int


@router.get("/retention", responses=problems(403))
async def get_retention(principal: EraserOf, service: ServiceOf) -> RetentionWire:
    """The tenant's retention."""
    async with service.database.session(principal.tenant) as session:
        found = await rows.get(session)
        return RetentionWire(conversation_days=found.conversation_days, prompt_days=found.prompt_days)


@router.put("/retention", responses=problems(403))
async def set_retention(body: RetentionBody, principal: EraserOf, service: ServiceOf) -> RetentionWire:
    """Set the tenant's retention. What has outlived it is erased within the hour."""
    async with service.database.session(principal.tenant, write=True) as session:
        await erasure.change_retention(
            session,
            conversation_days=body.conversation_days,
            prompt_days=body.prompt_days,
            by=principal.id,
            at=_now(service),
        )
    return RetentionWire(conversation_days=body.conversation_days, prompt_days=body.prompt_days)


@router.post("/erasure/thread/{thread_id}", responses=problems(403, 404, 410))
async def erase_thread(thread_id: uuid.UUID, principal: EraserOf, service: ServiceOf) -> Erased:
    """Erase a conversation of anybody in the tenant, for good. Whoever asks for it then is told that it is gone."""
    async with service.database.session(principal.tenant, write=True) as session:
        if not await erasure.erase_thread(session, str(thread_id), by=principal.id, at=_now(service)):
            raise ThreadNotFoundError(str(thread_id))
    await service.database.forget_freed()
    return Erased(conversations=1)


@router.post("/erasure/person/{person_id}", responses=problems(403, 404, 410))
async def erase_person(person_id: str, principal: EraserOf, service: ServiceOf) -> Erased:
    """Erase all conversations of a user or contact and what is sealed with their key. Their records stay."""
    normal = normalise_id(person_id)
    if normal is None or object_of(normal) not in ("User", "Contact"):
        raise RecordNotFoundError("User", person_id[:18])
    async with service.database.session(principal.tenant, write=True) as session:
        count = await erasure.erase_person(session, normal, by=principal.id, at=_now(service))
    await service.database.forget_freed()
    return Erased(conversations=count)


@router.post("/erasure/tenant", responses=problems(403, 410))
async def erase_tenant(body: TenantErasureBody, principal: EraserOf, service: ServiceOf) -> Erased:
    """Erase every conversation of the caller's tenant; it can hold no more. Records, ledger and audit stay."""
    async with service.database.session(principal.tenant, write=True) as session:
        count = await erasure.erase_tenant(session, by=principal.id, at=_now(service))
    await service.database.forget_freed()
    return Erased(conversations=count)


def _now(service: ServiceOf) -> datetime:
    return service.runner.clock()
