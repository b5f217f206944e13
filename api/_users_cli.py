"""`countersign users`: who may come in, what they may do, and what groups of the directory give."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import CommandError, console, one_line, show_rows

_COLUMNS = ("id", "username", "name", "kind", "is_active", "role", "manager_name", "permission_sets")
PersonId = Annotated[str, typer.Argument(help="Record id of the user.")]


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="People and what they may do; for administrators.")

    def change(person: str, body: dict[str, Any], who: str | None, url: str, *, as_json: bool) -> None:
        changed = call("PATCH", f"/admin/people/{person}", url, who, json=body)
        if not printed(changed, as_json=as_json):
            show_rows([changed], *_COLUMNS, empty="")

    @app.command("list")
    def list_users(
        who: As = None,
        url: Url = LOCAL,
        find: Annotated[str, typer.Option(help="Part of a name or of a login name.")] = "",
        offset: Annotated[int, typer.Option(min=0)] = 0,
        limit: Annotated[int, typer.Option(min=1, max=200)] = 100,
        as_json: AsJson = False,
    ) -> None:
        """Users, active or not, with their permission sets."""
        wanted = {"text": find, "offset": offset, "limit": limit}
        found = call("GET", "/admin/people", url, who, params=wanted)
        if not printed(found, as_json=as_json):
            show_rows(found, *_COLUMNS, empty="There is nobody.")

    @app.command("add")
    def add(
        username: Annotated[str, typer.Argument(help="Login name, in the form of an e-mail address.")],
        last_name: Annotated[str, typer.Argument(help="Family name.")],
        first_name: Annotated[str | None, typer.Option(help="Given name.")] = None,
        email: Annotated[str | None, typer.Option(help="Where letters go.")] = None,
        manager: Annotated[str | None, typer.Option(help="Record id of whom they answer to.")] = None,
        role: Annotated[str | None, typer.Option(help="Place in the role tree, by name.")] = None,
        permission_set: Annotated[list[str] | None, typer.Option(help="That they have; may be repeated.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Add somebody, who signs in with the organisation's identity provider."""
        body = {
            "username": username,
            "last_name": last_name,
            "first_name": first_name,
            "email": email,
            "manager": manager,
            "role": role,
            "permission_sets": permission_set or [],
        }
        added = call("POST", "/admin/people", url, who, json=body)
        if not printed(added, as_json=as_json):
            show_rows([added], *_COLUMNS, empty="")

    @app.command("manager")
    def manager(
        person: PersonId,
        manager: Annotated[
            str | None, typer.Argument(help="Record id of whom they answer to; nobody if left out.")
        ] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Say whom somebody answers to: who may decide for them follows from it."""
        change(person, {"manager": manager}, who, url, as_json=as_json)

    @app.command("role")
    def role(
        person: PersonId,
        role: Annotated[str | None, typer.Argument(help="Place in the role tree, by name; none if left out.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Say which place in the role tree somebody has: people see what people below own."""
        change(person, {"role": role}, who, url, as_json=as_json)

    @app.command("roles")
    def roles(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """The places of the role tree."""
        found = call("GET", "/admin/roles", url, who)
        if not printed(found, as_json=as_json):
            show_rows(found, "name", "under", empty="There are no roles.")

    @app.command("deactivate")
    def deactivate(person: PersonId, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Shut somebody out at once: sessions, keys that act as them, and what still runs for them."""
        change(person, {"is_active": False}, who, url, as_json=as_json)

    @app.command("activate")
    def activate(person: PersonId, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Let somebody in again. Sessions and keys do not come back."""
        change(person, {"is_active": True}, who, url, as_json=as_json)

    @app.command("rights")
    def rights(
        person: PersonId,
        permission_set: Annotated[list[str] | None, typer.Option(help="One of all they are to have.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Say which permission sets somebody has: these, and no others."""
        change(person, {"permission_sets": permission_set or []}, who, url, as_json=as_json)

    @app.command("groups")
    def groups(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """What groups of the directory may do here."""
        _show_groups(call("GET", "/admin/groups", url, who), as_json=as_json)

    @app.command("set-groups")
    def set_groups(
        right: Annotated[list[str], typer.Option(help="<group>=<permission set>; all there are to be.")],
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Say anew what groups of the directory may do; a group that is not named gives nothing."""
        given: dict[str, list[str]] = {}
        for one in right:
            group, is_given, name = one.rpartition("=")
            if not is_given or not group or not name:
                raise CommandError("--right: expected <group>=<permission set>")
            given.setdefault(group, []).append(name)
        _show_groups(call("PUT", "/admin/groups", url, who, json={"groups": given}), as_json=as_json)

    return app


def _show_groups(found: dict[str, Any], *, as_json: bool) -> None:
    if printed(found, as_json=as_json):
        return
    for group, sets in found["groups"].items():
        console.print(f"[bold]{one_line(group)}[/bold] {one_line(', '.join(sets))}")
    if not found["groups"]:
        console.print("No group gives anything.")
