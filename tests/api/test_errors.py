"""Which error becomes which answer, and that an error nobody foresaw tells nothing."""

import logging
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from api.auth import AuthError, KeySetError
from api.charts import ChartError, ChartNotFoundError
from api.envelope import EnvelopeMiddleware
from api.errors import (
    STATUSES,
    CrossSiteError,
    ForbiddenError,
    InputError,
    InvalidFilterError,
    ProviderNotFoundError,
    UnknownAssistantError,
    register_errors,
)
from api.evaluations import EvaluationNotFoundError
from api.identity_provider import ProviderDownError
from api.mcp.faults import ForeignServerDownError
from api.outbox import MailClosedError, MailNotFoundError, NotAllowedToSendError
from crm.database import DatabaseNotReadyError
from crm.errors import (
    Conflict,
    CrmError,
    CursorError,
    ErasedError,
    FieldError,
    ObjectRightError,
    RecordNotFoundError,
    StaleError,
    TenantContextError,
)
from crm.repositories.access import UnknownCallerError
from graphs.answers import AnswerError
from graphs.conversations import (
    OverloadedError,
    RunNotFoundError,
    ThreadBusyError,
    ThreadExistsError,
    ThreadNotFoundError,
    WrongAssistantError,
)
from graphs.feedback import MessageNotFoundError
from graphs.schedules import ScheduleError, ScheduleNotFoundError
from graphs.triggers import TriggerError, TriggerNotFoundError
from graphs.versions import OrphanedRunError
from trust.api_keys import ApiKeyError, ApiKeyNotFoundError
from trust.approvals import (
    ApprovalClosedError,
    ApprovalError,
    ApprovalNotFoundError,
    DigestMismatchError,
    NotEntitledError,
)
from trust.audit import NoSuchEntryError
from trust.delegations import DelegationNotFoundError
from trust.directory import DirectoryError, RightsChangedError, UnmappedError
from trust.foreign import ForeignServerError, ForeignServerNotFoundError, ForeignToolChangedError
from trust.outgoing import RulesError
from trust.policy_book import PolicyConflictError, PolicyVersionNotFoundError, PreapprovalNotFoundError
from trust.provisioning import GroupNotFoundError, PersonNotFoundError, TakenError
from trust.sessions import SessionNotFoundError
from trust.slack import SlackPersonNotFoundError
from trust.switches import SwitchedOffError
from trust.undo import EntryNotFoundError, TooManyEntriesError
from trust.webhooks import DeliveryBusyError, TooManyWebhooksError, WebhookNotFoundError

PREFIX = "urn:countersign:problem:"

_HALT: Any = SimpleNamespace(outline="off", message="off")
_STAFF: Any = SimpleNamespace(is_customer=False)

TABLE: list[tuple[Exception, int, str]] = [
    (AuthError("who"), 401, "auth"),
    (ForbiddenError("no"), 403, "forbidden"),
    (NotEntitledError("no"), 403, "not-entitled"),
    (ObjectRightError("no"), 403, "object-right"),
    (UnknownAssistantError("no"), 404, "unknown-assistant"),
    (ThreadNotFoundError("t"), 404, "thread-not-found"),
    (RunNotFoundError("r"), 404, "run-not-found"),
    (ApprovalNotFoundError("a"), 404, "approval-not-found"),
    (RecordNotFoundError("Account", "001"), 404, "record-not-found"),
    (ThreadBusyError("busy"), 409, "thread-busy"),
    (WrongAssistantError("it goes by another"), 409, "wrong-assistant"),
    (OrphanedRunError("workflow", 1, 2), 409, "orphaned-run"),
    (ChartNotFoundError(), 404, "chart-not-found"),
    (ChartError("it took too long"), 503, "chart"),
    (TriggerNotFoundError("t"), 404, "trigger-not-found"),
    (TriggerError("event", "what"), 422, "trigger"),
    (ScheduleNotFoundError("s"), 404, "schedule-not-found"),
    (ScheduleError("timezone", "what"), 422, "schedule"),
    (EntryNotFoundError("e"), 404, "entry-not-found"),
    (TooManyEntriesError("r"), 409, "too-many-entries"),
    (SwitchedOffError(_HALT, _STAFF), 409, "switched-off"),
    (WebhookNotFoundError("w"), 404, "webhook-not-found"),
    (TooManyWebhooksError("w"), 409, "too-many-webhooks"),
    (DeliveryBusyError("d"), 409, "delivery-busy"),
    (ThreadExistsError("there"), 409, "thread-exists"),
    (ApprovalClosedError("closed"), 409, "approval-closed"),
    (DigestMismatchError("other"), 409, "digest-mismatch"),
    (StaleError([Conflict("006", "StageName", "a", "b")]), 409, "stale"),
    (UnknownCallerError("no such caller"), 409, "unknown-caller"),
    (AnswerError("resume: what"), 422, "answer"),
    (InputError("limit", "too much"), 422, "input"),
    (FieldError("Amount", "expected a number"), 422, "field"),
    (CursorError("old"), 422, "cursor"),
    (ApprovalError("reason: too long"), 422, "approval"),
    (NotAllowedToSendError("no"), 403, "not-allowed-to-send"),
    (MailNotFoundError("m"), 404, "mail-not-found"),
    (PolicyVersionNotFoundError("v"), 404, "policy-version-not-found"),
    (PreapprovalNotFoundError("p"), 404, "preapproval-not-found"),
    (DelegationNotFoundError("d"), 404, "delegation-not-found"),
    (MessageNotFoundError("m"), 404, "message-not-found"),
    (NoSuchEntryError("e"), 404, "no-such-entry"),
    (MailClosedError("sent"), 409, "mail-closed"),
    (PolicyConflictError("newer"), 409, "policy-conflict"),
    (RightsChangedError("look again"), 409, "rights-changed"),
    (ErasedError("thread"), 410, "erased"),
    (RulesError("personal: clear"), 422, "rules"),
    (OverloadedError("later"), 429, "overloaded"),
    (KeySetError("the token keys cannot be read"), 503, "key-set"),
    (DatabaseNotReadyError("role x is a superuser"), 503, "database-not-ready"),
    (UnmappedError("nobody"), 403, "unmapped"),
    (CrossSiteError("no"), 403, "cross-site"),
    (EvaluationNotFoundError("e"), 404, "evaluation-not-found"),
    (SessionNotFoundError("s"), 404, "session-not-found"),
    (ApiKeyNotFoundError("k"), 404, "api-key-not-found"),
    (PersonNotFoundError("p"), 404, "person-not-found"),
    (GroupNotFoundError("g"), 404, "group-not-found"),
    (ProviderNotFoundError("p"), 404, "provider-not-found"),
    (SlackPersonNotFoundError("s"), 404, "slack-person-not-found"),
    (ForeignServerNotFoundError("s"), 404, "foreign-server-not-found"),
    (TakenError("there"), 409, "taken"),
    (ForeignToolChangedError("other"), 409, "foreign-tool-changed"),
    (ApiKeyError("name", "expected a text"), 422, "api-key"),
    (InvalidFilterError("filter"), 422, "invalid-filter"),
    (DirectoryError("userName", "expected a text"), 422, "directory"),
    (ForeignServerError("url", "expected an address"), 422, "foreign-server"),
    (ForeignServerDownError("no answer"), 502, "foreign-server-down"),
    (ProviderDownError("no answer"), 502, "provider-down"),
    (TimeoutError("pool"), 503, "timeout"),
]


class Body(BaseModel):
    name: str
    inner: dict[str, int] = {}


class UnforeseenError(Exception):
    pass


@pytest.fixture
def raised() -> list[Exception]:
    """What the application's route raises next."""
    return []


@pytest.fixture
async def client(raised: list[Exception]) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(EnvelopeMiddleware)
    app.add_middleware(CORSMiddleware, allow_origins=["https://console.example"])
    register_errors(app)

    @app.get("/fail")
    async def fail() -> None:
        raise raised.pop()

    @app.get("/break-off")
    async def break_off() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise raised.pop()

        return StreamingResponse(parts())

    @app.post("/take")
    async def take(body: Body, limit: Annotated[int, Query(ge=1)] = 5) -> None:
        return None

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        yield opened


def test_the_table_of_this_test_is_the_table() -> None:
    assert {type(error): status for error, status, _ in TABLE} == STATUSES


@pytest.mark.parametrize(("error", "status", "kind"), TABLE, ids=[kind for _, _, kind in TABLE])
async def test_an_error_has_its_status_and_its_name(
    client: httpx.AsyncClient, raised: list[Exception], error: Exception, status: int, kind: str
) -> None:
    raised.append(error)
    response = await client.get("/fail")
    body = response.json()
    assert (response.status_code, body["status"], body["type"]) == (status, status, PREFIX + kind)
    assert response.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "errors"}


@pytest.mark.parametrize("error", [DatabaseNotReadyError("role x is a superuser"), TimeoutError("pool of 10")])
async def test_what_is_for_the_operator_is_not_told_to_callers(
    client: httpx.AsyncClient, raised: list[Exception], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    raised.append(error)
    response = await client.get("/fail")
    assert str(error) not in response.text
    assert response.headers["retry-after"] == "2"
    assert caplog.records[-1].exc_info is not None


async def test_headers_say_what_to_do(client: httpx.AsyncClient, raised: list[Exception]) -> None:
    raised += [OverloadedError("later"), AuthError("who")]
    assert (await client.get("/fail")).headers["www-authenticate"] == "Bearer"
    assert (await client.get("/fail")).headers["retry-after"] == "1"


@pytest.mark.parametrize("error", [InputError("before", "wrong"), FieldError("Amount", "wrong")])
async def test_an_error_about_a_field_names_it(
    client: httpx.AsyncClient, raised: list[Exception], error: InputError | FieldError
) -> None:
    raised.append(error)
    assert (await client.get("/fail")).json()["errors"] == [{"field": error.field, "message": "wrong"}]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UnforeseenError("password hunter2"), id="unknown"),
        pytest.param(KeyError("hunter2"), id="builtin"),
        pytest.param(CrmError("hunter2"), id="a-base-class-is-no-answer"),
        pytest.param(TenantContextError("hunter2"), id="a-session-that-strayed"),
        pytest.param(ExceptionGroup("hunter2", [ValueError("hunter2")]), id="group"),
    ],
)
async def test_an_unknown_error_gives_a_reference_and_no_more(
    client: httpx.AsyncClient, raised: list[Exception], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    raised.append(error)
    with caplog.at_level(logging.ERROR):
        response = await client.get("/fail", headers={"Origin": "https://console.example"})
    body = response.json()
    assert (response.status_code, body["type"]) == (500, PREFIX + "internal")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "https://console.example"
    assert "hunter2" not in response.text
    assert "hunter2" not in str(response.headers)
    found = re.fullmatch(r"something went wrong; reference ([0-9a-f]{12})", body["detail"])
    assert found is not None
    [record] = [one for one in caplog.records if found[1] in one.getMessage()]
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_an_answer_that_has_begun_is_cut_off(client: httpx.AsyncClient, raised: list[Exception]) -> None:
    """It must not go on with a problem that looks like part of it."""
    raised.append(UnforeseenError("hunter2"))
    response = await client.get("/break-off")
    assert response.status_code == 200
    assert response.content == b"half"


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        pytest.param("/take", {}, ["name"], id="missing"),
        pytest.param("/take", {"name": 5, "inner": {"a": "x"}}, ["name", "inner.a"], id="two-faults"),
        pytest.param("/take?limit=0", {"name": "x"}, ["limit"], id="query"),
        pytest.param("/take", [], ["body"], id="not-an-object"),
    ],
)
async def test_validation_names_the_fields(client: httpx.AsyncClient, path: str, body: Any, fields: list[str]) -> None:
    response = await client.post(path, json=body)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (422, PREFIX + "invalid-request")
    assert [fault["field"] for fault in problem["errors"]] == fields
    assert all(fault["message"] for fault in problem["errors"])


async def test_a_thousand_faults_make_a_short_answer(client: httpx.AsyncClient) -> None:
    response = await client.post("/take", json={"name": "x", "inner": {f"key{n}": "x" for n in range(1000)}})
    assert response.status_code == 422
    assert len(response.json()["errors"]) == 20
    assert len(response.text) < 6_000


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nowhere", 404, "not-found"), ("GET", "/take", 405, "method-not-allowed")],
)
async def test_the_router_s_own_answers_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, kind: str
) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.json()["type"]) == (status, PREFIX + kind)
    assert response.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert response.headers["allow"] == "POST"
