"""Reading lists: all pages of one, only the columns that matter, nothing where the caller may see nothing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from crm.connector import Filter, Page, Query, Row
from crm.errors import CrmError
from tools._declare import ReadingCrm, ToolContext, ToolFailedError

_PAGE = 200
MOST = 2_000
"""Records that one call looks at."""


async def read_all(crm: ReadingCrm, query: Query, *, most: int = MOST) -> Page:
    """Every record that matches, up to `most`; `total` says how many there are. Raises: CrmError."""
    page = await crm.query(replace(query, limit=min(_PAGE, most)))
    records, names = list(page.records), dict(page.names)
    while page.next_cursor is not None and len(records) < most:
        page = await crm.query(replace(query, limit=_PAGE, cursor=page.next_cursor))
        records += page.records
        names |= page.names
    return Page(records[:most], page.total, None, names)


async def read_among(crm: ReadingCrm, query: Query, field: str, values: Collection[str]) -> Page:
    """Every record whose `field` is one of many values. Raises: CrmError."""
    wanted = sorted(set(values))
    records: list[Row] = []
    names: dict[str, str] = {}
    for start in range(0, len(wanted), _PAGE):
        filters = [*query.filters, Filter(field, "in", wanted[start : start + _PAGE])]
        page = await read_all(crm, replace(query, filters=filters))
        records += page.records
        names |= page.names
    return Page(records, len(records), None, names)


async def read_if_allowed(crm: ReadingCrm, query: Query) -> Page | None:
    """None if the caller may not read such records, or not by these fields."""
    try:
        return await read_all(crm, query, most=query.limit)
    except CrmError:
        return None


def columns(rows: Iterable[Row], wanted: Sequence[str]) -> list[Row]:
    """The rows with the wanted fields only; those that the caller may not read are missing already."""
    return [{name: row[name] for name in ("Id", *wanted) if name in row} for row in rows]


def money(amount: float) -> str:
    """An amount as people write it, cents only where there are any."""
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 case`, `3 cases`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def require_staff(ctx: ToolContext) -> str:
    """The id of the member of staff who asks. Raises: ToolFailedError."""
    if ctx.user_id is None:
        raise ToolFailedError("this is about a member of staff's own work")
    return ctx.user_id
