"""Lines that can be kept: JSON, with the ids that belong together, and no words that anybody else chose."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from api.settings import Settings
from api.telemetry.logs import JsonLines, TextLines, is_kept, set_up_logs
from crm.database import DatabaseNotReadyError
from tests.service import DANA, World, message, open_world, script
from trust import telemetry

Json = dict[str, Any]


@contextmanager
def logged(level: Any = "debug") -> Iterator[Callable[[], list[Json]]]:
    """All that is logged meanwhile, as a process of the service would write it."""
    root = logging.getLogger()
    before = root.handlers, root.level
    stream = io.StringIO()
    set_up_logs(level, "json", stream)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        root.handlers, root.level = before[0], before[1]
        for name in ("agents", "api", "crm", "evals", "graphs", "tools", "trust"):
            logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_line_is_one_json_object_with_its_ids() -> None:
    with logged() as lines, telemetry.about(request_id="r-1", tenant="northwind"):
        logging.getLogger("graphs.runner").info("run %s\nended", "x", extra={"fields": {"reference": "abc"}})
    [line] = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info",
        "logger": "graphs.runner",
        "message": "run x\nended",
        "request_id": "r-1",
        "tenant": "northwind",
        "reference": "abc",
    }


def test_libraries_are_heard_from_warning_on_and_without_what_they_put_in() -> None:
    with logged() as lines:
        foreign = logging.getLogger("aiosqlite")
        foreign.setLevel(logging.DEBUG)
        foreign.debug("executing %s", "SELECT 'Ann Poe'")
        foreign.info("Ann Poe")
        foreign.warning("could not send %s", "Ann Poe", extra={"fields": {"who": "Ann Poe"}})
        logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task exception='Ann Poe'>")
        foreign.setLevel(logging.NOTSET)
    assert [line["message"] for line in lines()] == ["could not send %s", "Task exception was never retrieved"]
    assert "Ann" not in str(lines())


def test_an_exception_is_told_by_kind_and_place() -> None:
    with logged() as lines:
        try:
            try:
                {}["Ann Poe"]
            except KeyError as error:
                raise ValueError("no such person: Ann Poe") from error
        except ValueError:
            logging.getLogger("api.app").exception("it failed")
    [line] = lines()
    assert [error["type"] for error in line["errors"]] == ["ValueError", "KeyError"]
    assert line["errors"][0]["at"] == [line["errors"][0]["at"][0]]
    assert re.fullmatch(
        r"api/test_logs\.py:\d+ test_an_exception_is_told_by_kind_and_place", line["errors"][0]["at"][0]
    )
    assert "Ann" not in json.dumps(line)


def test_errors_of_databases_keep_their_code_and_groups_their_parts() -> None:
    engine = create_engine("sqlite://", hide_parameters=True)
    with logged() as lines, engine.connect() as connection:
        connection.execute(text("CREATE TABLE person (name TEXT PRIMARY KEY)"))
        try:
            for _ in range(2):
                connection.execute(text("INSERT INTO person VALUES (:name)"), {"name": "Ann Poe"})
        except IntegrityError as error:
            group = ExceptionGroup("two of Ann Poe", [error, ValueError("Ann Poe")])
            logging.getLogger("crm.database").error("it failed", exc_info=group)
    engine.dispose()
    [line] = lines()
    kinds = {error["type"]: error.get("code") for error in line["errors"]}
    assert kinds.keys() >= {"ExceptionGroup", "sqlalchemy.exc.IntegrityError", "ValueError", "sqlite3.IntegrityError"}
    assert kinds["sqlite3.IntegrityError"] == "SQLITE_CONSTRAINT_PRIMARYKEY"
    assert "Ann" not in json.dumps(line)


def test_words_for_operators_are_told() -> None:
    with logged() as lines:
        error = DatabaseNotReadyError("the schema is at revision 3: run the migrations")
        logging.getLogger("api.app").error("not ready", exc_info=error)
    assert lines()[0]["errors"][0]["words"] == "the schema is at revision 3: run the migrations"


def test_text_for_terminals_says_the_same() -> None:
    record = logging.LogRecord("api.app", logging.ERROR, __file__, 1, "it %s", ("failed",), None)
    record.fields = {"reference": "abc"}
    assert TextLines().format(record).endswith("Z error    api.app: it failed reference=abc")
    record.exc_info = (ValueError, ValueError("Ann Poe"), None)
    assert TextLines().format(record).splitlines()[1:] == ["  ValueError"]
    assert json.loads(JsonLines().format(record))["errors"] == [{"type": "ValueError", "at": []}]


@pytest.mark.parametrize(("name", "level", "kept"), [("api", 10, True), ("apix", 10, False), ("httpx", 30, True)])
def test_whose_line_it_is(name: str, level: int, kept: bool) -> None:
    assert is_kept(logging.LogRecord(f"{name}.part", level, "", 1, "", (), None)) is kept


async def test_a_request_has_an_id_and_a_line_and_no_address_in_it(world: World) -> None:
    with logged() as lines:
        response = await world.call(DANA, "GET", "/records/Account?name=Acme%20Industries")
        assert response.status_code == 200
    line = lines()[-1]
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
    assert line["request_id"] == response.headers["x-request-id"]
    assert line.items() >= {"tenant": "northwind", "route": "/records/{object_name}", "status": 200}.items()
    assert not re.search("Acme|127.0.0.1|testclient|dana", json.dumps(lines()))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("7f3c-some_id", True),
        ("short", False),
        ("ann@nowhere.example", False),
        ("a" * 65, False),
        ("Ann Poe Poe", False),
    ],
)
async def test_the_callers_request_id_is_used_if_it_is_one(world: World, given: str, taken: bool) -> None:
    response = await world.client.get("/info", headers={"X-Request-Id": given})
    assert (response.headers["x-request-id"] == given) is taken
    refused = await world.client.get("/nowhere", headers={"X-Request-Id": given})
    assert (refused.headers["x-request-id"] == given) is taken


async def test_lines_of_a_run_carry_request_run_thread_and_tenant(settings: Settings) -> None:
    async def unforeseen(*args: Any) -> None:
        raise LookupError("unforeseen Ann Poe")

    async with open_world(settings, model=script(AIMessage("Nothing."))) as world:
        thread = await world.open_thread(DANA)
        object.__setattr__(world.service.runner.desk, "admit", unforeseen)
        with logged() as lines:
            response = await world.call(
                DANA,
                "POST",
                f"/threads/{thread}/runs/wait",
                json=message("hello"),
                headers={"X-Request-Id": "asked-by-this"},
            )
    [line] = [one for one in lines() if one["level"] == "error"]
    said = response.json()["__error__"]["message"]
    assert re.fullmatch(r"something went wrong; reference \w{12}", said)
    assert line["reference"] == said.rpartition(" ")[2]
    assert line.items() >= {"request_id": "asked-by-this", "thread_id": thread, "tenant": "northwind"}.items()
    assert line["run_id"]
    assert "LookupError" in line["errors"][0]["type"]
    assert "Ann" not in json.dumps(lines())


async def test_an_error_answered_with_a_reference_is_found_by_it(world: World) -> None:
    async def unforeseen(*args: Any, **more: Any) -> None:
        raise LookupError("Ann Poe")

    await world.token(DANA)
    object.__setattr__(world.service.conversations, "search_threads", unforeseen)
    with logged() as lines:
        response = await world.call(DANA, "POST", "/threads/search", json={})
    assert response.status_code == 500
    reference = response.json()["detail"].rpartition(" ")[2]
    [line] = [one for one in lines() if one.get("reference") == reference]
    assert line["request_id"] == response.headers["x-request-id"]
    assert [one["status"] for one in lines() if "status" in one] == [500]


async def test_signs_of_life_are_quiet(world: World) -> None:
    with logged("info") as lines:
        await world.client.get("/health")
        await world.client.get("/info")
    assert [line["route"] for line in lines()] == ["/info"]
