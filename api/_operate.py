"""What operators do on the machine of the service: start it, fill it, check it. Loaded only when it is asked for."""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents._models import UnknownModelError
from agents._roster import RosterError
from api import _doctor, _erasing
from api._faults import refuse_settings
from api._terminal import CommandError, clean, console, errors, one_line
from api.app import build_app
from api.durable_queue import DurableQueue, make_queue_tables
from api.probes import build_worker
from api.settings import Settings
from api.telemetry.logs import set_up_logs
from api.wiring import configured_queue
from crm import migrate as migrations
from crm.database import Database, DatabaseNotReadyError
from crm.errors import CrmError
from crm.ids import TenantId
from crm.repositories.outbox import set_sender as set_tenant_sender
from crm.seed import TenantExistsError, create_tenant, seed
from crm.transfer import ImportReport, export_folder, import_folder
from crm.transfer import Progress as ImportProgress
from graphs.migrating import Migrated, graphs_of, migrate_runs
from graphs.versions import OrphanedApprovalsError
from tools._catalogue import CatalogueError
from tools._mail import is_address
from trust.erasure import purge_expired
from trust.switches import MAX_REASON, Throw, note

T = TypeVar("T")

_KNOWN = (
    CatalogueError,
    CrmError,
    DatabaseNotReadyError,
    OrphanedApprovalsError,
    RosterError,
    TenantExistsError,
    UnknownModelError,
    ValueError,
)


def run(command: str, **given: Any) -> None:
    """Run one of the functions below by name. Raises: CommandError for everything an operator can put right."""
    try:
        COMMANDS[command](**given)
    except ValidationError as error:
        raise refuse_settings(error) from None
    except _KNOWN as error:
        raise CommandError(str(error)) from None


def _with_database(work: Callable[[Database], Coroutine[Any, Any, T]], settings: Settings) -> T:
    async def opened() -> T:
        database = Database(settings.database())
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())


def start_demo(*, port: int, folder: Path, factor: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(mode="development", dev_login=True, data_dir=folder, port=port)
    migrations.upgrade(settings.database())

    async def fill(database: Database) -> None:
        if not await database.tenants():
            console.print("Seeding two tenants ...")
            report = await seed(database, factor=factor, today=datetime.now(UTC).date())
            console.print(f"{report.total} records written.")

    _with_database(fill, settings)
    console.print(_DEMO_TEXT.replace("{url}", f"http://127.0.0.1:{port}"))
    _serve(settings)


_DEMO_TEXT = """
Countersign runs at {url} (Ctrl-C stops it).

In a browser, at {url}/console/, sign in as dana@northwind.example, a sales rep; a demo asks for no password.
The interface for programs is described at {url}/docs. Or in a second terminal, as Dana:

  uv run countersign chat --as dana@northwind.example --url {url}

    show the open cases of Acme Industries
    move the Acme Industries - Fabrication Line Renewal to Negotiation

The second request waits. As the manager Mara, see what would change and countersign it:

  uv run countersign approvals list --as mara@northwind.example --url {url}
  uv run countersign approvals decide <id> --as mara@northwind.example --url {url}
  uv run countersign show Opportunity "Acme Industries - Fabrication Line Renewal" \
--as mara@northwind.example --url {url}

dana@southridge.example works at the other tenant, with an account of the same name: she sees none of this.
"""


def serve(*, host: str | None, port: int | None) -> None:
    given: dict[str, Any] = {"host": host, "port": port}
    _serve(Settings(**{name: value for name, value in given.items() if value is not None}))


def work(*, host: str | None, port: int | None) -> None:
    given: dict[str, Any] = {"host": host, "port": port}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    if not settings.queue_slots:
        raise CommandError("queue_slots: a worker needs at least one (COUNTERSIGN_QUEUE_SLOTS)")
    _listen(build_worker(settings, queue=queue_for(settings)), settings)


def _serve(settings: Settings) -> None:
    _listen(build_app(settings, queue=queue_for(settings)), settings)


def queue_for(settings: Settings) -> DurableQueue:
    """This process's part in the durable queue, as the settings want it."""
    return configured_queue(settings, f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(4)}")


def _listen(app: FastAPI, settings: Settings) -> None:
    set_up_logs(*settings.logs())
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,  # ours stands already
        access_log=False,  # its lines have addresses and queries; the service writes its own
        timeout_graceful_shutdown=10,
    )


def migrate() -> None:
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database())
    make_queue_tables(settings.database(), settings.data_dir)
    console.print(f"The database is at revision {migrations.current_revision(settings.database())}.")


def fill_demo(*, factor: float, today: str | None) -> None:
    day = date.fromisoformat(today) if today else datetime.now(UTC).date()
    report = _with_database(lambda database: seed(database, factor=factor, today=day), Settings())
    console.print(f"{report.total} records written.")


def add_tenant(*, tenant: str, name: str) -> None:
    # tenant-id: the operator names the tenant on the machine's own command line
    _with_database(lambda database: create_tenant(database, TenantId(tenant), name), Settings())
    console.print(f"Tenant {clean(tenant)} exists now; fill it with `countersign import`.")


def set_sender(*, tenant: str, address: str, name: str, leads_need_consent: bool, wrong_reader: str) -> None:
    if not is_address(address):
        raise CommandError("address: expected a plain e-mail address")
    if wrong_reader not in ("deny", "hold"):
        raise CommandError("wrong-reader: expected deny or hold")

    async def work(database: Database) -> None:
        if tenant not in await database.tenants():
            raise CommandError(f"there is no tenant {tenant!r}")
        # tenant-id: the operator names the tenant on the machine's own command line
        async with database.session(TenantId(tenant), write=True) as session:
            rules = {"leads_need_consent": leads_need_consent, "wrong_reader": wrong_reader}
            await set_tenant_sender(session, address=address, name=name, **rules)

    _with_database(work, Settings())
    console.print(f"Tenant {clean(tenant)} sends as {clean(address)}.")


def import_records(
    *, tenant: str, folder: Path, ignore_unknown: bool, written_by: Literal["staff", "outside"] | None = None
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bars:
        tasks: dict[tuple[str, str], Any] = {}

        def on_progress(progress: ImportProgress) -> None:
            key = (progress.step, progress.object_name)
            if key not in tasks:
                tasks[key] = bars.add_task(f"{progress.step} {one_line(progress.object_name)}", total=None)
            bars.update(tasks[key], completed=progress.rows_done, total=progress.rows_total)

        async def work(database: Database) -> ImportReport:
            # tenant-id: the operator names the tenant on the machine's own command line
            into = TenantId(tenant)
            return await import_folder(
                database,
                into,
                folder,
                on_progress=on_progress,
                ignore_unknown=ignore_unknown,
                written_by=written_by,
            )

        report = _with_database(work, Settings())
    for problem in report.problems:
        errors.print(clean(problem))
    if not report.is_written:
        raise CommandError(f"nothing was imported: {report.problem_count} problems")
    console.print(f"{sum(report.rows.values())} records imported.")


def export_records(*, tenant: str, folder: Path) -> None:
    # tenant-id: the operator names the tenant on the machine's own command line
    report = _with_database(lambda database: export_folder(database, TenantId(tenant), folder), Settings())
    console.print(f"{sum(report.rows.values())} records exported to {clean(folder)}.")


def examine(*, as_json: bool, ask_model: bool) -> None:
    findings = asyncio.run(_doctor.examine(Settings(), ask_model=ask_model))
    is_well = all(finding.status != "wrong" for finding in findings)
    if as_json:
        sys.stdout.write(json.dumps({"ok": is_well, "findings": [one.to_json() for one in findings]}, indent=2) + "\n")
    else:
        for finding in findings:
            color, word = _SHOWN[finding.status]
            console.print(f"[{color}]{word:<8}[/{color}] {finding.name}: {one_line(finding.said)}")
    if not is_well:
        raise CommandError("something is wrong")


_SHOWN = {"ok": ("green", "ok"), "warning": ("yellow", "look"), "wrong": ("red", "wrong")}


def erase(*, kind: str, tenant: str, subject: str) -> None:
    # tenant-id: the operator names the tenant on the machine's own command line
    count = _with_database(lambda database: _erasing.erase(database, TenantId(tenant), kind, subject), Settings())
    console.print(f"Erased: {count} conversations.")


def purge() -> None:
    count = _with_database(lambda database: purge_expired(database, lambda: datetime.now(UTC)), Settings())
    console.print(f"Erased: {count} conversations that had outlived their retention.")


def set_retention(*, tenant: str, conversation_days: int | None, prompt_days: int | None) -> None:
    async def work(database: Database) -> str:
        # tenant-id: the operator names the tenant on the machine's own command line
        return await _erasing.set_retention(database, TenantId(tenant), conversation_days, prompt_days)

    console.print(_with_database(work, Settings()))


def move_runs(*, withdraw: bool) -> None:
    async def work(database: Database) -> Migrated:
        await database.check()
        return await migrate_runs(database, graphs_of(database), lambda: datetime.now(UTC), withdraw=withdraw)

    done = _with_database(work, Settings())
    console.print(
        f"Carried over: {done.carried_over} conversations. As they were: {done.left}. "
        f"Withdrawn: {done.withdrawn} requests. Taken up: {done.taken_up} runs."
    )


def rotate_keys() -> None:
    count = _with_database(_erasing.rotate_keys, Settings())
    console.print(f"{count} tenants' keys are wrapped anew.")


def throw_global(*, is_on: bool, reason: str, until: datetime | None) -> None:
    settings, now = Settings(), datetime.now(UTC)
    until = None if until is None else until.replace(tzinfo=until.tzinfo or UTC)
    if not reason.strip() or len(reason) > MAX_REASON:
        raise CommandError(f"reason: expected 1 to {MAX_REASON} characters")
    if until is not None and (until <= now or not is_on):
        raise CommandError("until: expected with 'on' only, and in the future")
    switch = Throw("global", "", is_on, reason, until)
    migrations.throw_service_switch(settings.database(), switch.values("operator", now))

    async def tell(database: Database) -> int:
        tenants = await database.tenants()
        for name in tenants:
            # tenant-id: the operator's switch is entered in the audit of each tenant by itself
            async with database.session(TenantId(name), write=True) as session:
                await note(session, switch, by="operator", at=now)
        return len(tenants)

    count = _with_database(tell, settings)
    state = "off: it does nothing any more" if is_on else "on again"
    console.print(f"The service is switched {state}. {count} tenants have it in their audit.")


COMMANDS: dict[str, Callable[..., None]] = {
    "demo": start_demo,
    "serve": serve,
    "worker": work,
    "migrate": migrate,
    "seed": fill_demo,
    "create-tenant": add_tenant,
    "sender": set_sender,
    "import": import_records,
    "export": export_records,
    "doctor": examine,
    "erase": erase,
    "purge": purge,
    "retention": set_retention,
    "migrate-runs": move_runs,
    "rotate-keys": rotate_keys,
    "throw-global": throw_global,
}
