"""Changes to how the tenant's CRM is set up: planned, reviewed, in force only when people agreed to each step."""

import json
from typing import Any, Literal

from crm.connector import Filter, Query
from crm.description import ObjectDescription
from crm.validation_rules import MAX_CONDITIONS, write_conditions
from tools._codegen.samples import NoSuchRecordError, meeting_row
from tools._conditions import read_field_condition, refuse_handles
from tools._declare import Arguments, Integrity, Proposal, Source, ToolContext, ToolRetryError, argument, output, tool
from tools._shapes import FilterArgument, Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_RULE = "ValidationRule"
_SHOWN = 5
_WORDS = {
    "eq": "is",
    "ne": "is not",
    "lt": "is below",
    "le": "is at most",
    "gt": "is above",
    "ge": "is at least",
    "contains": "contains",
    "starts_with": "starts with",
    "in": "is one of",
}


class Conditions(Arguments):
    """When a validation rule refuses a record."""

    object: str = argument("Kind of record it is for, by its API name, such as Opportunity or Case.", max_length=60)
    conditions: list[FilterArgument] = argument(
        "When a record is refused, as field, op and value.",
        min_length=1,
        max_length=MAX_CONDITIONS,
        source=Source.HANDLE,
    )
    match: Literal["all", "any"] = argument("Whether all conditions must hold, or any of them.", default="all")


class RuleArguments(Conditions):
    """What makes a validation rule."""

    name: str = argument("What the rule is called.", min_length=1, max_length=120, source=Source.HANDLE)
    message: str = argument(
        "What people are told whose record is refused.", min_length=1, max_length=255, source=Source.HANDLE
    )


class PlanValidationRule(Conditions):
    """The rule that is planned. What it is called and what it tells people may be decided later."""

    name: str | None = argument("What the rule is called.", default=None, max_length=120, source=Source.HANDLE)
    message: str | None = argument(
        "What people are told whose record is refused.", default=None, max_length=255, source=Source.HANDLE
    )


class RulePlan(Names):
    summary: str = output("The plan in a few sentences.")
    object: str = output("Kind of record the rule is for.")
    rule: str = output("When a record is refused, in words.")
    conditions: list[str] = output("The conditions as the rule keeps them.")
    records_that_meet_it: int = output(
        "How many records that you see meet it now: they could not be saved as they are."
    )
    at_least: bool = output("Whether there may be more of them: for any-of-them rules, records are not counted twice.")
    examples: list[dict[str, Any]] = output("Some of these records.", integrity=Integrity.BY_FIELD)
    active_rules: list[str] = output("Rules in force for this kind of record.", integrity=Integrity.BY_FIELD)
    next_steps: list[str] = output("What happens next, each step decided by a person.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def plan_validation_rule(ctx: ToolContext, args: PlanValidationRule) -> RulePlan:
    """Plan a validation rule for this CRM's schema, before anybody sets it up: what it would refuse, how many records
    meet it already, which rules are in force. Changes nothing.

    People say: plan/sketch/write a rule for/on <object>; plan/sketch a validation rule for/on <object>; <object> must
    always have; <object> must have; <object> has/have to have; <object> must not be saved without; <object> cannot be
    saved without; nobody should be able to save <object> with/without; nobody may save/create/close <object>
    with/without; do not let people/anyone save/create/close <object> with/without; stop people from
    saving/creating/closing <object> with/without; require ... on <object>; require ... of <object>; require ... for
    <object>; make ... mandatory on/for <object>; ... must be mandatory/required on/for <object>; write the rule; write
    a rule for it; write me the rule; set that up as a rule.
    """
    description = await _check(ctx, args)
    filters = [one.to_filter() for one in args.conditions]
    found = [await _matching(ctx, args.object, some) for some in _ways(filters, args.match)]
    count, page = max(found, key=lambda one: one[0])
    names = [name for name in description.name_fields if name != "Id"]
    rule = _in_words(args)
    return RulePlan(
        summary=(
            f"The rule would refuse every {args.object} where {rule}."
            f" {'At least ' if len(found) > 1 else ''}{count} records that you see meet it now."
            " Nothing is set up yet: it is proposed next, not in force, and a second person reviews it."
        ),
        object=args.object,
        rule=rule,
        conditions=write_conditions(filters).splitlines(),
        records_that_meet_it=count,
        at_least=len(found) > 1,
        examples=[{"Id": row["Id"], **{name: row.get(name) for name in names}} for row in page.records],
        active_rules=await _active_rules(ctx, args.object),
        next_steps=[
            "propose_validation_rule sets it up, not in force; a second person approves the exact rule",
            "activate_validation_rule puts it in force; a second person approves that as well",
            "taking back either is a change like any other, and is in the ledger",
        ],
        names=page.names,
    )


class ProposeValidationRule(RuleArguments):
    """The rule that is to be set up."""


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", _RULE),))
async def propose_validation_rule(ctx: ToolContext, args: ProposeValidationRule) -> Proposal:
    """Set up a validation rule for this CRM's schema, not yet in force. A second person has to approve it first."""
    await _check(ctx, args)
    fields = {
        "ValidationName": args.name,
        "ObjectName": args.object,
        "ErrorConditions": write_conditions(one.to_filter() for one in args.conditions),
        "Matching": args.match,
        "ErrorMessage": args.message,
        "Active": False,
    }
    return Proposal((await ctx.crm.propose_create(_RULE, fields),))


class ActivateValidationRule(Arguments):
    rule_id: str = record_reference("Id of the validation rule.")
    active: bool = argument("true puts it in force, false takes it out of force.", default=True)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", _RULE),))
async def activate_validation_rule(ctx: ToolContext, args: ActivateValidationRule) -> Proposal:
    """Put a validation rule in force, or deactivate it. A second person has to approve it first."""
    return Proposal((await ctx.crm.propose_update(_RULE, args.rule_id, {"Active": args.active}),))


async def _check(ctx: ToolContext, args: Conditions) -> ObjectDescription:
    """Raises: ToolRetryError, FieldError, ObjectRightError."""
    refuse_handles(args.model_dump())
    description = await ctx.crm.describe(args.object)
    conditions = [read_field_condition(one.to_filter(), description) for one in args.conditions]
    try:
        meeting_row(conditions if args.match == "all" else conditions[:1], {f.name: f.spec for f in description.fields})
    except NoSuchRecordError as error:
        raise ToolRetryError(f"conditions: {error}") from None
    return description


def _ways(filters: list[Filter], match: str) -> list[list[Filter]]:
    return [filters] if match == "all" else [[one] for one in filters]


async def _matching(ctx: ToolContext, object_name: str, filters: list[Filter]) -> tuple[int, Any]:
    page = await ctx.crm.query(Query(object_name, None, filters, limit=_SHOWN))
    return page.total, page


async def _active_rules(ctx: ToolContext, object_name: str) -> list[str]:
    if _RULE not in await ctx.crm.list_objects():
        return []
    filters = [Filter("ObjectName", "eq", object_name), Filter("Active", "eq", True)]
    page = await ctx.crm.query(Query(_RULE, ["ValidationName"], filters, limit=20))
    return [str(row["ValidationName"]) for row in page.records]


def _in_words(args: Conditions) -> str:
    joined = " and " if args.match == "all" else " or "
    return joined.join(_condition_in_words(one) for one in args.conditions)


def _condition_in_words(one: FilterArgument) -> str:
    if one.op == "is_null":
        return f"{one.field} is empty" if one.value else f"{one.field} is filled"
    return f"{one.field} {_WORDS[one.op]} {json.dumps(one.value, ensure_ascii=False)}"
