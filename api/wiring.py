"""Builds the parts and joins them; tests pass other parts in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from langchain_core.language_models import BaseChatModel
from opentelemetry.trace import Tracer

from agents._calling import Patience
from agents._gateway import Gateway
from agents._models import make_model
from agents._roster import load_roster
from api.announcer import Announcer
from api.auth import Authenticator, KeySet, KeySetError
from api.charts import Charts
from api.courier import Courier
from api.durable_queue import DurableQueue
from api.housekeeper import Housekeeper
from api.mcp.foreign import ForeignDoor
from api.mcp.server import McpServer
from api.oidc import Oidc
from api.outbox import Outbox
from api.outward import Outward
from api.postman import Postman
from api.sessions import Sessions
from api.settings import Settings
from api.telemetry.wiring import Telemetry, open_telemetry
from api.transports import DirectoryTransport, SmtpTransport, Transport
from api.watcher import Watcher
from crm.database import Database
from graphs._calls import CallDesk
from graphs._code import CodeDesk
from graphs._extractor import Extractor
from graphs._voice import Voice
from graphs.assistants import ASSISTANTS, Assistant, known_versions
from graphs.checkpoints import SealedSaver
from graphs.context import Limits
from graphs.conversations import Conversations
from graphs.editing import Editing
from graphs.inbox import Inbox
from graphs.inbox_cards import Cards
from graphs.outside_calls import OutsideCalls
from graphs.runner import LEASE, Clock, Room, Runner
from graphs.schedules import Schedules
from graphs.screens import Screens
from graphs.triggers import Triggers
from graphs.versions import check_versions
from graphs.workflows._book import with_all_agents
from graphs.workflows._standings import Standings
from tools._catalogue import load_catalogue
from tools._sandbox.runner import Sandbox
from trust.content_flag import load_lexicons
from trust.head_export import HeadExporter

ModelFor = Callable[[str], BaseChatModel]


@dataclass(frozen=True)
class Service:
    """Everything the HTTP interface needs, running."""

    settings: Settings
    database: Database
    runner: Runner
    conversations: Conversations
    schedules: Schedules
    triggers: Triggers
    mcp: McpServer
    foreign: ForeignDoor
    queue: DurableQueue | None
    authenticator: Authenticator
    sessions: Sessions
    oidc: Oidc
    inbox: Inbox
    cards: Cards
    editing: Editing
    outbox: Outbox
    postman: Postman
    outward: Outward
    courier: Courier
    announcer: Announcer
    housekeeper: Housekeeper
    watcher: Watcher
    heads: HeadExporter
    telemetry: Telemetry
    charts: Charts
    ready_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Anybody may ask whether the service is ready; they take turns, so that asking uses one connection at most."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_service(
    settings: Settings,
    *,
    model_for: ModelFor | None = None,
    clock: Clock = utc_now,
    limits: Limits | None = None,
    lease: timedelta = LEASE,
    transport: Transport | None = None,
    queue: DurableQueue | None = None,
    assistants: Mapping[str, Assistant] = ASSISTANTS,
    tracer: Tracer | None = None,
) -> AsyncIterator[Service]:
    """Start the service on its database; `model_for` gives a tenant's model where the settings do not.

    Without a `queue` all runs are worked on in the process that accepts them.

    Raises: DatabaseNotReadyError, KeySetError, HeadKeyError, CatalogueError, RosterError, UnknownModelError,
    OrphanedApprovalsError, TracingError, ProvidersError: the service does not start half.
    """
    limits = limits or Limits(model_timeout_s=settings.model_timeout_s, model_retries=settings.model_retries)
    keys = KeySet(settings.key_set())
    keys.refresh()
    if not keys.count():
        raise KeySetError("the key set has no key that tokens may be signed with")
    screens = Screens(settings.allowed_hosts(), load_lexicons(settings.lexicon) if settings.lexicon else {})
    database = Database(settings.database())
    heads = HeadExporter(
        database,
        settings.head_sink(),
        settings.head_signer(),
        settings.head_verifier(),
        clock,
        every_s=settings.audit_heads_every_s,
    )
    watching = ExitStack()
    sandbox = Sandbox(at_once=settings.code_runs_at_once)
    watching.callback(sandbox.close)
    try:
        await database.check()
        await check_versions(database, known_versions(assistants))
        telemetry = watching.enter_context(open_telemetry(settings, database, clock, tracer=tracer))
        gateway_for = _gateways(settings, model_for, limits, database)
        secret = settings.cursor_key()
        roster = load_roster()
        is_development = settings.mode == "development"
        abroad = Outward(frozenset(settings.foreign_hosts), allow_http=is_development)
        foreign = ForeignDoor(database, abroad, clock, settings.foreign_timeout_s)
        runner = Runner(
            database=database,
            saver=SealedSaver(database),
            voice=Voice(roster, gateway_for, database, limits, secret, screens),
            desk=CallDesk(
                with_all_agents(roster),
                load_catalogue(),
                database,
                secret,
                limits,
                Extractor(gateway_for),
                screens,
                CodeDesk(database, sandbox, settings.tenant_code_runs_per_day),
                foreign=foreign,
                workflows=Standings,
            ),
            clock=clock,
            lease=lease,
            queue=queue,
            room=Room(settings.turns_at_once, settings.tenant_turns_at_once, settings.run_timeout_s),
            executor=None if queue is None else queue.executor,
            assistants=assistants,
            watcher=telemetry.watcher,
        )
        transport = transport or configured_transport(settings, lease)
        postman = Postman(database, transport, clock)
        conversations = Conversations(runner, max_unfinished=settings.max_waiting_runs)
        schedules = Schedules(conversations)
        outward = Outward(frozenset(settings.webhook_hosts), allow_http=settings.mode == "development")
        url = settings.public_url
        courier = Courier(database, outward, clock, url)
        sender = settings.notice_from
        announcer = Announcer(database, conversations, transport, clock, sender=sender, public_url=url)
        triggers = Triggers(conversations)
        mcp = McpServer(OutsideCalls(conversations), url)
        housekeeper = Housekeeper(database, conversations, triggers)
        watcher = Watcher(database, conversations, clock)
        rounds = (courier, announcer, housekeeper, watcher)
        browsers = Sessions.configured(settings, database, clock)
        oidc = Oidc.configured(settings, database, browsers, clock)
        if queue is not None:
            await queue.open(runner)
        await runner.start()
        schedules.start()
        postman.start()
        for one in rounds:
            one.start()
        await heads.start()
        await mcp.start()
        try:
            yield Service(
                settings=settings,
                database=database,
                runner=runner,
                conversations=conversations,
                schedules=schedules,
                triggers=triggers,
                mcp=mcp,
                foreign=foreign,
                queue=queue,
                authenticator=Authenticator(database, keys, settings.token_issuer, settings.token_audience, clock),
                sessions=browsers,
                oidc=oidc,
                inbox=Inbox(runner, conversations),
                cards=Cards(runner),
                editing=Editing(runner),
                outbox=Outbox(database, clock),
                postman=postman,
                outward=outward,
                courier=courier,
                announcer=announcer,
                housekeeper=housekeeper,
                watcher=watcher,
                heads=heads,
                telemetry=telemetry,
                charts=Charts(),
            )
        finally:
            await mcp.stop()
            await schedules.stop()
            for one in rounds:
                await one.stop()
            await postman.stop()
            await heads.stop()
            # Both at once: what the queue has taken ends when the runner's work on it does.
            await asyncio.gather(runner.stop(), *([] if queue is None else [queue.close()]))
    finally:
        await asyncio.to_thread(watching.close)
        await database.close()


def configured_model(settings: Settings) -> ModelFor:
    """The model of the settings, made once, for every tenant. Raises: UnknownModelError."""
    model = make_model(settings.model, base_url=settings.model_base_url, api_key=settings.model_key())
    return lambda tenant: model


def configured_queue(settings: Settings, executor: str, *, lease: timedelta = LEASE) -> DurableQueue:
    """A process's part in the durable queue. `executor`: the process's name, which no other has or had."""
    return DurableQueue(
        settings.database(),
        settings.data_dir,
        executor=executor,
        slots=settings.queue_slots,
        per_tenant=settings.queue_tenant_slots,
        per_minute=settings.queue_tenant_per_minute,
        poll_s=settings.queue_poll_s,
        lease=lease,
    )


def configured_transport(settings: Settings, lease: timedelta = LEASE) -> Transport:
    """The way out for approved e-mails; `lease` is for a folder, a mail server needs a longer one."""
    if settings.mail_transport == "smtp":
        password = settings.smtp_password
        return SmtpTransport(
            host=settings.smtp_host or "",
            port=settings.smtp_port,
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
            timeout_s=settings.smtp_timeout_s,
        )
    return DirectoryTransport(settings.outbox_dir or settings.data_dir / "outbox", lease)


def _gateways(
    settings: Settings, model_for: ModelFor | None, limits: Limits, database: Database
) -> Callable[[str], Gateway]:
    """Each tenant's gateway, made when it is first needed."""
    chosen = model_for or configured_model(settings)
    patience = Patience(limits.model_timeout_s, limits.model_retries)
    vault_key = settings.vault_key()
    fallback = _fallback_model(settings)
    return cache(lambda tenant: Gateway(chosen(tenant), database, vault_key, fallback, patience))


def _fallback_model(settings: Settings) -> BaseChatModel | None:
    """The model that answers when the first does not; with an address and key of its own. Raises: UnknownModelError."""
    if settings.fallback_model is None:
        return None
    return make_model(
        settings.fallback_model, base_url=settings.fallback_model_base_url, api_key=settings.fallback_model_key()
    )
