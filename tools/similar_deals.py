"""Deals that are like one: what they had in common, and how they ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from crm.connector import Filter, Query, Row, Sort
from crm.errors import CrmError
from tools._briefing import get_seen
from tools._declare import Arguments, Integrity, Result, ToolContext, argument, output, tool
from tools._reading import counted, read_all, read_among
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ

_WEIGHTS = {"products": 0.35, "industry": 0.25, "amount": 0.2, "stage": 0.1, "outcome": 0.1}
_LEAST = 0.2
_MOST = 1_000

Outcome = Literal["won", "lost", "open"]


class SimilarOpportunities(Arguments):
    opportunity_id: str = record_reference("The opportunity or deal to compare with.")
    outcome: Literal["any", "won", "lost", "open"] = argument(
        "How the similar deals ended.",
        default="any",
        options={
            "any": "however they ended",
            "won": "deals we won, success stories, references",
            "lost": "deals we lost",
            "open": "deals that are still running",
        },
    )
    limit: int = argument("How many to return.", default=5, ge=1, le=20)


class SimilarDeal(Result):
    id: str = output("Record id of the opportunity.")
    Name: str | None = output("What it is called.", integrity=Integrity.BY_FIELD)
    StageName: str | None = output("Its stage.")
    Amount: float | None = output("What it is worth; null if you may not see it.")
    CloseDate: str | None = output("When it closed or is to close.")
    AccountId: str | None = output("The company.")
    score: float = output("How alike it is, from 0 to 1.")
    outcome: Literal["won", "lost", "open"] = output("How it ended.")
    because: list[str] = output("What it has in common with the other.")


class SimilarDeals(Names):
    summary: str = output("What was found in a sentence.")
    compared_by: list[str] = output("What was compared, as far as you may see it.")
    similar: list[SimilarDeal] = output("Most alike first.", integrity=Integrity.BY_FIELD)


@dataclass(frozen=True)
class _Traits:
    """What is known of a deal; None where nothing is, or the caller may not see it."""

    products: frozenset[str] | None
    industry: str | None
    amount: float | None
    stage: str | None
    outcome: Outcome


@tool(effect=Effect.READ, scope=CRM_READ, asks="Which deals are similar to {record}?")
async def similar_opportunities(ctx: ToolContext, args: SimilarOpportunities) -> SimilarDeals:
    """Similar opportunities or deals: compared by products, industry, amount, stage and outcome, with a score and why.
    Which deals are like this one, deals like it before, comparable wins, what can we learn from earlier deals.

    People say: have we done/sold/won anything/something like it (before); have we done/had/seen/won a deal/project like
    it (before); anything like it (before); similar wins to it; what deals/opportunities/wins resemble it; did we ever
    do/sell/win something/anything like it; how did we win deals like it; which deals/opportunities/wins look like it;
    what is comparable/similar to it; what else is like it.
    """
    deal = await get_seen(ctx.crm, "Opportunity", args.opportunity_id, argument="opportunity_id")
    page = await read_all(ctx.crm, Query("Opportunity", None, sort=[Sort("CreatedDate", True)]), most=_MOST)
    others = [row for row in page.records if row["Id"] != deal["Id"]]
    traits = await _traits(ctx, [deal, *others])
    own = traits[deal["Id"]]
    compared = [name for name in _WEIGHTS if name == "outcome" or getattr(own, name) is not None]
    found = []
    for row in others:
        one = traits[row["Id"]]
        score, because = _compare(own, one, compared)
        if score >= _LEAST and because and args.outcome in ("any", one.outcome):
            found.append((score, row, one.outcome, because))
    found.sort(key=lambda one: (-one[0], one[1]["Id"]))
    best = found[: args.limit]
    return SimilarDeals(
        summary=_sum_up([one[2] for one in best]),
        compared_by=compared,
        similar=[
            SimilarDeal(
                id=row["Id"],
                Name=row.get("Name"),
                StageName=row.get("StageName"),
                Amount=row.get("Amount"),
                CloseDate=row.get("CloseDate"),
                AccountId=row.get("AccountId"),
                score=round(score, 2),
                outcome=outcome,
                because=because,
            )
            for score, row, outcome, because in best
        ],
        names=await ctx.crm.names_of(
            [one for _, row, _, _ in best for one in (row["Id"], row.get("AccountId")) if one]
        ),
    )


async def _traits(ctx: ToolContext, deals: list[Row]) -> dict[str, _Traits]:
    industries = await _industries(ctx, {row["AccountId"] for row in deals if row.get("AccountId")})
    products = await _products(ctx, {row["Id"] for row in deals})
    return {
        row["Id"]: _Traits(
            products=None if products is None else products.get(row["Id"], frozenset()),
            industry=industries.get(row.get("AccountId")),
            amount=row.get("Amount"),
            stage=row.get("StageName"),
            outcome=_outcome(row),
        )
        for row in deals
    }


def _outcome(row: Row) -> Outcome:
    if not row.get("IsClosed"):
        return "open"
    return "won" if row.get("IsWon") else "lost"


async def _industries(ctx: ToolContext, account_ids: set[str]) -> Mapping[str | None, str]:
    try:
        page = await read_among(ctx.crm, Query("Account", ("Industry",)), "Id", account_ids)
    except CrmError:
        return {}
    return {row["Id"]: row["Industry"] for row in page.records if row["Industry"]}


async def _products(ctx: ToolContext, deal_ids: set[str]) -> dict[str, frozenset[str]] | None:
    query = Query("OpportunityLineItem", ("OpportunityId", "Product2Id"), [Filter("Product2Id", "is_null", False)])
    try:
        page = await read_among(ctx.crm, query, "OpportunityId", deal_ids)
    except CrmError:
        return None
    found: dict[str, set[str]] = {}
    for row in page.records:
        found.setdefault(row["OpportunityId"], set()).add(row["Product2Id"])
    return {deal: frozenset(some) for deal, some in found.items()}


def _compare(own: _Traits, other: _Traits, compared: list[str]) -> tuple[float, list[str]]:
    """A score from 0 to 1 over what is compared, and the reasons, strongest first."""
    parts: dict[str, tuple[float, str]] = {}
    if own.products and other.products:
        shared = len(own.products & other.products)
        parts["products"] = (shared / len(own.products | other.products), f"{counted(shared, 'product')} in common")
    if own.industry and own.industry == other.industry:
        parts["industry"] = (1.0, "same industry")
    if own.amount and other.amount:
        ratio = min(own.amount, other.amount) / max(own.amount, other.amount)
        parts["amount"] = (ratio if ratio >= 0.5 else 0.0, f"amount at {round(100 * ratio)} percent of the larger")
    if own.stage and own.stage == other.stage:
        parts["stage"] = (1.0, "same stage")
    parts["outcome"] = ({"won": 1.0, "lost": 0.5, "open": 0.0}[other.outcome], f"deal {other.outcome}")
    whole = sum(_WEIGHTS[name] for name in compared)
    score = sum(_WEIGHTS[name] * parts[name][0] for name in compared if name in parts) / whole
    strong = sorted(
        ((_WEIGHTS[name] * share, reason) for name, (share, reason) in parts.items() if share and name != "outcome"),
        reverse=True,
    )
    return score, [reason for _, reason in strong]


def _sum_up(outcomes: list[Outcome]) -> str:
    if not outcomes:
        return "No similar deal was found."
    said = ", ".join(f"{outcomes.count(one)} {one}" for one in ("won", "lost", "open") if one in outcomes)
    return f"{counted(len(outcomes), 'similar deal')}: {said}."
