"""The tenant's part of the policy over HTTP: rules, limits and pre-approvals, in versions, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.callers import PolicyAdminOf, ServiceOf
from api.errors import problems
from api.policy_parts import (
    PolicyDraft,
    TenantPolicyWire,
    apply_draft,
    change_policy,
    check_draft,
    policy_wire,
)
from api.wire import Body
from crm.fields import to_json
from trust import policy_book
from trust.cedar import FILES
from trust.cedar_rules import SCHEMA_TEXT
from trust.policy import policy_version
from trust.policy_book import MAX_NOTE
from trust.tenant_policy import TenantPolicy

router = APIRouter(prefix="/admin", tags=["policy"])


class PolicyBody(PolicyDraft):
    """A change to the policy. It is refused if another version than `based_on` counts by now."""

    based_on: Annotated[int, Field(ge=0, le=2**31 - 2)]
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class RollbackBody(Body):
    """Which version comes back, as a new one. Version 0 is the service's policy with nothing added."""

    based_on: Annotated[int, Field(ge=0, le=2**31 - 2)]
    version: Annotated[int, Field(ge=0, le=2**31 - 2)]
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class PolicyWire(TenantPolicyWire):
    """The policy as it stands: the tenant's part, and what comes with the service."""

    policy_version: str = Field(description="A digest of all of it; approvals carry the one they were asked for under.")
    schema_text: str = Field(description="What rules can speak about.")
    files: dict[str, str] = Field(description="The rules that come with the service.")


class PolicyVersionWire(TenantPolicyWire):
    """One version, with who put it in."""

    author: str
    note: str
    created_at: str


@router.get("/policy", responses=problems(403))
async def get_policy(principal: PolicyAdminOf, service: ServiceOf) -> PolicyWire:
    """What counts now."""
    async with service.database.session(principal.tenant) as session:
        policy = await policy_book.load_current(session)
    return PolicyWire(
        **policy_wire(policy, service).model_dump(),
        policy_version=policy_version(principal),
        schema_text=SCHEMA_TEXT,
        files=dict(FILES),
    )


@router.put("/policy", responses=problems(403, 409))
async def put_policy(body: PolicyBody, principal: PolicyAdminOf, service: ServiceOf) -> TenantPolicyWire:
    """Put a new version in. It counts from the next run on; a text that is not good changes nothing."""
    await check_draft(body, principal, service)

    def change(current: TenantPolicy) -> TenantPolicy:
        return apply_draft(current, body)

    return await change_policy(
        service, principal, change, based_on=body.based_on, note=body.note, kind="policy.changed"
    )


@router.get("/policy/history", responses=problems(403))
async def list_policy_versions(
    principal: PolicyAdminOf, service: ServiceOf, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[PolicyVersionWire]:
    """Every version that was ever put in, newest first."""
    async with service.database.session(principal.tenant) as session:
        rows = await policy_book.list_versions(session, limit=limit)
        return [
            PolicyVersionWire(
                **policy_wire(policy_book.policy_of(row, (row.version, row.digest)), service).model_dump(),
                author=row.author,
                note=row.note,
                created_at=to_json(row.created_at),
            )
            for row in rows
        ]


@router.post("/policy/rollback", responses=problems(403, 404, 409))
async def roll_back_policy(body: RollbackBody, principal: PolicyAdminOf, service: ServiceOf) -> TenantPolicyWire:
    """Put an earlier version in again, pre-approvals included."""
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        policy = await policy_book.restore(
            session, body.version, based_on=body.based_on, by=principal.id, note=body.note, at=at
        )
    return policy_wire(policy, service)
