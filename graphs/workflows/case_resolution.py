"""A case from intake to its end: classified, routed, answered, resolved, and an article where there was none."""

from typing import Any

from graphs.workflows._declare import DONE, NEXT, STOP, Branch, Given, Step, Workflow, record_id
from graphs.workflows._view import View
from tools.activities import create_task
from tools.articles import draft_article, publish_article, review_article
from tools.cases import similar_cases
from tools.casework import close_case
from tools.classification import classify_case
from tools.drafts import create_draft
from tools.knowledge import search_knowledge
from tools.records import get_record
from tools.routing import route_case
from tools.sending import send_email


class CaseResolution(Given):
    """What it is started with."""

    case_id: str = record_id("Case", "The case.")


def _read_case(view: View) -> dict[str, Any]:
    return {"object": "Case", "record_id": view.given["case_id"]}


def _about_the_case(view: View) -> dict[str, Any]:
    return {"case_id": view.given["case_id"]}


def _case(view: View) -> dict[str, Any]:
    return dict((view.result("look_again") or view.result("read"))["fields"])


def _is_open(view: View) -> str | tuple[str, str]:
    return (DONE, "the case is closed already") if view.result("read")["fields"].get("IsClosed") else "classify"


def _search(view: View) -> dict[str, Any] | None:
    """By the known issue: what a case with none is about is for a person to say."""
    issue = _case(view).get("IssueId__c")
    name = view.result("look_again")["names"].get(issue)
    return {"query": name, "limit": 1} if name else None


def _read_article(view: View) -> dict[str, Any] | None:
    found = view.result("search").get("articles", ())
    return {"object": "Knowledge__kav", "record_id": found[0]["id"]} if found else None


def _article(view: View) -> dict[str, Any] | None:
    """The article that fits, if customers may read it."""
    article = view.result("read_article").get("fields", {})
    is_for_customers = article.get("IsVisibleInCsp") or article.get("IsVisibleInPkb")
    return article if is_for_customers and article.get("FAQ_Answer__c") else None


def _earlier(view: View) -> dict[str, Any] | None:
    """The case most like it that was solved."""
    if not _case(view).get("IssueId__c"):
        return None
    return next((one for one in view.result("similar").get("cases", ()) if one["resolution"]), None)


def _is_anything_known(view: View) -> str | tuple[str, str]:
    if _article(view) is not None and _case(view).get("ContactId"):
        return "reply"
    if _article(view) is not None or _earlier(view) is not None:
        return "resolve"
    return "hand_over"


def _reply(view: View) -> dict[str, Any]:
    case, article = _case(view), _article(view) or {}
    name = view.result("read")["names"].get(case["ContactId"], "customer")
    body = (
        f"Dear {name},\n\n"
        f"thank you for writing to us. This may help (article {article['ArticleNumber']}):\n\n"
        f"{article['FAQ_Answer__c']}\n\n"
        "Please answer if it does not.\n"
    )
    return {
        "record_id": case["Id"],
        "recipient_id": case["ContactId"],
        "subject": f"Your case {case['CaseNumber']}",
        "body": body,
    }


def _resolve(view: View) -> dict[str, Any]:
    article, earlier = _article(view), _earlier(view) or {}
    told = earlier["resolution"] if article is None else f"Answered with article {article['ArticleNumber']}."
    return {"case_id": view.given["case_id"], "resolution": told}


def _is_article_due(view: View) -> str | tuple[str, str]:
    return "draft_article" if _article(view) is None else (DONE, "an article answered it")


def _is_ready(view: View) -> str | tuple[str, str]:
    found = view.result("review")
    return "publish" if found["is_ready"] else (DONE, "the draft of the article needs work before it is published")


def _hand_over(view: View) -> dict[str, Any]:
    said = [f"{step}: {reason}" for step in ("classify", "reply", "send", "resolve") for reason in view.reasons(step)]
    return {
        "subject": "Work on the case: nothing that is known solves it" if not said else "Work on the case by hand",
        "description": "\n".join(said)
        or "It has no known issue, or no article and no earlier case says how to solve it.",
        "related_to_id": view.given["case_id"],
        "due_date": view.today.isoformat(),
        "priority": "High",
    }


def _summary(view: View) -> str:
    parts = ["the case is closed"] if view.is_done("resolve") else []
    parts += ["the customer was written to"] if view.is_done("send") else []
    parts += ["an article is online"] if view.is_done("publish") else []
    return f"Done: {', '.join(parts)}." if parts else "The case is with somebody else now."


case_resolution = Workflow(
    name="case_resolution",
    title="Case resolution",
    description="Takes a case from intake to its end: classifies it, routes it, answers from the articles, closes it, "
    "and makes an article where an earlier case knew more.",
    input=CaseResolution,
    about=("Case", "case_id"),
    fingerprint="72e419056d06569a65183e9b04ee1674156e2c083e2816742d777f900e0d394f",
    summary=_summary,
    steps=(
        Step("read", "Look at the case", get_record, call=_read_case),
        Branch("check", "See whether it is open", _is_open, {"classify": "open", DONE: "closed"}),
        Step(
            "classify",
            "Classify it",
            classify_case,
            call=_about_the_case,
            on_rejected=NEXT,
            on_failed=NEXT,
        ),
        Step(
            "route",
            "Route it",
            route_case,
            call=_about_the_case,
            on_rejected=NEXT,
            on_failed=NEXT,
        ),
        Step("look_again", "Look at it again", get_record, call=_read_case, on_failed=DONE),
        Step("search", "Look for an article", search_knowledge, call=_search, on_failed=NEXT),
        Step("read_article", "Look at the article", get_record, call=_read_article, on_failed=NEXT),
        Step(
            "similar",
            "Look for cases like it",
            similar_cases,
            call=_about_the_case,
            on_failed=NEXT,
        ),
        Branch(
            "weigh",
            "See what is known",
            _is_anything_known,
            {"reply": "an article for customers", "resolve": "how it was solved before", "hand_over": "nothing"},
        ),
        Step("reply", "Write the answer", create_draft, call=_reply, on_rejected="hand_over"),
        Step(
            "send",
            "Send the answer",
            send_email,
            call=lambda view: {"draft_id": view.result("reply")["id"]},
            on_rejected="hand_over",
            on_failed="hand_over",
        ),
        Step("resolve", "Close it", close_case, call=_resolve, on_rejected="hand_over"),
        Branch(
            "learn",
            "See whether an article is due",
            _is_article_due,
            {"draft_article": "there was none", DONE: "there is one"},
        ),
        Step(
            "draft_article",
            "Draft an article",
            draft_article,
            call=_about_the_case,
            on_rejected=DONE,
            on_failed=DONE,
        ),
        Step(
            "review",
            "Check the article",
            review_article,
            call=lambda view: {"article_id": view.result("draft_article")["id"]},
            on_failed=DONE,
        ),
        Branch("ready", "See whether it can be published", _is_ready, {"publish": "it can", DONE: "not yet"}),
        Step(
            "publish",
            "Publish it",
            publish_article,
            call=lambda view: {"article_id": view.result("draft_article")["id"]},
            to=DONE,
            on_rejected=DONE,
            on_failed=DONE,
        ),
        Step("hand_over", "Leave a task", create_task, call=_hand_over, to=STOP),
    ),
)
