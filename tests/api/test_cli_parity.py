"""What can be decided over HTTP can be decided in the terminal, where no text of a record is more than text."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from api._service_cli import add_service_commands
from api._terminal import clean, one_line, show_card
from api.app import build_app
from api.settings import Settings

Json = Any

HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07 [bold]loud[/bold] [link=https://evil.example]x[/link] \r\x08\x7f\x9b2J "
    ":warning: \u202eright\u2066 zero\u200bwidth \U000e0041tag"
)
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\U000e0000-\U000e007f]")
ID = "00000000-0000-4000-8000-000000000000"

RULES = "rules.yaml"

INVOCATIONS = [
    "approvals list",
    "approvals counts",
    f"approvals show {ID}",
    f"approvals decide {ID} --approve",
    f"approvals decide {ID} --reject no",
    f"approvals decide {ID} --answer later",
    f"approvals decide {ID} --edit {{}}",
    f"approvals recall {ID}",
    f"approvals reassign {ID} 005CS0000000001YAA",
    f"approvals repropose {ID}",
    f"approvals batch {ID} {ID} --approve --veto {ID}=no",
    "delegations list",
    "delegations add eli --until 2027-01-01T00:00:00Z",
    f"delegations withdraw {ID}",
    "inbox notices",
    "inbox notices --set daily",
    "inbox rules",
    "inbox rules --set queue",
    "keys list",
    "keys make report --scope crm:read",
    f"keys revoke {ID}",
    "keys principal robot --permission-set sales_rep",
    "ledger list",
    f"ledger show {ID}",
    f"ledger touched {ID}",
    f"ledger undo {ID} --yes",
    f"ledger undo --run {ID} --yes",
    "mcp list",
    "mcp register tools https://x.example/mcp --label Tools --word tools",
    f"mcp refresh {ID}",
    f"mcp tools {ID}",
    f"mcp review {ID} look_up --digest d --effect READ --description d",
    f"mcp enable {ID}",
    f"mcp disable {ID}",
    f"mcp remove {ID}",
    "outbox list",
    f"outbox retry {ID}",
    f"outbox confirm {ID}",
    "policy show",
    "policy history",
    f"policy put {RULES}",
    f"policy simulate {RULES}",
    "policy rollback 1",
    "policy explain --person mara --agent sales --tool update_record",
    "policy reach --person mara --agent sales",
    f"policy check {RULES}",
    "policy preapprovals list",
    "policy preapprovals add --tool update_record --object Task --field Status --until 2027-01-01 --reason r",
    f"policy preapprovals withdraw {ID}",
    "runs parked",
    "runs waiting",
    f"runs retry {ID}",
    "schedules list",
    "schedules add '0 8 * * 1' -m hello",
    f"schedules change {ID} --off",
    f"schedules remove {ID}",
    "sessions list",
    "sessions list --of 005CS0000000001YAA",
    "sessions end",
    f"sessions end {ID}",
    "sessions end --of 005CS0000000001YAA",
    f"sessions end {ID} --of 005CS0000000001YAA",
    "settings gateway",
    "settings gateway --set personal=hide",
    "settings metrics",
    f"settings metrics --put {RULES}",
    "settings alerts",
    "settings retention",
    "settings retention --conversation-days 30",
    f"settings erase thread {ID} --yes",
    "settings erase person 005CS0000000001YAA --yes",
    "settings erase tenant northwind --yes",
    "show Account Acme",
    "switch on tenant --reason r",
    "switch off tenant",
    "switch list",
    "triggers list",
    "triggers add quote_to_order update --field Status --becomes Accepted",
    f"triggers remove {ID}",
    "users list",
    "users list --find nina",
    "users add nina@northwind.example Nowak --permission-set sales_rep",
    "users manager 005CS0000000001YAA 005CS0000000002YAA",
    "users role 005CS0000000001YAA 'VP Sales'",
    "users roles",
    "users deactivate 005CS0000000001YAA",
    "users activate 005CS0000000001YAA",
    "users rights 005CS0000000001YAA --permission-set sales_rep",
    "users groups",
    "users set-groups --right Sales=sales_rep",
    "webhooks list",
    "webhooks add https://x.example --event approval.created",
    f"webhooks change {ID} --off",
    f"webhooks remove {ID}",
    f"webhooks deliveries {ID}",
    f"webhooks redeliver {ID} {ID}",
    f"webhooks people {ID}",
    f"webhooks name {ID} U0123 005CS0000000001YAA",
    f"webhooks unname {ID} U0123",
    f"webhooks confirm {ID} U0123",
    "workflows list",
    "workflows start renewal_outreach --input book=all",
    f"workflows show {ID}",
    f"workflows stop {ID} {ID}",
    f"workflows rename {ID} title",
    f"workflows forget {ID}",
    f"workflows rate {ID} m1 up",
]

QUESTIONS = {
    "POST /assistants/count",
    "POST /assistants/{assistant}/versions",
    "POST /threads/search",
    "POST /threads/count",
    "POST /threads/{thread_id}/history",
    "POST /runs/crons/count",
}
"""What is asked with a body and decides nothing."""

CHAT = {
    "POST /threads/{thread_id}/runs/stream": "countersign chat",
    "POST /threads/{thread_id}/runs/wait": "the same run, for programs that wait in one request",
    "POST /threads/{thread_id}/state": "the LangGraph protocol's other way to dismiss what waits: approvals recall",
    "DELETE /threads/{thread_id}/runs/{run_id}": "tidying by programs; workflows forget removes all of them",
    "POST /threads/{thread_id}/state/checkpoint": "a question of the protocol, asked with a body",
    "POST /threads/prune": "tidying by programs; workflows forget",
    "POST /threads/{thread_id}/copy": "a branch of a conversation, for programs that show several",
    "POST /assistants/{assistant}/latest": "takes nothing but the newest version, which counts without it",
    "POST /runs": "a run without a conversation, for programs; countersign chat",
    "POST /runs/stream": "the same",
    "POST /runs/wait": "the same",
    "POST /runs/batch": "the same, many at once",
    "POST /runs/cancel": "many at once; workflows stop",
    "POST /auth/sign-out": "the session of a browser, which a terminal has not; sessions end",
}
"""Reached in another way."""


class Recorder:
    """Stands for the service: answers each route in the shape that its document says, with hostile text everywhere."""

    def __init__(self, document: Json) -> None:
        self.schemas = document["components"]["schemas"]
        self.routes = [
            (method.upper(), path, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        self.asked: set[str] = set()

    def __call__(self, method: str, path: str, url: str, who: str | None, **options: Any) -> Json:
        path = path.split("?")[0]
        fits = [one for one in self.routes if one[0] == method and one[2].fullmatch(path)]
        assert fits, f"there is no {method} {path}"
        _, route, _, operation = min(fits, key=lambda one: one[1].count("{"))
        self.asked.add(f"{method} {route}")
        self.check_body(route, operation, options.get("json"))
        if route == "/threads/{thread_id}/state":
            return {"next": [HOSTILE]}  # the document leaves its shape to the protocol
        for status in ("200", "201"):
            if status in operation["responses"]:
                content = operation["responses"][status].get("content", {})
                return self.sample(content.get("application/json", {}).get("schema", {}))
        return None

    def check_body(self, route: str, operation: Json, body: Json) -> None:
        """Names in the body are those of the document, and none that it requires is missing."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        schema = self.schemas.get(content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1], {})
        if body is None:
            assert not operation.get("requestBody", {}).get("required"), route
            return
        assert schema, f"{route} takes no body"
        assert set(schema.get("required", ())) <= set(body) <= set(schema["properties"]), (route, set(body))

    def sample(self, schema: Json, name: str = "") -> Json:
        if name in SHAPES and "$ref" not in schema.get("items", {}):
            return SHAPES[name]
        if "$ref" in schema:
            return self.sample(self.schemas[schema["$ref"].rsplit("/", 1)[1]], name)
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                return self.sample(next(one for one in schema[choice] if one.get("type") != "null"), name)
        if "enum" in schema or "const" in schema:
            return schema.get("const", (schema.get("enum") or [""])[0])
        kind = schema.get("type")
        if kind == "object":
            found = {key: self.sample(one, key) for key, one in schema.get("properties", {}).items()}
            more = schema.get("additionalProperties")
            if not found and more is not False:
                found = {HOSTILE: self.sample(more if isinstance(more, dict) else {}, name)}
            return found
        if kind == "array":
            return [self.sample(schema.get("items", {}), "")]
        return {"integer": 3, "number": 1.5, "boolean": True}.get(kind, HOSTILE)


SOURCE = {"integrity": "external", "origin": HOSTILE}
CARD = {
    "title": HOSTILE,
    "changes": [
        {
            "operation": HOSTILE,
            "object": HOSTILE,
            "name": HOSTILE,
            "id": HOSTILE,
            "fields": [{"field": HOSTILE, "old": HOSTILE, "new": HOSTILE, "source": SOURCE}],
        }
    ],
    "warnings": [HOSTILE],
    "message": {
        "from": HOSTILE,
        "reply_to": HOSTILE,
        "recipients": [{"name": HOSTILE, "address": HOSTILE, "record": HOSTILE, "role": HOSTILE}],
        "subject": HOSTILE,
        "body": f"{HOSTILE}\n{HOSTILE}",
    },
}
SHAPES: dict[str, Json] = {
    "card": CARD,
    "rule": {"reason": HOSTILE, "self_approval": True},
    "changes": CARD["changes"],
    "warnings": CARD["warnings"],
    "message": CARD["message"],
    "result": {"message": HOSTILE},
    "interrupts": {HOSTILE: [{"value": {"approvals": [{"approval_id": HOSTILE}]}}]},
    "values": {"workflow": {"status": HOSTILE, "step": HOSTILE, "because": HOSTILE}},
    "next": [HOSTILE],
    "status": "refused",
    "thread_id": ID,
    "server_id": ID,
    "found": {"description": HOSTILE, "parameters": {HOSTILE: HOSTILE}},
    "reviewed": {"description": HOSTILE, "parameters": {}},
    "recipients": CARD["message"]["recipients"],
    "rules": [{"id": HOSTILE, "reason": HOSTILE, "when": {HOSTILE: HOSTILE}, "then": {}}],
}
"""What the document leaves open, as the service fills it."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Json:
    folder = tmp_path_factory.mktemp("parity")
    return build_app(Settings(mode="development", data_dir=folder)).openapi()


@pytest.fixture(scope="module")
def recorder(document: Json) -> Recorder:
    return Recorder(document)


@pytest.fixture(scope="module")
def root(recorder: Recorder) -> Any:
    made = typer.Typer()
    add_service_commands(made, recorder)
    return typer.main.get_command(made)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("rules")
    (place / RULES).write_text("rules: []\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("COLUMNS", "400")
        yield place


def leaves(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """All commands under a group, by their words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, *path, name)
        else:
            yield " ".join([*path, name]), command


def run(root: Any, line: str) -> str:
    """What a command prints; whatever it raises is a failure."""
    words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        root.main(words, standalone_mode=False)
    return told.getvalue()


@pytest.fixture(scope="module")
def commands(root: Any) -> dict[str, Any]:
    return dict(leaves(root))


@pytest.fixture(scope="module")
def printed(root: Any, commands: dict[str, Any]) -> dict[str, list[str]]:
    """What each invocation prints, for people and, where it can, for programs."""
    found = {}
    for line in INVOCATIONS:
        [command] = [one for name, one in commands.items() if f"{line} ".startswith(f"{name} ")]
        ways = ["", " --json"] if any(one.name == "as_json" for one in command.params) else [""]
        found[line] = [run(root, f"{line}{way}") for way in ways]
    return found


def test_every_command_is_tried_and_prints_nothing_as_a_record_has_it(
    commands: dict[str, Any], printed: dict[str, list[str]]
) -> None:
    untried = {name for name in commands if not any(f"{line} ".startswith(f"{name} ") for line in INVOCATIONS)}
    assert untried == set(), "add them to the list, with what they need"
    for line, shown in printed.items():
        assert all(shown), line
        for as_json in shown[1:]:
            json.loads(as_json)
            assert as_json.isascii(), line
        for text in shown:
            assert not RAW.search(text), (line, RAW.search(text))
            assert "\N{WARNING SIGN}" not in text, line
            if "loud" in text:
                assert "[bold]loud[/bold]" in text, (line, "markup of a record was obeyed")


def test_every_command_that_asks_the_service_tells_programs_what_came_of_it(commands: dict[str, Any]) -> None:
    silent = {n for n, c in commands.items() if not any(one.name == "as_json" for one in c.params)}
    assert silent == {"policy check"}, "it only looks at a file"


def test_what_can_be_decided_over_http_can_be_decided_in_the_terminal(
    document: Json, recorder: Recorder, printed: dict[str, list[str]]
) -> None:
    """A new route that decides something and has no command fails here."""
    routes = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    deciding = {route for route in routes if not route.startswith("GET ")}
    assert deciding - recorder.asked - QUESTIONS - CHAT.keys() == set()
    assert (QUESTIONS | CHAT.keys()) - routes == set()
    assert (QUESTIONS | CHAT.keys()) & recorder.asked == set()


def test_text_of_a_record_is_shown_as_letters() -> None:
    assert not RAW.search(one_line(HOSTILE))
    assert one_line("a\nb") == "a ⏎ b"
    assert clean("[red]x[/red]") == r"\[red]x\[/red]"


def test_a_terminal_shows_all_of_a_call_that_leaves_the_house(capsys: pytest.CaptureFixture[str]) -> None:
    call = {
        "server": "issues",
        "tool": "create_issue",
        "arguments": {"title": "Broken\n[bold]Note[/bold]", "tags": ["a"]},
    }
    show_card({"card": {"changes": [], "warnings": ["It leaves the house."], "call": call}})
    assert capsys.readouterr().out.splitlines() == [
        "Note It leaves the house.",
        "Have issues carry out create_issue",
        '| title: "Broken\\n[bold]Note[/bold]"',
        '| tags: ["a"]',
    ]
