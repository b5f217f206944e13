"""Whether a lead is worth pursuing: Budget, Authority, Need and Timeline, each with the passages that say so."""

from typing import Literal

from crm.connector import Filter
from tools._bant import FACTORS, Factor, Finding, Status, find_evidence, status_of
from tools._briefing import get_seen
from tools._declare import Arguments, Integrity, Result, ToolContext, argument, output, tool
from tools._passages import Passage, read_mails, read_notes, read_transcripts
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ

_MOST_QUOTES = 4
_QUESTIONS: dict[Factor, str] = {
    "budget": "Is there money set aside for this, and how much?",
    "authority": "Who decides in the end, and who else has a say?",
    "need": "What goes wrong today, and what does that cost?",
    "timeline": "By when does it have to run, and what depends on that date?",
}
_WORDS: dict[Status, str] = {"met": "met", "not_met": "not met", "unknown": "unknown"}


class QualifyLead(Arguments):
    lead_id: str = record_reference("The lead to qualify.")
    factor: Literal["all", "budget", "authority", "need", "timeline"] = argument(
        "Which part of the qualification.",
        default="all",
        options={
            "all": "all four, BANT",
            "budget": "whether there is money for it",
            "authority": "whether the person decides, the decision maker",
            "need": "whether there is a problem to solve, pain",
            "timeline": "by when it is to be bought or running, urgency",
        },
    )


class Evidence(Result):
    """A passage and where it stands."""

    object: str = output("Kind of record.")
    id: str = output("Record id.")
    passage: int = output("Number of the line or sentence in the record's text, from 1.")
    at: str | None = output("When it was said.")
    speaks_for: bool = output("Whether it speaks for the factor; else against it.")
    quote: str = output("The words themselves.", integrity=Integrity.BY_FIELD)


class FactorResult(Result):
    factor: str = output("budget, authority, need or timeline.")
    status: Literal["met", "not_met", "unknown"] = output("What was said last; unknown if nothing was.")
    evidence: list[Evidence] = output("What it rests on, newest first.", integrity=Integrity.BY_FIELD)


class Qualification(Result):
    summary: str = output("The outcome in a sentence.")
    id: str = output("Record id of the lead.")
    factors: list[FactorResult] = output("The four in order, or the one asked for.", integrity=Integrity.BY_FIELD)
    is_qualified: bool = output("Whether every factor looked at is met.")
    not_met: list[str] = output("The factors that the lead fails.")
    ask_next: list[str] = output("Questions that would settle what is not met or not known.")
    looked_at: int = output("Passages of calls, e-mails, tasks and meetings that were read.")


@tool(effect=Effect.READ, scope=CRM_READ, judges_outside=True, asks="Qualify the lead {record}")
async def qualify_lead(ctx: ToolContext, args: QualifyLead) -> Qualification:
    """Qualify a lead by Budget, Authority, Need and Timeline (BANT): for each whether it is met, not met or unknown,
    with the quoted passages of call transcripts, e-mails, tasks and meetings. Is this lead ready, worth it?

    People say: is it worth pursuing/chasing; is it worth our time; is it a good/real/serious lead; is it qualified; is
    it any good; how good/promising/serious/qualified is it; should I pursue/chase it; does it have budget; does it have
    the budget/authority; how qualified is it.
    """
    lead = await get_seen(ctx.crm, "Lead", args.lead_id, argument="lead_id")
    passages = await _passages(ctx, lead["Id"])
    findings = find_evidence(passages)
    wanted = FACTORS if args.factor == "all" else (args.factor,)
    factors = [_result(factor, [one for one in findings if one.factor == factor]) for factor in wanted]
    return Qualification(
        summary=_sum_up(factors),
        id=lead["Id"],
        factors=factors,
        is_qualified=all(one.status == "met" for one in factors),
        not_met=[one.factor for one in factors if one.status == "not_met"],
        ask_next=[_QUESTIONS[f] for f, one in zip(wanted, factors, strict=True) if one.status != "met"],
        looked_at=len(passages),
    )


async def _passages(ctx: ToolContext, lead_id: str) -> list[Passage]:
    calls = await read_transcripts(ctx.crm, [Filter("LeadId__c", "eq", lead_id)])
    mails = await read_mails(ctx.crm, [Filter("RelatedToId", "eq", lead_id)])
    notes = await read_notes(ctx.crm, Filter("WhoId", "eq", lead_id))
    return [*(calls or ()), *(mails or ()), *notes]


def _result(factor: Factor, findings: list[Finding]) -> FactorResult:
    newest_first = sorted(findings, key=lambda one: one.passage.at or "", reverse=True)
    return FactorResult(
        factor=factor,
        status=status_of(findings),
        evidence=[_evidence(one) for one in newest_first[:_MOST_QUOTES]],
    )


def _evidence(one: Finding) -> Evidence:
    return Evidence(
        object=one.passage.object_name,
        id=one.passage.record_id,
        passage=one.passage.number,
        at=one.passage.at,
        speaks_for=one.is_met,
        quote=one.passage.text,
    )


def _sum_up(factors: list[FactorResult]) -> str:
    said = ", ".join(f"{one.factor} {_WORDS[one.status]}" for one in factors)
    met = sum(one.status == "met" for one in factors)
    return f"{said[:1].upper()}{said[1:]}: {met} of {len(factors)} met."
