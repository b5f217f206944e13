"""Pages with a form that a campaign leads to, as cleaned HTML for a preview."""

from html import escape
from typing import Literal

from tools._copy import Material, gather_material, require_founded
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._shapes import record_reference
from trust.actions import Effect
from trust.html import clean_page, clean_text
from trust.scopes import CRM_READ, CRM_WRITE

FormField = Literal["FirstName", "LastName", "Company", "Title", "Email", "Phone"]
_USUAL_FORM: tuple[FormField, ...] = ("FirstName", "LastName", "Company", "Email")
_FORM_OPTIONS = {
    "FirstName": "first name",
    "LastName": "last name, surname",
    "Company": "company, organisation",
    "Title": "job title, position",
    "Email": "e-mail address",
    "Phone": "telephone number",
}
_INPUTS: dict[FormField, tuple[str, str, str]] = {
    "FirstName": ("First name", "text", "given-name"),
    "LastName": ("Last name", "text", "family-name"),
    "Company": ("Company", "text", "organization"),
    "Title": ("Job title", "text", "organization-title"),
    "Email": ("E-mail", "email", "email"),
    "Phone": ("Telephone", "tel", "tel"),
}
_CONSENT = "I agree to receive e-mail about this. I can withdraw that at any time."


class PageParts(Arguments):
    """What stands on a page, where it is not to be as the brief has it."""

    headline: str | None = argument("Headline; from the brief if left out.", default=None, max_length=150)
    html: str | None = argument(
        "Text under the headline as simple HTML: paragraphs, lists, headings. From the brief if left out.",
        default=None,
        max_length=20_000,
    )
    fields: tuple[FormField, ...] = argument(
        "What the form asks for, in this order.", default=_USUAL_FORM, max_length=6, options=_FORM_OPTIONS
    )
    button: str | None = argument("Words on the button; the call to action if left out.", default=None, max_length=60)


class DraftLandingPage(PageParts):
    campaign: str = argument("Name or id of the campaign, or of a saved brief.", min_length=1, max_length=255)


class LandingPageDraft(Result):
    made_of: list[str] = output("Ids of the records that words were taken from.")
    title: str = output("Title of the page as the brief has it.", integrity=Integrity.BY_FIELD)
    html: str | None = output("The page as the brief has it; null if words were given.", integrity=Integrity.BY_FIELD)
    draft: dict[str, str] = output("The page, if words for it were given.", integrity=Integrity.ARGUMENTS)
    form: list[str] = output("What the form asks for.")
    summary: str = output("What the page is, in a sentence.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def draft_landing_page(ctx: ToolContext, args: DraftLandingPage) -> LandingPageDraft:
    """Draft a landing page with a sign-up form for a campaign, as cleaned HTML to preview. Nothing is saved: show it,
    let the person change it, then save_landing_page with the same headline, html, fields and button.

    People say: sign-up page for it; signup page for it; registration page for it; a page to sign up for it; page where
    people sign up for it; make/build a page for it; I need a page for it; form for it; sign-up form for it; a form to
    register for it.
    """
    material = await gather_material(ctx, args.campaign)
    title, page = _build(material, args, ctx)
    own = args.headline is not None or args.html is not None or args.button is not None
    return LandingPageDraft(
        made_of=material.sources,
        title=material.subject,
        html=None if own else page,
        draft={"title": title, "html": page} if own else {},
        form=[_INPUTS[one][0] for one in args.fields],
        summary=f"A page with a form of {len(args.fields)} fields and a consent box; it is not saved.",
    )


class SaveLandingPage(PageParts):
    campaign_id: str = record_reference("The campaign that leads to the page.")
    page_id: str | None = record_reference("The saved page to change; leave out for a new one.", default=None)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "LandingPage__c"), ("update", "LandingPage__c")))
async def save_landing_page(ctx: ToolContext, args: SaveLandingPage) -> Proposal:
    """Save a landing page that the person has seen as a draft. A person has to approve it first. It is shown at
    /landing-pages/<id> to people who may see the campaign."""
    material = await gather_material(ctx, args.campaign_id)
    title, page = _build(material, args, ctx)
    texts = {"Name": title, "Html__c": page}
    if args.page_id is not None:
        change = await ctx.crm.propose_update("LandingPage__c", args.page_id, texts)
    else:
        change = await ctx.crm.propose_create("LandingPage__c", texts | {"CampaignId": args.campaign_id})
    written = [one.field for one in change.fields if one.field in texts]
    return Proposal((change,), taken_from={(change.record_id, field): material.said_by for field in written})


def _build(material: Material, args: PageParts, ctx: ToolContext) -> tuple[str, str]:
    """Title and HTML. Raises: ToolRetryError."""
    if not {"Email", "Phone"} & set(args.fields) or len(set(args.fields)) != len(args.fields):
        raise ToolRetryError("fields: expected each field once, among them Email or Phone")
    facts = material.facts
    given = {"headline": args.headline, "html": args.html, "button": args.button}
    for name, text in given.items():
        if text is not None:
            require_founded(name, clean_text(text).replace("<", " <"), facts, ctx.today)
    title = args.headline or material.subject
    about = clean_text(args.html) if args.html is not None else _about(material)
    if not about.strip():
        raise ToolRetryError("html: nothing of it may be shown; expected paragraphs, lists and headings")
    form = _form(args.fields, args.button or material.call_to_action)
    return title, clean_page(f"<h1>{escape(title)}</h1>{about}{form}")


def _about(material: Material) -> str:
    lines = [material.message]
    if material.product is not None and material.product["Description"]:
        lines.append(str(material.product["Description"]))
    if material.last_day is not None:
        lines.append(f"Until {material.last_day}.")
    return "".join(f"<p>{escape(line)}</p>" for line in dict.fromkeys(lines))


def _form(fields: tuple[FormField, ...], button: str) -> str:
    asked = "".join(
        f'<p><label>{label}<br><input type="{kind}" name="{name}" autocomplete="{hint}" required></label></p>'
        for name in fields
        for label, kind, hint in [_INPUTS[name]]
    )
    consent = f'<p><label><input type="checkbox" name="HasEmailConsent__c"> {_CONSENT}</label></p>'
    return f'<form>{asked}{consent}<p><button type="submit">{escape(button)}</button></p></form>'
