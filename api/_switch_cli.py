"""`countersign switch`: stop the copilot of a tenant, an agent or a tool; or, on the machine itself, everything."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from api._loading import operate
from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line

Reason = Annotated[str, typer.Option(help="Told to staff whose work it stops, and kept in the audit.")]
Name = Annotated[str, typer.Argument(help="Of the agent or the tool.")]


class Scope(StrEnum):
    """What a switch stops."""

    GLOBAL = "global"
    TENANT = "tenant"
    AGENT = "agent"
    TOOL = "tool"


def build(call: Call) -> typer.Typer:
    switch = typer.Typer(no_args_is_help=True, help="Kill switches. On stops; `global` is thrown on this machine.")

    @switch.command("on")
    def turn_on(
        scope: Scope,
        name: Name = "",
        reason: Reason = "",
        until: Annotated[datetime | None, typer.Option(help="UTC; it stops stopping by itself then.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Stop it. Takes effect at once in every process."""
        _throw(call, scope, name, "on", reason, until, who, url, as_json=as_json)

    @switch.command("off")
    def turn_off(
        scope: Scope, name: Name = "", reason: Reason = "", who: As = None, url: Url = LOCAL, as_json: AsJson = False
    ) -> None:
        """Let it go on."""
        _throw(call, scope, name, "off", reason, None, who, url, as_json=as_json)

    @switch.command("list")
    def list_all(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """All that were ever thrown, as they stand."""
        _show(call("GET", "/admin/switches", url, who), as_json=as_json)

    return switch


def _throw(
    call: Call,
    scope: Scope,
    name: str,
    state: str,
    reason: str,
    until: datetime | None,
    who: str | None,
    url: str,
    *,
    as_json: bool,
) -> None:
    if scope is Scope.GLOBAL:
        operate("throw-global", is_on=state == "on", reason=reason, until=until)
        return
    moment = None if until is None else until.replace(tzinfo=until.tzinfo or UTC).isoformat()
    body = {"scope": scope.value, "name": name, "state": state, "reason": reason, "until": moment}
    _show(call("POST", "/admin/switches", url, who, json=body), as_json=as_json)


def _show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if printed(found, as_json=as_json):
        return
    if not found:
        console.print("No switch was ever thrown.")
    for one in found:
        what = one_line(f"{one['scope']} {one['name']}".strip())
        until = f" until {one_line(one['until'])}" if one["until"] else ""
        state = "[red]stops[/red]" if one["is_stopping"] else "lets pass"
        console.print(f"{state} {what}{until}: {one_line(one['reason'])} ({one_line(one['changed_at'])})")
