"""Replies to customers: suggested from articles that customers may read, kept as drafts, edited, sent or dismissed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crm.connector import Change, Row, TextMatch
from crm.errors import FieldError, ObjectRightError
from tools._case_facts import children_of, words_of
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
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_MOST_ARTICLES = 2
_MOST_SIMILAR = 3
_LEAST_FIT = 0.12
_OF_SIMILAR_CASE = 0.2
"""How much better an article fits that came from a case like this one."""
_HOLDING = "We are looking into it and will come back to you as soon as we know more."
_EXCERPT = 500


class SuggestReply(Arguments):
    case_id: str = record_reference("The case.")


class CitedArticle(Result):
    id: str = output("Record id.")
    number: str | None = output("Article number, to cite it by.")
    title: str | None = output("Title.", integrity=Integrity.BY_FIELD)
    excerpt: str = output("The passage that goes into the reply.", integrity=Integrity.BY_FIELD)
    score: float = output("Fit, falling from 1.")


class SolvedCase(Result):
    id: str = output("Record id of the case.")
    number: str | None = output("Case number.")
    score: float = output("Likeness, falling from 1.")
    note: dict[str, Any] | None = output("The comment that closed it.", integrity=Integrity.BY_FIELD)


class SuggestedReply(Result):
    summary: str = output("What the reply is built on, in a sentence.")
    id: str = output("Record id of the case.")
    number: str | None = output("Case number.")
    subject: str = output("Subject line of the reply.")
    articles: list[CitedArticle] = output("Articles that the reply is made of and cites.", integrity=Integrity.BY_FIELD)
    similar_cases: list[SolvedCase] = output("How similar cases were solved; for you, not for the customer.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="Suggest a reply to case {record}")
async def suggest_reply(ctx: ToolContext, args: SuggestReply) -> SuggestedReply:
    """Suggest a reply or answer to the customer of a case: articles it would cite, and how similar cases were solved.

    Only articles that customers may read are cited. draft_reply writes the reply and saves it as a draft.

    People say: what do I write/answer/reply on it; what should I say/write/answer/reply to it; what should I
    say/write/answer to the customer on it; what could I answer on it; help me answer/reply it; how do I answer/reply
    it; propose an answer/reply for/to it.
    """
    case = await ctx.crm.get("Case", args.case_id)
    made = await _compose(ctx, case)
    return SuggestedReply(
        summary=f"Built on {len(made.articles)} articles and {len(made.similar)} similar cases that were solved.",
        id=case["Id"],
        number=case.get("CaseNumber"),
        subject=_subject(case),
        articles=[
            CitedArticle(
                id=one.record["Id"],
                number=one.record.get("ArticleNumber"),
                title=one.record.get("Title"),
                excerpt=one.excerpt,
                score=round(one.score, 3),
            )
            for one in made.articles
        ],
        similar_cases=[await _solved(ctx, one) for one in made.similar],
    )


async def _solved(ctx: ToolContext, match: TextMatch) -> SolvedCase:
    notes = await children_of(ctx.crm, "CaseComment", "ParentId", match.record["Id"], "CommentBody")
    note = {"Id": notes[-1]["Id"], "CommentBody": notes[-1]["CommentBody"][:_EXCERPT]} if notes else None
    number = match.record.get("CaseNumber")
    return SolvedCase(id=match.record["Id"], number=number, score=round(match.score, 3), note=note)


@dataclass(frozen=True)
class _Composed:
    articles: Sequence[TextMatch]
    similar: Sequence[TextMatch]


async def _compose(ctx: ToolContext, case: Row) -> _Composed:
    """Articles for customers, best first; one that came from a similar case counts as fitting better."""
    text = words_of(case)
    similar = [
        one
        for one in await _search(ctx, "Case", text, 10)
        if one.record["Id"] != case["Id"] and one.record.get("Status") == "Closed"
    ][:_MOST_SIMILAR]
    alike = {one.record["Id"] for one in similar}
    found = [one for one in await _search(ctx, "Knowledge__kav", text, 10) if _is_for_customers(one.record)]

    def fit(one: TextMatch) -> float:
        return one.score + (_OF_SIMILAR_CASE if one.record.get("SourceCaseId") in alike else 0.0)

    best = sorted(found, key=lambda one: (-fit(one), one.record["Id"]))
    return _Composed([one for one in best if one.score >= _LEAST_FIT][:_MOST_ARTICLES], similar)


async def _search(ctx: ToolContext, object_name: str, text: str, limit: int) -> list[TextMatch]:
    try:
        return await ctx.crm.search(object_name, text, limit) if text.strip() else []
    except (ObjectRightError, FieldError):
        return []


def _is_for_customers(article: Row) -> bool:
    return article.get("PublishStatus") == "Online" and bool(article.get("IsVisibleInCsp"))


def _subject(case: Row) -> str:
    """Without the customer's own words: whoever wrote those does not write ours."""
    return f"Your case {case.get('CaseNumber') or ''}".strip()


class DraftReply(Arguments):
    case_id: str = record_reference("The case.")
    body: str | None = argument(
        "Text of the reply; composed from the articles that fit if left out.", default=None, max_length=20_000
    )


@tool(
    effect=Effect.DRAFT, scope=CRM_WRITE, changes=(("create", "EmailMessage"),), asks="Draft a reply to case {record}"
)
async def draft_reply(ctx: ToolContext, args: DraftReply) -> Proposal:
    """Write a reply to the customer of a case and save it as a draft, with the articles it is built on cited.

    It is not sent: send_email does that, edit_reply changes it, dismiss_reply lays it aside.

    People say: tell the customer on it <body>; let the customer on it know <body>; write the customer on it <body>;
    answer it that <body>; reply to it that <body>; write back on it that <body>.
    """
    case = await ctx.crm.get("Case", args.case_id)
    contact = case.get("ContactId")
    if not contact:
        raise ToolFailedError("the case has no contact whom a reply could go to")
    if case.get("Status") == "Closed":
        raise ToolFailedError("the case is closed: there is nothing to reply to")
    made = await _compose(ctx, case)
    fields = {
        "ParentId": case["Id"],
        "ToIds": contact,
        "Subject": _subject(case),
        "TextBody": args.body or await _write(ctx, case, contact, made.articles),
        "Status": "Draft",
    }
    change = await ctx.crm.propose_create("EmailMessage", fields)
    used = [(one.record["Id"], field) for one in made.articles for field in ("Title", "FAQ_Answer__c", "Summary")]
    taken = (
        {} if args.body else {(change.record_id, "TextBody"): [*used, (contact, "FirstName"), (contact, "LastName")]}
    )
    return Proposal((change,), taken_from=taken)


async def _write(ctx: ToolContext, case: Row, contact: str, articles: Sequence[TextMatch]) -> str:
    names = await ctx.crm.names_of([contact, ctx.user_id or ""])
    parts = [
        f"Dear {names.get(contact, 'customer')},",
        f"thank you for your message. Your case is {case['CaseNumber']}.",
    ]
    parts += [
        f"{one.excerpt}\n(Article {one.record.get('ArticleNumber')}: {one.record.get('Title')})" for one in articles
    ]
    parts += [] if articles else [_HOLDING]
    parts += ["Please tell us if this does not help.", f"Kind regards\n{names.get(ctx.user_id or '', '')}".strip()]
    return "\n\n".join(parts)


class EditReply(Arguments):
    draft_id: str = record_reference("The draft.")
    body: str = argument("The new text, whole.", min_length=1, max_length=20_000)
    subject: str | None = argument("A new subject line.", default=None, min_length=1, max_length=255)


@tool(effect=Effect.DRAFT, scope=CRM_WRITE, changes=(("update", "EmailMessage"),))
async def edit_reply(ctx: ToolContext, args: EditReply) -> Proposal:
    """Edit, revise or reword a reply or other e-mail that is still a draft."""
    draft = await _load_draft(ctx, args.draft_id)
    fields = {"TextBody": args.body} | ({} if args.subject is None else {"Subject": args.subject})
    return Proposal((await ctx.crm.propose_update("EmailMessage", draft["Id"], fields),))


class DismissReply(Arguments):
    draft_id: str = record_reference("The draft.")
    reason: str = argument("Why it is not used: is kept as an internal comment.", min_length=3, max_length=2_000)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "EmailMessage"), ("create", "CaseComment")))
async def dismiss_reply(ctx: ToolContext, args: DismissReply) -> Proposal:
    """Dismiss, discard or reject a suggested reply: it can no longer be sent, and the case keeps why."""
    draft = await _load_draft(ctx, args.draft_id)
    changes: list[Change] = [await ctx.crm.propose_update("EmailMessage", draft["Id"], {"Status": "Dismissed"})]
    if draft["ParentId"]:
        note = {"ParentId": draft["ParentId"], "CommentBody": f"Reply dismissed: {args.reason}", "IsPublished": False}
        changes.append(await ctx.crm.propose_create("CaseComment", note))
    return Proposal(tuple(changes))


async def _load_draft(ctx: ToolContext, draft_id: str) -> Row:
    draft = await ctx.crm.get("EmailMessage", draft_id, ["Status", "Incoming", "ParentId"])
    if draft["Incoming"] or draft["Status"] != "Draft":
        raise ToolFailedError("only a draft of your own organisation can be changed or dismissed")
    return draft
