"""The audit over HTTP: entries, the head of their tree, proofs, and all of it as lines for somebody else to check."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.callers import AuditorOf, ServiceOf
from api.errors import problems
from api.wire import Instant
from crm.repositories import audit as rows
from crm.repositories.audit import Criteria
from trust import audit, audit_check, audit_export
from trust.tree_heads import read_known

router = APIRouter(tags=["audit"])

Index = Annotated[int, Path(ge=0, le=2**53)]
Size = Annotated[int | None, Query(ge=0, le=2**53, description="Size of the tree; as it is now if left out.")]


class EntryWire(BaseModel):
    """One entry: what, with the tenant, its leaf is made of, and the payload if it can be opened."""

    index: int
    at: str
    kind: str
    actor: str
    subject: str
    payload: dict[str, Any] | None = Field(description="Null if it was erased.")
    salt: str | None
    payload_hash: str = Field(description="SHA-256 of salt and canonical payload.")
    sealed_hash: str
    sealed_for: str
    leaf: str


class SignedHeadWire(BaseModel):
    """A head as it was exported."""

    size: int
    root: str
    at: str
    key: str
    signature: str


class HeadWire(BaseModel):
    """The tree as it is now, and the newest head of it that was signed and exported."""

    size: int
    root: str
    signed: SignedHeadWire | None


class ProofWire(BaseModel):
    """Proof of inclusion as RFC 9162 defines it."""

    index: int
    size: int
    leaf: str
    root: str
    proof: list[str]


class ContinuationWire(BaseModel):
    """Proof of consistency as RFC 9162 defines it."""

    first: int
    second: int
    first_root: str
    second_root: str
    proof: list[str]


class AuditVerdict(BaseModel):
    """`first_bad` is the place of the first entry that is not right, null if all are."""

    size: int
    root: str
    first_bad: int | None
    reason: str
    covered: int = Field(description="How many entries the exported heads speak for.")
    heads: list[str] = Field(description="What is wrong with the exported heads.")


def get_criteria(
    kind: Annotated[str | None, Query(pattern=r"^[a-z.]{1,60}$")] = None,
    actor: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z-]{1,60}$")] = None,
    subject: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z-]{1,60}$")] = None,
    since: Annotated[Instant | None, Query(description="From this instant on.")] = None,
    until: Annotated[Instant | None, Query(description="Before this instant.")] = None,
) -> Criteria:
    return Criteria(kind, actor, subject, since, until)


CriteriaOf = Annotated[Criteria, Depends(get_criteria)]


@router.get("/audit", responses=problems(403))
async def list_audit(
    principal: AuditorOf,
    service: ServiceOf,
    response: Response,
    criteria: CriteriaOf,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="X-Pagination-Next of the page before.")] = None,
    order: Literal["asc", "desc"] = "asc",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[EntryWire]:
    """Entries as they were entered, or the newest first; `X-Pagination-Next` says where the next page begins."""
    async with service.database.session(principal.tenant) as session:
        found = await rows.list_entries(session, criteria, after=after, limit=limit + 1, order=order)
        page = found[:limit]
        if len(found) > limit:
            response.headers["X-Pagination-Next"] = str(page[-1].index)
        return [EntryWire(**await audit_export.describe(session, entry)) for entry in page]


@router.get("/audit/head", responses=problems(403))
async def get_head(principal: AuditorOf, service: ServiceOf) -> HeadWire:
    """How long the log is and what its root is."""
    async with service.database.session(principal.tenant) as session:
        size, root = await audit.get_root(session)
    last = await asyncio.to_thread(service.heads.sink.last, principal.tenant)
    signed = None
    if last is not None and service.heads.verifier.holds(last.signed):
        head = last.signed.head
        signed = SignedHeadWire(
            size=head.size, root=head.root, at=head.at, key=last.signed.key, signature=last.signed.signature
        )
    return HeadWire(size=size, root=root.hex(), signed=signed)


@router.get("/audit/proof/{index}", responses=problems(403, 404))
async def prove_entry(index: Index, principal: AuditorOf, service: ServiceOf, size: Size = None) -> ProofWire:
    """That an entry is in the tree."""
    async with service.database.session(principal.tenant) as session:
        proof = await audit.prove_inclusion(session, index, size=size)
    return ProofWire(**audit_export.describe_proof(proof))


@router.get("/audit/consistency", responses=problems(403, 404))
async def prove_consistency(
    principal: AuditorOf,
    service: ServiceOf,
    first: Annotated[int, Query(alias="from", ge=0, le=2**53)] = 0,
    second: Annotated[int | None, Query(alias="to", ge=0, le=2**53, description="Now, if left out.")] = None,
) -> ContinuationWire:
    """That the tree of one size begins with that of another."""
    async with service.database.session(principal.tenant) as session:
        found = await audit.prove_continuation(session, first, second)
    return ContinuationWire(
        first=found.first,
        second=found.second,
        first_root=found.first_root.hex(),
        second_root=found.second_root.hex(),
        proof=[one.hex() for one in found.hashes],
    )


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={**problems(403), 200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}},
)
async def export_audit(principal: AuditorOf, service: ServiceOf, criteria: CriteriaOf) -> StreamingResponse:
    """JSON lines: the head, then the entries, for somebody else to check. That it was asked for is an entry itself."""
    async with service.database.session(principal.tenant, write=True) as session:
        await audit.record(
            session,
            at=service.runner.clock(),
            kind="audit.exported",
            actor=principal.id,
            subject=principal.id,
            payload={"kind": criteria.kind, "actor": criteria.actor, "subject": criteria.subject},
        )

    async def lines() -> AsyncIterator[str]:
        async for line in audit_export.export(service.database, principal.tenant, criteria):
            yield json.dumps(line, ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type="application/jsonl")


@router.get("/audit/verify", responses=problems(403))
async def verify_audit(principal: AuditorOf, service: ServiceOf) -> AuditVerdict:
    """Walk the whole log and compare it with the heads that were exported."""
    heads, tenant = service.heads, principal.tenant
    known, faults = await asyncio.to_thread(lambda: read_known(heads.sink.read(tenant), tenant, heads.verifier))
    async with service.database.session(tenant) as session:
        found = await audit_check.verify(session, known)
    return AuditVerdict(
        size=found.size,
        root=found.root,
        first_bad=found.first_bad,
        reason=found.reason,
        covered=found.covered,
        heads=faults,
    )
