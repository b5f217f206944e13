"""What a tool declares as a way to ask leads to it, in its agent and in the choice of the agent."""

import time
from dataclasses import replace

import pytest

from agents._offline.asking import find_asked, ways_of
from agents._offline.request import Reference, Verb
from agents._offline.schemas import Spec, read_spec
from agents._offline.words import tokenize
from agents._roster import load_roster
from agents._tool_words import score_by_tools
from tests.agents.test_offline_needs import desk, wish
from tools._declare import without_ways

NAMES = {
    "Case": "case 00001005",
    "Order": "order 00000102",
    "Lead": "the lead Rosa Bennett",
    "Opportunity": "Globex - Level Retrofit",
    "Knowledge__kav": "the article How to reset a meter",
    "Quote": "the quote Q-00001",
    "Campaign": "Gas Safety Day",
}
WAYS = [
    (agent.name, tool.name, way)
    for agent in load_roster().values()
    for tool in agent.tools
    for way in read_spec(tool.schema["function"]).ways
]


def say(way: str, kind: str) -> str:
    """The way to ask as somebody says it: with a record, the first of two words, and some words for an argument."""
    said, is_named = [], False
    for written in way.split():
        word = written.strip("()")
        if word == "it" and not is_named:
            is_named = True
            said.append(NAMES.get(kind, "Globex"))
        elif word.startswith("<"):
            said.append("price lists" if word.endswith(">") else "price lists,")
        else:
            said.append(word.split("/")[0])
    return " ".join(said)


def asked_kind(tool: str, agent: str) -> str:
    spec = desk(agent)[1].spec(tool)
    takers = sorted((one for one in spec.arguments if one.objects), key=lambda one: not one.is_required)
    return next((one.objects[0] for one in takers if "id" in one.name or "id" in one.description), "")


def specs() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for agent, tool, way in WAYS:
        found.setdefault(f"{agent}:{tool}", []).append(way)
    return found


@pytest.mark.parametrize("place", specs())
def test_every_way_to_ask_that_a_tool_declares_finds_it(place: str) -> None:
    agent, _, tool = place.partition(":")
    _, toolbox = desk(agent)
    missed = []
    for way in specs()[place]:
        said = say(way, asked_kind(tool, agent))
        if not any(one.spec.name == tool for one in toolbox.chooser.asked(said, tokenize(said))):
            missed.append(said)
    assert not missed


def tool_of(ways: list[str], **properties: dict[str, str]) -> Spec:
    parameters = {"properties": properties}
    return read_spec({"name": "water_plant", "description": "Waters.", "parameters": parameters, "ways": ways})


PLANT = {"type": "string", "description": "The product, by name or id."}


def asked(said: str, *ways: str) -> Reference | None:
    spec = tool_of([*ways], product_id={"type": "string", "description": "It."})
    found = find_asked(said, tokenize(said), ways_of(spec), lambda word: word)
    return found[0].record if found else None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("is Ivy Green thirsty", "Ivy Green"),
        ("is the product Ivy Green thirsty", "Ivy Green"),
        ("is the Ivy Green product really thirsty", "Ivy Green"),
        ("was IVY-2 ever thirsty", "IVY-2"),
    ],
)
def test_the_record_stands_where_the_way_to_ask_has_it(said: str, name: str) -> None:
    found = asked(said, "is it thirsty")
    assert found is not None
    assert found.text == name


@pytest.mark.parametrize(
    "said",
    [
        "is Ivy Green not thirsty",
        "is Ivy Green's neighbour thirsty",
        "is Ivy Green, thirsty",
        "is the account Ivy Green thirsty",
        "is somebody thirsty",
        "thirsty is Ivy Green",
        "is Ivy Green tall",
    ],
)
def test_anything_else_in_between_makes_it_another_question(said: str) -> None:
    assert asked(said, "is it thirsty") is None


def test_a_way_to_ask_that_says_nothing_is_none() -> None:
    assert not ways_of(tool_of(["it", "the"], product_id=PLANT))


def test_ways_to_ask_are_for_the_model_that_decides_by_rules_and_no_part_of_what_an_approval_relies_on() -> None:
    tool = next(one for one in load_roster()["marketing"].tools if one.name == "campaign_summary")
    shown = without_ways(tool.schema)
    assert tool.schema["function"]["ways"]
    assert "ways" not in shown["function"]
    assert "People say" not in str(shown)
    assert replace(tool, ways=()).schema_hash == tool.schema_hash


@pytest.mark.parametrize(
    ("agent", "said", "tool"),
    [
        ("marketing", "so how did Water Utilities Newsletter do in the end", "campaign_summary"),
        ("sales", "is Fiona Wolfe a serious lead", "qualify_lead"),
        ("service", "who shuold look at ticket 00001005", "suggest_owner"),
        ("service", "case 00001009 is solved, the sensor was swapped", "close_case"),
        ("analytics", "anything strange in the data", "find_insights"),
    ],
)
def test_it_is_found_with_slips_and_with_words_of_one_meaning(agent: str, said: str, tool: str) -> None:
    assert wish(said, agent).tool == tool


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("sales", "who are Globex's contacts"),
        ("sales", "list the contacts of Globex"),
        ("service", "show case 00001005"),
    ],
)
def test_what_the_grammar_of_records_reads_in_full_stays_with_it(agent: str, said: str) -> None:
    assert wish(said, agent).verb in (Verb.LIST, Verb.SHOW)


def test_what_it_says_besides_is_named_as_passed_over() -> None:
    found = wish("how did Gas Safety Day go compared with mine", "marketing")
    assert found.tool == "campaign_summary"
    assert "compared" in found.ignored


def test_two_clauses_that_ask_for_the_same_are_one_request() -> None:
    from agents._offline.understand import understand

    briefing, toolbox = desk("service")
    found = understand("case 00001005 needs a manager, get a supervisor involved", briefing, None, toolbox)
    assert [one.tool for one in found] == ["escalate_case"]


@pytest.mark.parametrize(
    ("said", "agents"),
    [
        ("was Water Utilities Newsletter worth the money?", {"marketing"}),
        ("is Fiona Wolfe worth chasing?", {"sales"}),
        ("who has the last word at Globex - Level Retrofit?", {"sales"}),
        ("was 00001009 handled by the book?", {"service"}),
    ],
)
def test_the_agent_is_chosen_by_it_too(said: str, agents: set[str]) -> None:
    assert set(score_by_tools(said, load_roster(), for_customer=False)) == agents


@pytest.mark.parametrize(
    ("said", "agents"),
    [
        ("where is Acme Industries located?", set()),
        ("what does a GA-2 cost by the contract price list?", {"sales"}),
        ("nobody may save a campaign without a start date", {"developer"}),
    ],
)
def test_what_is_asked_besides_leaves_the_choice_to_all_the_words(said: str, agents: set[str]) -> None:
    assert set(score_by_tools(said, load_roster(), for_customer=False)) == agents


def test_what_two_agents_are_asked_in_the_same_words_is_left_to_the_rest() -> None:
    assert {"sales", "marketing"} <= set(score_by_tools("what did a PT-200 cost", load_roster(), for_customer=False))


@pytest.mark.parametrize("said", ["the " * 60, "A B C D " * 15, "require " + "on the " * 30, "is it " * 30])
def test_many_words_that_might_stand_for_something_take_no_long_time(said: str) -> None:
    _, toolbox = desk("service")
    toolbox.chooser.asked(said, tokenize(said))
    began = time.process_time()
    toolbox.chooser.asked(said, tokenize(said))
    assert time.process_time() - began < 0.2
