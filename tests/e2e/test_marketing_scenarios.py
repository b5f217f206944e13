"""The day of a marketing person, through HTTP: from a brief to a campaign that reaches people, with a person at each
stop; on both databases."""

import json
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from api.settings import Settings
from tests.service import ADMIN, DANA, World, calls, held, open_world, script, tool_results

IRIS = "iris@northwind.example"
OTHER_IRIS = "iris@southridge.example"
MAKERS = [{"field": "Account.Industry", "op": "eq", "value": "Manufacturing"}]
BRIEF = {
    "name": "Trial weeks",
    "goal": "Win trial orders",
    "product": "PT-200",
    "key_message": "Calibrated in one day.",
    "call_to_action": "Book a visit",
    "start_date": "2026-12-01",
    "end_date": "2026-12-18",
}


def with_id(name: str, prefix: str, /, **arguments: Any) -> Any:
    """A call with the id of the record of a kind that tools spoke of last; the argument that is None gets it."""

    def line(messages: list[BaseMessage]) -> AIMessage:
        found = [word for m in messages for word in str(m.content).split('"') if len(word) == 18 and word[:3] == prefix]
        [open_argument] = [key for key, value in arguments.items() if value is None]
        return calls((name, arguments | {open_argument: found[-1]}))

    return line


def saved_variant(messages: list[BaseMessage]) -> AIMessage:
    """The second variant, as it was drafted, saved for the campaign."""
    results = [json.loads(str(m.content))["result"] for m in messages if m.type == "tool" and '"variants"' in m.content]
    variant = results[-1]["variants"][1]
    campaign = next(one for one in variant["made_of"] if one.startswith("701"))
    arguments = {"campaign_id": campaign, "subject": variant["subject"], "body": variant["body"]}
    return calls(("save_email_variant", arguments))


LINES = (
    calls(("draft_campaign_brief", BRIEF)),
    AIMessage("Here is the draft of the brief."),
    calls(("save_campaign_brief", BRIEF)),
    AIMessage("The brief is saved."),
    calls(("draft_campaign", {"brief": "Trial weeks"})),
    AIMessage("Here is the campaign that the brief makes."),
    calls(("save_campaign", {"brief": "Trial weeks", "budget": 4800})),
    AIMessage("The campaign is saved."),
    with_id("save_campaign", "701", campaign_id=None, end_date="2026-12-22"),
    AIMessage("The campaign is refined."),
    calls(("preview_segment", {"object": "Contact", "filters": MAKERS, "sample": 3})),
    AIMessage("That many people, and some of them."),
    with_id("save_segment", "701", name="Makers", filters=MAKERS, campaign_id=None),
    AIMessage("The segment is saved."),
    with_id("add_campaign_members", "701", campaign_id=None, limit=11),
    AIMessage("They are members."),
    calls(("draft_email_variants", {"campaign": "Trial weeks", "segments": ["Makers"]})),
    AIMessage("Three variants."),
    saved_variant,
    AIMessage("The variant is saved as a draft."),
    with_id("send_campaign_email", "02s", draft_id=None),
    AIMessage("The letters are handed over."),
    with_id("draft_landing_page", "701", campaign=None),
    AIMessage("This is the page."),
    with_id(
        "save_landing_page", "701", campaign_id=None, html="<p>Calibrated in one day.</p><script>alert(1)</script>"
    ),
    AIMessage("The page is saved."),
    calls(("campaign_summary", {"campaign": "Trial weeks"})),
    AIMessage("There are members and no responses yet."),
)


async def test_from_a_brief_to_a_campaign_with_a_person_at_each_stop(settings: Settings) -> None:
    async with open_world(settings, model=script(*LINES)) as world:
        thread = await world.open_thread(IRIS)

        async def say(text: str) -> Any:
            values = await world.say(IRIS, thread, text)
            return held(values), tool_results(values)

        async def save(text: str, approver: str = IRIS) -> Any:
            """What a save led to: nothing before it was approved."""
            [approval], _ = await say(text)
            decided = await world.decide(approver, approval, "approve")
            assert decided.json()["approval"]["status"] == "applied", decided.text
            return approval

        nothing_held, results = await say("draft a campaign brief: win trial orders for the PT-200")
        assert nothing_held == [], "a draft saves nothing"
        assert results[-1]["result"]["missing"] == ["a segment", "a budget"]
        assert results[-1]["result"]["draft"]["key_message"] == "Calibrated in one day."
        await save("save the campaign brief")
        nothing_held, results = await say("draft the campaign from the brief")
        assert nothing_held == []
        assert results[-1]["result"]["from_brief"]["EndDate"] == "2026-12-18"

        [approval], _ = await say("save the campaign with a budget of 4800")
        assert (await world.decide(IRIS, approval, "approve")).status_code == 403, "money is for a second person"
        assert (await world.decide(ADMIN, approval, "approve")).json()["approval"]["status"] == "applied"
        await save("refine the campaign: let it end on 2026-12-22, and save it")
        campaign = await world.find(IRIS, "Campaign", "Trial weeks")
        assert (campaign["EndDate"], campaign["BudgetedCost"]) == ("2026-12-22", 4800)
        brief = await world.get(IRIS, f"/records/CampaignBrief__c/{campaign['BriefId__c']}")
        assert brief["Goal__c"] == "Win trial orders"

        nothing_held, results = await say("segment for the campaign: who works in manufacturing")
        assert nothing_held == []
        preview = results[-1]["result"]
        assert preview["count"] >= preview["reachable"] > 0
        assert len(preview["sample"]) == min(3, preview["count"])
        await save("save the segment for the campaign")

        [approval], _ = await say("add the segment to the campaign")
        assert len(approval["card"]["changes"]) == min(11, preview["count"] - preview["opted_out"])
        people = {one["new"] for c in approval["card"]["changes"] for one in c["fields"] if one["field"] == "ContactId"}
        for person in people:
            assert not (await world.get(IRIS, f"/records/Contact/{person}"))["HasOptedOutOfEmail"]
        assert (await world.decide(ADMIN, approval, "approve")).json()["approval"]["status"] == "applied"

        nothing_held, results = await say("write subject and body variants for the segment")
        assert nothing_held == []
        assert [one["angle"] for one in results[-1]["result"]["variants"]] == ["benefit", "question", "deadline"]
        approval = await save("save the second variant of the campaign")
        [draft] = approval["card"]["changes"]
        stored = await world.get(IRIS, f"/records/EmailMessage/{draft['id']}")
        assert (stored["Status"], stored["RelatedToId"]) == ("Draft", campaign["Id"])

        [approval], _ = await say("send the mailing of the campaign to its members")
        addresses = {one["address"] for one in approval["card"]["message"]["recipients"]}
        assert 0 < len(addresses) <= len(people)
        assert (await world.decide(IRIS, approval, "approve")).status_code == 403, "a second person lets it out"
        assert (await world.decide(ADMIN, approval, "approve")).json()["approval"]["status"] == "applied"
        letters = await world.get(IRIS, "/outbox")
        assert sorted(one["address"] for mail in letters for one in mail["recipients"]) == sorted(addresses)
        assert len(letters) == len(addresses), "each gets a letter of their own"

        nothing_held, results = await say("draft a landing page for the campaign")
        assert nothing_held == []
        assert "<form>" in results[-1]["result"]["html"]
        approval = await save("save the landing page of the campaign")
        await check_page(world, approval["card"]["changes"][0]["id"])

        _, results = await say("summary of the campaign")
        assert results[-1]["result"]["members"] == len(people)
        assert results[-1]["result"]["responses"] == 0


async def check_page(world: World, page_id: str) -> None:
    path = f"/landing-pages/{page_id}"
    page = await world.call(IRIS, "GET", path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "form-action 'none'" in policy
    assert policy.endswith("sandbox")
    assert "Calibrated in one day." in page.text
    assert '<input type="email" name="Email"' in page.text
    assert "alert" not in page.text
    assert (await world.call(DANA, "GET", path)).status_code == 200, "campaigns are for all of sales to read"
    stranger, absent = [
        await world.call(OTHER_IRIS, "GET", one) for one in (path, f"/landing-pages/{page_id[:10]}AAAAAAAA")
    ]
    assert stranger.status_code == absent.status_code == 404
    assert "Calibrated" not in stranger.text
    sam = await world.call("sam@northwind.example", "GET", path)
    assert sam.status_code in (403, 404), "service has no right to campaigns"
    assert (await world.client.get(path)).status_code == 401


async def test_a_page_that_was_written_past_the_tools_is_cleaned_when_it_is_shown(settings: Settings) -> None:
    evil = '<p>Hello</p><script>alert(1)</script><img src=x onerror=alert(1)><form action="https://evil.example">'
    fields = {"Name": "<script>1</script>", "CampaignId": None, "Html__c": evil}
    lines = (
        calls(("find_record", {"text": "Spring Calibration Weeks", "objects": ["Campaign"]})),
        lambda messages: calls(
            (
                "create_record",
                {"object": "LandingPage__c", "fields": fields | {"CampaignId": id_of(messages, "701")}},
            )
        ),
        AIMessage("Done."),
    )
    async with open_world(settings, model=script(*lines)) as world:
        values = await world.say(IRIS, await world.open_thread(IRIS), "make a landing page for the spring campaign")
        [approval] = held(values)
        assert (await world.decide(IRIS, approval, "approve")).json()["approval"]["status"] == "applied"
        page = await world.call(IRIS, "GET", f"/landing-pages/{approval['card']['changes'][0]['id']}")
        assert "<p>Hello</p>" in page.text
        for bad in ("<script", "onerror", "evil.example", "<img"):
            assert bad not in page.text


def id_of(messages: list[BaseMessage], prefix: str) -> str:
    return next(w for m in messages for w in str(m.content).split('"') if len(w) == 18 and w.startswith(prefix))
