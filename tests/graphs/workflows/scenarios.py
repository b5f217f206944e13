"""One scenario per workflow, on the demo tenants' own records."""

import uuid
from collections.abc import Awaitable, Callable

from tests.graphs.workflows.stage import Check, Json, Rejected, Scenario, create, records_of
from tests.service import ADMIN, DANA, World, last_answer
from tools._audience import Segment
from tools._shapes import FilterArgument

QUOTE = "0Q0CS000000000C0AQ"
OWEN = "owen@northwind.example"
"""Sales manager above Eli."""


async def leaves_a_task(world: World, values: Json) -> None:
    """A no with its reason became somebody's task."""
    [task] = records_of(values, "note")
    found = await world.get(OWEN, f"/records/Task/{task}")
    assert "not like this" in found["Description"]
    assert found["WhatId"] == records_of(values, "create_order")[0]


async def order_is_right(world: World, values: Json) -> None:
    """Order, items and quote say the same amount, to the cent."""
    [order_id] = records_of(values, "create_order")
    order = await world.get(OWEN, f"/records/Order/{order_id}")
    quote = await world.get(OWEN, f"/records/Quote/{QUOTE}")
    [entry] = [one for one in await world.get(ADMIN, "/ledger?limit=200") if one["tool"] == "create_order"]
    items = [one["after"] for one in entry["effects"] if one["object"] == "OrderItem"]
    assert len(items) >= 3
    assert {one["OrderId"] for one in items} == {order_id}
    assert (order["Status"], quote["Status"], order["AccountId"]) == ("Activated", "Accepted", quote["AccountId"])
    assert round(sum(one["Quantity"] * one["UnitPrice"] for one in items), 2) == order["TotalAmount"]
    assert order["TotalAmount"] == quote["GrandTotal"]
    assert f"The order {order['OrderNumber']} is active" in last_answer(values)


async def quote(world: World) -> Json:
    return {"quote_id": QUOTE}


QUOTE_TO_ORDER = Scenario(
    workflow="quote_to_order",
    case="presented",
    who=OWEN,
    given=quote,
    waits=("create_order", "activate", "accept_quote"),
    check=order_is_right,
    rejected={
        "create_order": Rejected("stopped"),
        "activate": Rejected("stopped", ("note",), leaves_a_task),
        "accept_quote": Rejected("stopped", ("note",), leaves_a_task),
    },
)

DANAS_ID = "005CS0000000005YAA"
RENEWAL = "006CS0000000001YAA"
"""Dana's, in Discovery."""


async def book(world: World) -> Json:
    """Three contracts end soon: of an account with people, of one with nobody to write to, and the seeded one."""
    lonely = await create(world, "Account", DANAS_ID, Name="Nobody's Works")
    for account in (lonely, "001CS0000000004YAA"):
        await create(world, "Contract", DANAS_ID, AccountId=account, Status="Activated", EndDate="2026-10-15")
    return {"within_days": 90, "most": 12}


async def tasks_of(world: World, values: Json) -> dict[str, list[Json]]:
    """The tasks that were left, by subject."""
    found: dict[str, list[Json]] = {}
    for one in records_of(values, "tasks"):
        task = await world.get(DANA, f"/records/Task/{one}")
        found.setdefault(task["Subject"], []).append(task)
    return found


async def book_was_gone_through(world: World, values: Json) -> None:
    subjects = {subject: len(tasks) for subject, tasks in (await tasks_of(world, values)).items()}
    assert subjects == {"Call about the renewal": 2, "Find somebody to write to about the renewal": 1}
    assert "2 were written to, 3 tasks are left" in last_answer(values)
    sent = [await world.get(DANA, f"/records/EmailMessage/{one}") for one in records_of(values, "draft")]
    assert {one["Status"] for one in sent} == {"Sent"}
    assert all(one["TextBody"].startswith("Dear ") and "Dear ⟦" not in one["TextBody"] for one in sent)


async def is_left_to_people(world: World, values: Json) -> None:
    tasks = (await tasks_of(world, values))["Write about the renewal by hand"]
    assert len(tasks) == 2
    assert all("not like this" in one["Description"] for one in tasks)


RENEWAL_OUTREACH = Scenario(
    workflow="renewal_outreach",
    case="book",
    who=DANA,
    given=book,
    waits=("draft", "send", "tasks"),
    check=book_was_gone_through,
    rejected={
        "draft": Rejected("done", ("tasks",), is_left_to_people),
        "send": Rejected("done", ("tasks",), is_left_to_people),
        "tasks": Rejected("done"),
    },
)


async def discovery(world: World) -> Json:
    return {"opportunity_id": RENEWAL, "discount": 5}


async def _quoted(world: World, discount: int) -> Json:
    deal = await create(world, "Opportunity", DANAS_ID, **DEAL, StageName="Quote")
    more = {"Name": "An offer", "Discount": discount, "ExpirationDate": "2026-12-31"}
    await create(world, "Quote", DANAS_ID, OpportunityId=deal, **more)
    return {"opportunity_id": deal}


async def quoted(world: World) -> Json:
    return await _quoted(world, 5)


async def dear(world: World) -> Json:
    """A deal whose newest quote gives a lot away."""
    return await _quoted(world, 20)


DEAL = {
    "Name": "Cheap Deal",
    "AccountId": "001CS0000000001YAA",
    "ContactId": "003CS0000000001YAA",
    "Amount": 1000,
    "CloseDate": "2026-12-01",
}


async def empty(world: World) -> Json:
    bare = {name: value for name, value in DEAL.items() if name not in ("Amount", "ContactId")}
    return {"opportunity_id": await create(world, "Opportunity", DANAS_ID, **bare, StageName="Qualification")}


def moved_to(stage: str) -> Check:
    async def check(world: World, values: Json) -> None:
        [deal] = records_of(values, "advance")
        assert (await world.get(DANA, f"/records/Opportunity/{deal}"))["StageName"] == stage
        [task] = records_of(values, "next_task")
        assert (await world.get(DANA, f"/records/Task/{task}"))["WhatId"] == deal
        assert f"come to {stage}" in last_answer(values)

    return check


async def is_noted(world: World, values: Json) -> None:
    [task] = records_of(values, "note")
    assert "not like this" in (await world.get(DANA, f"/records/Task/{task}"))["Description"]
    assert records_of(values, "advance") in ([], [None])


async def is_turned_down(world: World, values: Json) -> None:
    await is_noted(world, values)
    [quote] = records_of(values, "turn_down")
    assert (await world.get(DANA, f"/records/Quote/{quote}"))["Status"] == "Rejected"


async def is_asked_for(world: World, values: Json) -> None:
    [task] = records_of(values, "ask_for_missing")
    subject = (await world.get(DANA, f"/records/Task/{task}"))["Subject"]
    assert subject == "Before Discovery: an amount, a contact, a next step"


NOTED = Rejected("stopped", ("note",), is_noted)
TURNED_DOWN = Rejected("stopped", ("turn_down", "note"), is_turned_down)
LEFT_OUT = Rejected("done")

OPPORTUNITY_PROGRESS = (
    Scenario(
        workflow="opportunity_progress",
        case="quote-due",
        who=DANA,
        given=discovery,
        waits=("make_quote", "advance", "next_task"),
        check=moved_to("Quote"),
        rejected={"make_quote": NOTED, "advance": NOTED, "next_task": LEFT_OUT},
    ),
    Scenario(
        workflow="opportunity_progress",
        case="small-discount",
        who=DANA,
        given=quoted,
        waits=("approve", "advance", "next_task"),
        check=moved_to("Negotiation"),
        rejected={"approve": TURNED_DOWN, "advance": NOTED, "next_task": LEFT_OUT},
        is_main=False,
    ),
    Scenario(
        workflow="opportunity_progress",
        case="large-discount",
        who=DANA,
        given=dear,
        waits=("review", "sign_off", "advance", "next_task"),
        check=moved_to("Negotiation"),
        rejected={"review": NOTED, "sign_off": TURNED_DOWN, "advance": NOTED, "next_task": LEFT_OUT},
        is_main=False,
    ),
    Scenario(
        workflow="opportunity_progress",
        case="something-missing",
        who=DANA,
        given=empty,
        waits=("ask_for_missing",),
        check=is_asked_for,
        rejected={"ask_for_missing": Rejected("stopped")},
        ends="stopped",
        is_main=False,
    ),
)

ADMINS_ID, IRIS, IRIS_ID = "005CS000000000NYAQ", "iris@northwind.example", "005CS000000000JYAQ"
PERSON = {"FirstName": "Nora", "LastName": "Marsh", "Status": "New", "Email": "nora.marsh@unheard-of.example"}


def lead(company: str, *, said: str | None = None, accept_unknown: bool = True) -> Callable[[World], Awaitable[Json]]:
    async def given(world: World) -> Json:
        made = await create(world, "Lead", DANAS_ID, **PERSON, Company=company)
        if said is not None:
            call = {"Body__c": said, "EndTime__c": "2026-08-20T10:00:00Z", "LeadId__c": made}
            await create(world, "VoiceCallTranscript__c", ADMINS_ID, **call)
        return {"lead_id": made, "accept_unknown": accept_unknown}

    return given


async def is_converted(world: World, values: Json) -> None:
    became = await world.get(DANA, f"/records/Lead/{values['messages'][1]['tool_calls'][0]['args']['record_id']}")
    assert (became["IsConverted"], became["Status"], became["Rating"]) == (True, "Closed", "Warm")
    person = await world.get(DANA, f"/records/Contact/{became['ConvertedContactId']}")
    deal = await world.get(DANA, f"/records/Opportunity/{became['ConvertedOpportunityId']}")
    assert (person["FirstName"], person["LastName"], person["Email"]) == ("Nora", "Marsh", PERSON["Email"])
    assert deal["AccountId"] == person["AccountId"] == became["ConvertedAccountId"]
    [task] = records_of(values, "first_task")
    assert (await world.get(DANA, f"/records/Task/{task}"))["WhatId"] == deal["Id"]
    assert deal["Id"] in last_answer(values)


async def lead_is_noted(world: World, values: Json) -> None:
    [task] = records_of(values, "note")
    assert "not like this" in (await world.get(DANA, f"/records/Task/{task}"))["Description"]


async def is_cold(world: World, values: Json) -> None:
    [found] = records_of(values, "set_aside")
    assert (await world.get(DANA, f"/records/Lead/{found}"))["Rating"] == "Cold"


async def questions_are_left(world: World, values: Json) -> None:
    [task] = records_of(values, "ask")
    assert "Who decides in the end" in (await world.get(DANA, f"/records/Task/{task}"))["Description"]


async def is_another_account(world: World, values: Json) -> None:
    """After the no, a company of its own."""
    [made] = [one for one in records_of(values, "convert") if one]
    assert made not in ("001CS0000000001YAA", None)


LEAD_NOTED = Rejected("stopped", ("note",), lead_is_noted)
LEAD_TO_OPPORTUNITY = (
    Scenario(
        workflow="lead_to_opportunity",
        case="unheard-of",
        who=DANA,
        given=lead("Unheard Of Works"),
        waits=("vouch", "mark", "convert", "first_task"),
        check=is_converted,
        rejected={"vouch": LEAD_NOTED, "mark": LEAD_NOTED, "convert": LEAD_NOTED, "first_task": LEFT_OUT},
    ),
    Scenario(
        workflow="lead_to_opportunity",
        case="known-company",
        who=DANA,
        given=lead("Acme Industries"),
        waits=("vouch", "mark", "convert", "first_task"),
        check=is_converted,
        rejected={"convert": Rejected("done", ("convert", "first_task"), is_another_account)},
        is_main=False,
    ),
    Scenario(
        workflow="lead_to_opportunity",
        case="no-money",
        who=DANA,
        given=lead("Poor Works", said="Dana: Is there a budget for it?\nNora: No, there is no budget for this."),
        waits=("set_aside",),
        check=is_cold,
        rejected={"set_aside": Rejected("done", ("vouch", "mark", "convert", "first_task"))},
        ends="stopped",
        is_main=False,
    ),
    Scenario(
        workflow="lead_to_opportunity",
        case="not-known",
        who=DANA,
        given=lead("Silent Works", accept_unknown=False),
        waits=("ask",),
        check=questions_are_left,
        rejected={"ask": Rejected("stopped")},
        ends="stopped",
        is_main=False,
    ),
)


async def goal(world: World) -> Json:
    makers = Segment(object="Contact", filters=(FilterArgument(field="Account.Industry", value="Manufacturing"),))
    fields = {"Name": f"Makers {uuid.uuid4().hex[:6]}", "Object__c": "Contact", "Definition__c": makers.to_text()}
    segment = await create(world, "MarketSegment", IRIS_ID, **fields)
    return {
        "goal": "Win trial orders",
        "name": "Trial weeks",
        "segment": segment,
        "product": "PT-200",
        "key_message": "Calibrated in one day.",
        "call_to_action": "Book a visit",
        "start_date": "2026-09-05",
        "end_date": "2026-10-18",
        "members_at_most": 4,
    }


async def campaign_runs(world: World, values: Json) -> None:
    [saved] = records_of(values, "start")
    assert (await world.get(IRIS, f"/records/Campaign/{saved}"))["Status"] == "In Progress"
    [draft] = records_of(values, "save_email")
    mail = await world.get(IRIS, f"/records/EmailMessage/{draft}")
    assert (mail["Status"], mail["RelatedToId"]) == ("Draft", saved)
    [entry] = [one for one in await world.get(ADMIN, "/ledger?limit=200") if one["tool"] == "add_campaign_members"]
    assert 1 <= len(entry["effects"]) <= 4
    assert "it has started" in last_answer(values)


async def reason_is_in_the_plan(world: World, values: Json) -> None:
    saved = records_of(values, "save_campaign")[-1]
    assert "not like this" in (await world.get(IRIS, f"/records/Campaign/{saved}"))["Description"]


async def is_another_variant(world: World, values: Json) -> None:
    asked = [
        call["args"]["body"]
        for message in values["messages"]
        for call in message.get("tool_calls") or ()
        if call["name"] == "save_email_variant"
    ]
    assert len(set(asked)) == 2


async def campaign_is_noted(world: World, values: Json) -> None:
    [task] = records_of(values, "note")
    assert "not like this" in (await world.get(IRIS, f"/records/Task/{task}"))["Description"]


CAMPAIGN_NOTED = Rejected("stopped", ("note",), campaign_is_noted)
CAMPAIGN = Scenario(
    workflow="campaign",
    case="makers",
    who=IRIS,
    given=goal,
    waits=("save_brief", "save_campaign", "save_email", "members", "start"),
    check=campaign_runs,
    rejected={
        "save_brief": CAMPAIGN_NOTED,
        "save_campaign": Rejected("done", ("save_campaign", "save_email", "members", "start"), reason_is_in_the_plan),
        "save_email": Rejected("done", ("save_email", "members", "start"), is_another_variant),
        "members": Rejected("done", ("start",)),
        "start": CAMPAIGN_NOTED,
    },
)

STELLA, STELLAS_ID = "stella@northwind.example", "005CS000000000CYAQ"
ASKED = {"AccountId": "001CS0000000001YAA", "ContactId": "003CS0000000001YAA", "Origin": "Web", "Status": "New"}
SOLVED = "Loosen the collar, wait for ten minutes, and fasten it again with the torque that stands on its plate."


def case(subject: str) -> Callable[[World], Awaitable[Json]]:
    async def given(world: World) -> Json:
        return {"case_id": await create(world, "Case", STELLAS_ID, Subject=subject, Description=subject, **ASKED)}

    return given


async def solved_before(world: World) -> Json:
    """A case of an issue that no article tells of, and that a case before it was solved of."""
    zorbling = "Zorbling of the quirker collar"
    more = {"Name": zorbling, "Description__c": "The collar of the quirker zorbles when it gets warm."}
    about = {
        "Subject": zorbling,
        "Description": zorbling,
        "IssueId__c": await create(world, "Issue__c", STELLAS_ID, **more),
    }
    before = await create(world, "Case", STELLAS_ID, **ASKED | {"Status": "Closed"}, **about)
    await create(world, "CaseComment", STELLAS_ID, ParentId=before, CommentBody=SOLVED)
    return {"case_id": await create(world, "Case", STELLAS_ID, **ASKED, **about)}


async def is_answered(world: World, values: Json) -> None:
    [case_id] = records_of(values, "classify")
    found = await world.get(STELLA, f"/records/Case/{case_id}")
    assert found["Status"] == "Closed"
    assert found["IssueId__c"] is not None
    [draft] = records_of(values, "reply")
    mail = await world.get(STELLA, f"/records/EmailMessage/{draft}")
    assert (mail["Status"], mail["ParentId"]) == ("Sent", case_id)
    assert mail["TextBody"].startswith("Dear Ann Poe,")
    assert "the case is closed, the customer was written to" in last_answer(values)


async def is_written_up(world: World, values: Json) -> None:
    [article] = records_of(values, "publish")
    found = await world.get(STELLA, f"/records/Knowledge__kav/{article}")
    assert (found["PublishStatus"], found["IsVisibleInCsp"], found["FAQ_Answer__c"]) == ("Online", True, SOLVED)


async def is_handed_over(world: World, values: Json) -> None:
    [task] = records_of(values, "hand_over")
    assert "not like this" in (await world.get(STELLA, f"/records/Task/{task}"))["Description"]


async def is_for_a_person(world: World, values: Json) -> None:
    [task] = records_of(values, "hand_over")
    assert "no known issue" in (await world.get(STELLA, f"/records/Task/{task}"))["Description"]


HANDED_OVER = Rejected("stopped", ("hand_over",), is_handed_over)
CASE_RESOLUTION = (
    Scenario(
        workflow="case_resolution",
        case="article",
        who=STELLA,
        given=case("PT-200 zero trim drifts"),
        waits=("classify", "route", "reply", "send", "resolve"),
        check=is_answered,
        rejected={
            "classify": Rejected("stopped", ("route", "hand_over"), is_handed_over),
            "route": Rejected("done", ("reply", "send", "resolve"), is_answered),
            "reply": HANDED_OVER,
            "send": HANDED_OVER,
            "resolve": HANDED_OVER,
        },
    ),
    Scenario(
        workflow="case_resolution",
        case="solved-before",
        who=STELLA,
        given=solved_before,
        waits=("resolve", "draft_article", "publish"),
        check=is_written_up,
        rejected={
            "resolve": HANDED_OVER,
            "draft_article": LEFT_OUT,
            "publish": LEFT_OUT,
        },
        is_main=False,
    ),
    Scenario(
        workflow="case_resolution",
        case="nothing-known",
        who=STELLA,
        given=case("Wobbly flange squeaks"),
        waits=("hand_over",),
        check=is_for_a_person,
        rejected={"hand_over": Rejected("stopped")},
        ends="stopped",
        is_main=False,
    ),
)

SCENARIOS = (
    QUOTE_TO_ORDER,
    RENEWAL_OUTREACH,
    *OPPORTUNITY_PROGRESS,
    *LEAD_TO_OPPORTUNITY,
    *CASE_RESOLUTION,
    CAMPAIGN,
)
