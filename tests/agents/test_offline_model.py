"""The offline model as a LangChain chat model: binding, streaming, sameness, limits, and uses without CRM tools."""

import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from agents._offline import OfflineModel
from tests.agents.test_offline_stage import ALL_TOOLS, PROMPT, Chat, schema

SCHEMAS = [schema(name) for name in ALL_TOOLS]


def opening(text: str) -> list[BaseMessage]:
    return [SystemMessage(PROMPT), HumanMessage(text)]


def gather(chunks: list[Any]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert isinstance(whole, AIMessageChunk)
    return whole


@pytest.mark.parametrize(
    "said", ["show Globex", "what can you do?", "show Globex's open cases and create a task to call Ravi tomorrow"]
)
async def test_a_stream_put_together_is_the_answer(said: str) -> None:
    model = OfflineModel().bind_tools(SCHEMAS)
    answer = model.invoke(opening(said))
    for whole in (gather(list(model.stream(opening(said)))), gather([c async for c in model.astream(opening(said))])):
        assert whole.content == answer.content
        assert whole.tool_calls == answer.tool_calls
        assert whole.usage_metadata == answer.usage_metadata
    later = await model.ainvoke(opening(said))
    assert (later.content, later.tool_calls) == (answer.content, answer.tool_calls)


def test_text_comes_word_by_word() -> None:
    chunks = [c for c in OfflineModel().bind_tools(SCHEMAS).stream(opening("what can you do?")) if c.content]
    assert len(chunks) > 5


def test_the_same_conversation_gives_the_same_answer_with_the_same_ids() -> None:
    first = OfflineModel().bind_tools(SCHEMAS).invoke(opening("show Globex"))
    again = OfflineModel().bind_tools(SCHEMAS).invoke(opening("show Globex"))
    assert (first.content, first.tool_calls) == (again.content, again.tool_calls)
    other = OfflineModel().bind_tools(SCHEMAS).invoke(opening("show Ravi Iyer"))
    assert first.tool_calls[0]["id"] != other.tool_calls[0]["id"]


def test_call_ids_are_unique_within_a_conversation() -> None:
    chat = Chat()
    for said in ("show Globex", "show Globex", "summarise Globex and show case 00001234", "show Globex"):
        chat.say(said)
    ids = [call["id"] for message in chat.messages if isinstance(message, AIMessage) for call in message.tool_calls]
    assert len(ids) == len(set(ids)) > 3


def test_tools_may_be_schemas_models_or_tools() -> None:
    class get_record(BaseModel):  # noqa: N801  # the class name is the tool's name
        """Read a record."""

        object: str = Field(description="Kind.")
        record_id: str = Field(description="Id.")

    @tool
    def find_record(text: str) -> str:
        """Find a record."""
        return text

    model = OfflineModel().bind_tools([get_record, find_record, schema("query_records")])
    answer = model.invoke(opening("show Globex"))
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("find_record", {"text": "Globex"})]


def test_usage_counts_what_was_read_and_written() -> None:
    short = OfflineModel().invoke([HumanMessage("hi")])
    long = OfflineModel().invoke([SystemMessage(PROMPT), HumanMessage("hi")])
    assert short.usage_metadata is not None
    assert long.usage_metadata is not None
    assert long.usage_metadata["input_tokens"] > short.usage_metadata["input_tokens"] > 0
    assert (
        short.usage_metadata["total_tokens"]
        == short.usage_metadata["input_tokens"] + short.usage_metadata["output_tokens"]
    )


@pytest.mark.parametrize("said", ["show Globex", "close case 00001234", "hello"])
def test_without_tools_it_says_that_it_cannot_look(said: str) -> None:
    answer = OfflineModel().invoke(opening(said))
    assert answer.tool_calls == []
    assert "cannot" in str(answer.content)


ROUTER = {
    "type": "function",
    "function": {
        "name": "choose_agent",
        "description": "Choose who answers.\n- sales: account, deals, pipeline\n- service: case, tickets, complaint",
        "parameters": {
            "type": "object",
            "properties": {"agent": {"type": "string", "enum": ["sales", "service"]}, "reason": {"type": "string"}},
        },
    },
}


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("the deal with Acme slipped", "sales"),
        ("a ticket came in", "service"),
        ("complaints pile up", "service"),
        ("bake me a cake", None),
    ],
)
def test_as_the_routers_second_opinion_it_names_the_best_described_agent(said: str, agent: str | None) -> None:
    answer = OfflineModel().bind_tools([ROUTER]).invoke([SystemMessage("You route."), HumanMessage(said)])
    assert [call["args"]["agent"] for call in answer.tool_calls] == ([agent] if agent else [])


@pytest.mark.parametrize(
    "made",
    [
        "not json",
        "[]",
        '{"ok": true}',
        '{"ok": true, "result": {"matches": "x"}}',
        "",
        '{"ok": false}',
        '{"ok": true, "result": {"matches": [null, {"id": 3}]}}',
    ],
)
def test_odd_tool_results_end_the_turn_with_words(made: str) -> None:
    model = OfflineModel().bind_tools(SCHEMAS)
    messages = opening("show Globex")
    for _ in range(8):
        answer = model.invoke(messages)
        if not answer.tool_calls:
            break
        messages += [answer, *(ToolMessage(made, tool_call_id=call["id"]) for call in answer.tool_calls)]
    assert answer.content


def test_it_never_goes_on_beyond_six_rounds() -> None:
    model = OfflineModel().bind_tools(SCHEMAS)
    messages = opening("show Globex")
    for at in range(6):
        call = {"name": "unknown_tool", "args": {}, "id": f"x{at}", "type": "tool_call"}
        messages += [AIMessage("", tool_calls=[call]), ToolMessage("{}", tool_call_id=f"x{at}")]
    answer = model.invoke(messages)
    assert answer.tool_calls == []
    assert "stopped" in str(answer.content)


def test_turns_of_another_model_leave_their_records_in_mind() -> None:
    chat = Chat()
    call = {
        "name": "get_record",
        "args": {"object": "Case", "record_id": "500CS0000000004AAA"},
        "id": "theirs",
        "type": "tool_call",
    }
    chat.messages = [
        HumanMessage("was ist mit dem Router von Globex?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage(chat.crm.run("get_record", call["args"]), tool_call_id="theirs"),
        AIMessage("Er wird zu heiß."),
    ]
    chat.say("set it to High")
    assert chat.last("update_record")["record_id"] == "500CS0000000004AAA"


@pytest.mark.parametrize(
    "garbage",
    [
        "a" * 65_536,
        "show " * 13_000,
        '"' * 65_536,
        "to and of " * 6_500,
        "1,2." * 16_000,
        "@.@" * 21_000,
        "(((" * 21_000,
        "é\u200b" * 30_000,
        "set a to b and " * 4_300,
        "\n" * 65_536,
    ],
)
def test_garbage_of_64_kilobytes_is_answered_at_once(garbage: str) -> None:
    model = OfflineModel().bind_tools(SCHEMAS)
    started = time.process_time()
    model.invoke(opening(garbage))
    assert time.process_time() - started < 2
