"""A quote and its lines, made together: what is proposed, who may let it pass, and how it is taken back."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from crm.connector import Change, FieldChange, Filter, Query
from crm.database import Database
from crm.ids import numbered_id
from crm.provenance import provenance_values
from crm.repositories.provenance import keep
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import staff_id
from crm.work import Approval
from tests.conftest import SqliteTemplates, seed_small
from tests.tools.desk import HERE, THERE, Desk
from tests.trust.acting import staff, writes
from tests.trust.scene import HARBOR, KEY, NOW, RENEWAL, Scene
from tests.trust.test_undo import Desk as UndoDesk
from tools._declare import Proposal
from tools._run import ToolError
from trust.approval_rules import read_rules
from trust.rule_matching import fits


@pytest.fixture
async def database(sqlite_templates: SqliteTemplates) -> AsyncIterator[Database]:
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        opened = Database(config)
        yield opened
        await opened.close()


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def rows(scene: Scene, object_name: str, *filters: Filter, who: str = "ada") -> list[dict[str, Any]]:
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, who)
        page = await EmbeddedCrm(session, principal.access, NOW, KEY).query(
            Query(object_name, None, list(filters), limit=200)
        )
        return page.records


async def add(scene: Scene, object_name: str, **fields: Any) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "ada")
        crm = EmbeddedCrm(session, principal.access, NOW, KEY)
        return (await crm.apply(await crm.propose_create(object_name, fields))).change.record_id


async def test_a_quote_has_a_line_for_each_product_and_adds_up(scene: Scene) -> None:
    lines = await rows(scene, "OpportunityLineItem", Filter("OpportunityId", "eq", RENEWAL))
    approval = await scene.hold(tool="create_quote", opportunity_id=RENEWAL, discount=7.5)
    quote, *parts = approval.changes
    assert [one["object"] for one in approval.changes] == ["Quote", *["QuoteLineItem"] * len(lines)]
    shown = {one["field"]: one["new"] for one in quote["fields"]}
    assert (shown["Discount"], shown["OpportunityId"], shown["ExpirationDate"]) == (7.5, RENEWAL, "2026-12-02")
    assert shown["Name"] == "Acme Industries - Fabrication Line Renewal - Quote 1"
    total = sum(Decimal(str(line["TotalPrice"])) for line in lines)
    assert Decimal(str(shown["GrandTotal"])) == round(total * Decimal("0.925"), 2)
    assert {f["new"] for one in parts for f in one["fields"] if f["field"] == "QuoteId"} == {quote["id"]}
    assert "second person" in approval.rule["reason"]

    assert await scene.sees(approval, "mara"), "whom it is put before may see records that only come with it"
    assert not await scene.sees(approval, "eli")
    await scene.decide(approval, "mara")
    outcome = await scene.settle(approval)
    assert outcome.applied, outcome.result
    made = await rows(scene, "QuoteLineItem", Filter("QuoteId", "eq", quote["id"]))
    assert sorted(one["TotalPrice"] for one in made) == sorted(line["TotalPrice"] for line in lines)
    assert {one["OpportunityLineItemId"] for one in made} == {line["Id"] for line in lines}
    again = await scene.hold(tool="create_quote", opportunity_id=RENEWAL)
    assert again.changes[0]["name"].endswith("- Quote 2")


async def test_it_is_taken_back_whole(scene: Scene) -> None:
    desk = UndoDesk(scene)
    before = await rows(scene, "QuoteLineItem")
    entry = await desk.write(by="mara", tool="create_quote", opportunity_id=RENEWAL)
    [plan] = (await desk.preview("ada", entry_id=entry)).plans
    assert [step.refusal for step in plan.steps] == [None] * len(plan.steps), "its lines do not hold the quote back"
    [(_, asked)] = (await desk.undo("ada", entry_id=entry)).asked
    assert (await desk.decide(asked, "mara")).status == "applied"
    assert len(await rows(scene, "QuoteLineItem")) == len(before)
    assert not await rows(scene, "Quote", Filter("OpportunityId", "eq", RENEWAL))


async def test_what_cannot_be_offered_is_refused_with_the_reason(scene: Scene) -> None:
    async def refusal(who: str = "dana", **arguments: Any) -> str:
        answer = await scene.ask(who, "create_quote", **{"opportunity_id": RENEWAL, **arguments})
        assert not isinstance(answer, Approval), answer.card
        return str(answer["error"]["message"])

    assert "still to come" in await refusal(expires_on="2026-11-01")
    assert "at most two decimal places" in await refusal(discount=0.123)
    for discount in (-1, 101):
        assert "discount" in await refusal(discount=discount)
    assert await refusal("eli") == f"no Opportunity with id {RENEWAL!r} that you can see"
    assert "no such field that you can read" in await refusal("sam"), "to whom amounts are hidden"
    empty = await add(scene, "Opportunity", Name="Empty", CloseDate="2027-01-01", OwnerId=staff_id("dana"))
    assert "no products that you can see" in await refusal(opportunity_id=empty)
    [book] = [row for row in await rows(scene, "Pricebook2") if row["IsStandard"]]
    await scene.change(book["Id"], "Pricebook2", ValidTo="2026-10-31")
    assert "price that is not valid today" in await refusal()
    await scene.change(HARBOR, StageName="Closed")
    assert "is closed" in await refusal(opportunity_id=HARBOR)


async def test_a_name_that_an_outsider_gave_stays_an_outsiders(scene: Scene) -> None:
    async with scene.database.session(scene.tenant, write=True) as session:
        values = provenance_values(
            "external", writers=["outside"], readers=None, source="a web form", version=1, at=NOW
        )
        await keep(session, RENEWAL, "Name", values)
    approval = await scene.hold(tool="create_quote", opportunity_id=RENEWAL)
    [label] = [one["new"] for one in approval.labels["fields"] if one["field"] == "Name"]
    assert label["integrity"] == "external"
    assert "Written by somebody outside: Name." in approval.card["warnings"]


async def test_the_other_tenant_quotes_its_own(database: Database) -> None:
    theirs = await Desk(database, THERE).call("dana", "create_quote", opportunity_id=RENEWAL)
    ours = await Desk(database, HERE).call("dana", "create_quote", opportunity_id=RENEWAL)
    assert isinstance(theirs, Proposal)
    assert isinstance(ours, Proposal)
    assert {one.record_id for one in theirs.changes}.isdisjoint(one.record_id for one in ours.changes)
    assert len(theirs.changes) != len(ours.changes)
    denied = await Desk(database).call("dana", "create_quote", opportunity_id=numbered_id("006", 9_999))
    assert isinstance(denied, ToolError)


def test_a_tenant_can_ask_for_more_where_the_discount_is_large() -> None:
    when = {"fields": ["Quote.Discount", "QuoteLineItem.Discount"], "percent": {"above": 10}}
    [rule] = read_rules([{"id": "big-discounts", "reason": "the deal desk looks at discounts", "when": when}])

    def fits_discount(object_name: str, field: str, new: Any, operation: Any = "create") -> bool:
        return fits(rule.when, writes(Change(operation, object_name, "1", "x", (FieldChange(field, 0, new),))), staff())

    assert fits_discount("Quote", "Discount", 10.5)
    assert fits_discount("QuoteLineItem", "Discount", 99, "update")
    assert not fits_discount("Quote", "Discount", 10)
    assert not fits_discount("Quote", "GrandTotal", 50_000)
    assert not fits_discount("OpportunityLineItem", "Discount", 99)
