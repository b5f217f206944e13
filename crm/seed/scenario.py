"""The records that documentation and tests call by name: Acme Industries in both tenants."""

from datetime import UTC, datetime, time, timedelta

from crm.seed.companies import account_of
from crm.seed.draft import Row, TenantDraft
from crm.seed.people import DANA, NORTHWIND, SAM, staff_id
from crm.seed.sales import Deal, add_deal, name_deal
from crm.seed.service import Complaint, add_case

ACME = "Acme Industries"
ACME_OPPORTUNITY = "Acme Industries - Fabrication Line Renewal"

_OPEN_CASES = {
    "northwind": (
        (3, "Working", "High", 12, "Wireless loggers in cold store 2 go offline"),
        (6, "Working", "Medium", 6, "Certificates of the October visit are missing"),
        (4, "New", "Critical", 1, "Gas detector fails the bump test before a tank entry"),
    ),
    "southridge": (
        (5, "Escalated", "Critical", 4, "New hydraulic hose on press 3 leaks at the fitting"),
        (1, "Working", "Medium", 9, "Vending point shows respirators that are not there"),
    ),
}
"""Number of the trouble, status, priority, age in days, subject."""


def build_sales_scenario(draft: TenantDraft) -> None:
    """Acme's open opportunity comes first, then two that were won and lost."""
    acme = account_of(draft, ACME)
    ann = draft.rows["Contact"][0]
    is_northwind = draft.tenant == NORTHWIND
    codes = ("PT-200", "FM-100", "GW-1", "SV-CAL") if is_northwind else ("VM-36", "GL-440", "SV-VMI")
    stage = "Discovery" if is_northwind else "Quote"
    add_deal(draft, acme, Deal(ACME_OPPORTUNITY, stage, _days_ago(draft, 38), products=codes), contact=ann)
    purposes = draft.profile.deal_purposes
    won = Deal(name_deal(acme, purposes[1]), "Closed", _days_ago(draft, 420), is_won=True, products=codes[:2])
    add_deal(draft, acme, won, contact=ann)
    add_deal(draft, acme, Deal(name_deal(acme, purposes[4]), "Closed", _days_ago(draft, 260)), contact=ann)
    harbor = account_of(draft, "Harbor Tools")
    add_deal(draft, harbor, Deal(name_deal(harbor, purposes[0]), "Quote", _days_ago(draft, 25)))


def build_service_scenario(draft: TenantDraft) -> None:
    """Acme's cases: some closed long ago, and the open ones that documentation counts."""
    acme = account_of(draft, ACME)
    ann, oscar = draft.rows["Contact"][0], draft.rows["Contact"][2]
    agents = draft.owners("service_agent")
    for number, age in ((0, 400), (8, 210), (11, 95)):
        trouble = draft.profile.troubles[number]
        add_case(draft, acme, ann, Complaint(trouble, "Closed", "Medium", _days_ago(draft, age), agents[number % 6]))
    for number, status, priority, age, subject in _OPEN_CASES[draft.tenant]:
        add_case(
            draft,
            acme,
            oscar if priority == "Critical" else ann,
            Complaint(
                draft.profile.troubles[number],
                status,
                priority,
                _days_ago(draft, age),
                staff_id(SAM.key),
                subject=subject,
            ),
        )
    sister = account_of(draft, "Acme Industrial")
    add_case(
        draft,
        sister,
        draft.rows["Contact"][1],
        Complaint(draft.profile.troubles[0], "Working", "High", _days_ago(draft, 3), staff_id("priya")),
    )


def build_agenda(draft: TenantDraft) -> None:
    """What Dana has before her today and what she has behind her with Acme."""
    opportunity, ann = draft.rows["Opportunity"][0], draft.rows["Contact"][0]
    dana = staff_id(DANA.key)
    _add_event(
        draft,
        dana,
        "Acme: walk through the fabrication line",
        days=1,
        hour=10,
        where="San Jose plant",
        who=ann["Id"],
        what=opportunity["Id"],
    )
    _add_event(
        draft,
        dana,
        "Acme: first talk about the renewal",
        days=-20,
        hour=14,
        where="Video call",
        who=ann["Id"],
        what=opportunity["Id"],
    )
    _add_event(draft, dana, "Pipeline review with Mara", days=0, hour=15, where="Room 2")
    for subject, status, due, priority in (
        ("Send Ann Poe references of similar plants", "Not Started", 0, "High"),
        ("Check credit limit of Acme Industries", "In Progress", -2, "Normal"),
        ("Ask Acme for the drawing of line 3", "Completed", -9, "Normal"),
    ):
        draft.add(
            "Task",
            owner=dana,
            created=_days_ago(draft, 14),
            Subject=subject,
            Status=status,
            Priority=priority,
            ActivityDate=draft.today + timedelta(days=due),
            TaskSubtype="Task",
            WhoId=ann["Id"],
            WhatId=opportunity["Id"],
        )
    _add_mail_thread(draft, dana, ann, opportunity)


def _add_event(
    draft: TenantDraft,
    owner: str,
    subject: str,
    *,
    days: int,
    hour: int,
    where: str,
    who: str | None = None,
    what: str | None = None,
) -> None:
    draft.add(
        "Event",
        owner=owner,
        created=_days_ago(draft, 25),
        Subject=subject,
        StartDateTime=datetime.combine(draft.today + timedelta(days=days), time(hour), UTC),
        DurationInMinutes=60,
        Location=where,
        WhoId=who,
        WhatId=what,
    )


def _add_mail_thread(draft: TenantDraft, owner: str, person: Row, opportunity: Row) -> None:
    address = next(row["Email"] for row in draft.rows["User"] if row["Id"] == owner)
    for days, incoming, body in (
        (19, False, "Dear Ann,\n\nthank you for your time today. I will come back with references.\n\nDana"),
        (16, True, "Hello Dana,\n\nplease keep the shutdown in week 51 in mind. Oscar decides.\n\nAnn Poe"),
        (15, False, "Dear Ann,\n\nweek 51 is noted. May I see the line on site?\n\nDana"),
    ):
        at = _days_ago(draft, days)
        draft.add(
            "EmailMessage",
            owner=owner,
            created=at,
            RelatedToId=opportunity["Id"],
            FromAddress=person["Email"] if incoming else address,
            ToIds=owner if incoming else person["Id"],
            Subject="Fabrication Line Renewal",
            TextBody=body,
            MessageDate=at,
            Incoming=incoming,
            Status="Read" if incoming else "Sent",
        )


def _days_ago(draft: TenantDraft, days: int) -> datetime:
    return draft.now - timedelta(days=days, minutes=-40)
