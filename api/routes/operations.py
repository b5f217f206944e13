"""What an admin sees of the engine: runs that were given up, and what waits."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.callers import PolicyAdminOf, ServiceOf
from api.errors import problems
from api.wire import RunWire, run_wire

router = APIRouter(prefix="/admin/runs", tags=["operations"])


class ParkedRun(BaseModel):
    """A run that was given up, and why."""

    run_id: str
    thread_id: str
    on_behalf_of: str
    attempts: int
    reason: str | None
    parked_at: datetime
    created_at: datetime


class Waiting(BaseModel):
    """How much the tenant has waiting."""

    pending: int
    """Accepted and not begun with."""
    unfinished: int
    """The same with those that are being worked on."""


@router.get("/waiting", responses=problems(403))
async def count_waiting(admin: PolicyAdminOf, service: ServiceOf) -> Waiting:
    """How many runs wait and how many are under way."""
    pending, unfinished = await service.conversations.count_runs(admin)
    return Waiting(pending=pending, unfinished=unfinished)


@router.get("/parked", responses=problems(403))
async def list_parked(
    admin: PolicyAdminOf, service: ServiceOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[ParkedRun]:
    """Runs that several processes died over, newest first. They are not tried again until somebody says so."""
    return [
        ParkedRun(
            run_id=run.run_id,
            thread_id=run.thread_id,
            on_behalf_of=run.on_behalf_of,
            attempts=run.attempt,
            reason=run.error,
            parked_at=run.parked_at or run.updated_at,
            created_at=run.created_at,
        )
        for run in await service.conversations.list_parked(admin, limit=limit)
    ]


@router.post("/{run_id}/retry", responses=problems(403, 404))
async def retry_run(run_id: uuid.UUID, admin: PolicyAdminOf, service: ServiceOf) -> RunWire:
    """Let a run that was given up try again, from where it was, with the rights its requester has now."""
    return run_wire(await service.conversations.retry(admin, str(run_id)))
