"""A rep's day through HTTP: from a message over a tool to what is said and what is written; on both databases."""

from typing import Any

from langchain_core.messages import AIMessage

from api.settings import Settings
from tests.service import DANA, ELI, MARA, OTHER_DANA, World, calls, held, last_answer, open_world, script, tool_results

ACME, RENEWAL_ID = "001CS0000000001YAA", "006CS0000000001YAA"
TODAY = {"context": {"today": "2026-11-02"}}
DONE = AIMessage("Done.")


def result_of(values: Any) -> Any:
    """What the last tool answered."""
    answer = tool_results(values)[-1]
    assert answer["ok"], answer
    return answer["result"]


async def say(world: World, who: str, text: str) -> Any:
    return await world.say(who, await world.open_thread(who), text, **TODAY)


async def test_a_rep_reviews_the_day_prepares_and_quotes(settings: Settings) -> None:
    model = script(
        calls(("review_my_day", {})),
        lambda heard: AIMessage("One meeting today."),
        calls(("prepare_meeting", {"record_id": ACME}), ("account_brief", {"account_id": ACME})),
        DONE,
        calls(("product_pricing", {"product": "PT-200", "account_id": ACME})),
        DONE,
        calls(("create_quote", {"opportunity_id": RENEWAL_ID, "discount": 5})),
        DONE,
        calls(("account_brief", {"account_id": ACME})),
        DONE,
    )
    async with open_world(settings, model=model) as world:
        day = result_of(await say(world, DANA, "Review my day: meetings, tasks and deals"))
        assert [row["Subject"] for row in day["meetings"]] == ["Pipeline review with Mara"]

        values = await say(world, DANA, "Prepare my meeting with the account Acme Industries")
        meeting, brief = (one["result"] for one in tool_results(values)[-2:])
        assert meeting["meeting"]["Subject"] == "Acme: walk through the fabrication line"
        assert len(brief["open_cases"]) == 3
        heard = str(model.heard[3])
        assert "Gas detector" not in heard, "an outsider's words reach the model as a handle"
        assert "⟦TEXT:" in heard

        prices = result_of(await say(world, DANA, "What is the price of the product PT-200 for Acme"))
        assert prices["prices"][0]["applies"]

        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, "Make a quote for the opportunity with 5 % discount", **TODAY)
        [approval] = held(values)
        lines = [one for one in approval["card"]["changes"] if one["object"] == "QuoteLineItem"]
        assert len(lines) == 4
        assert (await world.decide(DANA, approval, "approve")).status_code == 403, "no second person"
        for stranger in (ELI, OTHER_DANA):
            assert (await world.decide(stranger, approval, "approve")).status_code == 404
        [waiting] = await world.get(MARA, "/approvals", params={"view": "mine"})
        assert waiting["approval_id"] == approval["approval_id"]
        assert (await world.decide(MARA, approval, "approve")).json()["approval"]["status"] == "applied"
        quote = await world.find(DANA, "Quote", "Acme Industries - Fabrication Line Renewal - Quote 1")
        assert (quote["Status"], quote["Discount"]) == ("Draft", 5)
        assert last_answer((await world.get(DANA, f"/threads/{thread}/state"))["values"]).strip() == "Done."

        values = await say(world, OTHER_DANA, "Brief me on the account Acme Industries")
        assert result_of(values)["firmographics"] != brief["firmographics"], "each tenant has its own Acme"
