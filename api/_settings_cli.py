"""`countersign settings`: what leaves the house, budgets, metrics and retention of a tenant, over the service."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed, read_values
from api._terminal import CommandError, console, one_line, show_rows


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Settings of the organisation; for administrators.")

    @app.command("gateway")
    def gateway(
        change: Annotated[list[str] | None, typer.Option("--set", help="<name>=<value as JSON>.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """What may go to a model, and budgets; shown, or changed."""
        if change is None:
            _show(call("GET", "/admin/gateway", url, who), as_json=as_json)
        else:
            _show(call("PATCH", "/admin/gateway", url, who, json=read_values(change, "--set")), as_json=as_json)

    @app.command("metrics")
    def metrics(
        file: Annotated[Path | None, typer.Option("--put", exists=True, dir_okay=False, help="YAML to put in.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """The organisation's own definitions of metrics; shown, or put in anew."""
        if file is None:
            _show(call("GET", "/admin/metrics", url, who), as_json=as_json)
        else:
            _show(call("PUT", "/admin/metrics", url, who, json={"text": file.read_text("utf-8")}), as_json=as_json)

    @app.command("alerts")
    def alerts(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Alerts on metrics, and how they stand. They are made, changed and removed in a chat, with an approval."""
        found = call("GET", "/metrics/alerts", url, who)
        if not printed(found, as_json=as_json):
            columns = ("alert_id", "name", "metric", "condition", "threshold", "value", "is_met", "is_active", "fault")
            show_rows(found, *columns, empty="There are no alerts.")

    @app.command("retention")
    def retention(
        conversation_days: Annotated[int | None, typer.Option(min=0, help="0: for ever.")] = None,
        prompt_days: Annotated[int | None, typer.Option(min=0, help="0: not at all.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """For how long things are kept; shown, or changed."""
        now = call("GET", "/retention", url, who)
        if conversation_days is None and prompt_days is None:
            _show(now, as_json=as_json)
            return
        body = {
            "conversation_days": now["conversation_days"] if conversation_days is None else conversation_days or None,
            "prompt_days": now["prompt_days"] if prompt_days is None else prompt_days,
        }
        _show(call("PUT", "/retention", url, who, json=body), as_json=as_json)

    @app.command("erase")
    def erase(
        kind: Annotated[str, typer.Argument(help="thread, person or tenant.")],
        subject: Annotated[str, typer.Argument(help="Its id; of the tenant, its name to confirm.")],
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Erase what was said, for good. Records, ledger and audit stay."""
        if kind not in ("thread", "person", "tenant"):
            raise CommandError("kind: expected thread, person or tenant")
        if not yes:
            typer.confirm(f"Erase {kind} {one_line(subject)} for good?", abort=True)
        if kind == "tenant":
            _show(call("POST", "/erasure/tenant", url, who, json={"confirm": subject}), as_json=as_json)
        else:
            _show(call("POST", f"/erasure/{kind}/{subject}", url, who), as_json=as_json)

    return app


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if printed(found, as_json=as_json):
        return
    for name, value in found.items():
        if value is not None:
            console.print(
                f"{one_line(name):>22}  {one_line(json.dumps(value) if isinstance(value, dict | list) else value)}"
            )
