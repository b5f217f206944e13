"""Knowledge articles on their way: drafted from a resolved case, reviewed, published, archived."""

import re
from typing import Any, Literal

from crm.connector import Filter, Query, Row
from tools._case_facts import children_of, rows_of
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
from tools._likeness import words_in
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_FIELDS = (
    "ArticleNumber Title Summary FAQ_Answer__c UrlName PublishStatus IsVisibleInPkb IsVisibleInCsp VersionNumber "
    "SourceCaseId"
).split()
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}\.[A-Za-z]{2,}")
_NUMBER = re.compile(r"\+?\d[\d /().-]{7,20}\d")
_SHORTEST_ANSWER = 60
_TITLE, _SLUG = 255, 100
_LIKENESS = 0.5


class DraftArticle(Arguments):
    case_id: str = record_reference("The resolved case that the answer comes from.")
    title: str | None = argument(
        "Title; the name of the case's known issue if left out.", default=None, min_length=3, max_length=_TITLE
    )
    summary: str | None = argument(
        "One sentence on what it is about; taken from the known issue if left out.", default=None, max_length=2_000
    )
    answer: str | None = argument(
        "The answer itself; the resolution of the case if left out.", default=None, min_length=3, max_length=20_000
    )


@tool(
    effect=Effect.DRAFT,
    scope=CRM_WRITE,
    changes=(("create", "Knowledge__kav"),),
    asks="Draft an article from case {record}",
)
async def draft_article(ctx: ToolContext, args: DraftArticle) -> Proposal:
    """Turn a resolved case into a knowledge article, draft or write one, from how it was solved. Nobody sees it yet.

    It stays a draft, with the case as its source, until publish_article puts it online.

    People say: write up the solution of it; write up how it was solved/fixed; write it up for others/everyone; make an
    article of/from it; turn it into an article; put the solution of it into the knowledge base; put it into the
    knowledge base; document the solution/fix of it; share the solution/fix of it; write down how it was solved/fixed.
    """
    case = await ctx.crm.get("Case", args.case_id, ["Status", "IssueId__c"])
    if case["Status"] != "Closed":
        raise ToolFailedError("the case is not closed yet: an article needs a resolution")
    issue = await _issue(ctx, case["IssueId__c"])
    note = await _resolution(ctx, case["Id"])
    title, summary = args.title or issue.get("Name"), args.summary or issue.get("Description__c")
    answer = args.answer or (note and note["CommentBody"])
    if not title:
        raise ToolFailedError("the case has no known issue to name the article after: give a title")
    if not answer:
        raise ToolFailedError("the case has no note of staff that says how it was solved: give the answer")
    fields = {
        "Title": title[:_TITLE],
        "Summary": summary,
        "FAQ_Answer__c": answer,
        "UrlName": _slug(title),
        "SourceCaseId": case["Id"],
    }
    change = await ctx.crm.propose_create("Knowledge__kav", {name: one for name, one in fields.items() if one})
    copied: dict[str, tuple[str, str]] = {}
    if issue and not args.title:
        copied |= dict.fromkeys(("Title", "UrlName"), (issue["Id"], "Name"))
    if summary and not args.summary:
        copied["Summary"] = (issue["Id"], "Description__c")
    if note and not args.answer:
        copied["FAQ_Answer__c"] = (note["Id"], "CommentBody")
    return Proposal((change,), taken_from={(change.record_id, field): [one] for field, one in copied.items()})


async def _issue(ctx: ToolContext, issue_id: str | None) -> Row:
    if issue_id is None:
        return {}
    wanted = Query("Issue__c", ["Name", "Description__c"], [Filter("Id", "eq", issue_id)], limit=1)
    return next(iter(await rows_of(ctx.crm, wanted)), {})


async def _resolution(ctx: ToolContext, case_id: str) -> Row | None:
    """The last comment that staff wrote on the case."""
    notes = await children_of(ctx.crm, "CaseComment", "ParentId", case_id, "CommentBody")
    written = [row for row in notes if str(row.get("CreatedById") or "").startswith("005")]
    return written[-1] if written else None


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:_SLUG].strip("-")


class ReviewArticle(Arguments):
    article_id: str = record_reference("The article.")


class Finding(Result):
    kind: Literal["missing", "short", "names somebody", "address or number", "similar article", "source case"] = output(
        "What is the matter."
    )
    field: str | None = output("The field it is about.")
    record: str | None = output("Id of the record that it names or is like.")


class ArticleReview(Result):
    summary: str = output("Whether it is ready to be published, in a few sentences.")
    id: str = output("Record id.")
    number: str | None = output("Article number.")
    title: str | None = output("Title.", integrity=Integrity.BY_FIELD)
    status: str = output("Draft, Online or Archived.")
    version: int | None = output("How often it was published.")
    is_ready: bool = output("Whether nothing speaks against publishing it.")
    findings: list[Finding] = output("What speaks against it; empty if nothing does.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="Review the article {record}")
async def review_article(ctx: ToolContext, args: ReviewArticle) -> ArticleReview:
    """Review or check an article before it is published: missing parts, personal data, articles that say the same.

    People say: is it ready to publish; is it (still) ok/good/correct/right/current/valid/fine; can it go online; can we
    publish it; does it miss anything; anything wrong/missing in/with it; look over it; proofread it.
    """
    article = await ctx.crm.get("Knowledge__kav", args.article_id, _FIELDS)
    findings = [*_check_parts(article), *await _check_people(ctx, article), *await _check_likes(ctx, article)]
    kinds = sorted({one.kind for one in findings})
    verdict = f"{len(findings)} findings: {', '.join(kinds)}." if findings else "Nothing speaks against publishing it."
    return ArticleReview(
        summary=f"Article {article['ArticleNumber']} is {article['PublishStatus']}. {verdict}",
        id=article["Id"],
        number=article["ArticleNumber"],
        title=article["Title"],
        status=article["PublishStatus"],
        version=article["VersionNumber"],
        is_ready=not findings,
        findings=findings,
    )


def _check_parts(article: Row) -> list[Finding]:
    missing = [name for name in ("Summary", "FAQ_Answer__c", "UrlName") if not article[name]]
    found = [Finding(kind="missing", field=name, record=None) for name in missing]
    answer = article["FAQ_Answer__c"] or ""
    if answer and len(answer) < _SHORTEST_ANSWER:
        found.append(Finding(kind="short", field="FAQ_Answer__c", record=None))
    return found


async def _check_people(ctx: ToolContext, article: Row) -> list[Finding]:
    """Customers of the source case that the text names, and addresses and numbers."""
    texts = {name: str(article[name]) for name in ("Title", "Summary", "FAQ_Answer__c") if article[name]}
    found = [
        Finding(kind="address or number", field=name, record=None)
        for name, text in texts.items()
        if _ADDRESS.search(text) or _NUMBER.search(text)
    ]
    if not article["SourceCaseId"]:
        return found
    sources = await rows_of(
        ctx.crm, Query("Case", ["Status", "AccountId", "ContactId"], [Filter("Id", "eq", article["SourceCaseId"])])
    )
    for case in sources:
        if case["Status"] != "Closed":
            found.append(Finding(kind="source case", field="SourceCaseId", record=case["Id"]))
        people = await ctx.crm.names_of([one for one in (case["AccountId"], case["ContactId"]) if one])
        found += [
            Finding(kind="names somebody", field=field, record=record)
            for record, name in people.items()
            for field, text in texts.items()
            if name.casefold() in text.casefold()
        ]
    return found


async def _check_likes(ctx: ToolContext, article: Row) -> list[Finding]:
    """Other articles online that have most of the words of this one's title."""
    wanted = set(words_in(article["Title"]))
    found = []
    for match in await ctx.crm.search("Knowledge__kav", article["Title"], 10):
        row = match.record
        if row["Id"] == article["Id"] or row.get("PublishStatus") != "Online" or not wanted:
            continue
        shared = wanted & set(words_in(str(row.get("Title") or "")))
        if len(shared) / len(wanted) > _LIKENESS:
            found.append(Finding(kind="similar article", field="Title", record=row["Id"]))
    return found


class PublishArticle(Arguments):
    article_id: str = record_reference("The article, a draft.")
    audience: Literal["staff", "customers", "public"] = argument(
        "Who may read it.",
        default="customers",
        options={
            "staff": "only people who work here, internal",
            "customers": "verified customers and staff",
            "public": "everybody",
        },
    )


@tool(
    effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Knowledge__kav"),), asks="Publish the article {record}"
)
async def publish_article(ctx: ToolContext, args: PublishArticle) -> Proposal:
    """Publish a reviewed draft article: put it online for its audience, as its next version.

    Needs the right to publish, and a second person who approves it.

    People say: put it online; make it public; it can go live; let customers see it; let everyone see it.
    """
    article = await ctx.crm.get("Knowledge__kav", args.article_id, _FIELDS)
    if article["PublishStatus"] != "Draft":
        raise ToolFailedError(f"only a draft can be published, and this article is {article['PublishStatus']}")
    missing = [one.field for one in _check_parts(article) if one.kind == "missing" and one.field == "FAQ_Answer__c"]
    if missing:
        raise ToolFailedError("the article has no answer yet: there is nothing to publish")
    fields: dict[str, Any] = {
        "PublishStatus": "Online",
        "VersionNumber": (article["VersionNumber"] or 0) + 1,
        "IsVisibleInCsp": args.audience != "staff",
        "IsVisibleInPkb": args.audience == "public",
    }
    return Proposal((await ctx.crm.propose_update("Knowledge__kav", article["Id"], fields),))


class ArchiveArticle(Arguments):
    article_id: str = record_reference("The article, published.")


@tool(
    effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Knowledge__kav"),), asks="Archive the article {record}"
)
async def archive_article(ctx: ToolContext, args: ArchiveArticle) -> Proposal:
    """Archive, retire or unpublish an article that is online: nobody finds it any more. Needs the right to publish.

    People say: take it offline; take it down; it is outdated; pull it from the knowledge base; nobody should find it
    any more.
    """
    article = await ctx.crm.get("Knowledge__kav", args.article_id, ["PublishStatus"])
    if article["PublishStatus"] != "Online":
        raise ToolFailedError(f"only a published article can be archived, and this one is {article['PublishStatus']}")
    return Proposal((await ctx.crm.propose_update("Knowledge__kav", article["Id"], {"PublishStatus": "Archived"}),))
