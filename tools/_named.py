"""Records that an argument names by id or by what people call them."""

from crm.connector import Filter, Query
from crm.ids import normalise_id
from crm.schema import OBJECT_INFO, object_of
from tools._declare import ToolContext, ToolRetryError

_MOST_LISTED = 5


async def resolve_named(ctx: ToolContext, object_name: str, said: str, *, argument: str) -> str:
    """The id of the one record of the kind that is meant.

    Raises: ToolRetryError if there is none, or several; it then lists them. CrmError if it cannot be seen.
    """
    said = said.strip()
    if normalise_id(said) is not None and object_of(said) is not None:
        if object_of(said) != object_name:
            raise ToolRetryError(f"{argument}: expected a {object_name} by its name or id")
        return str((await ctx.crm.get(object_name, said, ["Id"]))["Id"])
    [field] = OBJECT_INFO[object_name].name_fields
    for op in ("eq", "contains"):
        page = await ctx.crm.query(Query(object_name, [field], [Filter(field, op, said)], limit=_MOST_LISTED))
        if page.total == 1:
            return str(page.records[0]["Id"])
        if page.total:
            listed = "; ".join(row["Id"] for row in page.records)
            raise ToolRetryError(f"{argument}: {page.total} records fit that name, say which by its id: {listed}")
    raise ToolRetryError(f"{argument}: there is no {object_name} of that name that you can see")
