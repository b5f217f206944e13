"""`countersign outbox`: approved e-mails on their way out."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import clean, console, one_line


def build(call: Call) -> typer.Typer:
    outbox = typer.Typer(no_args_is_help=True, help="Look after e-mails on their way out.")

    @outbox.command("list")
    def list_outbox(
        who: As = None,
        url: Url = LOCAL,
        status: Annotated[
            list[str] | None, typer.Option(help="Only these: pending, sending, sent, failed, unknown.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Show approved e-mails and what became of them."""
        found = call("GET", "/outbox", url, who, params={"status": status or []})
        if printed(found, as_json=as_json):
            return
        for mail in found:
            _say(mail)

    @outbox.command("retry")
    def retry_mail(outbox_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Send an e-mail again that failed, or whose fate is unknown: it may then arrive twice."""
        mail = call("POST", f"/outbox/{outbox_id}/retry", url, who)
        if not printed(mail, as_json=as_json):
            _say(mail)

    @outbox.command("confirm")
    def confirm_mail(outbox_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Say that an e-mail of unknown fate has arrived."""
        mail = call("POST", f"/outbox/{outbox_id}/confirm", url, who)
        if not printed(mail, as_json=as_json):
            _say(mail)

    return outbox


def _say(mail: dict[str, Any]) -> None:
    people = ", ".join(f"{one['name']} <{one['address']}>" for one in mail["recipients"])
    console.print(f"[bold]{clean(mail['outbox_id'])}[/bold] {clean(mail['status'])} {one_line(mail['subject'])}")
    console.print(f"    to {one_line(people)}, {one_line(mail['attempts'])} attempts")
    if mail["error"]:
        console.print(f"    {one_line(mail['error'])}")
