"""Who should work a case: expertise in its issue first, then in its product, then whoever has least to do."""

from dataclasses import dataclass
from typing import Any

from crm.connector import Filter, Query, Row
from crm.schema import object_of
from tools._case_facts import CLOSED, MOST, OPEN, count_by_owner, purchases_of, rows_of
from tools._classifying import classify
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_NEEDED = ("CaseNumber", "Subject", "Description", "Status", "OwnerId", "IssueId__c", "OrderItemId__c")


class SuggestOwner(Arguments):
    case_id: str = record_reference("The case.")
    limit: int = argument("How many candidates to return.", default=5, ge=1, le=20)


class OwnerRanking(Names):
    summary: str = output("Who is first and why.", integrity=Integrity.COMPOSED)
    id: str = output("Record id of the case.")
    number: str | None = output("Case number.")
    issue: str | None = output("Id of the issue that expertise is counted for.")
    product: str | None = output("Id of the product that expertise is counted for.")
    candidates: list[dict[str, Any]] = output(
        "Best first: closed cases of the issue, closed cases of the product, open cases now.",
        integrity=Integrity.BY_FIELD,
    )
    considered: int = output("How many people were compared.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="Suggest an owner for case {record}")
async def suggest_owner(ctx: ToolContext, args: SuggestOwner) -> OwnerRanking:
    """Suggest the best or right agent or colleague for a case: a ranking of who should be assigned, own or take it.

    Counts closed cases of the same issue, then of the same product, then open cases, the workload: fewest is best.

    People say: who is best placed to handle/take/solve it; who is best placed for it; who should
    handle/take/own/work/solve it; who should look at it; who should look into it; who can/could help with it; who
    can/could take/handle/solve it; which agent/colleague/person should handle/take/own/get it; which
    agent/colleague/person should look at it; which team member should handle/take/own/get it; which team member should
    look at it; who knows (most) about it; who is the right/best person/agent/colleague for it; who do I give/assign it
    to; who would/should be the right/best person/agent/colleague for it; who has time for it.
    """
    case = await _load(ctx, args.case_id)
    ranked = await _rank(ctx, case)
    names = await ctx.crm.names_of([one.user_id for one in ranked.people] + list(filter(None, ranked.about)))
    return OwnerRanking(
        summary=_describe(case, ranked, names),
        id=case["Id"],
        number=case["CaseNumber"],
        issue=ranked.issue,
        product=ranked.product,
        candidates=[one.to_row(names) for one in ranked.people[: args.limit]],
        considered=len(ranked.people),
        names=names,
    )


@dataclass(frozen=True)
class _Person:
    """Somebody who works cases, with what they have done and have to do."""

    user_id: str
    closed_of_issue: int
    closed_of_product: int
    open_cases: int

    @property
    def key(self) -> tuple[int, int, int, str]:
        return -self.closed_of_issue, -self.closed_of_product, self.open_cases, self.user_id

    def to_row(self, names: dict[str, str]) -> dict[str, Any]:
        return {
            "Id": self.user_id,
            "name": names.get(self.user_id),
            "closed_of_issue": self.closed_of_issue,
            "closed_of_product": self.closed_of_product,
            "open_cases": self.open_cases,
        }


@dataclass(frozen=True)
class _Ranked:
    people: list[_Person]
    issue: str | None
    product: str | None

    @property
    def about(self) -> tuple[str | None, str | None]:
        return self.issue, self.product


async def _rank(ctx: ToolContext, case: Row) -> _Ranked:
    """Active people who own or have owned cases, best first."""
    crm = ctx.crm
    found = await classify(crm, case)
    best = found.best("IssueId__c")
    issue = case["IssueId__c"] or (None if best is None else best.value)
    others = Filter("Id", "ne", case["Id"])
    of_issue = await count_by_owner(crm, [CLOSED, others, Filter("IssueId__c", "eq", issue)]) if issue else {}
    bought = await purchases_of(crm, found.product_id) if found.product_id else []
    of_product = await count_by_owner(crm, [CLOSED, others, Filter("OrderItemId__c", "in", bought)]) if bought else {}
    load = await count_by_owner(crm, [OPEN, others])
    known = {*await count_by_owner(crm, [others]), *of_issue, *load}
    people = [
        _Person(one, of_issue.get(one, 0), of_product.get(one, 0), load.get(one, 0))
        for one in await _active(ctx, known)
    ]
    return _Ranked(sorted(people, key=lambda one: one.key), issue, found.product_id)


async def _active(ctx: ToolContext, user_ids: set[str]) -> list[str]:
    wanted = sorted(user_ids)[:MOST]
    if not wanted:
        return []
    filters = [Filter("Id", "in", wanted), Filter("IsActive", "eq", True)]
    return [row["Id"] for row in await rows_of(ctx.crm, Query("User", ["Id"], filters, limit=MOST))]


def _describe(case: Row, ranked: _Ranked, names: dict[str, str]) -> str:
    if not ranked.people:
        return "Nobody who works cases can be seen."
    first = ranked.people[0]
    said = [
        f"First of {len(ranked.people)} is {names.get(first.user_id, first.user_id)}: "
        f"{first.closed_of_issue} closed cases of the issue, {first.closed_of_product} of the product, "
        f"{first.open_cases} open now."
    ]
    if case["OwnerId"] == first.user_id:
        said.append("They own the case already.")
    return " ".join(said)


class RouteCase(Arguments):
    case_id: str = record_reference("The case.")
    assignee_id: str | None = record_reference(
        "The user who shall have it; whoever suggest_owner ranks first if left out.", default=None
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Case"),), asks="Route case {record}")
async def route_case(ctx: ToolContext, args: RouteCase) -> Proposal:
    """Route a case: assign, reassign, transfer or hand it over to the best agent, or to the one that is named.

    The best agent has closed most cases of its issue, then of its product, then has the fewest open ones.

    People say: give it to the best/right agent/person; get it to the right person/agent; pass it on to the best/right
    agent/person; find it an owner; find someone for it; hand it to the best/right person/agent.
    """
    case = await _load(ctx, args.case_id)
    if case["Status"] == "Closed":
        raise ToolFailedError("the case is closed; nobody needs to work it")
    chosen = args.assignee_id
    if chosen is None:
        ranked = await _rank(ctx, case)
        if not ranked.people:
            raise ToolFailedError("nobody who works cases can be seen: name the user who shall have it")
        chosen = ranked.people[0].user_id
    elif object_of(chosen) != "User" or not await _active(ctx, {chosen}):
        raise ToolRetryError("assignee_id: expected the id of an active user")
    if chosen == case["OwnerId"]:
        raise ToolFailedError("whoever fits best has the case already")
    return Proposal((await ctx.crm.propose_update("Case", case["Id"], {"OwnerId": chosen}),))


async def _load(ctx: ToolContext, case_id: str) -> Row:
    row = await ctx.crm.get("Case", case_id)
    return {name: row.get(name) for name in ("Id", *_NEEDED)}
