"""A real provider client against a local server: whole turns over HTTP, and what goes over the wire."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from agents._models import UnknownModelError, make_model
from api.settings import Settings
from tests.openai_stub import Break, Fault, OpenAiStub, Silence, openai_stub, text, tool_calls
from tests.service import ADMIN, DANA, RENEWAL, Json, World, held, kinds, last_answer, message, open_world

SECRET = "sk-stub-4711"
RENEWAL_ID = "006CS0000000001YAA"
ASK = "change the opportunity"
CHANGE = {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann"}}


@asynccontextmanager
async def world_on(settings: Settings, stub: OpenAiStub, **more: Any) -> AsyncIterator[World]:
    """The service with the provider as an operator would name it."""
    given = {
        "model": "openai:gpt-test",
        "model_base_url": stub.url,
        "model_api_key": SecretStr(SECRET),
        **more,
    }
    async with open_world(settings.model_copy(update=given)) as world:
        yield world


async def test_a_whole_turn_with_a_read_a_held_write_and_a_streamed_answer(settings: Settings) -> None:
    both = tool_calls(("get_record", {"object": "Opportunity", "record_id": RENEWAL_ID}), ("update_record", CHANGE))
    with openai_stub(both, text("The next step is set.")) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            values = await world.say(DANA, thread, ASK)
            [approval] = held(values)
            assert approval["card"]["changes"][0]["fields"][0]["new"] == "Call Ann"
            assert kinds(values) == ["human", "ai", "tool"]

            body = {
                "assistant_id": "countersign",
                "command": {"resume": {"decisions": [{"type": "approve"}]}},
                "stream_mode": ["messages-tuple", "values"],
            }
            answer = await world.call(DANA, "POST", f"/threads/{thread}/runs/stream", json=body)
            events = [frame.splitlines() for frame in answer.text.split("\n\n") if frame.startswith("event")]
            data = [(lines[0][7:], json.loads(lines[1][6:])) for lines in events]
            pieces = [piece["content"] for name, (piece, _) in data if name == "messages" and piece["content"]]
            assert len(pieces) > 3
            assert "".join(pieces).strip().endswith("The next step is set.")
            assert data[-1][0] == "end"
            assert (await world.find(DANA, "Opportunity", RENEWAL))["NextStep"] == "Call Ann"
            assert len(await world.get(ADMIN, "/ledger", params={"thread_id": thread})) == 1

    first, second = stub.requests
    for sent in (first, second):
        assert sent["store"] is False
        assert sent["stream"] is True
        assert sent["model"] == "gpt-test"
        names = {tool["function"]["name"] for tool in sent["tools"]}
        assert {"get_record", "update_record", "find_record"} <= names
        [schema] = [tool["function"] for tool in sent["tools"] if tool["function"]["name"] == "update_record"]
        assert set(schema["parameters"]["required"]) == {"object", "record_id", "fields"}
        assert "tenant" not in json.dumps(sent["tools"])
    assert [m["role"] for m in first["messages"]] == ["system", "user"]
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    called = [call["id"] for call in second["messages"][2]["tool_calls"]]
    assert [m["tool_call_id"] for m in second["messages"][3:]] == called
    assert stub.headers[0]["authorization"] == f"Bearer {SECRET}"


async def test_two_turns_with_a_server_that_repeats_its_ids(settings: Settings) -> None:
    find = tool_calls(("fetch_cases", {"limit": 1}))
    with openai_stub(find, text("First."), find, text("Second.")) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            await world.say(DANA, thread, "show the open cases")
            values = await world.say(DANA, thread, "show the open cases again")
            assert kinds(values) == ["human", "ai", "tool", "ai"] * 2
            assert len({m["id"] for m in values["messages"]}) == 8
            sent = stub.requests[-1]["messages"]
            called = [call["id"] for m in sent if m["role"] == "assistant" for call in m.get("tool_calls", [])]
            assert called == [m["tool_call_id"] for m in sent if m["role"] == "tool"]
            assert len(set(called)) == 2


@pytest.mark.parametrize(
    "written",
    [
        pytest.param('{"object": "Opportunity", "record_id": ', id="cut-off"),
        pytest.param('{"object": "Opportunity"} and more', id="more-than-json"),
        pytest.param('["Opportunity"]', id="no-object"),
        pytest.param("null", id="null"),
    ],
)
async def test_arguments_that_are_no_json_object_can_be_corrected(settings: Settings, written: str) -> None:
    with openai_stub(tool_calls(("update_record", written)), tool_calls(("update_record", CHANGE))) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            values = await world.say(DANA, thread, ASK)
            [approval] = held(values)
            assert approval["card"]["changes"][0]["fields"][0]["new"] == "Call Ann"
            [told] = [json.loads(m["content"]) for m in values["messages"] if m["type"] == "tool"]
            assert told["error"]["kind"] == "retry"
            assert "valid JSON" in told["error"]["message"]
            sent = stub.requests[1]["messages"]
            assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool"]
            assert json.loads(sent[2]["tool_calls"][0]["function"]["arguments"]) == {}


async def test_a_call_that_is_cut_short_is_not_taken_for_a_shorter_value(settings: Settings) -> None:
    whole = json.dumps({"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"Amount": 125000}})
    cut = whole[: whole.index("5000")]
    with openai_stub(tool_calls(("update_record", cut)), text("I could not.")) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            assert held(await world.say(DANA, thread, ASK)) == []
            assert await world.get(DANA, "/approvals") == []


async def failed_run(world: World, thread: str) -> tuple[Json, str]:
    """The error that a run ends with, and everything its caller can read of it."""
    body = message(ASK, stream_mode=["values", "updates", "messages-tuple"])
    answer = await world.call(DANA, "POST", f"/threads/{thread}/runs/stream", json=body)
    frames = [frame.splitlines() for frame in answer.text.split("\n\n") if frame.startswith("event")]
    errors = [json.loads(lines[1][6:]) for lines in frames if lines[0] == "event: error"]
    assert len(errors) == 1
    assert frames[-1][0] == "event: end"
    shown = answer.text
    for path in ("", "/state", "/runs", "/history"):
        shown += (await world.call(DANA, "GET", f"/threads/{thread}{path}")).text
    return errors[0], shown


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_a_provider_that_fails_ends_the_run_with_a_typed_error_and_no_secret(
    settings: Settings, status: int
) -> None:
    with openai_stub(Fault(status)) as stub:
        stub.answers = [Fault(status, {"error": {"message": f"Incorrect API key {SECRET} for {stub.url}"}})]
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            error, shown = await failed_run(world, thread)
            assert error["error"] == "Model"
            assert "could not be asked" in error["message"]
            assert SECRET not in shown
            assert stub.url not in shown
            found = await world.get(DANA, f"/threads/{thread}")
            assert found["status"] == "error"
            [run] = await world.get(DANA, f"/threads/{thread}/runs")
            assert run["status"] == "error"

            stub.answers = [text("Back again.")]
            assert last_answer(await world.say(DANA, thread, "show the accounts")).strip() == "Back again."


async def test_a_provider_that_does_not_answer_ends_the_run_in_time(settings: Settings) -> None:
    with openai_stub(Silence(5)) as stub:
        async with world_on(settings, stub, model_timeout_s=0.5) as world:
            thread = await world.open_thread(DANA)
            error, _ = await failed_run(world, thread)
            assert error == {"error": "Model", "message": "the model did not answer within 0.5 seconds"}


async def test_a_line_that_is_cut_in_the_middle_is_no_answer(settings: Settings) -> None:
    half = tool_calls(("update_record", CHANGE))[:3]
    with openai_stub(Break(half)) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            error, _ = await failed_run(world, thread)
            assert error["error"] == "Model"
            assert await world.get(DANA, "/approvals") == []


async def test_the_fallback_answers_when_the_provider_does_not(settings: Settings) -> None:
    with openai_stub(Fault(400)) as stub:
        async with world_on(settings, stub, fallback_model="offline") as world:
            thread = await world.open_thread(DANA)
            values = await world.say(DANA, thread, "show the open cases of Acme Industries")
            assert "Acme" in last_answer(values)
            assert kinds(values)[-1] == "ai"
            assert len(stub.requests) >= 2  # it is asked first each time


async def test_the_provider_is_asked_for_a_route_only_where_words_say_nothing(settings: Settings) -> None:
    chosen = tool_calls(("choose_agent", {"agent": "service", "reason": "a guess"}))
    with openai_stub(chosen, text("Here it is.")) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            values = await world.say(DANA, thread, "something about the thing from Thursday maybe")
            assert values["route"]["agent"] == "service"
            assert [tool["function"]["name"] for tool in stub.requests[0]["tools"]] == ["choose_agent"]
            assert stub.requests[0]["store"] is False
            assert "fetch_cases" in {tool["function"]["name"] for tool in stub.requests[1]["tools"]}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param("gpt-test", "provider:name", id="no-provider"),
        pytest.param("openai:", "provider:name", id="no-name"),
        pytest.param("nobody:model", "nobody", id="unknown-provider"),
        pytest.param("groq:model", "pip install", id="package-missing"),
    ],
)
def test_a_model_that_cannot_be_made_says_what_to_do(name: str, fault: str) -> None:
    with pytest.raises(UnknownModelError, match=fault):
        make_model(name)


def test_a_model_shows_no_key() -> None:
    model = make_model("openai:gpt-test", base_url="http://127.0.0.1:9/v1", api_key=SECRET)
    assert SECRET not in repr(model)
    assert SECRET not in str(model)
    assert "offline" in make_model("offline")._llm_type
