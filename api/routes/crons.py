"""Schedules over HTTP, in the shape that the public SDKs call crons."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from api.callers import ReaderOf, ServiceOf
from api.errors import InputError, problems
from api.wire import Body, Details, Json, RunContextBody, find_assistant, read_input
from api.wiring import Service
from crm.scheduling import Schedule
from graphs.assistants import Assistant, assistant_id
from graphs.schedules import Wanted
from trust.principal import Principal

router = APIRouter(prefix="/runs/crons", tags=["schedules"])


class _CronFields(Body):
    input: Json | None = Field(
        default=None, description='`{"messages": [{"type": "human", "content": "..."}]}`, or what the assistant takes.'
    )
    context: RunContextBody | None = None
    metadata: Details | None = None
    config: Json | None = Field(default=None, description="Accepted for the clients' sake; nothing in it is used.")
    timezone: str | None = Field(default=None, max_length=60, description="IANA name; UTC if left out.")
    end_time: AwareDatetime | None = None
    enabled: bool | None = Field(default=None, strict=True)
    stream_mode: Any = None
    stream_subgraphs: bool | None = Field(default=None, strict=True)
    stream_resumable: bool | None = Field(default=None, strict=True)
    durability: Literal["sync", "async", "exit"] | None = None
    checkpoint_during: bool | None = Field(default=None, strict=True)
    interrupt_before: Literal["*"] | list[str] | None = None
    interrupt_after: Literal["*"] | list[str] | None = None
    on_run_completed: Literal["delete", "keep"] | None = None
    webhook: str | None = None

    def check(self) -> None:
        """Raises: InputError for what this service does not do."""
        for name in ("interrupt_before", "interrupt_after", "webhook"):
            if getattr(self, name):
                raise InputError(name, "is not supported")
        if self.on_run_completed == "delete":
            raise InputError("on_run_completed", "conversations are kept as long as the tenant's retention says")
        if self.context is not None and self.context.today is not None:
            raise InputError("context.today", "a schedule's runs have the day they are due on")

    def asked(self, assistant: Assistant) -> tuple[str | None, Json | None]:
        """The message, or in its place what the assistant is started with. Raises: InputError."""
        if self.input is None:
            return None, None
        text, message_id, given = read_input(self.input, assistant)
        if message_id is not None:
            raise InputError("input.messages", "a message that is asked again has no id of its own")
        return text, given

    def instructions(self) -> str | None:
        return None if self.context is None else self.context.instructions


class CronBody(_CronFields):
    """A schedule to be made."""

    assistant_id: str = Field(max_length=100)
    schedule: str = Field(max_length=120, description="Five fields: minute, hour, day, month, weekday.")
    for_each: str | None = Field(
        default=None,
        max_length=80,
        description="Permission set: asks for each user who has it. Needs scope policy:manage and manage_policy.",
    )
    multitask_strategy: Literal["reject", "enqueue", "interrupt", "rollback"] | None = None


class CronChange(_CronFields):
    """What is to be different about a schedule; what is left out stays."""

    schedule: str | None = Field(default=None, max_length=120)


class CronSearch(Body):
    """Which schedules to list."""

    assistant_id: str | None = Field(default=None, max_length=100)
    thread_id: str | None = Field(default=None, max_length=100)
    enabled: bool | None = Field(default=None, strict=True)
    metadata: Details | None = None
    limit: int = Field(default=10, ge=1, le=1_000, strict=True)
    offset: int = Field(default=0, ge=0, le=1_000_000, strict=True)
    sort_by: Literal["created_at"] | None = None
    sort_order: Literal["desc"] | None = None
    select: list[str] | None = None


class CronWire(Body):
    """A schedule as it stands."""

    cron_id: str
    assistant_id: str
    thread_id: str | None
    user_id: str
    schedule: str
    timezone: str
    for_each: str | None
    payload: Json
    metadata: Json
    enabled: bool
    stopped_because: str | None
    end_time: datetime | None
    next_run_date: datetime | None
    on_run_completed: str | None
    created_at: datetime
    updated_at: datetime


def _wire(schedule: Schedule) -> CronWire:
    message = {} if schedule.is_erased else schedule.message
    text, instructions = message.get("text"), message.get("instructions")
    return CronWire(
        cron_id=schedule.schedule_id,
        assistant_id=assistant_id(schedule.assistant),
        thread_id=None,
        user_id=schedule.owner,
        schedule=schedule.cron,
        timezone=schedule.timezone,
        for_each=schedule.audience,
        payload={
            "input": message.get("given") or {"messages": [{"type": "human", "content": text}]},
            "context": {"instructions": instructions},
        },
        metadata=schedule.details,
        enabled=schedule.enabled,
        stopped_because=schedule.stopped_because,
        end_time=schedule.ends_at,
        next_run_date=None if schedule.next_at is None else schedule.next_at.astimezone(UTC),
        on_run_completed=None,
        created_at=schedule.created_at,
        updated_at=schedule.updated_at,
    )


@router.post("", responses=problems(403))
async def create_cron(body: CronBody, principal: ReaderOf, service: ServiceOf) -> CronWire:
    """Ask something again and again. Each time opens a conversation of its own, whose writes wait like any other's."""
    body.check()
    assistant = find_assistant(body.assistant_id, service.runner.graphs, is_customer=principal.is_customer)
    if body.multitask_strategy not in (None, "enqueue"):
        raise InputError("multitask_strategy", "each time opens a conversation of its own; expected enqueue or nothing")
    text, given = body.asked(assistant)
    if text is None and given is None:
        raise InputError("input", "expected the message to ask, or what the assistant is started with")
    wanted = Wanted(
        assistant=assistant.name,
        text=text,
        given=given,
        instructions=body.instructions(),
        cron=body.schedule,
        timezone=body.timezone,
        audience=body.for_each,
        ends_at=body.end_time,
        details=body.metadata,
        enabled=body.enabled,
    )
    return _wire(await service.schedules.create(principal, wanted))


@router.patch("/{cron_id}", responses=problems(403, 404, 410))
async def change_cron(cron_id: uuid.UUID, body: CronChange, principal: ReaderOf, service: ServiceOf) -> CronWire:
    """Change a schedule, or switch it off and on. Its runs have the scopes of the token that changed it last."""
    body.check()
    named = await service.schedules.get_assistant(principal, str(cron_id))
    text, given = body.asked(find_assistant(named, service.runner.graphs, is_customer=principal.is_customer))
    wanted = Wanted(
        text=text,
        given=given,
        instructions=body.instructions(),
        cron=body.schedule,
        timezone=body.timezone,
        ends_at=body.end_time,
        details=body.metadata,
        enabled=body.enabled,
    )
    return _wire(await service.schedules.change(principal, str(cron_id), wanted))


@router.delete("/{cron_id}", status_code=204, responses=problems(403, 404))
async def delete_cron(cron_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> None:
    """Delete a schedule. What it has begun goes on."""
    await service.schedules.delete(principal, str(cron_id))


@router.post("/search", responses=problems(403))
async def search_crons(body: CronSearch, principal: ReaderOf, service: ServiceOf) -> list[CronWire]:
    """The caller's own schedules, newest first."""
    wanted = _named(body, principal, service)
    if wanted is None:
        return []
    found = await service.schedules.search(
        principal,
        limit=body.limit,
        offset=body.offset,
        details=body.metadata,
        enabled=body.enabled,
        assistants=wanted,
    )
    return [_wire(schedule) for schedule in found]


class CronCount(Body):
    """Which schedules to count."""

    assistant_id: str | None = Field(default=None, max_length=100)
    thread_id: str | None = Field(default=None, max_length=100)


@router.post("/count", responses=problems(403))
async def count_crons(body: CronCount, principal: ReaderOf, service: ServiceOf) -> Annotated[int, Field(ge=0)]:
    """How many schedules the caller has."""
    wanted = _named(body, principal, service)
    return 0 if wanted is None else await service.schedules.count(principal, assistants=wanted)


def _named(body: CronSearch | CronCount, principal: Principal, service: Service) -> list[str] | None:
    """Names of the assistants whose schedules are looked for, none for all; None if nothing can be found."""
    if body.thread_id is not None:
        return None
    if body.assistant_id is None:
        return []
    found = service.runner.graphs.find(body.assistant_id, is_customer=principal.is_customer)
    return None if found is None else [found.name]
