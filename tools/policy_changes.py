"""Changes to who has to approve what: planned on past requests, and made only when somebody else has countersigned."""

import json
from typing import Any, Literal

from tools._conditions import refuse_handles
from tools._declare import (
    Arguments,
    PolicyPlanner,
    Proposal,
    Result,
    Source,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from trust.actions import Effect
from trust.policy_changes import OBJECT
from trust.scopes import CRM_READ, CRM_WRITE

_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class ApprovalRuleArguments(Arguments):
    """An approval rule: for which changes more is asked, and of whom."""

    operation: Literal["add", "remove"] = argument(
        "What to do.",
        default="add",
        options={"add": "ask for more from now on", "remove": "take an approval rule away by its id"},
    )
    rule_id: str = argument(
        "Short name of the rule, small letters with hyphens, such as big-deals.", max_length=60, pattern=_ID
    )
    reason: str = argument(
        "Why, in one line; people who wait for an approval are told.",
        min_length=3,
        max_length=200,
        source=Source.HANDLE,
    )
    objects: list[str] = argument("Kinds of record it is for, such as Opportunity.", default=[], max_length=20)
    fields: list[str] = argument("Fields it is for, such as Opportunity.Amount.", default=[], max_length=20)
    operations: list[Literal["create", "update", "delete"]] = argument(
        "Kinds of change it is for; leave out for all.", default=[], max_length=3
    )
    amount_above: int | None = argument("Only changes with an amount above this.", default=None, ge=0, le=10**15)
    votes: int | None = argument("How many people have to approve.", default=None, ge=1, le=5)
    decided_by_role: str | None = argument(
        "Place in the role tree whose people approve, such as Sales Manager.",
        default=None,
        max_length=120,
        source=Source.HANDLE,
    )
    expires_after: str | None = argument(
        "How long a request waits, such as 12h or 3d.", default=None, max_length=8, pattern=r"^[1-9]\d{0,4}[mhd]$"
    )


class PlanApprovalRule(ApprovalRuleArguments):
    """The change that is planned."""


class ApprovalRulePlan(Result):
    summary: str = output("The plan in a few sentences.")
    policy_version: int = output("Version of the policy that it is based on.")
    rule: str | None = output("The rule as the policy keeps it; null if one is removed.")
    past_requests_tried: int | None = output("On how many past requests it was tried; null if you may not see them.")
    past_requests_changed: int | None = output("Of how many something else would have been asked.")
    examples: list[str] = output("Ids of some of these requests.")
    next_steps: list[str] = output("What happens next, each step decided by a person.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def plan_approval_rule(ctx: ToolContext, args: PlanApprovalRule) -> ApprovalRulePlan:
    """Plan a change to the approval policy: an approval rule that is added or removed, tried on past requests.

    Changes nothing.
    """
    values = _values(args)
    plan = await _planner(ctx).plan(values)
    tried = ""
    if plan.looked_at is not None:
        tried = f" Of {plan.looked_at} past requests, something else would have been asked of {plan.changed}."
    return ApprovalRulePlan(
        summary=(
            f"The approval rule {args.rule_id!r} would be {'added' if args.operation == 'add' else 'removed'}, from"
            f" version {plan.version} of the policy.{tried} Nothing is changed yet."
        ),
        policy_version=plan.version,
        rule=values["Rule__c"],
        past_requests_tried=plan.looked_at,
        past_requests_changed=plan.changed,
        examples=list(plan.examples),
        next_steps=[
            "propose_approval_rule asks for it; somebody else who may manage the policy approves the exact rule",
            "with the approval a new version of the policy counts; an administrator can go back to any earlier one",
        ],
    )


class ProposeApprovalRule(ApprovalRuleArguments):
    """The change that is asked for."""


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", OBJECT),))
async def propose_approval_rule(ctx: ToolContext, args: ProposeApprovalRule) -> Proposal:
    """Change the approval policy: add or remove an approval rule. Somebody else who manages the policy has to approve
    it first; then a new version of the policy counts.
    """
    values = _values(args)
    plan = await _planner(ctx).plan(values)
    return Proposal((await ctx.crm.propose_create(OBJECT, {**values, "BasedOn__c": plan.version}),))


def _planner(ctx: ToolContext) -> PolicyPlanner:
    if ctx.policy is None:
        raise ToolFailedError("the policy cannot be changed here")
    return ctx.policy


def _values(args: ApprovalRuleArguments) -> dict[str, Any]:
    refuse_handles(args.model_dump())
    rule = None if args.operation == "remove" else json.dumps(_rule(args), ensure_ascii=False)
    return {"Name": args.reason, "Operation__c": args.operation.title(), "RuleId__c": args.rule_id, "Rule__c": rule}


def _rule(args: ApprovalRuleArguments) -> dict[str, Any]:
    """As approval rules are written: docs/approvals.md."""
    when = {
        "objects": args.objects,
        "fields": args.fields,
        "operations": args.operations,
        "amount": None if args.amount_above is None else {"above": args.amount_above},
    }
    then = {
        "votes": args.votes,
        "approvers": None if args.decided_by_role is None else [{"role": args.decided_by_role}],
        "expires_after": args.expires_after,
    }
    asked = {name: value for name, value in then.items() if value is not None}
    if not asked:
        raise ToolRetryError("votes: a rule asks for something: give votes, decided_by_role or expires_after")
    return {
        "id": args.rule_id,
        "reason": args.reason,
        "when": {name: value for name, value in when.items() if value},
        "then": asked,
    }
