"""Knowledge, campaigns and the daily activities of the staff."""

import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from crm.seed.companies import slug
from crm.seed.draft import Row, TenantDraft
from crm.seed.people import ALAN, IRIS, STELLA, staff_id

_TASKS = (
    "Call {person} about {topic}",
    "Send {person} the offer for {topic}",
    "Prepare the visit at {company}",
    "Ask {company} for the purchase order",
    "Check open invoices of {company}",
    "Update the forecast for {company}",
)
_MEETINGS = (
    "{company}: first meeting on {topic}",
    "{company}: status of {topic}",
    "{company}: plant tour",
    "{company}: contract talk",
    "Lunch with {person}",
)
_CALL_NOTES = (
    "Reached {person}. Decision moves to next month, budget is confirmed.",
    "Left a message for {person}.",
    "{person} wants a reference from the same industry before going on.",
    "{person} asked whether the delivery can be split. Promised an answer by Friday.",
    "{person} is content; mentioned a second site that may need the same.",
)
_INDUSTRIES = ("Manufacturing", "Food & Beverage", "Healthcare", "Utilities", "Energy", "Chemicals")


def build_knowledge(draft: TenantDraft) -> None:
    """The articles; those that match a solved case name it as their source."""
    solved = _solved_by_product(draft)
    for number, article in enumerate(draft.profile.articles):
        created = draft.moment(700, 30)
        draft.add(
            "Knowledge__kav",
            owner=staff_id(STELLA.key),
            created=created,
            modified=draft.after(created, 48, 5000),
            ArticleNumber=draft.next_number("ArticleNumber"),
            Title=article.title,
            Summary=article.summary,
            FAQ_Answer__c=article.answer,
            UrlName=slug(article.title),
            PublishStatus=article.status,
            IsVisibleInPkb=article.audience == "public",
            IsVisibleInCsp=article.audience in ("public", "customers"),
            VersionNumber=1 + number % 3,
            SourceCaseId=solved.get(article.title.split(":")[0]),
        )


def _solved_by_product(draft: TenantDraft) -> dict[str, str]:
    """Product code -> the id of the first closed case about a known issue of that product."""
    issues = {row["Name"]: row["Id"] for row in draft.rows["Issue__c"]}
    codes = {issues[trouble.name]: trouble.product for trouble in draft.profile.troubles}
    found: dict[str, str] = {}
    for case in draft.rows["Case"]:
        if case["IsClosed"] and case["IssueId__c"] in codes:
            found.setdefault(codes[case["IssueId__c"]], case["Id"])
    return found


def build_campaigns(draft: TenantDraft) -> None:
    """Campaigns of the last year and of the next weeks, with their members."""
    for number, plan in enumerate(draft.profile.campaigns):
        starts = draft.today + timedelta(days=30 - 55 * number)
        ends = starts + timedelta(days=40)
        status = "Planned" if starts > draft.today else "In Progress" if ends >= draft.today else "Completed"
        cost = Decimal(draft.rng.randrange(8, 90) * 250)
        condition = {"field": "Account.Industry", "op": "eq", "value": draft.pick(_INDUSTRIES)}
        segment = {"object": "Contact", "filters": [condition]}
        campaign = draft.add(
            "Campaign",
            owner=staff_id(IRIS.key),
            created=draft.now - timedelta(days=max(4, 55 * number)),
            Name=plan.name,
            Type=plan.kind,
            Status=status,
            StartDate=starts,
            EndDate=ends,
            BudgetedCost=cost,
            ActualCost=None if status == "Planned" else cost * draft.rng.randrange(70, 120) / 100,
            SegmentDefinition__c=json.dumps(segment),
            Description=plan.description,
        )
        if status != "Planned":
            _add_members(draft, campaign)
    _prepare(draft, draft.rows["Campaign"][0])


def _prepare(draft: TenantDraft, campaign: Row) -> None:
    """What stands behind a campaign that is planned: its audience, its brief and the page that it leads to."""
    iris, created = staff_id(IRIS.key), campaign["CreatedDate"]
    product = draft.rows["Product2"][0]
    segment = draft.add(
        "MarketSegment",
        owner=iris,
        created=created,
        Name="Manufacturing and chemicals",
        Object__c="Contact",
        Definition__c=json.dumps(
            {
                "object": "Contact",
                "filters": [{"field": "Account.Industry", "op": "in", "value": ["Manufacturing", "Chemicals"]}],
            }
        ),
        Description="People at companies that make things.",
    )
    brief = draft.add(
        "CampaignBrief__c",
        owner=iris,
        created=created,
        Name=campaign["Name"],
        Goal__c="Book twenty visits",
        Audience__c="People who run production",
        SegmentId__c=segment["Id"],
        Product2Id__c=product["Id"],
        KeyMessage__c=product["Description"],
        CallToAction__c="Book a visit",
        Channel__c="Email",
        Tone__c="Friendly",
        StartDate__c=campaign["StartDate"],
        EndDate__c=campaign["EndDate"],
        Budget__c=campaign["BudgetedCost"],
    )
    campaign["BriefId__c"] = brief["Id"]
    draft.add(
        "LandingPage__c",
        owner=iris,
        created=created,
        Name=product["Name"],
        CampaignId=campaign["Id"],
        Html__c=f"<h1>{product['Name']}</h1><p>{product['Description']}</p>",
    )


def _add_members(draft: TenantDraft, campaign: Row) -> None:
    people = [("ContactId", row) for row in draft.rows["Contact"]] + [("LeadId", row) for row in draft.rows["Lead"]]
    reached = [(field, row) for field, row in people if not row["HasOptedOutOfEmail"]]
    for field, row in draft.rng.sample(reached, min(len(reached), draft.count(20, least=4))):
        has_responded = draft.chance(0.22)
        draft.add(
            "CampaignMember",
            owner=campaign["OwnerId"],
            created=draft.after(campaign["CreatedDate"], 2, 48),
            CampaignId=campaign["Id"],
            Status="Responded" if has_responded else "Sent",
            HasResponded=has_responded,
            **{field: row["Id"]},
        )


def build_activities(draft: TenantDraft) -> None:
    """Tasks, calls and meetings around opportunities, and call-backs around cases."""
    for _ in range(draft.count(110, least=12)):
        _add_task(draft, draft.pick(draft.rows["Opportunity"]))
    for _ in range(draft.count(60, least=8)):
        _add_meeting(draft, draft.pick(draft.rows["Opportunity"]))
    for _ in range(draft.count(30, least=3)):
        _add_call_back(draft, draft.pick(draft.rows["Case"]))


def _words(draft: TenantDraft, opportunity: Row) -> dict[str, str]:
    company = next(row["Name"] for row in draft.rows["Account"] if row["Id"] == opportunity["AccountId"])
    person = next(row for row in draft.rows["Contact"] if row["Id"] == opportunity["ContactId"])
    topic = opportunity["Name"].removeprefix(f"{company} - ")
    return {"company": company, "person": f"{person['FirstName']} {person['LastName']}", "topic": topic}


def _add_task(draft: TenantDraft, opportunity: Row) -> None:
    words = _words(draft, opportunity)
    due = draft.workday(draft.rng.randrange(-60, 15))
    is_call = draft.chance(0.35)
    is_done = is_call or (due < draft.today and draft.chance(0.8))
    draft.add(
        "Task",
        owner=opportunity["OwnerId"],
        created=max(opportunity["CreatedDate"], draft.now - timedelta(days=75)),
        Subject=f"Call with {words['person']}" if is_call else draft.pick(_TASKS).format(**words),
        Description=draft.pick(_CALL_NOTES).format(**words) if is_call else None,
        Status="Completed" if is_done else draft.pick(("Not Started", "In Progress", "Waiting", "Deferred")),
        Priority=draft.pick(("Low", "Normal", "Normal", "High", "Urgent")),
        ActivityDate=min(due, draft.today) if is_call else due,
        WhoId=opportunity["ContactId"],
        WhatId=opportunity["Id"],
        CallType=draft.pick(("Inbound", "Outbound")) if is_call else None,
        TaskSubtype="Call" if is_call else "Task",
    )


def _add_meeting(draft: TenantDraft, opportunity: Row) -> None:
    words = _words(draft, opportunity)
    day = draft.workday(draft.rng.randrange(-45, 21))
    start = datetime.combine(day, time(draft.rng.randrange(8, 17), draft.pick((0, 30))), UTC)
    draft.add(
        "Event",
        owner=opportunity["OwnerId"],
        created=max(opportunity["CreatedDate"], draft.now - timedelta(days=60)),
        Subject=draft.pick(_MEETINGS).format(**words),
        Description=f"Agenda: {words['topic']}, open points, next step.",
        StartDateTime=start,
        DurationInMinutes=draft.pick((30, 45, 60, 90)),
        Location=draft.pick(("Video call", words["company"], "Head office")),
        WhoId=opportunity["ContactId"],
        WhatId=opportunity["Id"],
    )


def _add_call_back(draft: TenantDraft, case: Row) -> None:
    called = draft.after(case["CreatedDate"], 2, 48)
    draft.add(
        "Task",
        owner=case["OwnerId"],
        created=called,
        Subject=f"Call back on case {case['CaseNumber']}",
        Description="Explained the next step; customer agrees.",
        Status="Completed",
        ActivityDate=called.date(),
        WhoId=case["ContactId"],
        WhatId=case["Id"],
        CallType="Outbound",
        TaskSubtype="Call",
    )


def build_kept_questions(draft: TenantDraft) -> None:
    """A report of the analyst's, and an alert that is switched off."""
    alan, created = staff_id(ALAN.key), draft.moment(60, 30)
    draft.add(
        "Report",
        owner=alan,
        created=created,
        Name="Cases by priority",
        Metric__c="case_count",
        Question__c='{"group_by": ["priority"]}',
    )
    draft.add(
        "MetricAlert__c",
        owner=alan,
        created=created,
        Name="Flood of cases",
        Metric__c="case_count",
        Question__c='{"period": "last_week"}',
        Condition__c="Above",
        Threshold__c=Decimal(100),
        IsActive__c=False,
    )
