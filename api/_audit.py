"""The work behind `countersign audit`."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api._faults import refuse_settings
from api._terminal import CommandError, console, one_line, print_json
from api.settings import Settings
from crm.database import Database, DatabaseNotReadyError
from crm.errors import CrmError
from crm.ids import TenantId
from crm.repositories import audit as rows
from crm.repositories.audit import Criteria
from trust import audit, audit_export
from trust.audit import NoSuchEntryError
from trust.audit_check import verify as check
from trust.head_sinks import FolderSink, HeadSink
from trust.tree_heads import HeadVerifier, read_known


def run(command: str, **given: Any) -> None:
    """Run one of the functions below by name. Raises: CommandError for everything an operator can put right."""
    try:
        asyncio.run(_run(COMMANDS[command], given))
    except ValidationError as error:
        raise refuse_settings(error) from None
    except (CrmError, DatabaseNotReadyError, NoSuchEntryError, ValueError) as error:
        raise CommandError(str(error)) from None


async def _run(work: Callable[..., Coroutine[Any, Any, None]], given: dict[str, Any]) -> None:
    settings = Settings()
    database = Database(settings.database())
    try:
        await work(database, settings, **given)
    finally:
        await database.close()


async def verify(
    database: Database,
    settings: Settings,
    *,
    tenant: str | None,
    heads: Path | None,
    more_keys: Iterable[Path],
    as_json: bool = False,
) -> None:
    """Raises: CommandError with a line for each tenant whose audit does not hold."""
    sink = settings.head_sink() if heads is None else FolderSink(heads)
    verifier = settings.head_verifier(*more_keys)
    exported = sink.tenants()  # a tenant may have heads and nothing else left
    names = sorted({*await database.tenants(), *exported}) if tenant is None else [tenant]
    broken, findings = [], []
    for name in names:
        said, is_good = await verify_one(database, name, sink, verifier)
        findings.append({"tenant": name, "holds": is_good, "said": said})
        if not is_good:
            broken.append(said)
        elif not as_json:
            console.print(one_line(said))
    if as_json:
        print_json(findings)
    if broken:
        raise CommandError("\n".join(broken))


async def verify_one(database: Database, name: str, sink: HeadSink, verifier: HeadVerifier) -> tuple[str, bool]:
    """What is to be said of a tenant's audit, and whether it holds."""
    known, faults = await asyncio.to_thread(lambda: read_known(sink.read(name), name, verifier))
    # tenant-id: the operator's own machine, each tenant by itself
    async with database.session(TenantId(name)) as session:
        found = await check(session, known)
    if found.first_bad is not None:
        return f"{name}: {found.reason}", False
    if faults:
        return f"{name}: {faults[0]}" + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""), False
    reach = f"exported heads speak for {found.covered} of them" if found.covered else "no head was exported yet"
    return f"{name}: {found.size} entries hold, root {found.root}; {reach}", True


async def export(
    database: Database,
    settings: Settings,
    *,
    tenant: str | None,
    since: datetime | None,
    until: datetime | None,
    kind: str | None,
    is_sealed: bool,
) -> None:
    criteria = Criteria(kind=kind, since=_utc(since), until=_utc(until))
    of = await _choose(database, tenant)
    async for line in audit_export.export(database, of, criteria, is_sealed=is_sealed):
        _print(line)


async def prove(database: Database, settings: Settings, *, index: int, tenant: str | None, size: int | None) -> None:
    """Raises: NoSuchEntryError."""
    async with database.session(await _choose(database, tenant)) as session:
        proof = await audit.prove_inclusion(session, index, size=size)
        [entry] = await rows.list_entries(session, after=index - 1, limit=1)
        _print({"entry": audit.leaf_data(entry, session.tenant), **audit_export.describe_proof(proof)})


async def _choose(database: Database, tenant: str | None) -> TenantId:
    if tenant is None:
        tenants = await database.tenants()
        if len(tenants) != 1:
            raise CommandError("say which tenant: --tenant " + "|".join(tenants))
        [tenant] = tenants
    # tenant-id: the operator names the tenant on the machine's own command line
    return TenantId(tenant)


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


async def show_public_key(database: Database, settings: Settings) -> None:
    """Raises: HeadKeyError."""
    sys.stdout.write(settings.head_signer().public_pem())


COMMANDS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "verify": verify,
    "export": export,
    "proof": prove,
    "public-key": show_public_key,
}
