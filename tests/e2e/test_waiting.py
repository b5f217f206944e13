"""What becomes of a message to a conversation that waits: it is queued, supersedes, or is taken for an answer."""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from api.settings import Settings
from tests.service import (
    ADMIN,
    DANA,
    MARA,
    World,
    calls,
    held,
    last_answer,
    message,
    open_world,
    script,
    tool_results,
)

RENEWAL_ID = "006CS0000000001YAA"
ASK = "change the opportunity"
DONE = AIMessage("Done.")


def update(**fields: Any) -> AIMessage:
    return calls(("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": fields}))


def open_calls(values: dict[str, Any]) -> set[str]:
    """Calls of a conversation that nothing answers."""
    asked = {call["id"] for m in values["messages"] for call in m.get("tool_calls") or ()}
    return asked - {m.get("tool_call_id") for m in values["messages"]}


def check_history(messages: list[BaseMessage]) -> None:
    """What a provider insists on: each call is answered before anybody else speaks."""
    waiting: set[str] = set()
    for one in messages:
        if isinstance(one, ToolMessage):
            assert one.tool_call_id in waiting
            waiting.discard(one.tool_call_id)
        else:
            assert not waiting, "a call was left dangling"
            waiting = {call["id"] for call in one.tool_calls} if isinstance(one, AIMessage) else set()
    assert not waiting


async def ended(world: World, thread: str, run: dict[str, Any]) -> dict[str, Any]:
    await world.call(DANA, "GET", f"/threads/{thread}/runs/{run['run_id']}/join")
    return dict((await world.get(DANA, f"/threads/{thread}"))["values"])


async def test_a_message_is_queued_until_the_decision_was_acted_on(settings: Settings) -> None:
    model = script(update(NextStep="Call Ann"), DONE, AIMessage("And a good day to you."))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        runs = [await world.post(DANA, f"/threads/{thread}/runs", message("hello")) for _ in range(1)]
        assert runs[0]["status"] == "pending"
        found = await world.get(DANA, f"/threads/{thread}")
        assert (found["status"], len(found["interrupts"])) == ("interrupted", 1)
        assert len(model.heard) == 1
        assert (await world.decide(DANA, approval, "approve")).status_code == 200
        values = await ended(world, thread, runs[0])
        assert [m["type"] for m in values["messages"]] == ["human", "ai", "tool", "ai", "human", "ai"]
        assert last_answer(values).strip() == "And a good day to you."
        assert open_calls(values) == set()
        for heard in model.heard:
            check_history(heard)


async def test_a_queued_message_can_be_taken_back_and_the_queue_ends(settings: Settings) -> None:
    async with open_world(settings, model=script(update(NextStep="Call Ann"), DONE)) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        path = f"/threads/{thread}/runs"
        queued = [await world.post(DANA, path, message("hello")) for _ in range(20)]
        assert (await world.call(DANA, "POST", path, json=message("one more"))).status_code == 429
        refused = await world.call(DANA, "POST", path, json=message("no", multitask_strategy="reject"))
        assert refused.status_code == 409
        for run in queued:
            assert (await world.call(DANA, "POST", f"{path}/{run['run_id']}/cancel")).status_code == 204
            assert (await world.get(DANA, f"{path}/{run['run_id']}"))["status"] == "interrupted"
        stream = await world.call(DANA, "GET", f"{path}/{queued[0]['run_id']}/stream")
        assert "event: end" in stream.text
        assert (await world.decide(DANA, approval, "approve")).status_code == 200
        assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "idle"


async def test_the_tenant_and_the_conversation_say_what_a_message_does(settings: Settings) -> None:
    lines = [update(NextStep="Call Ann"), AIMessage("As you say."), update(NextStep="Call Bob"), DONE, DONE]
    model = script(*lines)
    async with open_world(settings, model=model) as world:
        assert (await world.call(DANA, "PUT", "/admin/inbox", json={"while_waiting": "answer"})).status_code == 403
        assert (await world.get(ADMIN, "/admin/inbox")) == {"while_waiting": "queue"}
        assert (await world.call(ADMIN, "PUT", "/admin/inbox", json={"while_waiting": "answer"})).status_code == 200
        assert (await world.get("ada@southridge.example", "/admin/inbox")) == {"while_waiting": "queue"}
        [changed] = await world.get(ADMIN, "/audit", params={"kind": "inbox.changed"})
        assert changed["payload"] == {"while_waiting": "answer", "was": "queue"}

        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        values = await world.say(DANA, thread, "rather call Bob, she is away")
        assert last_answer(values).strip() == "As you say."
        [told] = tool_results(values)
        assert told["error"]["kind"] == "answered"
        assert told["error"]["message"].endswith("rather call Bob, she is away")
        found = await world.get(DANA, f"/approvals/{approval['approval_id']}")
        assert (found["status"], found["reason"]) == ("answered", "rather call Bob, she is away")

        other = (await world.post(DANA, "/threads", {"metadata": {"while_waiting": "supersede"}}))["thread_id"]
        [second] = held(await world.say(DANA, other, ASK))
        values = await world.say(DANA, other, "show the accounts")
        assert [m["type"] for m in values["messages"]][-2:] == ["human", "ai"]
        assert open_calls(values) == set()
        assert (await world.get(DANA, f"/approvals/{second['approval_id']}"))["status"] == "recalled"
        for heard in model.heard:
            check_history(heard)


async def test_words_instead_of_a_decision_reach_the_agent_as_that_persons(settings: Settings) -> None:
    """As inbox clients send them, and over our own interface by an approver; nothing is written by it."""
    lines = [update(NextStep="Call Ann"), update(NextStep="Call Bob"), AIMessage("Then I leave it.")]
    async with open_world(settings, model=script(*lines)) as world:
        thread = await world.open_thread(DANA)
        before = (await world.find(DANA, "Opportunity", RENEWAL_ID))["NextStep"]
        await world.say(DANA, thread, ASK)
        body = {"assistant_id": "countersign", "command": {"resume": [{"type": "response", "args": "call Bob"}]}}
        values = (await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body)).json()
        [second] = held(values)
        assert "call Bob" in tool_results(values)[0]["error"]["message"]
        said = await world.decide(MARA, second, "answer")
        assert (said.status_code, said.json()["errors"][0]["field"]) == (422, "text")
        assert (await world.decide("eli@northwind.example", second, "answer", text="psst")).status_code == 404
        said = await world.decide(MARA, second, "answer", text="leave it")
        assert said.json()["approval"]["status"] == "answered"
        values = (await world.get(DANA, f"/threads/{thread}"))["values"]
        assert last_answer(values).strip() == "Then I leave it."
        told = tool_results(values)[1]["error"]
        assert (told["kind"], told["message"].endswith("and says: leave it")) == ("answered", True)
        assert (await world.find(DANA, "Opportunity", RENEWAL_ID))["NextStep"] == before
        state = await world.get(ADMIN, "/ledger", params={"thread_id": thread})
        assert state == []


async def test_a_reason_reaches_the_agent_and_it_acts_on_it(settings: Settings) -> None:
    def on_rejection(messages: list[BaseMessage]) -> AIMessage:
        told = json.loads(str(messages[-1].content))["error"]
        assert told["kind"] == "rejected"
        return update(NextStep=told["message"].rpartition(": ")[2])

    async with open_world(settings, model=script(update(NextStep="Call Ann"), on_rejection, DONE)) as world:
        thread = await world.open_thread(DANA)
        [first] = held(await world.say(DANA, thread, ASK))
        await world.decide(MARA, first, "reject", reason="Write to Bob")
        waiting = (await world.get(DANA, f"/threads/{thread}"))["interrupts"]
        [second] = next(iter(waiting.values()))[0]["value"]["approvals"]
        assert second["card"]["changes"][0]["fields"][0]["new"] == "Write to Bob"
        assert (await world.decide(MARA, second, "approve")).json()["approval"]["status"] == "applied"
        assert (await world.find(DANA, "Opportunity", RENEWAL_ID))["NextStep"] == "Write to Bob"


async def test_the_offline_model_passes_a_reason_on(world: World) -> None:
    thread = await world.open_thread(DANA)
    [approval] = held(
        await world.say(DANA, thread, "move the Acme Industries - Fabrication Line Renewal to Negotiation")
    )
    await world.decide(MARA, approval, "reject", reason="the budget is not signed")
    values = (await world.get(DANA, f"/threads/{thread}"))["values"]
    assert "the budget is not signed" in last_answer(values)
    assert open_calls(values) == set()


async def test_what_nobody_decided_runs_out_once_and_the_agent_says_so(settings: Settings) -> None:
    now = [datetime.now(UTC)]
    model = script(update(NextStep="Call Ann"), AIMessage("Nobody decided in time."))
    async with open_world(settings, model=model, clock=lambda: now[0]) as world:
        await world.service.housekeeper.stop()
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, ASK)
        queued = await world.post(DANA, f"/threads/{thread}/runs", message("hello"))
        tenant = (await world.service.authenticator.authenticate(await world.token(DANA))).tenant
        conversations = world.service.conversations
        assert await conversations.expire_due(tenant) == 0
        model.lines.append(AIMessage("Hello."))
        now[0] += timedelta(days=8)
        found = await asyncio.gather(*(conversations.expire_due(tenant) for _ in range(4)))
        assert sorted(found) == [0, 0, 0, 1]
        values = await ended(world, thread, queued)
        assert [m["type"] for m in values["messages"]] == ["human", "ai", "tool", "ai", "human", "ai"]
        assert tool_results(values)[0]["error"]["kind"] == "expired"
        assert open_calls(values) == set()


@pytest.mark.parametrize("seed", range(3))
async def test_no_interleaving_leaves_a_call_dangling(settings: Settings, seed: int) -> None:
    """Messages in every way, decisions, answers and cancellations at random; a provider would take every history."""
    dice = random.Random(seed)

    def line(messages: list[BaseMessage]) -> AIMessage:
        check_history(messages)
        asked = isinstance(messages[-1], HumanMessage) and "change" in str(messages[-1].content)
        return update(NextStep=f"Step {dice.random()}") if asked else DONE

    async with open_world(settings, model=script(*[line] * 200)) as world:
        thread = await world.open_thread(DANA)
        await world.token(MARA)
        path = f"/threads/{thread}/runs"
        for _ in range(12):
            text = dice.choice([ASK, "show the accounts"])
            way = dice.choice([None, "enqueue", "interrupt", "rollback", "reject"])
            steps = [world.call(DANA, "POST", path, json=message(text, **({"multitask_strategy": way} if way else {})))]
            waiting = await world.get(DANA, "/approvals", params={"thread_id": thread})
            for approval in waiting:
                kind = dice.choice(["approve", "reject", "answer", "recall", "edit"])
                who = DANA if kind == "recall" else dice.choice([DANA, MARA])
                more = {"answer": {"text": "no, and change nothing"}, "edit": {"arguments": approval["arguments"]}}
                steps.append(world.decide(who, approval, kind, **more.get(kind, {})))
            if dice.random() < 0.3:
                steps.append(
                    world.call(DANA, "POST", path, json={**message(""), "input": None, "command": {"goto": "__end__"}})
                )
            answers = await asyncio.gather(*steps)
            assert {one.status_code for one in answers} <= {200, 403, 404, 409, 422, 429}
            await asyncio.sleep(dice.random() * 0.05)
        for _ in range(30):
            waiting = await world.get(DANA, "/approvals", params={"thread_id": thread})
            for approval in waiting:
                await world.decide(DANA, approval, "recall")
            runs = await world.get(DANA, path, params={"limit": 200})
            open_runs = [run for run in runs if run["status"] in ("pending", "running")]
            if not waiting and not open_runs:
                break
            await asyncio.sleep(0.1)
        found = await world.get(DANA, f"/threads/{thread}")
        assert found["status"] in ("idle", "error")
        assert open_calls(found["values"]) == set()
        assert not [run for run in runs if run["status"] == "error"]
        assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None
