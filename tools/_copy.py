"""Words for people outside, composed by rules from a brief; and whether words that were given say only what it says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from crm.connector import Row
from tools._audience import Segment, read_segment
from tools._campaigns import first_sentence, made_of, read_brief, read_product
from tools._declare import ToolContext, ToolFailedError, ToolRetryError
from tools._named import resolve_named
from tools._shapes import FilterArgument
from trust.claims import Claim
from trust.egress import outward
from trust.evidence import Evidence
from trust.grounding import Grounding, describe

_GREETINGS = {"Friendly": "Hello,", "Formal": "Dear Sir or Madam,", "Urgent": "Hello,"}
_CLOSINGS = {"Friendly": "We look forward to hearing from you.", "Formal": "Yours faithfully", "Urgent": "Until soon."}
OPT_OUT = "If you do not want to receive such messages, answer with 'unsubscribe' and we will not write to you again."
_LONGEST_SUBJECT = 78
_BRIEF_TEXTS = ("Name", "KeyMessage__c", "CallToAction__c")
_PRODUCT_TEXTS = ("Name", "Description")


@dataclass(frozen=True)
class Material:
    """Everything that copy is made of: the brief, its product, the campaign if there is one already."""

    brief: Row
    product: Row | None
    campaign: Row | None

    @property
    def sources(self) -> list[str]:
        rows = [self.brief, self.product, self.campaign]
        return made_of(*[None if row is None else str(row["Id"]) for row in rows])

    @property
    def said_by(self) -> list[tuple[str, str]]:
        """Record and field of every text among them."""
        texts = ((self.brief, _BRIEF_TEXTS), (self.product, _PRODUCT_TEXTS), (self.campaign, ("Name",)))
        return [(str(row["Id"]), field) for row, fields in texts if row is not None for field in fields]

    @property
    def subject(self) -> str:
        """What it is about, in a few words for people outside: never the goal, which is the house's own."""
        return str(self.product["Name"]) if self.product else str((self.campaign or self.brief)["Name"])

    @property
    def message(self) -> str:
        """Raises: ToolRetryError if nothing says what people should remember."""
        told = self.brief["KeyMessage__c"] or (self.product and first_sentence(self.product["Description"]))
        if not told:
            raise ToolRetryError("campaign: its brief has no key message and no product; add one to the brief first")
        return str(told)

    @property
    def last_day(self) -> str | None:
        own = self.campaign["EndDate"] if self.campaign else None
        day: str | None = own or self.brief["EndDate__c"]
        return day

    @property
    def call_to_action(self) -> str:
        return str(self.brief["CallToAction__c"] or "Answer this message")

    @property
    def tone(self) -> str:
        return str(self.brief["Tone__c"] or "Friendly")

    @property
    def facts(self) -> list[Row]:
        """What may be said to people outside: without the goal and the budget, which are the house's own."""
        inside = ("Goal__c", "Budget__c")
        return [
            {name: value for name, value in self.brief.items() if name not in inside},
            *([self.product] if self.product else []),
            *([self.campaign] if self.campaign else []),
        ]


async def gather_material(ctx: ToolContext, campaign: str) -> Material:
    """What a campaign or a brief, named or by id, gives to write from. Raises: ToolRetryError, ToolFailedError."""
    try:
        campaign_id = await resolve_named(ctx, "Campaign", campaign, argument="campaign")
    except ToolRetryError as error:
        if "there is no" not in str(error) and "expected" not in str(error):
            raise
        brief_id = await resolve_named(ctx, "CampaignBrief__c", campaign, argument="campaign")
        row = None
    else:
        row = await ctx.crm.get("Campaign", campaign_id, ["Name", "Type", "StartDate", "EndDate", "BriefId__c"])
        brief_id = row["BriefId__c"]
        if brief_id is None:
            raise ToolFailedError("the campaign was made without a brief, and copy is written from a brief: save one")
    brief = await read_brief(ctx, brief_id)
    return Material(brief, await read_product(ctx, brief["Product2Id__c"]), row)


@dataclass(frozen=True)
class Variant:
    """One subject and body. `angle` is what it begins with."""

    angle: str
    subject: str
    body: str


def compose(material: Material, angles: Sequence[str], segment: Segment | None, today: date) -> list[Variant]:
    """One variant for each angle that the material has words for."""
    openings = {
        "benefit": (first_sentence(material.message), material.message),
        "question": (
            f"{material.subject}: is it right for you?",
            f"Have you thought about {material.subject} yet? {material.message}",
        ),
        "deadline": _deadline(material, today),
        "invitation": (
            f"{material.call_to_action}: {material.subject}",
            f"{material.call_to_action}. {material.message}",
        ),
    }
    return [
        Variant(angle, _one_line(opening[0]), _body(material, opening[1], segment))
        for angle in angles
        if (opening := openings[angle]) is not None
    ]


def _deadline(material: Material, today: date) -> tuple[str, str] | None:
    if material.last_day is None or material.last_day < today.isoformat():
        return None
    return f"Until {material.last_day}: {material.subject}", f"Only until {material.last_day}: {material.message}"


def _body(material: Material, opening: str, segment: Segment | None) -> str:
    product = material.product
    about = first_sentence(product["Description"]) if product else ""
    parts = [
        _GREETINGS[material.tone],
        opening,
        _meant_for(segment),
        f"{product['Name']}: {about}" if product and about and about not in opening else "",
        f"{material.call_to_action}." if material.call_to_action not in opening else "",
        _CLOSINGS[material.tone],
        OPT_OUT,
    ]
    return "\n\n".join(part for part in parts if part)


def _meant_for(segment: Segment | None) -> str:
    """A line for those who share an industry or a place."""
    if segment is None:
        return ""
    shared = {one.field: value for one in segment.filters if (value := _only_value(one)) is not None}
    industry = shared.get("Account.Industry")
    place = shared.get("Account.BillingState") or shared.get("Account.BillingCountry")
    lines = [f"We write to you because you work in {industry}." if industry else ""]
    lines += [f"We are there for companies in {place}." if place else ""]
    return " ".join(filter(None, lines))


def _only_value(condition: FilterArgument) -> str | None:
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    is_one = condition.op in ("eq", "in") and len(values) == 1 and isinstance(values[0], str)
    return str(values[0]) if is_one else None


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1].rsplit(" ", 1)[0] + "…"


def find_unfounded(text: str, facts: Iterable[Any], today: date) -> str:
    """What a text says that the facts do not, in words that repeat no secret; empty if it says nothing more."""
    evidence = Evidence(today)
    for one in facts:
        evidence.add_result(one)
    withheld: list[list[Claim]] = Grounding(lambda: evidence).check(text).withheld
    return describe(withheld) if withheld else ""


def require_founded(name: str, text: str, facts: Iterable[Any], today: date) -> str:
    """The text as it may leave the house. Raises: ToolRetryError."""
    unfounded = find_unfounded(text, facts, today)
    if unfounded:
        raise ToolRetryError(
            f"{name}: {unfounded} is not in the brief, its product or the campaign; leave it out, or put it into the "
            "brief first"
        )
    return outward(text)


async def segment_of(ctx: ToolContext, material: Material) -> Segment | None:
    """The segment that the brief names."""
    segment_id = material.brief["SegmentId__c"]
    if segment_id is None:
        return None
    return read_segment((await ctx.crm.get("MarketSegment", segment_id, ["Definition__c"]))["Definition__c"])
