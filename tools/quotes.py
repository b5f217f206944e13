"""Offers made of what an opportunity is about."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from crm.connector import Change, Filter, Query, Row, Sort
from crm.fields import to_json
from crm.values import parse_date
from tools._declare import Arguments, Proposal, ToolContext, ToolFailedError, ToolRetryError, argument, tool
from tools._reading import counted, read_all, read_among
from tools._shapes import day, record_reference
from trust.actions import Effect
from trust.scopes import CRM_WRITE

_LINE_COLUMNS = ("Product2Id", "PricebookEntryId", "Quantity", "UnitPrice", "Discount")
_MOST_LINES = 50
_LONGEST_NAME = 255


class CreateQuote(Arguments):
    opportunity_id: str = record_reference("The opportunity or deal to make the quote for.")
    discount: float = argument(
        "Discount in percent on the whole, besides those of the lines, such as 5.", default=0, ge=0, le=100
    )
    expires_on: str | None = day("Last day the quote is good for; 30 days from today if left out.", default=None)
    name: str | None = argument(
        "Name of the quote; made from the opportunity's if left out.", default=None, max_length=_LONGEST_NAME
    )


@tool(
    effect=Effect.WRITE,
    scope=CRM_WRITE,
    changes=(("create", "Quote"), ("create", "QuoteLineItem")),
    asks="Create a quote for {record}",
)
async def create_quote(ctx: ToolContext, args: CreateQuote) -> Proposal:
    """Create a quote (offer, proposal, quotation) from the products of an opportunity: one line for each, with its
    price, quantity and discount, the total worked out. A second person has to approve it first.

    People say: quote for it; quote it; send/get it a quote; price up it; make/draw/write up an offer for it; put a
    quote together for it; prepare a quote for it.
    """
    fields = ("Name", "AccountId", "ContactId", "IsClosed")
    deal = await ctx.crm.get("Opportunity", args.opportunity_id, fields)
    if deal["IsClosed"]:
        raise ToolFailedError("the opportunity is closed: there is nothing to quote")
    expires = parse_date("expires_on", args.expires_on) if args.expires_on else ctx.today + timedelta(days=30)
    if expires < ctx.today:
        raise ToolRetryError("expires_on: expected a day that is still to come")
    discount = Decimal(str(args.discount))
    if discount != round(discount, 2):
        raise ToolRetryError("discount: at most two decimal places")
    lines = await _lines(ctx, deal["Id"])
    await _require_prices(ctx, lines)
    quote = await ctx.crm.propose_create(
        "Quote",
        _filled(
            {
                "OpportunityId": deal["Id"],
                "AccountId": deal["AccountId"],
                "ContactId": deal["ContactId"],
                "Name": args.name or await _name(ctx, deal),
                "ExpirationDate": expires.isoformat(),
                "Discount": to_json(discount),
                "GrandTotal": to_json(_grand_total(lines, discount)),
            }
        ),
    )
    changes = [quote, *[await _quote_line(ctx, quote, line) for line in lines]]
    taken = {} if args.name else {(quote.record_id, "Name"): [(deal["Id"], "Name")]}
    return Proposal(tuple(changes), taken_from=taken)


async def _lines(ctx: ToolContext, opportunity_id: str) -> list[Row]:
    """Raises: ToolFailedError if there is nothing to offer, or too much for one quote."""
    conditions = [Filter("OpportunityId", "eq", opportunity_id)]
    page = await read_all(ctx.crm, Query("OpportunityLineItem", _LINE_COLUMNS, conditions, [Sort("CreatedDate")]))
    if not page.records:
        raise ToolFailedError("the opportunity has no products that you can see: add some first")
    if page.total > _MOST_LINES:
        raise ToolFailedError(f"the opportunity has {page.total} lines; a quote takes at most {_MOST_LINES}")
    return page.records


async def _require_prices(ctx: ToolContext, lines: Sequence[Row]) -> None:
    """Raises: ToolFailedError if a line rests on a price that can no longer be offered."""
    ids = {line["PricebookEntryId"] for line in lines if line["PricebookEntryId"]}
    entries = (await read_among(ctx.crm, Query("PricebookEntry", ("IsActive", "Pricebook2Id")), "Id", ids)).records
    today = ctx.today.isoformat()
    query = Query("Pricebook2", ("IsActive", "ValidFrom", "ValidTo"))
    books = {
        row["Id"]: row
        for row in (await read_among(ctx.crm, query, "Id", {entry["Pricebook2Id"] for entry in entries})).records
    }
    bad = [
        entry for entry in entries if not entry["IsActive"] or not _is_valid(books.get(entry["Pricebook2Id"]), today)
    ]
    if bad or len(entries) < len(ids):
        fault = counted(max(len(bad), len(ids) - len(entries)), "line")
        raise ToolFailedError(f"{fault} of the opportunity rest on a price that is not valid today: renew it first")


def _is_valid(book: Row | None, on: str) -> bool:
    if book is None or not book["IsActive"]:
        return False
    return (book["ValidFrom"] or on) <= on <= (book["ValidTo"] or on)


async def _name(ctx: ToolContext, deal: Row) -> str:
    so_far = await ctx.crm.query(Query("Quote", ("Name",), [Filter("OpportunityId", "eq", deal["Id"])], limit=1))
    ending = f" - Quote {so_far.total + 1}"
    return f"{deal['Name'][: _LONGEST_NAME - len(ending)]}{ending}"


def _grand_total(lines: Sequence[Row], discount: Decimal) -> Decimal:
    """As the CRM adds up: each line to the cent, then the discount on the whole."""
    total = sum((_line_total(line) for line in lines), Decimal(0))
    return round(total * (100 - discount) / 100, 2)


def _line_total(line: Row) -> Decimal:
    quantity, price, discount = (Decimal(str(line[name] or 0)) for name in ("Quantity", "UnitPrice", "Discount"))
    return round(quantity * price * (100 - discount) / 100, 2)


async def _quote_line(ctx: ToolContext, quote: Change, line: Row) -> Change:
    fields = {"QuoteId": quote.record_id, "OpportunityLineItemId": line["Id"]} | {n: line[n] for n in _LINE_COLUMNS}
    return await ctx.crm.propose_create("QuoteLineItem", _filled(fields), beside=(quote,))


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
