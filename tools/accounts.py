"""Companies."""

from typing import Any

from crm.connector import Filter, Query
from crm.errors import CrmError
from tools._declare import Arguments, Integrity, Result, ToolContext, argument, output, tool
from tools._shapes import FoundRecord
from trust.actions import Effect
from trust.scopes import CRM_READ

_CLEAR_LEAD = 0.08
"""How far the best match must be ahead of the second to be taken without asking."""


class LookupAccount(Arguments):
    name: str = argument("Name of the company or its record id.", min_length=1, max_length=200)


class AccountDetails(Result):
    id: str = output("Record id.")
    name: str = output("Name of the company.", integrity=Integrity.BY_FIELD)
    fields: dict[str, Any] = output("All fields that you may read.", integrity=Integrity.BY_FIELD)


class AccountOverview(Result):
    account: AccountDetails | None = output("The account; null if none or several fit.", integrity=Integrity.BY_FIELD)
    candidates: list[FoundRecord] = output("What else the name may mean.", integrity=Integrity.BY_FIELD)
    open_cases: int | None = output("Open cases of the account that you may see; null if you may see no cases.")
    open_opportunities: int | None = output("Open opportunities; null if you may see none.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def lookup_account(ctx: ToolContext, args: LookupAccount) -> AccountOverview:
    """Look up a company by name or id: its fields and how many cases and opportunities are open.

    If the name fits several companies about equally well, account is null and candidates lists them: ask which one.
    """
    matches = await ctx.crm.find(args.name, ["Account"], 5)
    by_id = await ctx.crm.names_of([args.name.strip()])
    chosen = next(iter(by_id), None)
    if chosen is None and matches and _stands_out(matches[0].score, [m.score for m in matches[1:]]):
        chosen = matches[0].record_id
    exact = [match for match in matches if match.is_exact]
    if len(exact) > 1:
        chosen = next(iter(by_id), None)
    if chosen is None:
        return AccountOverview(
            account=None,
            candidates=[FoundRecord.of(match) for match in matches],
            open_cases=None,
            open_opportunities=None,
        )
    row = await ctx.crm.get("Account", chosen)
    return AccountOverview(
        account=AccountDetails(id=row["Id"], name=row.get("Name") or row["Id"], fields=row),
        candidates=[FoundRecord.of(match) for match in matches if match.record_id != row["Id"]],
        open_cases=await _count_open(ctx, "Case", row["Id"]),
        open_opportunities=await _count_open(ctx, "Opportunity", row["Id"]),
    )


def _stands_out(best: float, others: list[float]) -> bool:
    return best >= 0.6 and (not others or best - others[0] >= _CLEAR_LEAD or best == 1.0 != others[0])


async def _count_open(ctx: ToolContext, object_name: str, account_id: str) -> int | None:
    conditions = [Filter("AccountId", "eq", account_id), Filter("IsClosed", "eq", False)]
    try:
        return (await ctx.crm.query(Query(object_name, ["Id"], conditions, limit=1))).total
    except CrmError:
        return None
