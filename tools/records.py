"""Any kind of record: find, show, list, count, create, change."""

from collections.abc import Sequence
from typing import Any, Literal

from crm.connector import Aggregate, Filter, Query, Sort
from crm.errors import CrmError
from crm.schema import OBJECT_INFO
from crm.searchable import NAMED
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._shapes import FilterArgument, FoundRecord, Names, SortArgument, record_reference, require_object
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_OBJECT = "Kind of record by its API name, such as Account, Contact, Lead, Opportunity or Case."


class FindRecord(Arguments):
    text: str = argument("Name, part of a name, case number or record id.", min_length=1, max_length=200)
    objects: list[str] | None = argument("Kinds of record to look in; leave out for all.", default=None, max_length=12)
    limit: int = argument("How many to return.", default=5, ge=1, le=20)


class FoundRecords(Result):
    matches: list[FoundRecord] = output("Best first; empty if nothing fits.", integrity=Integrity.BY_FIELD)
    total: int = output("How many were found.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def find_record(ctx: ToolContext, args: FindRecord) -> FoundRecords:
    """Find records by a name that may be incomplete or misspelt, by number, or by id.

    Returns candidates with a score and telling details. If several fit about equally well, ask the user which one.
    """
    wanted = [require_object(name) for name in args.objects] if args.objects else [*NAMED, "Case", "Order"]
    numbered = await _find_by_number(ctx, args.text, wanted)
    named = [name for name in wanted if name in NAMED]
    matches = [FoundRecord.of(match) for match in await ctx.crm.find(args.text, named, args.limit)]
    found = [*numbered, *matches][: args.limit]
    return FoundRecords(matches=found, total=len(found))


async def _find_by_number(ctx: ToolContext, text: str, wanted: Sequence[str]) -> list[FoundRecord]:
    """Cases and orders go by number, with or without leading zeros; anything goes by id."""
    text = text.strip().lstrip("#")
    by_id = await ctx.crm.names_of([text])
    if by_id:
        return [_exact(record, name) for record, name in by_id.items()]
    if not text.isdigit() or len(text) > 8:
        return []
    found = []
    for object_name, field in (("Case", "CaseNumber"), ("Order", "OrderNumber")):
        if object_name not in wanted:
            continue
        try:
            page = await ctx.crm.query(Query(object_name, ["Id", field], [Filter(field, "eq", text.zfill(8))], limit=1))
        except CrmError:
            continue
        found += [_exact(row["Id"], row[field]) for row in page.records]
    return found


def _exact(record: str, name: str) -> FoundRecord:
    kind = next(info.name for info in OBJECT_INFO.values() if info.prefix == record[:3])
    return FoundRecord(object=kind, id=record, name=name, score=1.0, exact=True, details={})


class GetRecord(Arguments):
    object: str = argument(_OBJECT, max_length=60)
    record_id: str = record_reference("Id of the record.")
    related: list[str] = argument(
        "Kinds of record that belong to it and should come along, such as Case or Opportunity for an Account.",
        default=[],
        max_length=6,
    )


class RelatedRecords(Result):
    object: str = output("Kind of record.")
    total: int = output("How many there are.")
    records: list[dict[str, Any]] = output("The newest ten.", integrity=Integrity.BY_FIELD)


class RecordDetails(Names):
    object: str = output("Kind of record.")
    id: str = output("Record id.")
    name: str = output("What people call it.", integrity=Integrity.BY_FIELD)
    fields: dict[str, Any] = output("All fields that you may read.", integrity=Integrity.BY_FIELD)
    related: list[RelatedRecords] = output("The related lists asked for.", integrity=Integrity.BY_FIELD)


@tool(effect=Effect.READ, scope=CRM_READ, for_customers=True)
async def get_record(ctx: ToolContext, args: GetRecord) -> RecordDetails:
    """Show one record with all its fields, and with lists of records that belong to it."""
    name = require_object(args.object)
    row = await ctx.crm.get(name, args.record_id)
    related = [await _list_related(ctx, name, row["Id"], child) for child in args.related]
    ids = [value for value in row.values() if isinstance(value, str)]
    names = await ctx.crm.names_of([*ids, row["Id"]])
    title = names.get(row["Id"], row["Id"])
    return RecordDetails(object=name, id=row["Id"], name=title, fields=row, related=related, names=names)


async def _list_related(ctx: ToolContext, parent: str, parent_id: str, child: str) -> RelatedRecords:
    fields = [field for object_name, field in OBJECT_INFO[parent].children if object_name == require_object(child)]
    if not fields:
        children = sorted({object_name for object_name, _ in OBJECT_INFO[parent].children})
        raise ToolRetryError(f"related: {parent} has no {child}; expected some of {', '.join(children)}")
    page = await ctx.crm.query(
        Query(child, None, [Filter(fields[0], "eq", parent_id)], [Sort("CreatedDate", True)], limit=10)
    )
    return RelatedRecords(object=child, total=page.total, records=page.records)


class QueryRecords(Arguments):
    object: str = argument(_OBJECT, max_length=60)
    fields: list[str] | None = argument("Fields to return; leave out for the usual ones.", default=None, max_length=40)
    filters: list[FilterArgument] = argument("Conditions, all of which must hold.", default=[], max_length=20)
    sort: list[SortArgument] = argument("Order of the records.", default=[], max_length=3)
    limit: int = argument("Records per page.", default=20, ge=1, le=200)
    cursor: str | None = argument("next_cursor of the page before.", default=None, max_length=300)


class RecordPage(Names):
    object: str = output("Kind of record.")
    records: list[dict[str, Any]] = output("One page of records.", integrity=Integrity.BY_FIELD)
    total: int = output("How many records match in all.")
    next_cursor: str | None = output("Pass this as cursor for the next page; null on the last.")


@tool(effect=Effect.READ, scope=CRM_READ, for_customers=True)
async def query_records(ctx: ToolContext, args: QueryRecords) -> RecordPage:
    """List records of one kind that meet conditions, sorted and page by page.

    A date compared with a field that holds an instant means the whole day in UTC.
    """
    page = await ctx.crm.query(
        Query(
            require_object(args.object),
            args.fields,
            [one.to_filter() for one in args.filters],
            [Sort(one.field, one.descending) for one in args.sort],
            args.limit,
            args.cursor,
        )
    )
    return RecordPage(
        object=args.object, records=page.records, total=page.total, next_cursor=page.next_cursor, names=page.names
    )


class AggregateRecords(Arguments):
    object: str = argument(_OBJECT, max_length=60)
    function: Literal["count", "sum", "avg", "min", "max"] = argument("What to work out.", default="count")
    field: str | None = argument("Field to measure; not needed to count records.", default=None, max_length=80)
    group_by: list[str] = argument(
        "Fields to group by; dates also as CreatedDate.month, .quarter, .year or .day.", default=[], max_length=3
    )
    filters: list[FilterArgument] = argument("Conditions, all of which must hold.", default=[], max_length=20)
    descending: bool = argument("Largest value first.", default=True)
    limit: int = argument("How many groups to return.", default=50, ge=1, le=200)


class RecordGroup(Result):
    key: dict[str, Any] = output("Value of each field grouped by.", integrity=Integrity.BY_FIELD)
    value: float | int | str | None = output("The measure; null if there was nothing to measure.")
    rows: int = output("How many records are in the group.")


class Groups(Names):
    object: str = output("Kind of record.")
    function: str = output("What was worked out.")
    field: str | None = output("The field measured.")
    groups: list[RecordGroup] = output("One group if nothing was grouped by.", integrity=Integrity.BY_FIELD)
    rows: int = output("How many records were counted in all.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def aggregate_records(ctx: ToolContext, args: AggregateRecords) -> Groups:
    """Count records or work out a sum, average, minimum or maximum, over all that match or per group."""
    found = await ctx.crm.aggregate(
        Aggregate(
            require_object(args.object),
            args.function,
            args.field,
            args.group_by,
            [one.to_filter() for one in args.filters],
            args.descending,
            args.limit,
        )
    )
    groups = [RecordGroup(key=group.key, value=group.value, rows=group.rows) for group in found.groups]
    return Groups(
        object=args.object,
        function=args.function,
        field=args.field,
        groups=groups,
        rows=found.rows,
        names=found.names,
    )


class CreateRecord(Arguments):
    object: str = argument(_OBJECT, max_length=60)
    fields: dict[str, Any] = argument(
        "Field names and values of the new record.", min_length=1, max_length=40, fields_of="object"
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "*"),))
async def create_record(ctx: ToolContext, args: CreateRecord) -> Proposal:
    """Create a record. A person has to approve it first. The user becomes its owner unless another is named."""
    return Proposal((await ctx.crm.propose_create(require_object(args.object), args.fields),))


class UpdateRecord(Arguments):
    object: str = argument(_OBJECT, max_length=60)
    record_id: str = record_reference("Id of the record to change.")
    fields: dict[str, Any] = argument(
        "Fields to change, with their new values.", min_length=1, max_length=40, fields_of="object"
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "*"),))
async def update_record(ctx: ToolContext, args: UpdateRecord) -> Proposal:
    """Change fields of one record. A person has to approve the exact change first."""
    return Proposal((await ctx.crm.propose_update(require_object(args.object), args.record_id, args.fields),))


class ConfirmFields(Arguments):
    object: str = argument(_OBJECT, max_length=60)
    record_id: str = record_reference("Id of the record.")
    fields: list[str] = argument("Names of the fields whose present values are right.", min_length=1, max_length=20)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("confirm", "*"),))
async def confirm_fields(ctx: ToolContext, args: ConfirmFields) -> Proposal:
    """Have a person vouch for values that came from outside, so that they count as entered by staff from then on."""
    return Proposal((await ctx.crm.propose_confirm(require_object(args.object), args.record_id, args.fields),))
