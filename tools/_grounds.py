"""Whether a text says nothing but what some records say."""

from collections.abc import Sequence
from typing import Final

from crm.errors import CrmError
from crm.ids import normalise_id
from crm.schema import OBJECT_INFO, object_of
from tools._declare import ToolContext, ToolRetryError
from trust.evidence import Evidence
from trust.grounding import Grounding

ANYTHING: Final = "*"
"""In place of a field: the record as a whole."""
_MOST_TOLD = 5


async def require_grounded(ctx: ToolContext, text: str, record_ids: Sequence[str]) -> None:
    """Raises: ToolRetryError that names what in the text none of the records says, or a record that is not there."""
    evidence = Evidence(ctx.today)
    for record_id in dict.fromkeys(filter(None, map(normalise_id, record_ids))):
        await _add(ctx, evidence, record_id)
    if ctx.user_id is not None:
        evidence.add_result({"names": await ctx.crm.names_of([ctx.user_id])})
    checked = Grounding(lambda: evidence).check(text)
    unfounded = list(dict.fromkeys(claim.shown for some in checked.withheld for claim in some))
    if unfounded:
        named = ", ".join(repr(one[:60]) for one in unfounded[:_MOST_TOLD])
        raise ToolRetryError(f"body: none of the records of based_on says {named}; leave it out, or name its record")


async def _add(ctx: ToolContext, evidence: Evidence, record_id: str) -> None:
    """The record, and what people call those that it points at."""
    name = object_of(record_id)
    try:
        row = await ctx.crm.get(name or "", record_id)
    except CrmError:
        raise ToolRetryError("based_on: there is no such record that you can see") from None
    references = [
        str(row[field]) for field, spec in OBJECT_INFO[name or ""].fields.items() if spec.targets and row.get(field)
    ]
    evidence.add_result({**row, "names": await ctx.crm.names_of([record_id, *references])})
