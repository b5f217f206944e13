"""What a case is: its issue, type, reason and priority, by the tenant's own issues, products and earlier cases."""

from typing import Any, Literal

from crm.connector import Row
from tools._classifying import FIELDS, SURE_ENOUGH, Candidate, Classified, classify
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    ToolContext,
    ToolFailedError,
    argument,
    output,
    tool,
)
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

Field = Literal["IssueId__c", "Type", "Reason", "Priority"]
_NEEDED = ("Subject", "Description", "OrderItemId__c", "Status", "CaseNumber", *FIELDS)
_MEANINGS = {
    "IssueId__c": "the known issue behind it",
    "Type": "what kind of case it is, also category",
    "Reason": "why it came up, also cause or root cause",
    "Priority": "how urgent it is",
}


class SuggestClassification(Arguments):
    case_id: str = record_reference("The case.")


class Classification(Names):
    summary: str = output("How sure the suggestion is, in a few sentences.")
    id: str = output("Record id of the case.")
    number: str | None = output("Case number.")
    issue: list[dict[str, Any]] = output(
        "Known issues that fit, best first, each with its confidence and how many similar cases had it.",
        integrity=Integrity.BY_FIELD,
    )
    type: list[dict[str, Any]] = output(
        "Types, best first, each with its confidence and an earlier case that has it.", integrity=Integrity.BY_FIELD
    )
    reason: list[dict[str, Any]] = output("Reasons, in the same form.", integrity=Integrity.BY_FIELD)
    priority: list[dict[str, Any]] = output("Priorities, in the same form.", integrity=Integrity.BY_FIELD)
    product: str | None = output("Id of the product it is about.")
    similar: list[dict[str, Any]] = output("The earlier cases compared with.", integrity=Integrity.BY_FIELD)


@tool(effect=Effect.READ, scope=CRM_READ, asks="Suggest a classification of case {record}")
async def suggest_classification(ctx: ToolContext, args: SuggestClassification) -> Classification:
    """Suggest how to classify a case: which known issue, type, reason and priority, with confidence and evidence.

    Compares it with the known issues, the products and earlier cases. Changes nothing: classify_case does.

    People say: what kind/type/sort of problem/issue/case is it; what category/class is it; what does it belong to;
    which known issue/problem is it; how would you classify/categorise it; is it a known issue/problem; what priority
    should it have; how urgent is it.
    """
    case = await _load(ctx, args.case_id)
    found = await classify(ctx.crm, case)
    issues = [one.value for one in found.candidates["IssueId__c"]]
    names = await ctx.crm.names_of([*issues, *filter(None, [found.product_id])])
    return Classification(
        summary=_describe(case, found),
        id=case["Id"],
        number=case.get("CaseNumber"),
        issue=[
            {"Id": one.value, "Name": names.get(one.value), "confidence": one.share, "similar_cases": one.cases}
            for one in found.candidates["IssueId__c"]
        ],
        type=_rows(found, "Type"),
        reason=_rows(found, "Reason"),
        priority=_rows(found, "Priority"),
        product=found.product_id,
        similar=[
            {
                "Id": row["Id"],
                "CaseNumber": row.get("CaseNumber"),
                "Status": row.get("Status"),
                "score": round(score, 3),
            }
            for row, score in found.neighbours[:5]
        ],
        names=names,
    )


def _rows(found: Classified, name: str) -> list[dict[str, Any]]:
    return [
        {"Id": one.example, name: one.value, "confidence": one.share, "cases": one.cases}
        for one in found.candidates[name]
    ]


def _describe(case: Row, found: Classified) -> str:
    sure = [name for name in FIELDS if found.best(name)]
    shares = ", ".join(f"{name} {found.candidates[name][0].share:g}" for name in FIELDS if found.candidates[name])
    said = [f"Compared with {len(found.neighbours)} earlier cases."]
    said.append(f"Confidence: {shares}." if shares else "Nothing comparable was found.")
    changed = [name for name in sure if case.get(name) != _value(found, name)]
    said.append(f"Would change {', '.join(changed)}." if changed else "Nothing would change.")
    return " ".join(said)


def _value(found: Classified, name: str) -> str | None:
    best = found.best(name)
    return None if best is None else best.value


class ClassifyCase(Arguments):
    case_id: str = record_reference("The case.")
    fields_to_set: list[Field] = argument(
        "Which fields to set; all of them if left out.",
        default=list(FIELDS),
        min_length=1,
        max_length=4,
        options=_MEANINGS,
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Case"),), asks="Classify case {record}")
async def classify_case(ctx: ToolContext, args: ClassifyCase) -> Proposal:
    """Classify a case: set its issue, type, reason and priority to what the known issues and earlier cases suggest.

    Sets only what is sure enough and differs from what stands there; suggest_classification shows the evidence.

    People say: put it in the right category; give it the right category/type; sort it (in).
    """
    case = await _load(ctx, args.case_id)
    if case.get("Status") == "Closed":
        raise ToolFailedError("the case is closed; what it was about stays as it is")
    found = await classify(ctx.crm, case)
    wanted: dict[str, Candidate] = {}
    for name in args.fields_to_set:
        best = found.best(name)
        if best is not None and best.value != case.get(name):
            wanted[name] = best
    if not wanted:
        raise ToolFailedError(
            f"nothing to change: no suggestion for {', '.join(args.fields_to_set)} is both new and at least "
            f"{SURE_ENOUGH:g} sure; suggest_classification shows them"
        )
    change = await ctx.crm.propose_update("Case", case["Id"], {name: one.value for name, one in wanted.items()})
    words = {(case["Id"], name): [(one.example, name)] for name, one in wanted.items() if name in _WORDS}
    return Proposal((change,), taken_from=words)


_WORDS = ("Type", "Reason")
"""Fields that take the tenant's own words; the other two take an id and one of a fixed list."""


async def _load(ctx: ToolContext, case_id: str) -> Row:
    row = await ctx.crm.get("Case", case_id)
    return {name: row.get(name) for name in ("Id", *_NEEDED)}
