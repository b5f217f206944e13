"""The OpenAPI document, and whether the service keeps to it, for whatever a generator makes of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis.errors import Unsatisfiable
from langchain_core.messages import AIMessage
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import build_app
from api.errors import PROBLEM
from api.settings import Settings
from crm.database import DatabaseConfig
from tests.service import ADMIN, calls, held, make_app, message, script, serve, settings_for

Json = Any

EXAMPLES, MORE_EXAMPLES = 1, 12
"""Per operation, kind of data and database; the second number with `--thorough`."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
UPDATE = (
    "update_record",
    {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"NextStep": "Call Ann"}},
)


@dataclass(frozen=True)
class Served:
    """A service behind a socket, with something in it to ask for."""

    url: str
    token: str
    known: dict[str, str]


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    model = script(calls(UPDATE), *[AIMessage("Nothing.")] * 5_000)
    app = make_app(settings, model_for=lambda tenant: model)
    with serve(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        token = client.post("/dev/login", json={"username": ADMIN}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        thread = client.post("/threads", json={}).json()["thread_id"]
        values = client.post(f"/threads/{thread}/runs/wait", json=message("change the opportunity")).json()
        [approval] = held(values)
        [run] = client.get(f"/threads/{thread}/runs").json()
        state = client.get(f"/threads/{thread}/state").json()
        known = {
            "thread_id": thread,
            "run_id": run["run_id"],
            "approval_id": approval["approval_id"],
            "checkpoint_id": state["checkpoint_id"],
            "assistant": "countersign",
            "object_name": "Opportunity",
            "record_id": "006CS0000000001YAA",
        }
        yield Served(url, token, known)


def operations(served: Served) -> list[APIOperation[Any, Any, Any, Any]]:
    document = httpx.get(f"{served.url}/openapi.json").json()
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_dict(document, config=config)
    found = [one.ok() for one in schema.get_all_operations()]
    # What removes something comes last: the others are to find it.
    return sorted(found, key=lambda one: one.method == "delete" or one.path.endswith("/cancel"))


# The service runs in a thread of this process, and may draw a random number while a strategy draws.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_the_service_keeps_to_its_document(
    served: Served, mode: GenerationMode, subtests: pytest.Subtests, thorough: bool
) -> None:
    """With ids that are made up, and with those of things that are there."""
    examples = MORE_EXAMPLES if thorough else EXAMPLES
    for operation in operations(served):
        names = {parameter.name for parameter in operation.path_parameters}
        known = {name: value for name, value in served.known.items() if name in names}
        with subtests.test(operation.label):
            exercise(operation, mode, served, None, examples)
            if known and operation.method != "delete":
                exercise(operation, mode, served, known, examples)


def exercise(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    served: Served,
    known: dict[str, str] | None,
    examples: int,
) -> None:
    checks = CHECKS + ([negative_data_rejection] if mode is GenerationMode.NEGATIVE else [])

    @given(case=operation.as_strategy(mode, path_parameters=known))
    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        headers = {"Authorization": f"Bearer {served.token}"}
        case.call_and_validate(base_url=served.url, headers=headers, checks=checks, timeout=20)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing about the request can be wrong


# The document itself


def document_of(config: DatabaseConfig, folder: Path, **more: Json) -> Json:
    return build_app(settings_for(config, folder, **more)).openapi()


@pytest.fixture
def production(tmp_path: Path) -> Json:
    """The document as a production service publishes it; no database is touched."""
    config = DatabaseConfig(url="sqlite+aiosqlite:///nowhere.db")
    keys = {"token_keys": tmp_path / "keys.json", "secret_key": "s" * 32, "master_key": "m" * 32}
    return document_of(config, tmp_path, mode="production", dev_login=False, **keys)


@pytest.fixture
def routes(production: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in production["paths"].items()
        for method, operation in methods.items()
    }


SCRAPED = "GET /metrics"
"""The operator's own, with a token of its own."""
OPEN = {"GET /info", "GET /ok", "GET /health", "GET /ready", "GET /auth/providers"}
OPEN |= {f"GET /auth/oidc/{{provider_id}}/{way}" for way in ("start", "callback")}
OPEN |= {"GET /.well-known/agent-card.json", "GET /.well-known/oauth-protected-resource"}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(routes: dict[str, Json]) -> None:
    names = [operation["operationId"] for operation in routes.values()]
    assert len(names) == len(set(names))
    assert [route for route, operation in routes.items() if not operation.get("description")] == []
    assert [route for route, operation in routes.items() if not operation.get("tags")] == []


def test_every_operation_says_which_problems_it_answers_with(production: Json, routes: dict[str, Json]) -> None:
    for route, operation in routes.items():
        answers = operation["responses"]
        expected = {"400", "413"} if route in OPEN else {"400", "401", "413", "422", "503"}
        assert expected <= set(answers), route
        if any(part in route for part in ("/threads", "/approvals", "/records", "/ledger", "/audit", "/feedback")):
            assert "403" in answers, route
        if "{" in route:
            assert "404" in answers, route
        for status, answer in answers.items():
            if int(status) >= 400:
                assert list(answer["content"]) == [PROBLEM], (route, status)
                assert answer["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert set(production["components"]["schemas"]["Problem"]["required"]) == {"type", "title", "status", "detail"}


def test_every_operation_but_the_open_ones_asks_for_a_token(production: Json, routes: dict[str, Json]) -> None:
    schemes = production["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    asked = {route for route, operation in routes.items() if operation.get("security")}
    assert set(routes) - asked == OPEN
    for route in asked:
        expected = {"MetricsToken"} if route == SCRAPED else set(schemes) - {"MetricsToken"}
        assert {name for choice in routes[route]["security"] for name in choice} == expected, route


def test_request_bodies_are_closed(production: Json) -> None:
    """A field that does not exist is an error, so the document says that there are no others."""
    schemas = production["components"]["schemas"]
    bodies = [name for name in schemas if name.endswith("Body") or name.endswith(("Search", "Patch", "Count"))]
    assert len(bodies) >= 10
    assert [name for name in bodies if schemas[name].get("additionalProperties") is not False] == []


def test_no_request_names_a_tenant(production: Json) -> None:
    """Tenants come from tokens: neither a path, nor a query, nor a body has a place for one."""
    text = json.dumps({"paths": production["paths"], "schemas": production["components"]["schemas"]})
    schemas = production["components"]["schemas"]
    # What the caller reads of themselves, and the kind of switch that stops their own tenant's copilot.
    known = json.dumps([schemas["Me"], schemas["SwitchBody"]["properties"]["scope"]])
    assert text.count('"tenant"') == known.count('"tenant"')
    assert "tenant" not in schemas["SwitchBody"]["properties"]


def test_development_routes_are_in_the_document_of_development_only(production: Json, tmp_path: Path) -> None:
    config = DatabaseConfig(url="sqlite+aiosqlite:///nowhere.db")
    assert [path for path in production["paths"] if path.startswith("/dev")] == []
    assert "LoginBody" not in production["components"]["schemas"]
    assert "/dev/login" in document_of(config, tmp_path)["paths"]
    assert "/dev/login" not in document_of(config, tmp_path, dev_login=False)["paths"]
