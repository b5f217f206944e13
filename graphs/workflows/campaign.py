"""A campaign: brief, campaign, e-mail, members, start; a person looks at each before it is saved."""

from datetime import date
from typing import Any

from pydantic import Field

from graphs.workflows._declare import AGAIN, DONE, NEXT, STOP, Given, Step, Workflow
from graphs.workflows._view import View
from tools._campaigns import Channel
from tools.activities import create_task
from tools.briefs import draft_campaign_brief, save_campaign_brief
from tools.campaigns import draft_campaign, save_campaign
from tools.email_copy import draft_email_variants, save_email_variant
from tools.segments import add_campaign_members


class CampaignGiven(Given):
    """What it is started with."""

    goal: str = Field(min_length=3, max_length=255, description="What the campaign is to reach.")
    name: str | None = Field(default=None, max_length=255, description="Its name; the goal if left out.")
    segment: str | None = Field(default=None, max_length=255, description="The saved segment it is for, by name or id.")
    product: str | None = Field(default=None, max_length=255, description="The product it is about, by name or id.")
    key_message: str | None = Field(default=None, max_length=1_000, description="What people should remember.")
    call_to_action: str | None = Field(default=None, max_length=120, description="What people should do.")
    channel: Channel | None = Field(default=None, description="How people are reached; by e-mail if left out.")
    start_date: date | None = Field(default=None, description="When it starts.")
    end_date: date | None = Field(default=None, description="When it ends.")
    budget: float | None = Field(default=None, ge=0, le=1e12, description="What it may cost.")
    members_at_most: int = Field(default=50, ge=1, le=100, description="How many of the segment become members.")


def _given(view: View) -> dict[str, Any]:
    return {name: value for name, value in view.given.items() if value is not None and name != "members_at_most"}


def _brief(view: View) -> dict[str, Any]:
    """What was given, with what the draft suggests where nothing was."""
    draft = view.result("draft_brief")
    suggested = {"start_date": draft["suggested_start_date"], "end_date": draft["suggested_end_date"]}
    message = (draft["product"] or {}).get("suggested_key_message")
    return {**suggested, **({"key_message": message} if message else {}), **_given(view)}


def _campaign(view: View) -> dict[str, Any]:
    """From the brief; what was said against an earlier try stands in the description, for whoever looks next."""
    asked = [f"Asked for in review: {reason}" for reason in view.reasons("save_campaign")]
    return {"brief": view.result("save_brief")["id"]} | ({"description": "\n".join(asked)} if asked else {})


def _variant(view: View) -> dict[str, Any] | None:
    """The next variant that nobody has said no to."""
    variants = view.result("draft_email").get("variants", [])[len(view.reasons("save_email")) :]
    if not variants:
        return None
    return {"campaign_id": _id(view), "subject": variants[0]["subject"], "body": variants[0]["body"]}


def _id(view: View) -> str:
    return str(view.result("save_campaign")["id"])


def _members(view: View) -> dict[str, Any] | None:
    if view.given["segment"] is None:
        return None
    return {"campaign_id": _id(view), "segment": view.given["segment"], "limit": view.given["members_at_most"]}


def _note(view: View) -> dict[str, Any]:
    said = view.reasons("save_brief") or view.reasons("start")
    return {
        "subject": "Rework the campaign: see what was said",
        "description": "\n".join(said) or "No reason was given.",
        "due_date": view.today.isoformat(),
        **({"related_to_id": _id(view)} if view.is_done("save_campaign") else {}),
    }


def _summary(view: View) -> str:
    parts = ["its e-mail is a draft"] if view.is_done("save_email") else []
    parts += ["its members are chosen"] if view.is_done("members") else []
    parts += ["it has started"] if view.is_done("start") else ["it is planned"]
    return f"The campaign is saved: {', '.join(parts)}."


campaign = Workflow(
    name="campaign",
    title="Campaign",
    description="Plans a campaign from a goal: brief, campaign, e-mail, members, start, each looked at before it is "
    "saved and refined where somebody says no.",
    input=CampaignGiven,
    fingerprint="6bf02d6c1a1495b4f1930ec53891d94c7cf3a463641da17fe05f6a1f0f6b191a",
    summary=_summary,
    steps=(
        Step("draft_brief", "Draft the brief", draft_campaign_brief, call=_given),
        Step("save_brief", "Save the brief", save_campaign_brief, call=_brief, on_rejected="note"),
        Step("draft_plan", "Draft the campaign", draft_campaign, call=_campaign),
        Step("save_campaign", "Save the campaign", save_campaign, call=_campaign, on_rejected=AGAIN),
        Step(
            "draft_email",
            "Write variants of its e-mail",
            draft_email_variants,
            call=lambda view: {"campaign": _id(view)},
            on_failed="members",
        ),
        Step("save_email", "Save one as a draft", save_email_variant, call=_variant, on_rejected=AGAIN, on_failed=NEXT),
        Step("members", "Choose its members", add_campaign_members, call=_members, on_rejected=NEXT, on_failed=NEXT),
        Step(
            "draft_start",
            "Draft its start",
            draft_campaign,
            call=lambda view: {"campaign_id": _id(view), "status": "In Progress"},
        ),
        Step(
            "start",
            "Start it",
            save_campaign,
            call=lambda view: {"campaign_id": _id(view), "status": "In Progress"},
            to=DONE,
            on_rejected="note",
        ),
        Step("note", "Leave a task about what was rejected", create_task, call=_note, to=STOP),
    ),
)
