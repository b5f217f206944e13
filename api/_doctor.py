"""Looks whether everything a service needs is there and right. What it finds names no secret."""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from langchain_core.messages import HumanMessage

from agents._calling import Patience, call_model
from agents._models import make_model
from agents._roster import load_roster
from api._audit import verify_one
from api.auth import KeySet
from api.settings import Settings
from api.telemetry.tracing import open_traces
from crm.database import Database, TenantSession
from crm.errors import ErasedError
from crm.ids import TenantId
from crm.migrations.history import head_revision
from crm.repositories import gauges, keys
from crm.repositories.keys import TENANT
from graphs.assistants import known_versions
from graphs.versions import check_versions
from graphs.workflows._book import with_all_agents
from tools._catalogue import load_catalogue
from tools._sandbox.runner import Sandbox, SandboxUnavailableError
from trust.halts import load_halts

Status = Literal["ok", "warning", "wrong"]

MOST_SKEW_S = 2.0
"""How far the clocks of service and database may be apart: a lease lasts 15 seconds."""
STUCK_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Finding:
    """`warning`: the service works, and somebody should look."""

    name: str
    status: Status
    said: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


class WarningError(Exception):
    """Not wrong, but somebody should look; the message says at what."""


Look = Callable[[], Awaitable[str]]


async def examine(settings: Settings, *, ask_model: bool = False) -> list[Finding]:
    """All that can be found out, in the order in which it should be put right."""
    found = [
        await _look("settings", _said(settings.mode)),
        await _look("token keys", lambda: _count_keys(settings)),
        await _look("audit key", _call(lambda: settings.head_signer().key_name)),
        await _look("catalogue", _call(lambda: f"{len(load_catalogue())} tools, {len(load_roster())} agents")),
        await _look("models", lambda: _describe_models(settings, ask=ask_model)),
        await _look("traces", lambda: _describe_traces(settings)),
        await _look("audit heads", lambda: _try_sink(settings)),
        await _look("sandbox", _try_sandbox),
    ]
    try:
        database = Database(settings.database())
    except Exception as error:  # whatever is wrong is what the operator wants to see
        return [*found, Finding("database", "wrong", str(error))]
    try:
        return [*found, *await _examine_database(settings, database)]
    finally:
        await database.close()


async def _examine_database(settings: Settings, database: Database) -> list[Finding]:
    checked = await _look("database", lambda: _describe_database(database))
    if checked.status == "wrong":
        # Before a migration this is what has to be known: which requests the new build will refuse.
        waiting = await _look("approvals", lambda: _examine_approvals(database))
        return [checked] if waiting.status == "wrong" else [checked, waiting]
    return [
        checked,
        await _look("clock", lambda: _compare_clocks(database)),
        await _look("sealing keys", lambda: _open_keys(database)),
        await _look("audit", lambda: _verify_audit(settings, database)),
        await _look("approvals", lambda: _examine_approvals(database)),
        await _look("waiting requests", lambda: _describe_versions(database)),
        await _look("kill switches", lambda: _describe_switches(database)),
        await _look("runs", lambda: _find_stuck(database)),
        await _look("outbox", lambda: _find_parked(database)),
    ]


async def _look(name: str, look: Look) -> Finding:
    try:
        return Finding(name, "ok", await look())
    except WarningError as warning:
        return Finding(name, "warning", str(warning))
    except Exception as error:  # whatever is wrong is what the operator wants to see
        return Finding(name, "wrong", str(error) or type(error).__name__)


def _said(text: str) -> Look:
    return _call(lambda: text)


def _call(look: Callable[[], str]) -> Look:
    async def looking() -> str:
        return look()

    return looking


async def _count_keys(settings: Settings) -> str:
    known = KeySet(settings.key_set())
    known.find("")
    if not known.count():
        raise ValueError(f"{settings.key_set()} holds no key with a kid")
    return f"{known.count()} keys"


async def _describe_models(settings: Settings, *, ask: bool) -> str:
    """Raises: UnknownModelError; ModelError if it is asked and does not answer."""
    named = [(settings.model, settings.model_base_url, settings.model_key())]
    if settings.fallback_model is not None:
        named.append((settings.fallback_model, settings.fallback_model_base_url, settings.fallback_model_key()))
    for name, base_url, key in named:
        model = make_model(name, base_url=base_url, api_key=key)
        if ask:
            patience = Patience(timeout_s=30, retries=0)
            await call_model(model, [HumanMessage("Answer with the word yes.")], (), patience, _heard)
    return ", ".join(name for name, *_ in named) + (" answered" if ask else " (not asked; --model asks)")


async def _heard(piece: str) -> None:
    """What a model says to the doctor is of no interest."""


async def _describe_traces(settings: Settings) -> str:
    if settings.traces_endpoint is None:
        return "off"
    provider = open_traces(settings.traces_endpoint, settings.traces_ratio, "doctor")
    await asyncio.to_thread(provider.shutdown)
    return "on"


async def _try_sink(settings: Settings) -> str:
    """Raises: OSError where nothing can be written; WarningError where whoever owns the database can write too."""
    folder = settings.audit_heads or settings.data_dir / "audit-heads"
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    probe.unlink()
    file = settings.database().file
    if file is not None and file.resolve().parent in (folder.resolve(), *folder.resolve().parents):
        raise WarningError(
            f"{folder} lies beside the database: set COUNTERSIGN_AUDIT_HEADS to where its owner cannot write"
        )
    return f"{folder} can be written"


async def _try_sandbox() -> str:
    """Raises: WarningError where nothing holds code in; all that does not run code works without."""
    sandbox = Sandbox()
    try:
        return f"code is held in by {await sandbox.check()}"
    except SandboxUnavailableError as error:
        raise WarningError(str(error)) from None
    finally:
        sandbox.close()


async def _describe_database(database: Database) -> str:
    """Raises: DatabaseNotReadyError for what is missing of schema, wall, rights or keys."""
    await database.check()
    wall = "walled" if database.dialect == "postgresql" else "one file"
    return f"{database.dialect}, {wall}, revision {head_revision()}, {len(await database.tenants())} tenants"


async def _compare_clocks(database: Database) -> str:
    before = datetime.now(UTC)
    theirs = await database.now()
    after = datetime.now(UTC)
    if theirs is None:
        return "the database has this machine's"
    skew = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    if skew > MOST_SKEW_S:
        raise ValueError(f"the database's clock is {skew:.1f} seconds off; expected at most {MOST_SKEW_S:g}")
    return f"{skew:.1f} seconds apart"


async def _open_keys(database: Database) -> str:
    """Raises: SealError where the master key is not the one that a tenant's key was wrapped with."""
    opened, erased = 0, 0

    async def look(session: TenantSession) -> None:
        nonlocal opened, erased
        found = await keys.find(session, [TENANT])
        if TENANT in found:
            opened, erased = opened + (found[TENANT] is not None), erased + (found[TENANT] is None)

    await _each(database, look)
    return f"{opened} tenants' keys open" + (f", {erased} are shredded" if erased else "")


async def _verify_audit(settings: Settings, database: Database) -> str:
    """Raises: ValueError with what does not hold."""
    sink, verifier = settings.head_sink(), settings.head_verifier()
    names = sorted({*await database.tenants(), *sink.tenants()})
    told = [await verify_one(database, name, sink, verifier) for name in names]
    broken = [said for said, is_good in told if not is_good]
    if broken:
        raise ValueError("; ".join(broken))
    return f"{len(names)} logs hold"


async def _examine_approvals(database: Database) -> str:
    """Raises: WarningError about requests that today's build would refuse, or that nobody decides."""
    catalogue, roster = load_catalogue(), with_all_agents(load_roster())
    waiting, orphans = 0, Counter[str]()

    async def look(session: TenantSession) -> None:
        nonlocal waiting
        for kind in await gauges.list_pending(session):
            waiting += kind.count
            tool, agent = catalogue.get(kind.tool), roster.get(kind.agent)
            if tool is None or agent is None or kind.tool not in agent.tool_names:
                orphans[f"{kind.tool} of {kind.agent}, which is no more"] += kind.count
            elif tool.schema_hash != kind.schema_hash:
                orphans[f"{kind.tool}, which has changed since"] += kind.count

    await _each(database, look)
    if orphans:
        listed = ", ".join(f"{count} for {what}" for what, count in sorted(orphans.items()))
        raise WarningError(f"{waiting} wait, and will be refused when approved: {listed}")
    return f"{waiting} wait, all for tools as they are"


async def _find_stuck(database: Database) -> str:
    """Raises: WarningError about runs that no living process works on."""
    before = datetime.now(UTC) - STUCK_AFTER
    stuck: list[str] = []

    async def look(session: TenantSession) -> None:
        stuck.extend(await gauges.list_stuck(session, before=before))

    await _each(database, look)
    if stuck:
        raise WarningError(
            f"{len(stuck)} runs have waited for a worker for over two minutes: {', '.join(stuck[:3])} ..."
        )
    return "none is stuck"


async def _find_parked(database: Database) -> str:
    """Raises: WarningError about e-mails that only a person can move on."""
    parked = Counter[str]()

    async def look(session: TenantSession) -> None:
        standing = await gauges.measure(session, at=datetime.now(UTC))
        parked.update({status: count for status, count in standing.mails.items() if status in ("failed", "unknown")})

    await _each(database, look)
    if parked:
        listed = ", ".join(f"{count} {status}" for status, count in sorted(parked.items()))
        raise WarningError(f"{listed}: see `countersign outbox list`")
    return "none is parked"


async def _each(database: Database, look: Callable[[TenantSession], Awaitable[Any]]) -> None:
    for name in await database.tenants():
        # tenant-id: the operator's own machine, each tenant by itself
        async with database.session(TenantId(name)) as session:
            try:
                await look(session)
            except ErasedError:
                continue


async def _describe_versions(database: Database) -> str:
    known = known_versions()
    await check_versions(database, known)
    told = ", ".join(f"{name} {versions[-1].number}" for name, versions in known.items())
    return f"all within reach of the graphs' versions: {told}"


async def _describe_switches(database: Database) -> str:
    stopped: list[str] = []
    for name in await database.tenants():
        # tenant-id: the operator looks at each tenant by itself
        async with database.session(TenantId(name)) as session:
            halts = await load_halts(session, at=datetime.now(UTC))
        if halts.everything is not None and halts.everything.scope == "global":
            return halts.everything.message
        found = [halts.everything, *halts.agents.values(), *halts.tools.values()]
        stopped += [f"{name}: {halt.outline}" for halt in found if halt is not None]
    return "; ".join(stopped) or "nothing is switched off"
