"""Customers' problems."""

from typing import Any, Literal

from crm.connector import Filter, Query, Sort
from tools._declare import Arguments, Integrity, Proposal, Result, ToolContext, ToolRetryError, argument, output, tool
from tools._shapes import Names, day, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_COLUMNS = (
    "Id",
    "CaseNumber",
    "Subject",
    "Status",
    "Priority",
    "CreatedDate",
    "ClosedDate",
    "AccountId",
    "ContactId",
    "OwnerId",
)


class FetchCases(Arguments):
    account_id: str | None = record_reference("Only cases of this account.", default=None)
    contact_id: str | None = record_reference("Only cases of this contact.", default=None)
    status: Literal["open", "closed", "any"] = argument("Open, closed or any.", default="open")
    created_since: str | None = day("Created on this day or later.", default=None)
    created_until: str | None = day("Created on this day or earlier.", default=None)
    limit: int = argument("How many to return.", default=20, ge=1, le=100)


class Cases(Names):
    summary: str = output("How many there are, in a sentence.")
    cases: list[dict[str, Any]] = output("Newest first.", integrity=Integrity.BY_FIELD)
    total: int = output("How many match in all.")


@tool(effect=Effect.READ, scope=CRM_READ, for_customers=True, asks="Show the open cases")
async def fetch_cases(ctx: ToolContext, args: FetchCases) -> Cases:
    """List cases, of one account or contact or of everybody you may see; open ones unless asked otherwise."""
    filters = []
    if args.account_id:
        filters.append(Filter("AccountId", "eq", args.account_id))
    if args.contact_id:
        filters.append(Filter("ContactId", "eq", args.contact_id))
    if args.status != "any":
        filters.append(Filter("IsClosed", "eq", args.status == "closed"))
    if args.created_since:
        filters.append(Filter("CreatedDate", "ge", args.created_since))
    if args.created_until:
        filters.append(Filter("CreatedDate", "le", args.created_until))
    page = await ctx.crm.query(Query("Case", None, filters, [Sort("CreatedDate", True)], args.limit))
    shown = [{column: row[column] for column in _COLUMNS if column in row} for row in page.records]
    summary = _describe(args.status, page.total, is_customer=ctx.user_id is None)
    return Cases(summary=summary, cases=shown, total=page.total, names=page.names)


def _describe(status: str, total: int, *, is_customer: bool) -> str:
    kind = "" if status == "any" else f"{status} "
    found = f"{total} {kind}case{'' if total == 1 else 's'}"
    return f"{found} of yours. Customers see their own cases only." if is_customer else f"{found}."


class SimilarCases(Arguments):
    case_id: str | None = record_reference("The case to find others like.", default=None)
    text: str | None = argument("Or a description of the problem.", default=None, max_length=2000)
    limit: int = argument("How many to return.", default=5, ge=1, le=20)


class SimilarCase(Result):
    id: str = output("Record id.")
    number: str | None = output("Case number.")
    subject: str | None = output("What it was about.", integrity=Integrity.EXTERNAL)
    status: str | None = output("Where it stands.")
    score: float = output("Likeness, falling from 1.")
    resolution: str | None = output("The last comment of a closed case.", integrity=Integrity.BY_FIELD)


class SimilarCaseList(Result):
    cases: list[SimilarCase] = output("Most alike first.", integrity=Integrity.EXTERNAL)


@tool(effect=Effect.READ, scope=CRM_READ)
async def similar_cases(ctx: ToolContext, args: SimilarCases) -> SimilarCaseList:
    """Find earlier cases like a given case or description, with how the closed ones were solved.

    People say: anyone had/seen it before; has anyone had/seen it before; seen something/anything like it (before); have
    we seen/had it before; have we seen/had something/anything like it (before); other/more cases like it; how was
    something like it solved/fixed; what did we do in cases like it.
    """
    text = args.text
    if args.case_id:
        row = await ctx.crm.get("Case", args.case_id)
        text = " ".join(str(row.get(field) or "") for field in ("Subject", "Description"))
    if not text or not text.strip():
        raise ToolRetryError("similar_cases: give case_id or text")
    own = args.case_id and (await ctx.crm.get("Case", args.case_id, ["Id"]))["Id"]
    found = await ctx.crm.search("Case", text, args.limit + 1)
    similar = [match for match in found if match.record["Id"] != own][: args.limit]
    return SimilarCaseList(
        cases=[
            SimilarCase(
                id=match.record["Id"],
                number=match.record.get("CaseNumber"),
                subject=match.record.get("Subject"),
                status=match.record.get("Status"),
                score=round(match.score, 3),
                resolution=await _resolution(ctx, match.record),
            )
            for match in similar
        ]
    )


async def _resolution(ctx: ToolContext, row: dict[str, Any]) -> str | None:
    if row.get("Status") != "Closed":
        return None
    newest = Query(
        "CaseComment", ["CommentBody"], [Filter("ParentId", "eq", row["Id"])], [Sort("CreatedDate", True)], 1
    )
    records = (await ctx.crm.query(newest)).records
    return str(records[0]["CommentBody"])[:500] if records else None


class AddCaseComment(Arguments):
    case_id: str = record_reference("The case.")
    body: str = argument("Text of the comment.", min_length=1, max_length=4000)
    published: bool = argument("Whether the customer sees it. What a customer writes always is.", default=False)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, for_customers=True, changes=(("create", "CaseComment"),))
async def add_case_comment(ctx: ToolContext, args: AddCaseComment) -> Proposal:
    """Add a comment or note to a case: internal unless published. A person has to approve it first."""
    fields: dict[str, Any] = {"ParentId": args.case_id, "CommentBody": args.body}
    if ctx.user_id is not None:
        fields["IsPublished"] = args.published
    return Proposal((await ctx.crm.propose_create("CaseComment", fields),))


class OpenCase(Arguments):
    subject: str = argument("What it is about, in one line.", min_length=3, max_length=255)
    description: str | None = argument("The problem in full.", default=None, max_length=20_000)
    contact_id: str | None = record_reference(
        "The contact who reports it. Left out by customers: their cases are their own.", default=None
    )
    order_item_id: str | None = record_reference("The purchase it is about.", default=None)
    priority: Literal["Low", "Medium", "High", "Critical"] | None = argument(
        "How urgent it is; staff only.", default=None
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, for_customers=True, changes=(("create", "Case"),))
async def open_case(ctx: ToolContext, args: OpenCase) -> Proposal:
    """Open, report or file a new case or ticket about a problem. A customer's belongs to the customer.

    People say: log a fault/problem/issue, <subject>; the customer reports <subject>; a customer reports <subject>.
    """
    fields = {
        "Subject": args.subject,
        "Description": args.description,
        "ContactId": args.contact_id,
        "AccountId": await _account_of(ctx, args.contact_id),
        "OrderItemId__c": args.order_item_id,
        "Priority": args.priority,
    }
    filled = {name: value for name, value in fields.items() if value is not None}
    return Proposal((await ctx.crm.propose_create("Case", filled),))


async def _account_of(ctx: ToolContext, contact_id: str | None) -> str | None:
    if contact_id is None or ctx.user_id is None:
        return None
    account: str | None = (await ctx.crm.get("Contact", contact_id, ["AccountId"]))["AccountId"]
    return account
