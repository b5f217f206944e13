"""Who should look after a lead: of the people of its territory who wins most quotes, then who has least to do."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from crm.connector import Aggregate, Filter, Query, Row
from crm.errors import CrmError
from tools._declare import ReadingCrm, ToolFailedError, ToolRetryError
from tools._reading import read_all, read_among

DECIDED = ("Accepted", "Denied", "Rejected")
"""What a quote is once it was decided; the first of them is a success."""


@dataclass(frozen=True)
class Candidate:
    """Numbers are of what the caller may see."""

    user_id: str
    name: str
    won: int
    decided: int
    open_leads: int
    open_deals: int

    @property
    def success(self) -> float:
        """In percent; nothing decided counts as none."""
        return round(100 * self.won / self.decided, 1) if self.decided else 0.0

    @property
    def load(self) -> int:
        return self.open_leads + self.open_deals


async def state_of(crm: ReadingCrm, lead: Row, given: str | None) -> str:
    """The state that was given, or that of the account with the lead's company name. Raises: ToolRetryError."""
    if given is not None:
        return given.strip().upper()
    company = lead.get("Company")
    if company:
        page = await crm.query(Query("Account", ("BillingState",), [Filter("Name", "eq", company)], limit=2))
        if len(page.records) == 1 and page.records[0]["BillingState"]:
            return str(page.records[0]["BillingState"]).upper()
    raise ToolRetryError("state: the lead's state is not on record; expected one such as CA")


async def rank(crm: ReadingCrm, state: str) -> tuple[list[str], list[Candidate]]:
    """The territories that cover the state, and their people, best first. Raises: ToolFailedError, CrmError."""
    territories = [
        row["Id"] for row in (await read_all(crm, Query("Territory2", ("Description",)))).records if _covers(row, state)
    ]
    if not territories:
        raise ToolFailedError("no territory covers the lead's state")
    members = await read_among(crm, Query("UserTerritory2Association", ("UserId",)), "Territory2Id", territories)
    ids = {row["UserId"] for row in members.records}
    active = await read_among(crm, Query("User", ("LastName",), [Filter("IsActive", "eq", True)]), "Id", ids)
    people = [row["Id"] for row in active.records]
    if not people:
        raise ToolFailedError("nobody who works here is assigned to the territory")
    return territories, await _candidates(crm, people)


def _covers(territory: Row, state: str) -> bool:
    return state in {part.strip().upper() for part in (territory["Description"] or "").split(",")}


async def _candidates(crm: ReadingCrm, people: Sequence[str]) -> list[Candidate]:
    quotes = await read_among(
        crm, Query("Quote", ("OwnerId", "Status"), [Filter("Status", "in", list(DECIDED))]), "OwnerId", people
    )
    open_lead = [Filter("IsConverted", "eq", False), Filter("Status", "ne", "Closed")]
    leads = await _count(crm, "Lead", open_lead, people)
    deals = await _count(crm, "Opportunity", [Filter("IsClosed", "eq", False)], people)
    names = await crm.names_of(people)
    found = []
    for one in people:
        own = [row["Status"] for row in quotes.records if row["OwnerId"] == one]
        found.append(
            Candidate(
                user_id=one,
                name=names.get(one, one),
                won=own.count(DECIDED[0]),
                decided=len(own),
                open_leads=leads.get(one, 0),
                open_deals=deals.get(one, 0),
            )
        )
    return sorted(found, key=lambda one: (-one.success, one.load, one.name, one.user_id))


async def _count(
    crm: ReadingCrm, object_name: str, conditions: Sequence[Filter], people: Collection[str]
) -> dict[str, int]:
    """Owner -> how many; nothing where the caller may not read such records."""
    of_people = [*conditions, Filter("OwnerId", "in", sorted(people))]
    question = Aggregate(object_name, group_by=("OwnerId",), filters=of_people, limit=200)
    try:
        return {str(group.key["OwnerId"]): group.rows for group in (await crm.aggregate(question)).groups}
    except CrmError:
        return {}
