"""Working a case: what happened, what it waits for, escalating it, closing it with its resolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crm.connector import Change, Row
from crm.schema import object_of
from tools._case_facts import ASSIGNED, children_of, count_transfers, handle_hours, hours_between
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolFailedError,
    argument,
    output,
    tool,
)
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_EXCERPT = 280
_MOST_STEPS = 40
_CUSTOMER_WROTE, _WE_WROTE = "customer wrote", "we wrote"
_NOTES = {False: "internal note", True: "published note"}
_ANSWERS = (_WE_WROTE, _NOTES[True])


class SummariseCase(Arguments):
    case_id: str = record_reference("The case.")


class CaseStep(Result):
    object: str = output("Kind of record.")
    id: str = output("Record id.")
    at: str = output("When it happened.")
    step: str = output(
        "What happened: opened, assigned, handed over, closed, customer wrote, we wrote, draft, internal note, "
        "published note, chat, task or meeting."
    )
    by: str | None = output("Id of the person who did it.")
    to: str | None = output("For an assignment: id of the new owner.")
    excerpt: str | None = output("The beginning of what was written.", integrity=Integrity.BY_FIELD)


class CaseSummary(Names):
    summary: str = output("Where the case stands, in a few sentences.")
    id: str = output("Record id.")
    number: str | None = output("Case number.")
    subject: str | None = output("What it is about.", integrity=Integrity.BY_FIELD)
    status: str | None = output("New, Working, Escalated or Closed.")
    priority: str | None = output("Low, Medium, High or Critical; null if you may not see it.")
    customer: str | None = output("Id of the account.")
    contact: str | None = output("Id of the person who asked.")
    assigned_to: str | None = output("Id of the owner.")
    issue: str | None = output("Id of the known issue behind it.")
    opened: str = output("When it was opened.")
    closed: str | None = output("When it was closed.")
    age_hours: float | None = output("Hours from opening until closing, or until now; the handle time if closed.")
    first_answer_hours: float | None = output("Hours until we first wrote to the customer; null if we have not.")
    idle_hours: float | None = output("Hours since anything happened.")
    transfers: int = output("How often it was handed from one owner to another.")
    waits_for: Literal["us", "customer", "nobody"] | None = output("Who has to act next; null if you cannot see it.")
    resolution: CaseStep | None = output("The last note of a closed case.", integrity=Integrity.BY_FIELD)
    timeline: list[CaseStep] = output("What happened, oldest first.", integrity=Integrity.BY_FIELD)


@tool(effect=Effect.READ, scope=CRM_READ, for_customers=True, asks="Summarise case {record}")
async def case_summary(ctx: ToolContext, args: SummariseCase) -> CaseSummary:
    """Summarise a case: what happened, the timeline, who did what, where it stands, its age and who has to act next.

    Includes time to the first answer, handle time, hand-overs between owners and the resolution.

    People say: catch me up on it; what is it about; what is the customer complaining about in it; what is the
    problem/matter/trouble in it; what is wrong in it; what does the customer want in it; where are we on/with it; what
    is the state/status of it; what happened in it; how far are we with it; bring me up to speed on it; what is the
    story of it; who has to act on it; who is next on it; fill me in on it; tldr of it.
    """
    case = await ctx.crm.get("Case", args.case_id)
    history = await children_of(
        ctx.crm, "CaseHistory__c", "CaseId__c", case["Id"], "Field__c", "OldValue__c", "NewValue__c"
    )
    steps = sorted([*_of_history(history), *await _of_records(ctx, case)], key=lambda one: one.at)
    view = _View(ctx, case, steps)
    people = [one for step in steps for one in (step.by, step.to) if one]
    kept = [case.get(name) for name in ("AccountId", "ContactId", "OwnerId", "IssueId__c", "CreatedById")]
    transfers = count_transfers(history)
    return CaseSummary(
        summary=view.describe(transfers),
        id=case["Id"],
        number=case.get("CaseNumber"),
        subject=case.get("Subject"),
        status=case.get("Status"),
        priority=case.get("Priority"),
        customer=case.get("AccountId"),
        contact=case.get("ContactId"),
        assigned_to=case.get("OwnerId"),
        issue=case.get("IssueId__c"),
        opened=case["CreatedDate"],
        closed=case.get("ClosedDate"),
        age_hours=view.age_hours,
        first_answer_hours=view.first_answer_hours,
        idle_hours=view.idle_hours,
        transfers=transfers,
        waits_for=view.waits_for,
        resolution=view.resolution,
        timeline=steps[-_MOST_STEPS:],
        names=await ctx.crm.names_of([*people, *filter(None, kept)]),
    )


@dataclass(frozen=True)
class _View:
    """A case with its steps, as it stands now."""

    ctx: ToolContext
    case: Row
    steps: Sequence[CaseStep]

    @property
    def is_closed(self) -> bool:
        return self.case.get("Status") == "Closed"

    @property
    def is_for_customer(self) -> bool:
        """Customers see no mail here, so nothing can be told from its absence."""
        return self.ctx.user_id is None

    @property
    def age_hours(self) -> float | None:
        return handle_hours(self.case) if self.is_closed else hours_between(self.case["CreatedDate"], self.ctx.now)

    @property
    def first_answer_hours(self) -> float | None:
        said = (one.at for one in self.steps if one.step in _ANSWERS)
        return hours_between(self.case["CreatedDate"], next(said, None))

    @property
    def idle_hours(self) -> float | None:
        last = self.steps[-1].at if self.steps else self.case["CreatedDate"]
        return hours_between(last, self.ctx.now)

    @property
    def waits_for(self) -> Literal["us", "customer", "nobody"] | None:
        if self.is_for_customer:
            return None
        if self.is_closed:
            return "nobody"
        talk = [one.step for one in self.steps if one.step in (_CUSTOMER_WROTE, *_ANSWERS)]
        return "customer" if talk and talk[-1] != _CUSTOMER_WROTE else "us"

    @property
    def resolution(self) -> CaseStep | None:
        notes = [one for one in self.steps if one.object == "CaseComment"]
        return notes[-1] if notes and self.is_closed else None

    def describe(self, transfers: int) -> str:
        case, age = self.case, _spell_hours(self.age_hours)
        priority = f", {case['Priority']} priority," if case.get("Priority") else ""
        said = [f"Case {case.get('CaseNumber') or case['Id']}{priority} is {case.get('Status')}."]
        said.append(f"It was closed after {age}." if self.is_closed else f"It has been open for {age}.")
        if self.first_answer_hours is not None:
            said.append(f"The first answer took {_spell_hours(self.first_answer_hours)}.")
        elif not self.is_closed and not self.is_for_customer:
            said.append("It has not been answered yet.")
        if transfers:
            said.append(f"It was handed over {transfers} time{'s' if transfers > 1 else ''}.")
        if self.waits_for in ("us", "customer"):
            said.append(f"Nothing has happened for {_spell_hours(self.idle_hours)}; it waits for {self.waits_for}.")
        return " ".join(said)


def _spell_hours(hours: float | None) -> str:
    if hours is None:
        return "an unknown time"
    return f"{hours:g} hours" if hours < 48 else f"{hours / 24:.1f} days"


def _of_history(history: Sequence[Row]) -> list[CaseStep]:
    found = []
    for row in history:
        step = {"Case Creation": "opened", "Case Closed": "closed"}.get(row["Field__c"], "assigned")
        if row["Field__c"] == ASSIGNED and row["OldValue__c"]:
            step = "handed over"
        found.append(_step("CaseHistory__c", row, step, row["CreatedDate"], None, to=row["NewValue__c"]))
    return found


async def _of_records(ctx: ToolContext, case: Row) -> list[CaseStep]:
    crm, case_id, found = ctx.crm, case["Id"], list[CaseStep]()
    for row in await children_of(crm, "CaseComment", "ParentId", case_id, "CommentBody", "IsPublished"):
        step = _CUSTOMER_WROTE if object_of(row.get("CreatedById") or "") == "Contact" else _NOTES[row["IsPublished"]]
        found.append(_step("CaseComment", row, step, row["CreatedDate"], row["CommentBody"]))
    for row in await children_of(
        crm, "EmailMessage", "ParentId", case_id, "TextBody", "MessageDate", "Incoming", "Status"
    ):
        step = _CUSTOMER_WROTE if row["Incoming"] else _WE_WROTE if row["Status"] == "Sent" else "draft"
        who = {**row, "CreatedById": case.get("ContactId")} if row["Incoming"] else row
        found.append(_step("EmailMessage", who, step, row["MessageDate"] or row["CreatedDate"], row["TextBody"]))
    chats = await children_of(crm, "LiveChatTranscript", "CaseId", case_id, "Body", "EndTime")
    found += [
        _step("LiveChatTranscript", row, "chat", row["EndTime"] or row["CreatedDate"], row["Body"]) for row in chats
    ]
    for name, step in (("Task", "task"), ("Event", "meeting")):
        planned = await children_of(crm, name, "WhatId", case_id, "Description")
        found += [_step(name, row, step, row["CreatedDate"], row["Description"]) for row in planned]
    return found


def _step(name: str, row: Row, step: str, at: str, text: str | None, *, to: str | None = None) -> CaseStep:
    excerpt = str(text)[:_EXCERPT] if text else None
    return CaseStep(object=name, id=row["Id"], at=at, step=step, by=row.get("CreatedById"), to=to, excerpt=excerpt)


class EscalateCase(Arguments):
    case_id: str = record_reference("The case.")
    reason: str = argument("Why, and what was tried: becomes an internal comment.", min_length=3, max_length=3_900)
    priority: Literal["High", "Critical"] | None = argument(
        "Raise the priority along with it; left as it is if left out.",
        default=None,
        options={"High": "urgent", "Critical": "danger, standstill or legal steps; the most urgent"},
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Case"), ("create", "CaseComment")))
async def escalate_case(ctx: ToolContext, args: EscalateCase) -> Proposal:
    """Escalate a case: set its status to Escalated, mark it, and note the reason in an internal comment.

    People say: it needs a manager; it needs to go to a manager/supervisor; get a manager/supervisor involved; get a
    manager/supervisor involved in it; get a manager/supervisor to look at it; take it to the next level; it is getting
    out of hand; bump it up to a manager; customer is furious/angry/fuming about it; raise it to management.
    """
    case = await ctx.crm.get("Case", args.case_id, ["Status"])
    if case["Status"] == "Closed":
        raise ToolFailedError("the case is closed; only an open one can be escalated")
    if case["Status"] == "Escalated":
        raise ToolFailedError("the case is escalated already")
    fields = {"Status": "Escalated", "IsEscalated": True}
    if args.priority is not None:
        fields["Priority"] = args.priority
    return Proposal(
        (
            await ctx.crm.propose_update("Case", case["Id"], fields),
            await _comment(ctx, case["Id"], f"Escalated: {args.reason}", published=False),
        )
    )


class CloseCase(Arguments):
    case_id: str = record_reference("The case.")
    resolution: str = argument(
        "How it was solved: cause and what was done. Becomes a comment.", min_length=3, max_length=4_000
    )
    published: bool = argument("Whether the customer sees the resolution.", default=False)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Case"), ("create", "CaseComment")))
async def close_case(ctx: ToolContext, args: CloseCase) -> Proposal:
    """Close or resolve a case: write its resolution down as a comment and set its status to Closed, both at once.

    People say: it is fixed/solved/resolved/done, <resolution>; it is fixed/solved/resolved/done: <resolution>; it can
    be closed, <resolution>; it is done with, <resolution>; we fixed/solved it, <resolution>; we fixed/solved it by
    <resolution>; it was fixed/solved by <resolution>; wrap up it, <resolution>; wrap it up, <resolution>; it can be
    closed.
    """
    case = await ctx.crm.get("Case", args.case_id, ["Status"])
    if case["Status"] == "Closed":
        raise ToolFailedError("the case is closed already")
    return Proposal(
        (
            await _comment(ctx, case["Id"], args.resolution, published=args.published),
            await ctx.crm.propose_update("Case", case["Id"], {"Status": "Closed"}),
        )
    )


async def _comment(ctx: ToolContext, case_id: str, body: str, *, published: bool) -> Change:
    fields = {"ParentId": case_id, "CommentBody": body, "IsPublished": published}
    return await ctx.crm.propose_create("CaseComment", fields)
