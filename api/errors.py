"""Which error becomes which answer: one table, and RFC 9457 problem details for all of it."""

import logging
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.auth import AuthError, KeySetError
from api.charts import ChartError, ChartNotFoundError
from api.evaluations import EvaluationNotFoundError
from api.identity_provider import ProviderDownError
from api.mcp.faults import ForeignServerDownError
from api.outbox import MailClosedError, MailNotFoundError, NotAllowedToSendError
from crm.database import DatabaseNotReadyError
from crm.errors import (
    CursorError,
    ErasedError,
    FieldError,
    ObjectRightError,
    RecordNotFoundError,
    StaleError,
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
from trust.inbox import BatchError
from trust.outgoing import RulesError
from trust.policy_book import PolicyConflictError, PolicyVersionNotFoundError, PreapprovalNotFoundError
from trust.provisioning import GroupNotFoundError, PersonNotFoundError, TakenError
from trust.sessions import SessionNotFoundError
from trust.slack import SlackPersonNotFoundError
from trust.switches import SwitchedOffError
from trust.undo import EntryNotFoundError, TooManyEntriesError
from trust.webhooks import DeliveryBusyError, TooManyWebhooksError, WebhookNotFoundError

_log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"


class InputError(Exception):
    """A request that is well formed and still cannot be taken. `field` is its place in the request."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class ProviderNotFoundError(Exception):
    """There is no such identity provider."""


class InvalidFilterError(Exception):
    """A filter that this service does not know."""


class UnknownAssistantError(Exception):
    """There is no such assistant."""


class ForbiddenError(Exception):
    """The caller is known and may not do this."""


class CrossSiteError(Exception):
    """A request with a session's cookie that does not show that a page of the service sent it."""


STATUSES: dict[type[Exception], int] = {
    AuthError: 401,
    ForbiddenError: 403,
    UnmappedError: 403,
    CrossSiteError: 403,
    NotEntitledError: 403,
    ObjectRightError: 403,
    NotAllowedToSendError: 403,
    UnknownAssistantError: 404,
    ThreadNotFoundError: 404,
    RunNotFoundError: 404,
    ApprovalNotFoundError: 404,
    RecordNotFoundError: 404,
    MailNotFoundError: 404,
    EvaluationNotFoundError: 404,
    PolicyVersionNotFoundError: 404,
    PreapprovalNotFoundError: 404,
    DelegationNotFoundError: 404,
    MessageNotFoundError: 404,
    NoSuchEntryError: 404,
    ScheduleNotFoundError: 404,
    ChartNotFoundError: 404,
    TriggerNotFoundError: 404,
    SessionNotFoundError: 404,
    ApiKeyNotFoundError: 404,
    PersonNotFoundError: 404,
    GroupNotFoundError: 404,
    ProviderNotFoundError: 404,
    WebhookNotFoundError: 404,
    SlackPersonNotFoundError: 404,
    ForeignServerNotFoundError: 404,
    EntryNotFoundError: 404,
    ErasedError: 410,
    ThreadBusyError: 409,
    ThreadExistsError: 409,
    WrongAssistantError: 409,
    OrphanedRunError: 409,
    ApprovalClosedError: 409,
    MailClosedError: 409,
    DigestMismatchError: 409,
    PolicyConflictError: 409,
    RightsChangedError: 409,
    StaleError: 409,
    TakenError: 409,
    DeliveryBusyError: 409,
    ForeignToolChangedError: 409,
    TooManyWebhooksError: 409,
    UnknownCallerError: 409,
    SwitchedOffError: 409,
    TooManyEntriesError: 409,
    AnswerError: 422,
    InputError: 422,
    FieldError: 422,
    CursorError: 422,
    ApprovalError: 422,
    ScheduleError: 422,
    TriggerError: 422,
    ApiKeyError: 422,
    InvalidFilterError: 422,
    DirectoryError: 422,
    RulesError: 422,
    ForeignServerError: 422,
    OverloadedError: 429,
    ForeignServerDownError: 502,
    ChartError: 503,
    KeySetError: 503,
    ProviderDownError: 502,
    DatabaseNotReadyError: 503,
    TimeoutError: 503,
}
"""Error -> status. The most specific class counts. An error that is not here is a fault of ours: 500, and no word of it
reaches the caller. So `CrmError` is not here as a whole: a session that strayed from its tenant must not look like bad
input."""

_UNTOLD = {
    DatabaseNotReadyError: "the database is not ready",
    TimeoutError: "the service is busy; try again in a moment",
}
"""Errors whose own words are for the operator, and what the caller reads instead."""


class FieldProblem(BaseModel):
    """One fault of a request: where it is and what was expected."""

    field: str
    message: str


class Problem(BaseModel):
    """Problem details as RFC 9457 defines them, with one entry in `errors` per faulty field."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="Stable name of the kind of problem.")
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


def problem(
    status: int, kind: str, detail: str, *, errors: Sequence[FieldProblem] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    body = Problem(
        type=f"urn:countersign:problem:{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors),
    )
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=PROBLEM)


def register_errors(app: FastAPI) -> None:
    for error in STATUSES:
        app.add_exception_handler(error, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, answer_unknown)


def status_of(error: Exception) -> int:
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def kind_of(error: Exception) -> str:
    """Its stable name."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).strip("-")


async def _known(request: Request, error: Exception) -> JSONResponse:
    status = status_of(error)
    errors = _fields_of(error)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "2"}}.get(status)
    if status >= 500:
        _log.error("request could not be served", exc_info=error)
    detail = next((text for kind, text in _UNTOLD.items() if isinstance(error, kind)), str(error))
    return problem(status, kind_of(error), detail, errors=errors, headers=headers)


def _fields_of(error: Exception) -> list[FieldProblem]:
    if isinstance(error, InputError | FieldError | ApiKeyError | DirectoryError):
        return [FieldProblem(field=error.field, message=error.message)]
    if isinstance(error, TakenError | AnswerError | RulesError):
        return [FieldProblem(field=error.field, message=str(error))] if error.field else []
    if isinstance(error, ScheduleError | TriggerError | ForeignServerError):
        return [FieldProblem(field=error.field, message=str(error))]
    if isinstance(error, BatchError):
        return [FieldProblem(field=f"approval_ids.{one.approval_id}", message=one.reason) for one in error.misfits]
    return []


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem(400, "malformed-json", "the body is not valid JSON")
    errors = [FieldProblem(field=_place(fault["loc"]), message=fault["msg"]) for fault in faults[:20]]
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors)
    return problem(422, "invalid-request", detail[:2_000], errors=errors)


def _place(location: Sequence[Any]) -> str:
    """`messages.0.content`, without the part of the request that it is in, unless that is all there is."""
    parts = [str(part) for part in location]
    inner = parts[1:] if parts[:1] in (["body"], ["query"], ["path"], ["header"]) else parts
    return ".".join(inner or parts)


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    return problem(error.status_code, kind, str(error.detail), headers=dict(error.headers or {}) or None)


def answer_unknown(request: Request, error: Exception) -> JSONResponse:
    """What the caller reads of an error that nobody foresaw: a reference to the log, and nothing else."""
    reference = uuid.uuid4().hex[:12]
    _log.error("request failed, reference %s", reference, exc_info=error, extra={"fields": {"reference": reference}})
    return problem(500, "internal", f"something went wrong; reference {reference}")


def problems(*statuses: int, is_open: bool = False) -> dict[int | str, dict[str, Any]]:
    """The part of a route's description that says which problems it may answer with. Open routes ask for no token."""
    every = {400, 413, *statuses} if is_open else {400, 401, 413, 422, 503, *statuses}
    if not every.isdisjoint({404, 409}):
        every.add(410)  # whatever may be missing or taken may have been erased
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(every)}
