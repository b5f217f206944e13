"""`countersign audit`: for operators, on the machine of the service or on one that has its settings and the heads."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api._loading import audit as run
from api._options import AsJson

audit = typer.Typer(no_args_is_help=True, help="Check the audit, and take it or proofs from it elsewhere.")

Tenant = Annotated[str | None, typer.Option(help="Whose audit; may be left out where there is only one tenant.")]
Instant = Annotated[datetime | None, typer.Option(help="UTC, such as 2026-11-02 or 2026-11-02T09:00:00.")]


@audit.command()
def verify(
    tenant: Annotated[str | None, typer.Option(help="Check this tenant's audit only.")] = None,
    heads: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Exported heads; if left out, where the service puts them."),
    ] = None,
    key: Annotated[list[Path] | None, typer.Option(help="A further public key to believe heads by, PEM.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry against its hashes and the exported heads; names the first bad one, exit code 1."""
    run("verify", tenant=tenant, heads=heads, more_keys=key or [], as_json=as_json)


@audit.command()
def export(
    tenant: Tenant = None,
    since: Instant = None,
    until: Instant = None,
    kind: Annotated[str | None, typer.Option(help="Entries of this kind only, such as effect.applied.")] = None,
    sealed: Annotated[bool, typer.Option("--sealed", help="Leave the payloads out; proofs need only hashes.")] = False,
) -> None:
    """Print the audit as JSON lines that anybody can check: first the head, then the entries."""
    run("export", tenant=tenant, since=since, until=until, kind=kind, is_sealed=sealed)


@audit.command()
def proof(
    index: Annotated[int, typer.Argument(help="Place of the entry, from 0.", min=0)],
    tenant: Tenant = None,
    size: Annotated[int | None, typer.Option(help="Size of the tree to prove it in; as it is now.", min=0)] = None,
) -> None:
    """Print the proof that an entry is in the log."""
    run("proof", index=index, tenant=tenant, size=size)


@audit.command("public-key")
def public_key() -> None:
    """Print the public key that exported heads are checked with."""
    run("public-key")
