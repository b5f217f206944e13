"""Who answers: by the words of a request, by the conversation, by who asks; and what is nobody's."""

import pytest

from agents._roster import load_roster
from agents._router import choice_tool, route_by_words
from crm.access import Access, Caller
from crm.ids import ContactId, TenantId, UserId

TENANT = TenantId("northwind")


def staff(**objects: str) -> Access:
    """A member of staff with these letters of rights on these objects."""
    granted = {name: frozenset(letters) for name, letters in objects.items()}
    return Access(Caller(TENANT, user_id=UserId("005CS0000000001AAA")), "Dana", objects=granted)


REP = staff(Opportunity="re", Case="r")
AGENT = staff(Case="re", Opportunity="r")
ANALYST = staff(Case="r", Opportunity="r", Account="r")
CUSTOMER = Access(Caller(TENANT, contact_id=ContactId("003CS0000000001AAA")), "Ann")


def route(text: str, access: Access = REP, previous: str | None = None) -> tuple[str, str | None] | None:
    found = route_by_words(text, load_roster(), access, previous=previous)
    return (found.kind, found.agent) if found else None


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("which deals close this month?", "sales"),
        ("what is the phone number of Harbor Tools", "sales"),
        ("Globex renewal has moved to Negotiation", "sales"),
        ("open tickets with high priority", "service"),
        ("how do I reset the logger?", "service"),
        ("how often should an instrument be calibrated", "service"),
        ("campaigns with a budget over 5k", "marketing"),
        ("average resolution time trend per month", "analytics"),
        ("number of records by industry", "analytics"),
        ("which picklist values does the schema have", "developer"),
        ("list my oportunities", "sales"),
        ("how much is in the open pipeline altogether?", "analytics"),
        ("how much is the FM-200?", "sales"),
    ],
)
def test_words_of_a_field_lead_to_its_agent(said: str, agent: str) -> None:
    assert route(said) == ("agent", agent)


@pytest.mark.parametrize("said", ["show Oscar Lind", "who is oscar lind?", "pull up Globex", "what's new with Globex"])
def test_a_bare_name_goes_to_what_the_caller_works_with(said: str) -> None:
    assert route(said, REP) == ("agent", "sales")
    assert route(said, AGENT) == ("agent", "service")


def test_who_changes_nothing_gets_figures_from_analytics_where_words_are_even() -> None:
    assert route("average deal size", ANALYST) == ("agent", "analytics")


@pytest.mark.parametrize(
    "said",
    [
        "what's the weather in Paris?",
        "write me a poem",
        "tell me a joke about accounts",
        "give me a recipe for pancakes",
        "weather forecast please",
    ],
)
@pytest.mark.parametrize("previous", [None, "sales"])
def test_what_no_crm_holds_is_declined_also_within_a_conversation(said: str, previous: str | None) -> None:
    assert route(said, previous=previous) == ("off_topic", None)


@pytest.mark.parametrize(
    "said",
    [
        "let me talk to a human",
        "can I speak with a real person please",
        "connect me to a supervisor",
        "I want to speak to an agent",
        "human please",
        "could a colleague call me",
    ],
)
def test_who_asks_for_a_person_gets_one(said: str) -> None:
    assert route(said, previous="service") == ("escalate", None)


@pytest.mark.parametrize(
    "said",
    [
        "talk to Ann about the renewal",
        "remind me to talk to a manager at Globex about the contract",
        "draft an email asking to speak with a representative about the order",
        "log that I spoke with an agent of the customer",
        "escalate case 00001005",
    ],
)
def test_speaking_of_people_is_not_asking_for_one(said: str) -> None:
    found = route(said)
    assert found is None or found[0] != "escalate"


@pytest.mark.parametrize("said", ["", "?", "hello", "help me please", "hmm"])
def test_too_little_is_asked_about(said: str) -> None:
    assert route(said) == ("clarify", None)


@pytest.mark.parametrize(
    "said", ["the second one", "and the closed ones?", "set it to High", "yes", "with Fiona Lang about the gauge", "2"]
)
def test_a_follow_up_stays_with_the_agent_of_the_conversation(said: str) -> None:
    assert route(said, previous="service") == ("agent", "service")


def test_a_change_leaves_an_agent_that_only_reads() -> None:
    assert route("set it to High", AGENT, previous="analytics") == ("agent", "service")
    assert route("how many are there?", AGENT, previous="analytics") == ("agent", "analytics")


def test_a_new_field_of_work_changes_the_agent() -> None:
    assert route("list the campaigns of this year", previous="service") == ("agent", "marketing")


@pytest.mark.parametrize(
    "said", ["my pump makes a strange noise", "how often should it be calibrated?", "status please, it is late"]
)
def test_customers_are_served_by_service(said: str) -> None:
    assert route(said, CUSTOMER) == ("agent", "service")


@pytest.mark.parametrize("said", ["asdf qwer zxcv", "the meaning of life and everything"])
def test_what_words_do_not_decide_is_left_to_a_model(said: str) -> None:
    assert route(said) is None


def test_a_long_message_is_routed_by_its_beginning() -> None:
    assert route("list my open deals " + "a. " * 20_000) == ("agent", "sales")


def test_the_choice_offered_to_a_model_names_every_agent() -> None:
    function = choice_tool(load_roster())["function"]
    assert isinstance(function, dict)
    assert function["parameters"]["properties"]["agent"]["enum"] == list(load_roster())
    assert all(f"- {name}:" in function["description"] for name in load_roster())


@pytest.mark.parametrize(
    "said",
    [
        "Which agent has the lowest average handle time?",
        "how many cases were closed last month",
        "show me the orders of other customers",
        "what is your discount authority?",
        "what are the internal guidelines for escalation",
        "who else in your pipeline buys this",
    ],
)
def test_what_is_not_a_customers_to_know_is_declined_with_the_reason_and_answered_to_staff(said: str) -> None:
    declined = route_by_words(said, load_roster(), CUSTOMER, previous="service")
    assert declined is not None
    assert (declined.kind, declined.agent) == ("restricted", None)
    assert declined.reason
    for entitled in (AGENT, ANALYST):
        assert route(said, entitled, previous="service") is not None
        assert route(said, entitled, previous="service")[0] == "agent"  # type: ignore[index]


@pytest.mark.parametrize(
    "said",
    [
        "how many open cases do I have?",
        "what is the status of my order?",
        "how many loggers can one gateway handle?",
        "what's the lead time of the PT-200",
        "the internal temperature of the sensor is wrong",
        "cancel order 100",
        "and that one?",
    ],
)
def test_a_customers_own_affairs_go_to_service(said: str) -> None:
    assert route(said, CUSTOMER, previous="service") == ("agent", "service")
