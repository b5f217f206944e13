"""Builds the parts and joins them; tests pass other parts in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from langchain_core.language_models import BaseChatModel

from agents._gateway import Gateway
from agents._models import make_model
from agents._roster import load_roster
from api.auth import Authenticator, KeySet, KeySetError
from api.settings import Settings
from crm.database import Database
from graphs._calls import CallDesk
from graphs._voice import Voice
from graphs.checkpoints import open_saver
from graphs.context import Limits
from graphs.conversations import Conversations
from graphs.runner import LEASE, Clock, Runner
from graphs.screens import Screens
from tools._catalogue import load_catalogue
from trust.content_flag import load_lexicons

ModelFor = Callable[[str], BaseChatModel]


@dataclass(frozen=True)
class Service:
    """Everything the HTTP interface needs, running."""

    settings: Settings
    database: Database
    runner: Runner
    conversations: Conversations
    authenticator: Authenticator
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
) -> AsyncIterator[Service]:
    """Start the service on its database; `model_for` gives a tenant's model where the settings do not.

    Raises: DatabaseNotReadyError, KeySetError, CatalogueError, RosterError, UnknownModelError: the service does not
    start half.
    """
    limits = limits or Limits(model_timeout_s=settings.model_timeout_s)
    keys = KeySet(settings.key_set())
    keys.refresh()
    if not keys.count():
        raise KeySetError("the key set has no key that tokens may be signed with")
    screens = Screens(settings.allowed_hosts(), load_lexicons(settings.lexicon) if settings.lexicon else {})
    database = Database(settings.database())
    try:
        await database.check()
        async with open_saver(settings.database()) as saver:
            runner = Runner(
                database=database,
                saver=saver,
                voice=Voice(load_roster(), _gateways(settings, model_for, limits), database, limits, screens),
                desk=CallDesk(load_roster(), load_catalogue(), database, settings.cursor_key(), limits, screens),
                clock=clock,
                lease=lease,
            )
            await runner.start()
            try:
                yield Service(
                    settings=settings,
                    database=database,
                    runner=runner,
                    conversations=Conversations(runner),
                    authenticator=Authenticator(database, keys, settings.token_issuer, settings.token_audience),
                )
            finally:
                await runner.stop()
    finally:
        await database.close()


def configured_model(settings: Settings) -> ModelFor:
    """The model of the settings, made once, for every tenant. Raises: UnknownModelError."""
    model = make_model(settings.model, base_url=settings.model_base_url, api_key=settings.model_key())
    return lambda tenant: model


def _gateways(settings: Settings, model_for: ModelFor | None, limits: Limits) -> Callable[[str], Gateway]:
    """Each tenant's gateway, made when it is first needed."""
    chosen = model_for or configured_model(settings)
    fallback = make_model(settings.fallback_model) if settings.fallback_model else None
    return cache(lambda tenant: Gateway(chosen(tenant), fallback, limits.model_timeout_s))
