"""How well models answered: the kept reports of `countersign eval`, for administrators."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import PolicyAdminOf, ServiceOf
from api.errors import problems
from api.evaluations import Case, Comparison, EvaluationStore, Measure, Report, ReportId, compare
from crm.fields import to_json

router = APIRouter(prefix="/admin/evaluations", tags=["evaluations"])


class SuiteWire(BaseModel):
    """A suite of a run."""

    suite: str
    cases: int
    passed: int


class EvaluationWire(BaseModel):
    """A run of suites of cases."""

    report_id: str
    at: str
    model: str
    prompts: str = Field(description="Digest of what tools and agents say to models.")
    seconds: float
    cases: int
    passed: int
    is_green: bool = Field(description="Whether it kept to its bounds; without bounds, whether every case passed.")
    is_own: bool = Field(description="Whether it was kept for this tenant only.")
    suites: list[SuiteWire]
    measures: dict[str, Measure]
    faults: dict[str, int] = Field(description="Class of error -> how many cases have one.")


class EvaluationDetail(EvaluationWire):
    failed: list[Case]


@router.get("", responses=problems(403))
async def list_evaluations(
    principal: PolicyAdminOf, service: ServiceOf, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[EvaluationWire]:
    """Reports that were kept for all tenants or for this one, the newest first."""
    found = await asyncio.to_thread(_store(service).list, principal.tenant, limit=limit)
    return [_wire(one) for one in found]


@router.get("/compare", responses=problems(403, 404))
async def compare_evaluations(
    principal: PolicyAdminOf,
    service: ServiceOf,
    before: Annotated[ReportId, Query(description="The earlier report.")],
    after: Annotated[ReportId, Query(description="The later one.")],
) -> Comparison:
    """What changed from one run to another."""
    store = _store(service)
    first = await asyncio.to_thread(store.get, principal.tenant, before)
    return compare(first, await asyncio.to_thread(store.get, principal.tenant, after))


@router.get("/{report_id}", responses=problems(403, 404))
async def get_evaluation(report_id: ReportId, principal: PolicyAdminOf, service: ServiceOf) -> EvaluationDetail:
    """One report, with the cases that did not pass."""
    found = await asyncio.to_thread(_store(service).get, principal.tenant, report_id)
    failed = [one for one in found.cases if not one.passed]
    return EvaluationDetail(**_wire(found).model_dump(), failed=failed)


def _store(service: ServiceOf) -> EvaluationStore:
    return EvaluationStore(service.settings.data_dir)


def _wire(report: Report) -> EvaluationWire:
    suites = dict.fromkeys(one.suite for one in report.cases)
    return EvaluationWire(
        report_id=report.report_id,
        at=to_json(report.at),
        model=report.made.model,
        prompts=report.made.prompts,
        seconds=report.seconds,
        cases=len(report.cases),
        passed=sum(one.passed for one in report.cases),
        is_green=report.green,
        is_own=report.tenant is not None,
        suites=[
            SuiteWire(
                suite=suite,
                cases=sum(one.suite == suite for one in report.cases),
                passed=sum(one.suite == suite and one.passed for one in report.cases),
            )
            for suite in suites
        ],
        measures=report.measures,
        faults=report.faults,
    )
