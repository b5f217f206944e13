"""What products cost: by price list, on a day, for a customer."""

from datetime import date
from typing import Any

from crm.connector import Filter, Query, Row, Sort
from crm.schema import object_of
from crm.values import parse_date
from tools._briefing import get_seen
from tools._declare import Arguments, Integrity, Result, ToolContext, ToolRetryError, argument, output, tool
from tools._reading import counted, money, read_all, read_among, read_if_allowed
from tools._shapes import Names, day, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ

_ENTRY_COLUMNS = ("Pricebook2Id", "Product2Id", "UnitPrice", "IsActive")
_BOOK_COLUMNS = ("Name", "IsActive", "IsStandard", "ValidFrom", "ValidTo")
_PRODUCT_COLUMNS = ("Name", "ProductCode", "Family", "IsActive")
_FITTING = 0.55
_MOST_PRODUCTS = 20


class ProductPricing(Arguments):
    product: str | None = argument(
        "Name, part of a name or code of the product, where product_id is not known or several may be meant.",
        default=None,
        min_length=1,
        max_length=200,
    )
    product_id: str | None = record_reference("The product.", default=None)
    account_id: str | None = record_reference(
        "The customer it is for: their price list is then the one that applies.", default=None
    )
    pricebook: str | None = argument(
        "Only this price list, or the one of this kind of customers: its name, a part of it, or its record id.",
        default=None,
        max_length=200,
    )
    on: str | None = day("The day the price is for; today if left out.", default=None)


class Price(Result):
    """One entry of a price list."""

    id: str = output("Record id of the price book entry.")
    Product2Id: str = output("The product.")
    Pricebook2Id: str = output("The price list.")
    UnitPrice: float = output("Price of one piece.")
    ValidFrom: str | None = output("First day of the price list; null if it always was valid.")
    ValidTo: str | None = output("Last day of the price list; null if it has no end.")
    is_valid: bool = output("Whether the price can be offered on the day.")
    why_not: str | None = output("What is in the way if it cannot.")
    applies: bool = output("Whether this is the price for the customer, or the list price if no customer is named.")


class Prices(Names):
    summary: str = output("What was found in a sentence.")
    on: str = output("The day the prices are for.")
    prices: list[Price] = output(
        "The price that applies first; empty if no product fits.", integrity=Integrity.BY_FIELD
    )
    products: list[dict[str, Any]] = output("The products that are meant.", integrity=Integrity.BY_FIELD)
    price_list_because: str = output("Why that price list applies.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def product_pricing(ctx: ToolContext, args: ProductPricing) -> Prices:
    """Price of a product: what it costs by price list (price book), whether the price is valid on a day, and which one
    applies to a customer. How much do we charge, what does it cost, unit price, list price, contract price, pricing.

    People say: how much is it; how much does it cost; what does it cost; what would it cost; what is the price of it;
    price of it; do we have a price for it; what do we charge/ask for it.
    """
    on = parse_date("on", args.on) if args.on else ctx.today
    if (args.product is None) is (args.product_id is None):
        raise ToolRetryError("product: expected this or product_id")
    products = await _products(ctx, args.product_id or args.product or "")
    books = {row["Id"]: row for row in (await read_all(ctx.crm, Query("Pricebook2", _BOOK_COLUMNS))).records}
    wanted = _only(books, args.pricebook)
    chosen, because = await _list_for(ctx, args.account_id, books, on)
    query = Query("PricebookEntry", _ENTRY_COLUMNS, sort=[Sort("UnitPrice")])
    entries = await read_among(ctx.crm, query, "Product2Id", products) if products else None
    prices = [
        _price(row, products[row["Product2Id"]], books[row["Pricebook2Id"]], on, chosen)
        for row in (entries.records if entries else ())
        if row["Pricebook2Id"] in wanted
    ]
    order = list(products)
    prices.sort(key=lambda one: (not one.applies, not one.is_valid, order.index(one.Product2Id), one.UnitPrice))
    return Prices(
        summary=_sum_up(prices),
        on=on.isoformat(),
        prices=prices,
        products=list(products.values()),
        price_list_because=because,
        names=await ctx.crm.names_of([*products, *(one.Pricebook2Id for one in prices)]),
    )


async def _products(ctx: ToolContext, text: str) -> dict[str, Row]:
    """The products that are meant, best first: by id, else by code, else by name."""
    if object_of(text) == "Product2":
        row = await get_seen(ctx.crm, "Product2", text, argument="product")
        return {row["Id"]: row}
    by_code = await ctx.crm.query(Query("Product2", _PRODUCT_COLUMNS, [Filter("ProductCode", "eq", text)], limit=5))
    if by_code.records:
        return {row["Id"]: row for row in by_code.records}
    within = Query("Product2", _PRODUCT_COLUMNS, [Filter("Name", "contains", text)], [Sort("Name")], _MOST_PRODUCTS)
    ids = [row["Id"] for row in (await ctx.crm.query(within)).records]
    matches = await ctx.crm.find(text, ["Product2"], 5)
    ids = list(dict.fromkeys([m.record_id for m in matches if m.score >= _FITTING] + ids))
    found = await read_among(ctx.crm, Query("Product2", _PRODUCT_COLUMNS), "Id", ids) if ids else None
    rows = {row["Id"]: row for row in found.records} if found else {}
    return {one: rows[one] for one in ids if one in rows}


def _only(books: dict[str, Row], asked: str | None) -> set[str]:
    """The price lists that are meant. Raises: ToolRetryError."""
    if asked is None:
        return set(books)
    meant = {key for key, row in books.items() if key[:15] == asked[:15] or asked.casefold() in row["Name"].casefold()}
    if not meant:
        raise ToolRetryError("pricebook: there is no such price list; leave it out to see all")
    return meant


async def _list_for(
    ctx: ToolContext, account_id: str | None, books: dict[str, Row], on: date
) -> tuple[str | None, str]:
    """The price list that applies, and why: with a contract in force the one of the customer's last order."""
    standard = next((key for key, row in books.items() if row["IsStandard"]), None)
    if account_id is None:
        return standard, "no customer is named: list prices"
    account = await get_seen(ctx.crm, "Account", account_id, argument="account_id")
    of_account = [Filter("AccountId", "eq", account["Id"])]
    in_force = [*of_account, Filter("Status", "eq", "Activated"), Filter("StartDate", "le", on.isoformat())]
    in_force.append(Filter("EndDate", "ge", on.isoformat()))
    contracts = await read_if_allowed(ctx.crm, Query("Contract", ("EndDate",), in_force, limit=1))
    if contracts is None:
        return standard, "you may not see the customer's contracts: list prices"
    if not contracts.records:
        return standard, "the customer has no contract in force on the day: list prices"
    by_list = [*of_account, Filter("Pricebook2Id", "is_null", False)]
    newest = [Sort("EffectiveDate", True)]
    orders = await read_if_allowed(ctx.crm, Query("Order", ("Pricebook2Id",), by_list, newest, 1))
    if orders is None or not orders.records or orders.records[0]["Pricebook2Id"] not in books:
        return standard, "a contract is in force, but no order names a price list: list prices"
    return orders.records[0]["Pricebook2Id"], "a contract is in force: the price list of the customer's last order"


def _price(entry: Row, product: Row, book: Row, on: date, chosen: str | None) -> Price:
    why_not = _why_not(entry, product, book, on.isoformat())
    return Price(
        id=entry["Id"],
        Product2Id=product["Id"],
        Pricebook2Id=book["Id"],
        UnitPrice=entry["UnitPrice"],
        ValidFrom=book["ValidFrom"],
        ValidTo=book["ValidTo"],
        is_valid=why_not is None,
        why_not=why_not,
        applies=why_not is None and book["Id"] == chosen,
    )


def _why_not(entry: Row, product: Row, book: Row, on: str) -> str | None:
    if not product["IsActive"]:
        return "the product is no longer sold"
    if not entry["IsActive"] or not book["IsActive"]:
        return "the price is not active"
    if book["ValidFrom"] and on < book["ValidFrom"]:
        return f"the price list is valid from {book['ValidFrom']}"
    if book["ValidTo"] and on > book["ValidTo"]:
        return f"the price list was valid until {book['ValidTo']}"
    return None


def _sum_up(prices: list[Price]) -> str:
    if not prices:
        return "No price was found."
    applying = [one for one in prices if one.applies]
    if len(applying) == 1:
        return f"The price that applies is {money(applying[0].UnitPrice)}."
    products: set[Any] = {one.Product2Id for one in prices}
    return f"{counted(len(prices), 'price')} of {counted(len(products), 'product')}."
