"""`countersign webhooks`: which addresses are told of what, and how far that came."""

from typing import Annotated

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line, show_rows

_COLUMNS = ("webhook_id", "url", "events", "enabled", "updated_at")
_DELIVERY = ("delivery_id", "event", "status", "attempts", "answer", "error", "next_attempt")
_PERSON = ("slack_user", "user_id", "created_by", "created_at")
Events = Annotated[list[str] | None, typer.Option("--event", help="That it is told of; may be repeated.")]


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Addresses that are told of events; for administrators.")

    @app.command("list")
    def list_webhooks(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """All webhooks."""
        found = call("GET", "/admin/webhooks", url, who)
        if not printed(found, as_json=as_json):
            show_rows(found, *_COLUMNS, empty="Nobody is told of anything.")

    @app.command("add")
    def add(address: str, event: Events = None, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Have an address told. The secret that signs is shown this once."""
        made = call("POST", "/admin/webhooks", url, who, json={"url": address, "events": event or []})
        if not printed(made, as_json=as_json):
            show_rows([made], *_COLUMNS, "secret", empty="")

    @app.command("change")
    def change(
        webhook_id: str,
        address: Annotated[str | None, typer.Option(help="Another address.")] = None,
        event: Events = None,
        enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is told.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Change what is named, and leave the rest."""
        given = {"url": address, "events": event, "enabled": enabled}
        body = {name: value for name, value in given.items() if value is not None}
        changed = call("PATCH", f"/admin/webhooks/{webhook_id}", url, who, json=body)
        if not printed(changed, as_json=as_json):
            show_rows([changed], *_COLUMNS, empty="")

    @app.command("remove")
    def remove(webhook_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Tell an address no more."""
        call("DELETE", f"/admin/webhooks/{webhook_id}", url, who)
        if not printed({"removed": webhook_id}, as_json=as_json):
            console.print(f"{one_line(webhook_id)} is told no more.")

    @app.command("deliveries")
    def deliveries(webhook_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """What was sent there, newest first."""
        found = call("GET", f"/admin/webhooks/{webhook_id}/deliveries", url, who)
        if not printed(found, as_json=as_json):
            show_rows(found, *_DELIVERY, empty="Nothing was sent.")

    @app.command("redeliver")
    def redeliver(webhook_id: str, delivery_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Send one again now."""
        path = f"/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"
        sent = call("POST", path, url, who)
        if not printed(sent, as_json=as_json):
            show_rows([sent], *_DELIVERY, empty="")

    @app.command("people")
    def people(webhook_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Who in Slack is whom."""
        found = call("GET", f"/admin/webhooks/{webhook_id}/people", url, who)
        if not printed(found, as_json=as_json):
            show_rows(found, *_PERSON, empty="Nobody in Slack is anybody.")

    @app.command("name")
    def name(
        webhook_id: str, slack_user: str, user_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False
    ) -> None:
        """Say who somebody in Slack is. It holds once they have confirmed it."""
        path = f"/admin/webhooks/{webhook_id}/people/{slack_user}"
        said = call("PUT", path, url, who, json={"user_id": user_id})
        if not printed(said, as_json=as_json):
            show_rows([said], *_PERSON, empty="")

    @app.command("unname")
    def unname(webhook_id: str, slack_user: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Let nothing more be decided by somebody in Slack."""
        call("DELETE", f"/admin/webhooks/{webhook_id}/people/{slack_user}", url, who)
        if not printed({"removed": slack_user}, as_json=as_json):
            console.print(f"{one_line(slack_user)} decides nothing more.")

    @app.command("confirm")
    def confirm(webhook_id: str, slack_user: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Confirm that this is you in Slack: what is decided there is decided in your name."""
        said = call("POST", "/me/slack", url, who, json={"webhook_id": webhook_id, "slack_user": slack_user})
        if not printed(said, as_json=as_json):
            show_rows([said], *_PERSON, empty="")

    return app
