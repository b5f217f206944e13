"""The public client library on whole conversations: copied, answered anew, followed over several runs."""

import asyncio
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from api.settings import Settings
from tests.e2e.test_sdk import ASK, DONE, GRAPH, SHOW, open_thread, refused, site, update, wait
from tests.service import DANA, ELI, OTHER_DANA, calls, held, kinds, last_answer, script

READ = calls(("fetch_cases", {"limit": 2}))
UNKNOWN = "6a1d4a1c-6f0e-4c43-9a5c-2f0f4d1f7c11"


def hear(messages: list[BaseMessage]) -> AIMessage:
    """Says what the user has said, as it has reached the model."""
    return AIMessage("Heard: " + " / ".join(str(one.content) for one in messages if isinstance(one, HumanMessage)))


def say(text: str) -> Any:
    return {"messages": [{"type": "human", "content": text}]}


def _outside_texts(values: Any) -> list[str]:
    """What customers wrote in the cases that were read."""
    [answer] = [one for one in values["messages"] if one["type"] == "tool"]
    paths = [one["path"] for one in answer["artifact"]["labels"] if one["integrity"] == "external"]
    result = json.loads(answer["content"])["result"]
    return [text for case in result["cases"] for name, text in case.items() if any(name in path for path in paths)]


async def test_a_copy_goes_its_own_way(settings: Settings) -> None:
    model = script(READ, hear, hear)
    with site(settings, model) as here:
        async with here.client() as client, here.client(OTHER_DANA) as other, here.client(ELI) as eli:
            thread = await open_thread(client)
            await client.threads.update(thread, metadata={"title": "Cases"})
            first = await wait(client, thread, input=say("show the open cases"))
            copy: Any = await client.threads.copy(thread)
            assert copy["thread_id"] != thread
            assert (copy["status"], copy["metadata"]["title"]) == ("idle", "Cases")
            assert copy["values"]["messages"] == first["messages"]

            there = await wait(client, copy["thread_id"], input=say("show the cases of Quokka"))
            assert last_answer(there).strip() == "Heard: show the open cases / show the cases of Quokka"
            assert kinds(there)[:4] == kinds(first)
            [outside, *_] = _outside_texts(first)  # it stays behind a handle in the copy, too
            assert [outside in str(heard) for heard in model.heard[1:3]] == [False, False]
            assert "\u27e6" in str(model.heard[2])
            before: Any = await client.threads.get_state(thread)
            assert before["values"]["messages"] == first["messages"]
            await client.threads.delete(thread)  # its key is shredded; the copy has one of its own
            state: Any = await client.threads.get_state(copy["thread_id"])
            assert state["values"]["messages"] == there["messages"]

            for stranger in (other, eli):
                with refused(404):
                    await stranger.threads.copy(copy["thread_id"])
            with refused(404):
                await client.threads.copy(UNKNOWN)
            empty: Any = await client.threads.copy(await open_thread(client))
            assert not empty["values"]


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_a_run_without_input_answers_the_last_message_anew(settings: Settings) -> None:
    lines = [AIMessage("Not good."), AIMessage("Better."), AIMessage("Best."), calls(update(NextStep="x")), DONE]
    with site(settings, script(*lines)) as here:
        async with here.client() as client, here.client(OTHER_DANA) as other:
            thread = await open_thread(client)
            await wait(client, thread, input=SHOW)
            again = await wait(client, thread)
            assert kinds(again) == ["human", "ai"]
            assert last_answer(again).strip() == "Better."
            state: Any = await client.threads.get_state(thread)
            before = state["parent_checkpoint"] or state["checkpoint"]  # what the button of the chat UI names
            best = await wait(client, thread, checkpoint=before)
            assert last_answer(best).strip() == "Best."
            for wrong in ({"checkpoint_id": UNKNOWN}, {"input": {}}, {"input": {"messages": []}}):
                with refused(422):
                    await wait(client, thread, **wrong)
            for who, where in ((other, thread), (client, await open_thread(client)), (client, UNKNOWN)):
                with refused(422):
                    await wait(who, where)
            with refused(422):
                await client.runs.wait(None, GRAPH)

            [approval] = held(await wait(client, thread, input=ASK))
            with refused(409):  # it is neither an answer to what waits nor taken up after it
                await wait(client, thread)
            async with here.plain(DANA) as plain:
                assert (await plain.get(f"/approvals/{approval['approval_id']}")).json()["status"] == "pending"


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_a_thread_is_followed_over_its_runs(settings: Settings) -> None:
    with site(settings, script(*[hear] * 4)) as here:
        async with here.client() as client, here.client(OTHER_DANA) as other:
            thread = await open_thread(client)
            await wait(client, thread, input=say("show the account Zero"))

            async def follow(runs: int, **more: Any) -> list[Any]:
                found: list[Any] = []
                stream: Any = await client.threads.join_stream(thread, **more)
                async for part in stream:
                    found.append(part)
                    if [one.event for one in found].count("end") == runs:
                        break
                return found

            following = asyncio.create_task(follow(2))
            framing = asyncio.create_task(follow(2, stream_mode="lifecycle"))
            await asyncio.sleep(0.5)
            await wait(client, thread, input=say("show the account One"))
            await wait(client, thread, input=say("show the account Two"))
            parts = await asyncio.wait_for(following, 20)
            assert "Zero" in str(parts)
            values = [part.data for part in parts if part.event == "values"]
            assert last_answer(values[-1]).strip().endswith("Two")
            assert [part.event for part in await asyncio.wait_for(framing, 20)] == ["metadata", "end"] * 2
            assert len({part.id for part in parts}) == len(parts)

            middle = next(at for at, part in enumerate(parts) if part.event == "end")
            rest = await asyncio.wait_for(follow(1, last_event_id=parts[middle].id), 20)
            assert [part.id for part in rest] == [part.id for part in parts[middle + 1 :]]
            for mode in ("state_update", "everything"):
                with refused(422):
                    await follow(1, stream_mode=mode)
            for wrong in ("7", f"{UNKNOWN}.1", f"{UNKNOWN}.x"):
                with refused(422):
                    await follow(1, last_event_id=wrong)
            with refused(404):
                stream: Any = await other.threads.join_stream(thread)
                [part async for part in stream]


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_the_versions_of_an_assistant_are_those_of_its_graph(settings: Settings) -> None:
    with site(settings) as here:
        async with here.client() as client:
            one: Any = await client.assistants.get(GRAPH)
            found: Any = await client.assistants.get_versions(GRAPH)
            assert [each["version"] for each in found] == list(range(one["version"], 0, -1))
            assert found[0]["assistant_id"] == one["assistant_id"]
            assert await client.assistants.get_versions(GRAPH, metadata={"kind": "else"}) == []
            assert (await client.assistants.set_latest(GRAPH, one["version"]))["version"] == one["version"]
            with refused(422):
                await client.assistants.set_latest(GRAPH, one["version"] + 1)
            with refused(404):
                await client.assistants.get_versions("nothing")
