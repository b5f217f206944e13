"""Metrics over HTTP: definitions, reports that are kept, alerts with what the last look found."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.callers import PolicyAdminOf, ServiceOf, StaffReaderOf
from api.charts import ChartNotFoundError, Picture, Theme
from api.errors import InputError, problems
from api.routes.charts import picture_response
from api.wire import Body
from crm.connector import Filter, Row, Sort
from crm.connector import Query as RecordQuery
from crm.database import TenantSession
from crm.repositories import watching
from crm.repositories.semantics import find_text, put_text
from crm.semantics.loading import MAX_DEFINITIONS, SemanticError, describe
from tools._declare import ToolContext, ToolFailedError, ToolRetryError
from tools._metric_answer import MetricAnswer, answer
from tools._metric_question import Question
from tools._saved import from_text
from trust import audit
from trust.principal import Principal

router = APIRouter(tags=["metrics"])

RecordId = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{15,18}$")]
_FIELDS = ("Id", "Name", "Metric__c", "CreatedDate")


class DefinitionsBody(Body):
    text: str = Field(
        max_length=MAX_DEFINITIONS, description="YAML: datasets by name, or parts to add to those there are."
    )


class DefinitionsWire(BaseModel):
    text: str
    metrics: list[str] = Field(description="Names of all that can be measured.")


class ReportWire(BaseModel):
    report_id: str
    name: str
    metric: str
    created_at: datetime


class AlertWire(BaseModel):
    alert_id: str
    name: str
    metric: str
    condition: Literal["Above", "Below", "Rises By", "Falls By"]
    threshold: float
    frequency: str
    is_active: bool
    is_met: bool = Field(description="Whether its condition held at the last look.")
    value: float | None = Field(description="What the last look found.")
    checked_at: datetime | None
    met_at: datetime | None = Field(description="When its condition came true last.")
    fault: str | None = Field(description="Why nothing could be measured.")


@router.get("/metrics/definitions", responses=problems(403))
async def get_definitions(principal: StaffReaderOf, service: ServiceOf) -> dict[str, Any]:
    """The semantic layer of the tenant: what can be measured, by what, over which records."""
    async with service.database.session(principal.tenant) as session:
        return dict(describe(await _crm(session, principal, service).semantics()))


@router.get("/admin/metrics", responses=problems(403))
async def get_own_definitions(principal: PolicyAdminOf, service: ServiceOf) -> DefinitionsWire:
    """What the tenant itself has defined."""
    async with service.database.session(principal.tenant) as session:
        layer = await _crm(session, principal, service).semantics()
        text = await find_text(session)
    return DefinitionsWire(text=text or "", metrics=[name for name, _ in layer.metrics()])


@router.put("/admin/metrics", responses=problems(403))
async def put_own_definitions(body: DefinitionsBody, principal: PolicyAdminOf, service: ServiceOf) -> DefinitionsWire:
    """Define metrics, dimensions and segments, in place of those that the tenant had defined before."""
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        try:
            layer = await put_text(session, body.text, by=principal.id, at=at)
        except SemanticError as error:
            raise InputError("text", str(error)) from None
        names = [name for name, _ in layer.metrics()]
        payload = {"metrics": len(names), "characters": len(body.text)}
        await audit.record(
            session, at=at, kind="metrics.defined", actor=principal.id, subject="metrics", payload=payload
        )
    return DefinitionsWire(text=body.text, metrics=names)


@router.get("/metrics/reports", responses=problems(403))
async def list_reports(principal: StaffReaderOf, service: ServiceOf) -> list[ReportWire]:
    """Reports that the caller may see, newest first."""
    async with service.database.session(principal.tenant) as session:
        query = RecordQuery("Report", _FIELDS, sort=[Sort("CreatedDate", True)], limit=200)
        rows = (await _crm(session, principal, service).query(query)).records
    return [
        ReportWire(report_id=r["Id"], name=r["Name"], metric=r["Metric__c"], created_at=r["CreatedDate"]) for r in rows
    ]


@router.get("/metrics/reports/{report_id}", responses=problems(403, 404, 422))
async def run_report(report_id: RecordId, principal: StaffReaderOf, service: ServiceOf) -> MetricAnswer:
    """The report, run now with the caller's rights."""
    return await _run(report_id, principal, service)


@router.get("/metrics/reports/{report_id}/chart.{picture}", responses=problems(403, 404, 422), response_class=Response)
async def draw_report(
    report_id: RecordId,
    picture: Picture,
    principal: StaffReaderOf,
    service: ServiceOf,
    theme: Annotated[Theme, Query()] = "light",
) -> Response:
    """The chart of a report, run now with the caller's rights."""
    spec = (await _run(report_id, principal, service)).chart
    if spec is None:
        raise ChartNotFoundError
    return picture_response(await service.charts.draw(spec, picture, theme), picture)


@router.get("/metrics/alerts", responses=problems(403))
async def list_alerts(principal: StaffReaderOf, service: ServiceOf) -> list[AlertWire]:
    """Alerts that the caller has set, newest first: what they found was found with the caller's rights."""
    async with service.database.session(principal.tenant) as session:
        mine = [Filter("CreatedById", "eq", principal.id)]
        query = RecordQuery("MetricAlert__c", None, mine, [Sort("CreatedDate", True)], limit=200)
        rows = (await _crm(session, principal, service).query(query)).records
        states = await watching.list_states(session, [row["Id"] for row in rows])
    return [_alert(row, states.get(row["Id"])) for row in rows]


def _alert(row: Row, state: Any) -> AlertWire:
    return AlertWire(
        alert_id=row["Id"],
        name=row["Name"],
        metric=row["Metric__c"],
        condition=row["Condition__c"],
        threshold=row["Threshold__c"],
        frequency=row["Frequency__c"],
        is_active=row["IsActive__c"],
        is_met=bool(state and state.is_met),
        value=state.value if state else None,
        checked_at=state.checked_at if state else None,
        met_at=state.met_at if state else None,
        fault=state.fault if state else None,
    )


async def _run(report_id: str, principal: Principal, service: ServiceOf) -> MetricAnswer:
    now = service.runner.clock()
    async with service.database.session(principal.tenant) as session:
        crm = _crm(session, principal, service)
        row = await crm.get("Report", report_id)
        context = ToolContext(crm, principal.id, now, now.date())
        try:
            asked = from_text(row.get("Question__c"), Question)
            return await answer(context, str(row.get("Metric__c")), asked)
        except (ToolFailedError, ToolRetryError) as error:
            raise InputError("report", str(error)) from None


def _crm(session: TenantSession, principal: Principal, service: ServiceOf) -> Any:
    return service.runner.desk.crm_for(session, principal, service.runner.clock())
