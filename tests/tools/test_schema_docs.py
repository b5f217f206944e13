"""The schema and the manual: what they say, to whom, and where it stands."""

from collections.abc import AsyncIterator

import pytest

from crm.database import Database
from tests.conftest import SqliteTemplates, seed_small
from tests.tools.desk import THERE, Desk
from tools._manual import Section, cut_page, find_passages, load_manual
from tools._run import ToolError


@pytest.fixture
async def reading(sqlite_templates: SqliteTemplates) -> AsyncIterator[Desk]:
    """On one database only: what is described follows from rights, which are the same on both."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        database = Database(config)
        yield Desk(database)
        await database.close()


async def test_an_object_is_described_as_far_as_the_caller_sees_it(reading: Desk) -> None:
    seen = await reading.call("sam", "describe_object", object="Opportunity")
    fields = {one["name"]: one for one in seen["fields"]}
    assert fields["StageName"]["picklist_values"] == ["Qualification", "Discovery", "Quote", "Negotiation", "Closed"]
    assert fields["StageName"]["label"] == "Stage Name"
    assert fields["AccountId"]["refers_to"] == ["Account"]
    assert not any(one["you_may_change_it"] for one in seen["fields"])
    assert seen["you_may"] == ["read"]
    assert "Amount" not in str(seen), "hidden from service agents"
    assert "Quote.OpportunityId" not in seen["related_objects"], "a kind of record that they may not read"
    full = await reading.call("dana", "describe_object", object="Opportunity", field="amount")
    assert [one["name"] for one in full["fields"]] == ["Amount"]
    assert full["summary"].startswith("Opportunity.Amount is a money field.")
    assert full["fields"][0]["you_may_change_it"]
    hidden = await reading.call("sam", "describe_object", object="Opportunity", field="Amount")
    unknown = await reading.call("sam", "describe_object", object="Opportunity", field="Nope")
    assert isinstance(hidden, ToolError)
    assert hidden.message.replace("'Amount'", "'Nope'") == unknown.message
    assert await reading.call("devi", "describe_object", object="Lead") == ToolError(
        "failed", "you may not read records of 'Lead'"
    )


async def test_questions_about_the_schema_find_the_field(reading: Desk) -> None:
    found = await reading.call("dana", "search_documentation", query="which picklist values has the status of a case")
    assert found["passages"][0]["source"] == "schema:Case.Status"
    assert "New, Working, Escalated, Closed" in found["summary"]
    for who, sees in (("dana", True), ("sam", False)):
        asked = "the amount of an opportunity"
        passages = (await reading.call(who, "search_documentation", query=asked, about="schema", limit=10))["passages"]
        assert any(one["source"] == "schema:Opportunity.Amount" for one in passages) is sees
        assert ("Opportunity.Amount" in str(passages)) is sees
    elsewhere = await Desk(reading.database, THERE).call("dana", "search_documentation", query="case status picklist")
    assert elsewhere["passages"][0]["source"] == "schema:Case.Status"


async def test_questions_about_the_service_find_the_page_and_heading(reading: Desk) -> None:
    for question, source in (
        ("how do kill switches work", "docs/ledger.md#kill-switches"),
        ("how is code held in by the sandbox", "docs/developer.md#the-sandbox"),
        ("what happens when a process dies", "docs/architecture.md#when-a-process-dies"),
    ):
        found = await reading.call("devi", "search_documentation", query=question, about="manual")
        assert found["passages"][0]["source"] == source, found["passages"]
        assert 0 < found["passages"][0]["score"] <= 1
    nothing = await reading.call("devi", "search_documentation", query="zyzzyva qwertz")
    assert (nothing["passages"], nothing["total"]) == ([], 0)
    assert nothing["summary"] == "The documentation says nothing about this."


async def test_customers_are_told_nothing_of_either(reading: Desk) -> None:
    contact = (await reading.call("dana", "find_record", text="Ann Poe", objects=["Contact"]))["matches"][0]["id"]
    for name, arguments in (("describe_object", {"object": "Case"}), ("search_documentation", {"query": "case"})):
        denied = await reading.call(contact, name, **arguments)
        assert isinstance(denied, ToolError)
        assert denied.kind == "denied"


def test_a_page_is_cut_at_its_headings() -> None:
    page = "# Title\n\nIntro `x`.\n\n## A *b* (c)\n\n| k | v |\n|---|---|\n| one | [two](x.md) |\n\n"
    page += "```\n# no heading\n```\n"
    assert cut_page("p.md", page) == [
        Section("docs/p.md", "Title", "Intro x."),
        Section("docs/p.md#a-b-c", "A b (c)", "k: v.\none: two.", "Title"),
    ]
    assert cut_page("p.md", "no heading") == []
    assert find_passages(load_manual(), "the of and", 3) == []
