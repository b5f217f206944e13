"""Whether a case was handled by the rules that the house's own articles state, with the passage and the evidence."""

from collections.abc import Sequence
from typing import Any, Literal

from crm.connector import Filter, Query, Row
from crm.errors import FieldError, ObjectRightError
from crm.values import parse_instant
from tools._case_facts import MOST, children_of, rows_of, words_of
from tools._declare import Arguments, Integrity, Result, ToolContext, output, tool
from tools._house_rules import answer_rules, compare_claims
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ

_POLICIES = "policy rules first answer response within hours working day priority escalate customer update"
_MOST_ARTICLES = 15
_MOST_FINDINGS = 20


class CheckCasePolicy(Arguments):
    case_id: str = record_reference("The case.")


class PolicyFinding(Result):
    verdict: Literal["kept", "broken"] = output("Whether the rule was kept.")
    about: str = output("What was compared: what the rule says and what was done.")
    rule: dict[str, Any] = output("The article, and the passage that states the rule.", integrity=Integrity.BY_FIELD)
    evidence: dict[str, Any] = output("The record that shows it, and its words.", integrity=Integrity.BY_FIELD)


class PolicyCheck(Result):
    summary: str = output("How many rules were found, kept and broken.")
    id: str = output("Record id of the case.")
    number: str | None = output("Case number.")
    is_kept: bool | None = output("Whether every rule was kept; null if no rule applied.")
    findings: list[PolicyFinding] = output("Broken rules first.", integrity=Integrity.BY_FIELD)


@tool(effect=Effect.READ, scope=CRM_READ, asks="Was policy kept in case {record}?")
async def check_case_policy(ctx: ToolContext, args: CheckCasePolicy) -> PolicyCheck:
    """Check whether an agent kept to policy in a case: which knowledge article and passage it breaks or keeps.

    Compares how soon the customer was answered, and what mails and notes promise, with what the articles say.

    People say: did we treat/handle it by the rules/book; did we follow the rules/policy/procedure in it; did we do
    everything right in it; did we stick/keep to the rules/policy in it; was it handled/treated
    correctly/properly/right; was it handled/treated by the rules/book; did the agent do everything right in it; were
    the rules followed in it; did we break a rule in it; any policy breaches in it; did we promise too much in it.
    """
    case = await ctx.crm.get("Case", args.case_id)
    said = await _said_by_staff(ctx, case["Id"])
    articles = await _articles(ctx, case, said)
    findings = [one for article in articles for one in _check(case, said, article, ctx)]
    findings.sort(key=lambda one: one.verdict != "broken")
    broken = sum(one.verdict == "broken" for one in findings)
    told = f"{len(findings)} rules of {len(articles)} articles applied: {len(findings) - broken} kept, {broken} broken."
    return PolicyCheck(
        summary=told if findings else f"No rule of the {len(articles)} articles that fit could be compared.",
        id=case["Id"],
        number=case.get("CaseNumber"),
        is_kept=not broken if findings else None,
        findings=findings[:_MOST_FINDINGS],
    )


async def _said_by_staff(ctx: ToolContext, case_id: str) -> list[Row]:
    """Mails sent and notes shown to the customer, oldest first, each with its moment and words."""
    mails = await children_of(
        ctx.crm, "EmailMessage", "ParentId", case_id, "TextBody", "MessageDate", "Incoming", "Status"
    )
    notes = await children_of(ctx.crm, "CaseComment", "ParentId", case_id, "CommentBody", "IsPublished")
    found = [
        {"Id": row["Id"], "at": row["MessageDate"] or row["CreatedDate"], "words": row["TextBody"] or ""}
        for row in mails
        if row["Status"] == "Sent" and not row["Incoming"]
    ]
    found += [
        {"Id": row["Id"], "at": row["CreatedDate"], "words": row["CommentBody"]}
        for row in notes
        if row["IsPublished"] and str(row.get("CreatedById") or "").startswith("005")
    ]
    return sorted(found, key=lambda one: (str(one["at"]), str(one["Id"])))


async def _articles(ctx: ToolContext, case: Row, said: Sequence[Row]) -> list[Row]:
    """Published articles that speak of the case, of what was said in it, or of how cases are handled."""
    ids: dict[str, None] = {}
    for text in (words_of(case), " ".join(str(one["words"]) for one in said), _POLICIES):
        try:
            found = await ctx.crm.search("Knowledge__kav", text, _MOST_ARTICLES) if text.strip() else []
        except (ObjectRightError, FieldError):
            return []
        ids |= dict.fromkeys(one.record["Id"] for one in found if one.record.get("PublishStatus") == "Online")
    if not ids:
        return []
    fields = ["ArticleNumber", "Title", "FAQ_Answer__c"]
    return await rows_of(ctx.crm, Query("Knowledge__kav", fields, [Filter("Id", "in", list(ids))], limit=MOST))


def _check(case: Row, said: Sequence[Row], article: Row, ctx: ToolContext) -> list[PolicyFinding]:
    text = str(article["FAQ_Answer__c"] or "")
    found = [
        PolicyFinding(
            verdict="kept" if claim.is_kept else "broken",
            about=f"the article says {' or '.join(map(str, claim.rule))}, the customer was told {claim.quantity}",
            rule=_rule(article, claim.passage),
            evidence={"Id": one["Id"], "at": one["at"], "excerpt": claim.said},
        )
        for one in said
        for claim in compare_claims(str(one["words"]), text)
    ]
    opened, first = parse_instant("CreatedDate", case["CreatedDate"]), said[0] if said else None
    for rule in answer_rules(text):
        due, answered = rule.due(opened), parse_instant("at", first["at"]) if first else None
        is_due = answered is not None or due < ctx.now
        if not is_due or rule.priority not in (None, case.get("Priority")):
            continue
        is_kept = answered is not None and answered <= due
        when = f"came after {(answered - opened).total_seconds() / 3600:.1f} hours" if answered else "never came"
        found.append(
            PolicyFinding(
                verdict="kept" if is_kept else "broken",
                about=f"the first answer is due within {rule.limit} and {when}",
                rule=_rule(article, rule.passage),
                evidence={"Id": first["Id"], "at": first["at"]} if first else {"Id": case["Id"]},
            )
        )
    return found


def _rule(article: Row, passage: str) -> dict[str, Any]:
    return {
        "Id": article["Id"],
        "ArticleNumber": article["ArticleNumber"],
        "Title": article["Title"],
        "excerpt": passage,
    }
