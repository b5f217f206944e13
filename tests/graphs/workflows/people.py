"""Scenarios of leads, cases and campaigns, on the demo tenants' own records."""

import uuid
from collections.abc import Awaitable, Callable

from tests.graphs.workflows.deals import DANAS_ID, LEFT_OUT
from tests.graphs.workflows.stage import Json, Rejected, Scenario, create, records_of
from tests.service import ADMIN, DANA, World, last_answer
from tools._audience import Segment
from tools._shapes import FilterArgument

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
