"""What people ask for in their own words leads to the tool or the list that holds it; read as pure functions."""

from datetime import date
from functools import cache
from typing import Any

import pytest

from agents._offline.prompt import Briefing, read_briefing
from agents._offline.request import Request, Verb
from agents._offline.toolbox import Toolbox
from agents._offline.understand import understand
from agents._prompts import build_system_prompt
from agents._roster import load_roster
from crm.access import Access, Caller
from crm.ids import ContactId, TenantId, UserId
from crm.schema import OBJECT_INFO


@cache
def desk(agent: str, *, customer: bool = False) -> tuple[Briefing, Toolbox]:
    """What the model is told for an agent, with every right, and the tools that are bound then."""
    caller = (
        Caller(TenantId("northwind"), contact_id=ContactId("003CS0000000001AAA"))
        if customer
        else Caller(TenantId("northwind"), user_id=UserId("005CS0000000001AAA"))
    )
    rights = {name: frozenset("cred") for name in OBJECT_INFO}
    fields = {name: dict.fromkeys(info.fields, frozenset("re")) for name, info in OBJECT_INFO.items()}
    access = Access(caller, "Ann Poe" if customer else "Dana Reyes", title="Sales Rep", objects=rights, fields=fields)
    prompt = build_system_prompt(load_roster()[agent], access, today=date(2026, 11, 2), instructions=None)
    tools = [tool.schema for tool in load_roster()[agent].tools if tool.for_customers or not customer]
    return read_briefing(prompt), Toolbox(tools)


def wish(said: str, agent: str = "sales", *, last: Request | None = None, customer: bool = False) -> Request:
    """What the first clause asks for."""
    briefing, toolbox = desk(agent, customer=customer)
    return understand(said, briefing, last, toolbox)[0]


@pytest.mark.parametrize(
    ("agent", "said", "tool"),
    [
        ("sales", "what do you charge for an FM-200 flow meter?", "product_pricing"),
        ("sales", "at what price do we sell the GA-2?", "product_pricing"),
        ("sales", "draw up an offer for Globex - Level Retrofit", "create_quote"),
        ("sales", "put together a quotation for Globex - Level Retrofit", "create_quote"),
        ("sales", "who decides at the Globex - Level Retrofit?", "buying_committee"),
        ("sales", "what do we know about Globex?", "account_brief"),
        ("sales", "get us ready for the site visit at Globex on Friday", "prepare_meeting"),
        ("sales", "turn the lead Rosa Bennett into an account, convert it", "convert_lead"),
        ("sales", "run BANT on the lead Fiona Wolfe", "qualify_lead"),
        ("sales", "do a BANT check of the lead Fiona Wolfe", "qualify_lead"),
        ("sales", "am I on track for my number this quarter?", "forecast_guidance"),
        ("developer", "test this code: print(sum(range(5)))", "run_code"),
        ("service", "what happened with case 00001004?", "case_summary"),
        ("service", "who should take case 00001005?", "suggest_owner"),
    ],
)
def test_a_need_finds_its_tool(agent: str, said: str, tool: str) -> None:
    assert wish(said, agent).tool == tool


READ_AS = {"fetch_cases": Verb.LIST, "activities_timeline": Verb.TIMELINE}
"""What the grammar of records reads, which has these tools do it."""
NAMES = {"case": "00001005", "lead": "Rosa Bennett", "quote": "Q-00001", "article": "How to reset a meter"}


@pytest.mark.parametrize(
    ("agent", "tool", "asks"),
    [
        (agent.name, tool.name, tool.asks)
        for agent in load_roster().values()
        for tool in agent.tools
        if tool.asks is not None
    ],
)
def test_what_a_tool_is_offered_as_leads_to_it(agent: str, tool: str, asks: str) -> None:
    kind = next((kind for kind in NAMES if f"{kind} {{record}}" in asks), "")
    found = wish(asks.replace("{record}", NAMES.get(kind, "Globex - Level Retrofit")), agent)
    assert found.tool == tool or found.verb is READ_AS.get(tool)


@pytest.mark.parametrize(
    ("agent", "said", "verb"),
    [
        ("sales", "which products are in the Globex renewal?", Verb.LIST),
        ("sales", "how far along is the Globex rollout?", Verb.SUMMARISE),
        ("sales", "where do we stand with Rosa Bennett?", Verb.SUMMARISE),
        ("service", "what is our rule for escalating a case?", Verb.KNOWLEDGE),
        ("service", "what is the policy on refunding an order?", Verb.KNOWLEDGE),
        ("service", "have we fixed this before?", Verb.SIMILAR),
        ("service", "can this customer return the sensor after 40 days?", Verb.KNOWLEDGE),
        ("sales", "anything going on with Beacon Water District lately?", Verb.TIMELINE),
        ("service", "draft a reply to Ann Poe on case 00001005 telling her the parts are on their way", Verb.DRAFT),
    ],
)
def test_what_records_or_articles_hold_goes_to_no_other_tool(agent: str, said: str, verb: Verb) -> None:
    assert wish(said, agent).verb is verb


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("what does the FM-300 cost by the standard price list?", {"pricebook": "standard"}),
        ("price of the GW-1 in the Key Accounts price book?", {"pricebook": "Key Accounts"}),
        ("what would a TL-10 cost a contract customer?", {"pricebook": "contract"}),
    ],
)
def test_a_price_list_is_named_in_many_ways(said: str, values: dict[str, Any]) -> None:
    asked = wish(said)
    assert (asked.tool, asked.values) == ("product_pricing", values)


def test_what_is_watched_stands_behind_when() -> None:
    read = wish("write a trigger that creates a task when a case is closed", "developer").values
    assert (read["object"], read["conditions"]) == ("Case", [{"field": "IsClosed", "op": "eq", "value": True}])


def test_a_bound_of_an_alert_is_a_number_with_above_before_it() -> None:
    read = wish("notify me if open cases go above 50", "analytics").values
    assert (read["when"], read["threshold"]) == ("above", 50)


def test_words_of_a_tool_in_capitals_are_no_name() -> None:
    for said in ("run BANT on the lead Fiona Wolfe", "do a BANT check of the lead Fiona Wolfe"):
        named = wish(said).references["lead_id"]
        assert [(one.text, one.objects) for one in named] == [("Fiona Wolfe", ("Lead",))]


def test_a_further_question_for_the_same_tool_keeps_what_it_was_about() -> None:
    first = wish("what does the FM-300 cost by the standard price book?")
    then = wish("and what would a contract customer pay?", last=first)
    assert (then.tool, then.spare, then.values) == ("product_pricing", first.spare, {"pricebook": "contract"})
    other = wish("and what does the GA-4 cost?", last=first)
    assert [one.text for one in other.spare] == ["GA-4"]


@pytest.mark.parametrize(
    "said",
    ["show my contact details", "what do you know about me?", "which phone number do you have for me?", "who am I?"],
)
def test_people_may_ask_for_their_own_record(said: str) -> None:
    for customer, own in ((True, "003CS0000000001AAA"), (False, "005CS0000000001AAA")):
        target = wish(said, "service", customer=customer).target
        assert target is not None
        assert target.record_id == own


@pytest.mark.parametrize(
    ("agent", "customer", "said", "kind"),
    [
        ("service", True, "is anything of mine still pending?", "Case"),
        ("service", True, "list my enquiries", "Case"),
        ("service", False, "what is still unsolved at Globex?", "Case"),
        ("service", False, "anything outstanding at Globex?", "Case"),
        ("sales", False, "what's open with Globex?", "Opportunity"),
    ],
)
def test_a_state_alone_tells_what_is_listed(agent: str, customer: bool, said: str, kind: str) -> None:
    asked = wish(said, agent, customer=customer)
    assert (asked.verb, asked.object) == (Verb.LIST, kind)


@pytest.mark.parametrize(
    ("said", "name", "owner"),
    [
        ("Globex has a new buyer, Jon Lund - add him to the contacts", "Jon Lund", "Globex"),
        ("Jon Lund has joined Globex. Please add him as a contact.", "Jon Lund", "Globex"),
        ("we met Jon Lund from Globex; enter him as a contact", "Jon Lund", "Globex"),
    ],
)
def test_somebody_who_was_introduced_is_entered(said: str, name: str, owner: str) -> None:
    asked = wish(said)
    assert (asked.verb, asked.object, asked.changes[0].value) == (Verb.CREATE, "Contact", name)
    assert asked.scope is not None
    assert asked.scope.text == owner


def test_a_sentence_that_leaves_something_out_takes_it_from_the_one_before() -> None:
    set_stage = wish("we are negotiating the Globex - Level Retrofit now, please set the stage accordingly")
    assert (set_stage.verb, set_stage.changes[0].value) == (Verb.UPDATE, "Negotiation")
    assert set_stage.target is not None
    assert set_stage.target.text == "Globex - Level Retrofit"
    opened = wish("The meter hums all night. Can you open a case for that?", "service", customer=True)
    assert (opened.tool, opened.values) == ("open_case", {"subject": "The meter hums all night"})
    passed_on = wish("a customer asks how the meter is cleaned, what do I tell them?", "service")
    assert (passed_on.verb, passed_on.text) == (Verb.KNOWLEDGE, "how the meter is cleaned")


def test_what_a_message_is_about_is_not_what_it_says() -> None:
    asked = wish("reply to Ann Poe about case 00001005 telling her the parts follow on Friday", "service")
    assert asked.text == "telling her the parts follow on Friday"
    assert asked.target is not None
    assert asked.target.number == "00001005"


@pytest.mark.parametrize(
    "said",
    [
        "how much is in the open pipeline altogether?",
        "what is our pipeline worth altogether?",
        "how much do our open deals come to altogether?",
        "how big is the pipeline overall?",
    ],
)
def test_the_pipeline_is_what_open_deals_add_up_to(said: str) -> None:
    asked = wish(said, "analytics")
    assert (asked.verb, asked.object, asked.function, asked.measure) == (Verb.MEASURE, "Opportunity", "sum", "Amount")
    assert [(one.field, one.value) for one in asked.conditions] == [("IsClosed", False)]
    assert (asked.scope, asked.ignored) == (None, ())
