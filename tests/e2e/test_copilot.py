"""Conversations in free wording with the whole service and the offline model, on both databases."""

from typing import Any

import pytest

from tests.service import DANA, MARA, OTHER_DANA, RENEWAL, SAM, World, held, last_answer, tool_results

GRACE = "grace@northwind.example"
"""Sees every record of the tenant."""
ALAN = "alan@northwind.example"
"""Analyst."""
IRIS = "iris@northwind.example"
"""Marketing."""
ANN = "ann.poe@acme-industries.example"
"""A customer of Acme Industries."""
STELLA = "stella@northwind.example"
"""Service manager above Sam."""
TODAY = {"today": "2026-11-02"}

Json = Any


class Talk:
    """One conversation of one person."""

    def __init__(self, world: World, who: str, thread: str) -> None:
        self.world, self.who, self.thread = world, who, thread
        self.values: Json = {"messages": []}
        self._read = 0

    @classmethod
    async def open(cls, world: World, who: str) -> "Talk":
        return cls(world, who, await world.open_thread(who))

    async def say(self, text: str) -> str:
        self._read = len(self.values["messages"])
        self.values = await self.world.say(self.who, self.thread, text, context=TODAY)
        assert "withheld:" not in last_answer(self.values)
        return last_answer(self.values)

    @property
    def calls(self) -> list[tuple[str, Json]]:
        """The calls of the last turn."""
        turn = self.values["messages"][self._read :]
        return [(c["name"], c["args"]) for m in turn if m["type"] == "ai" for c in m.get("tool_calls") or []]

    @property
    def result(self) -> Json:
        answer = tool_results(self.values)[-1]
        assert answer["ok"], answer
        return answer["result"]

    @property
    def approval(self) -> Json:
        [one] = held(self.values)
        return one

    async def decide(self, by: str, decision: str = "approve", **more: Any) -> str:
        """The answer once the held request has been decided."""
        decided = await self.world.decide(by, self.approval, decision, **more)
        assert decided.status_code == 200, decided.text
        state = await self.world.get(self.who, f"/threads/{self.thread}/state")
        self.values = state["values"]
        return last_answer(self.values)


async def case(world: World, number: str, who: str = SAM) -> Json:
    talk = await Talk.open(world, who)
    await talk.say(f"show case {number}")
    return talk.result["fields"]


# Finding and showing


@pytest.mark.parametrize("said", ["case 1005", "can you open ticket #00001005 for me"])
async def test_a_case_is_found_by_its_number(world: World, said: str) -> None:
    talk = await Talk.open(world, SAM)
    answer = await talk.say(said)
    assert talk.result["fields"]["CaseNumber"] == "00001005"
    assert "00001005" in answer


async def test_a_person_is_found_by_name_and_a_field_is_told(world: World) -> None:
    talk = await Talk.open(world, DANA)
    answer = await talk.say("what's the phone number of Oscar Lind?")
    assert talk.result["name"] == "Oscar Lind"
    assert talk.result["fields"]["Phone"] in answer


async def test_look_alikes_are_asked_about_and_the_answer_resolves_the_request(world: World) -> None:
    talk = await Talk.open(world, GRACE)
    answer = await talk.say("show the contact Ruth Hale")
    assert "Harbor Tools" in answer
    assert "Harbour Tools" in answer
    await talk.say("the one at Harbour Tools")
    assert talk.result["fields"]["Title"] == "Process Engineer"


async def test_a_near_name_is_not_taken_without_asking(world: World) -> None:
    talk = await Talk.open(world, MARA)
    answer = await talk.say("open cases of Cedar Water District")
    assert "cases for" not in answer
    assert not [args for name, args in talk.calls if name in ("fetch_cases",)]


# Lists


async def test_conditions_narrow_a_list_and_the_total_is_told(world: World) -> None:
    talk = await Talk.open(world, SAM)
    answer = await talk.say("critical tickets that aren't closed")
    cases = talk.result["records"]
    assert cases
    assert all(one["Priority"] == "Critical" and one["Status"] != "Closed" for one in cases)
    assert all(one["CaseNumber"] in answer for one in cases)
    assert str(talk.result["total"]) in answer


async def test_dates_are_counted_from_the_day_of_the_conversation(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("show cases created last month")
    cases = talk.result["cases"]
    assert cases
    assert all("2026-10-01" <= one["CreatedDate"][:10] <= "2026-10-31" for one in cases)


async def test_amounts_and_owners_narrow_a_list(world: World) -> None:
    talk = await Talk.open(world, GRACE)
    await talk.say("all open deals owned by Eli over 40k, largest first")
    deals = talk.result["records"]
    amounts = [float(one["Amount"]) for one in deals]
    assert deals
    assert min(amounts) > 40_000
    assert amounts == sorted(amounts, reverse=True)
    assert len({one["OwnerId"] for one in deals}) == 1


async def test_a_list_is_followed_up_narrowed_counted_and_pointed_into(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("list open cases of Acme Industries")
    assert len(talk.result["cases"]) == 3
    await talk.say("what about closed ones?")
    closed = talk.result["cases"]
    assert {one["Status"] for one in closed} == {"Closed"}
    await talk.say("show the second one")
    assert talk.result["id"] == closed[1]["Id"]
    await talk.say("who owns it?")
    assert talk.result["id"] == closed[1]["Id"]


# Numbers


async def test_figures_come_in_groups(world: World) -> None:
    talk = await Talk.open(world, ALAN)
    answer = await talk.say("how many open cases per priority?")
    rows = talk.result["rows"]
    assert rows
    assert sum(one["records"] for one in rows) == talk.result["records_counted"]
    assert all(one["priority"] in answer for one in rows)


@pytest.mark.parametrize("who", [DANA, SAM, ALAN, GRACE])
async def test_a_count_for_one_company_is_answered_whoever_asks(world: World, who: str) -> None:
    talk = await Talk.open(world, who)
    answer = await talk.say("how many open cases does Acme Industries have?")
    assert answer.startswith("3 ")


async def test_sums_and_averages_agree_with_the_records(world: World) -> None:
    talk = await Talk.open(world, DANA)
    await talk.say("list my open opportunities")
    amounts = [float(one["Amount"]) for one in talk.result["records"]]
    await talk.say("what is the total value of my open pipeline?")
    assert float(talk.result["groups"][0]["value"]) == pytest.approx(sum(amounts))
    await talk.say("and the average?")
    assert float(talk.result["groups"][0]["value"]) == pytest.approx(sum(amounts) / len(amounts))


# Summaries, activity, knowledge, similar cases


async def test_a_summary_tells_of_the_record_and_what_belongs_to_it(world: World) -> None:
    talk = await Talk.open(world, DANA)
    answer = await talk.say("give me a quick rundown of Acme Industries")
    assert "Acme Industries" in answer
    assert RENEWAL in answer


async def test_what_a_case_is_about_is_its_summary(world: World) -> None:
    talk = await Talk.open(world, SAM)
    answer = await talk.say("what is case 1005 about?")
    assert (await case(world, "1005"))["Subject"] in answer
    assert "00001005" in answer


async def test_recent_activity_names_what_happened(world: World) -> None:
    talk = await Talk.open(world, DANA)
    answer = await talk.say("what's been happening with the Acme Industries fabrication line renewal lately?")
    entries = talk.result["entries"]
    assert entries
    assert all(entry["id"] in answer for entry in entries)


@pytest.mark.parametrize(
    ("who", "said", "number"),
    [
        (SAM, "what does our refund policy say", "00000001"),
        (SAM, "how do I renew certificates on the GW-1?", "00000021"),
        (ANN, "how often should an instrument be calibrated?", "00000026"),
    ],
)
async def test_questions_are_answered_from_articles_with_their_number(
    world: World, who: str, said: str, number: str
) -> None:
    talk = await Talk.open(world, who)
    answer = await talk.say(said)
    assert talk.result["articles"][0]["number"] == number
    assert number in answer


async def test_similar_cases_leave_the_case_itself_out(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("any similar cases to 1007?")
    numbers = [one["number"] for one in talk.result["cases"]]
    assert "00001001" in numbers
    assert "00001007" not in numbers


# Changes


async def test_several_fields_change_at_once_after_approval(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("mark case 1024 as escalated and high priority")
    before = await case(world, "1024")
    assert (before["Status"], before["Priority"]) == ("Working", "Low")
    answer = await talk.decide(STELLA)
    after = await case(world, "1024")
    assert (after["Status"], after["Priority"]) == ("Escalated", "High")
    assert "Escalated" in answer
    assert "High" in answer


async def test_a_rejection_is_told_with_its_reason_and_not_tried_again(world: World) -> None:
    talk = await Talk.open(world, DANA)
    await talk.say("push the close date of the Acme Industries fabrication line renewal to 15 December")
    answer = await talk.decide(MARA, "reject", reason="the customer has not agreed")
    assert "the customer has not agreed" in answer
    assert not held(talk.values)
    assert (await world.find(DANA, "Opportunity", RENEWAL))["CloseDate"] != "2026-12-15"


async def test_it_means_the_record_spoken_of(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("show case 1031")
    await talk.say("set it to High")
    await talk.decide(STELLA)
    assert (await case(world, "1031"))["Priority"] == "High"


async def test_a_missing_value_is_asked_for_and_completes_the_change(world: World) -> None:
    talk = await Talk.open(world, SAM)
    answer = await talk.say("set the priority of case 1027 to bananas")
    assert all(one in answer for one in ("Low", "Medium", "High", "Critical"))
    assert not held(talk.values)
    await talk.say("medium")
    await talk.decide(STELLA)
    assert (await case(world, "1027"))["Priority"] == "Medium"


@pytest.mark.parametrize(("said", "published"), [("add a comment to", False), ("post a public comment on", True)])
async def test_a_comment_is_internal_unless_said_otherwise(world: World, said: str, published: bool) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say(f"{said} case 1004: replaced the gateway")
    [(_, args)] = [(name, args) for name, args in talk.calls if name == "add_case_comment"]
    assert args["published"] is published
    await talk.decide(STELLA)
    mine = await Talk.open(world, ANN)
    seen = await mine.say("show the comments of case 1004")
    assert ("replaced the gateway" in seen) is published


async def test_a_task_has_its_day_and_its_person(world: World) -> None:
    talk = await Talk.open(world, DANA)
    await talk.say("remind me to call Oscar Lind on Friday")
    [(_, args)] = [(name, args) for name, args in talk.calls if name == "create_task"]
    assert args["due_date"] == "2026-11-06"
    assert args["who_id"] == (await world.find(DANA, "Contact", "Oscar Lind"))["Id"]


async def test_a_draft_is_saved_unsent_and_claims_only_what_was_found(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("draft an e-mail to Ann Poe about case 00001005")
    [(_, args)] = [(name, args) for name, args in talk.calls if name == "create_draft"]
    assert "00001005" in args["subject"] + args["body"]
    assert args["record_id"] == (await case(world, "1005"))["Id"]
    answer = await talk.decide(STELLA)
    assert "not sent" in answer


async def test_a_new_record_hangs_on_the_right_account(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("open a new case for Acme Industries about a leaking valve with high priority")
    [(_, args)] = [(name, args) for name, args in talk.calls if name == "create_record"]
    acme = await world.find(DANA, "Account", "Acme Industries")
    assert args["object"] == "Case"
    assert args["fields"]["AccountId"] == acme["Id"]
    assert args["fields"]["Priority"] == "High"


async def test_two_requests_of_one_sentence_are_both_done(world: World) -> None:
    talk = await Talk.open(world, SAM)
    await talk.say("show case 1006 and set its priority to Low")
    await talk.decide(STELLA)
    assert (await case(world, "1006"))["Priority"] == "Low"


# What is not answered, and for whom


async def test_an_agent_without_the_tool_says_so(world: World) -> None:
    talk = await Talk.open(world, SAM)
    answer = await talk.say("delete case 1027")
    assert "cannot" in answer
    assert talk.calls == []


async def test_a_customer_sees_only_their_own_cases(world: World) -> None:
    talk = await Talk.open(world, ANN)
    answer = await talk.say("show my open cases")
    contact = {one["ContactId"] for one in talk.result["cases"]}
    assert len(contact) == 1
    assert "00001005" in answer
    assert "00001007" not in answer
    answer = await talk.say("show case 1007")
    assert "Acme Industrial" not in answer


async def test_the_other_tenant_gets_its_own_look_alikes(world: World) -> None:
    """Both tenants have Acme Industries, Ann Poe and case numbers alike."""
    for said in ("list open cases of Acme Industries", f"show {RENEWAL}", "show case 1004"):
        own, other = await Talk.open(world, DANA), await Talk.open(world, OTHER_DANA)
        ours, theirs = await own.say(said), await other.say(said)
        assert ours != theirs
        assert "cold store" not in theirs
        assert "hydraulic" not in ours


async def test_marketing_lists_leads_by_source(world: World) -> None:
    talk = await Talk.open(world, IRIS)
    await talk.say("hot leads from the web")
    leads = talk.result["records"]
    assert leads
    assert {(one["Rating"], one["LeadSource"]) for one in leads} == {("Hot", "Web")}


@pytest.mark.parametrize(
    ("said", "kind"),
    [("what's the weather in Paris?", "off_topic"), ("let me talk to a human", "escalate"), ("hello", "clarify")],
)
async def test_some_requests_are_for_nobody_here(world: World, said: str, kind: str) -> None:
    talk = await Talk.open(world, DANA)
    await talk.say(said)
    assert talk.values["route"]["kind"] == kind
    assert talk.calls == []
