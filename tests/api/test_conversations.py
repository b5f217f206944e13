"""Conversations as people read them: turns as trees with marks, search, what to ask next, what a model was shown."""

import json
from typing import Any

from api.marked_trees import Marks, mark_tree
from tests.service import DANA, ELI, OTHER_DANA, World, message
from trust.egress import sanitize

QUESTION = "show the open cases of Acme Industries"
Json = Any


def nodes_of(tree: Json, kind: str) -> list[Json]:
    found = [node for node in tree if node["type"] == kind]
    return found + [one for node in tree for one in nodes_of(node.get("children", []), kind)]


def words_of(node: Json) -> str:
    return str(node.get("text", "")) + "".join(words_of(one) for one in node.get("children", []))


def events_of(text: str) -> list[tuple[str, Json]]:
    frames = [frame.split("\n") for frame in text.split("\n\n") if frame.startswith("event")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in frames]


async def test_a_conversation_is_read_searched_masked_and_edited(world: World) -> None:
    thread = await world.open_thread(DANA)
    response = await world.call(
        DANA, "POST", f"/threads/{thread}/runs/stream", json=message(QUESTION, stream_mode=["trees", "messages-tuple"])
    )
    events = events_of(response.text)
    tree: list[Json] = []
    for data in [data for name, data in events if name == "trees"]:
        tree[data["keep"] :] = data["nodes"]
    streamed = "".join(d[0]["content"] for name, d in events if name == "messages" and d[0]["type"] != "tool")
    assert sanitize(streamed).tree == tree

    read = await world.get(DANA, f"/threads/{thread}/messages")
    (turn,) = read["turns"]
    assert (turn["question"], turn["agent"], turn["route"]["kind"]) == (QUESTION, "service", "agent")
    assert [(step["tool"], step["status"]) for step in turn["steps"]] == [
        ("find_record", "done"),
        ("fetch_cases", "done"),
    ]
    assert all(isinstance(step["took_ms"], int) for step in turn["steps"])
    (answer,) = turn["answers"]
    cited = nodes_of(answer["tree"], "citation")
    assert len(cited) > 5
    for node in cited:
        assert words_of(node) == answer["citations"][node["number"] - 1]["text"]
    number = next(one for one in answer["citations"] if one["field"] == "CaseNumber")
    assert (number["object"], number["text"]) == ("Case", "00001006")
    company = next(one for one in answer["citations"] if one["object"] == "Account")
    assert (company["id"], company["field"]) == (company["text"], None)
    outside = {words_of(node) for node in nodes_of(answer["tree"], "outside")}
    assert "Wireless loggers in cold store 2 go offline" in outside
    assert {"object": "Case", "id": number["id"], "field": "Subject"} in answer["outside"]

    suggested = await world.get(DANA, f"/threads/{thread}/suggestions")
    assert suggested
    assert all(one["tool"] not in ("find_record", "fetch_cases") for one in suggested)
    assert not any("Wireless loggers" in one["text"] for one in suggested), "an outsider's words are no suggestion"
    assert await world.get(DANA, "/suggestions")

    prompt = await world.get(DANA, f"/threads/{thread}/prompt")
    assert [one["kind"] for one in prompt] == ["system", "human", "ai", "tool", "ai", "tool", "ai"]
    seen = json.dumps(prompt)
    assert "Poe" not in seen
    assert "Wireless loggers" not in seen
    assert "<<NAME:" in seen

    await world.post(DANA, f"/threads/{thread}/feedback", {"message_id": answer["message_id"], "rating": "down"})
    rated = await world.get(DANA, f"/threads/{thread}/messages")
    assert rated["turns"][0]["answers"][0]["rating"] == {"rating": "down", "reason": None}

    await world.call(DANA, "PATCH", f"/threads/{thread}", json={"metadata": {"title": "Acme's troubles"}})
    other = await world.open_thread(DANA)
    await world.say(DANA, other, "how many open cases per priority")
    lines = await world.get(DANA, "/conversations")
    assert [line["title"] for line in lines] == ["how many open cases per priority", "Acme's troubles"]
    for query, expected in [
        ("wireless LOGGERS", [thread]),
        ("troubles", [thread]),
        ("priority", [other, thread]),
        ("zz9", []),
    ]:
        hits = await world.get(DANA, "/conversations", params={"query": query})
        assert [line["thread_id"] for line in hits] == expected, query
        assert all(line["excerpt"] for line in hits)

    edited = {"type": "human", "content": "show the open cases of Globex", "replaces": turn["message_id"]}
    body = {"assistant_id": "countersign", "input": {"messages": [edited]}}
    values = await world.post(DANA, f"/threads/{thread}/runs/wait", body)
    assert [one["content"] for one in values["messages"] if one["type"] == "human"] == [edited["content"]]
    assert "Wireless loggers" not in json.dumps(values)
    again = await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body)
    assert again.status_code == 422
    assert again.json()["errors"][0]["field"] == "input.messages.0.replaces"

    for stranger in (ELI, OTHER_DANA):
        assert await world.get(stranger, "/conversations") == []
        for path in ("messages", "suggestions", "prompt"):
            assert (await world.call(stranger, "GET", f"/threads/{thread}/{path}")).status_code == 404
        stolen = await world.call(stranger, "POST", f"/threads/{thread}/runs/wait", json=body)
        assert stolen.status_code == 404


async def test_only_the_last_message_is_said_again_and_a_held_write_is_recalled_with_it(world: World) -> None:
    thread = await world.open_thread(DANA)
    first = await world.say(DANA, thread, QUESTION)
    held = await world.say(DANA, thread, "draft an email to Ann Poe about case 00001005")
    read = await world.get(DANA, f"/threads/{thread}/messages")
    assert read["status"] == "interrupted"
    (waits,) = read["waits"]
    assert read["turns"][1]["steps"][-1]["status"] == "waiting"
    assert read["turns"][1]["steps"][-1]["call_id"] == waits["call_id"]
    assert held["__interrupt__"][0]["value"]["approvals"][0]["approval_id"] == waits["approval_id"]
    for wrong in (first["messages"][0]["id"], first["messages"][-1]["id"], "x", "", 7):
        body = {
            "assistant_id": "countersign",
            "input": {"messages": [{"type": "human", "content": "a", "replaces": wrong}]},
        }
        assert (await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body)).status_code == 422, wrong
    last = {"type": "human", "content": "how many open cases per priority", "replaces": read["turns"][1]["message_id"]}
    body = {"assistant_id": "countersign", "input": {"messages": [last]}, "multitask_strategy": "interrupt"}
    values = await world.post(DANA, f"/threads/{thread}/runs/wait", body)
    assert [one["content"] for one in values["messages"] if one["type"] == "human"] == [QUESTION, last["content"]]
    card = await world.get(DANA, f"/approvals/{waits['approval_id']}")
    assert card["status"] == "recalled"


def test_marks_are_put_where_the_value_stands_and_not_where_another_reads_alike() -> None:
    text = "In **2026** there are 2 cases:\n\n1. [x](https://evil.example) `2` and 2\n"
    at = text.rindex("2")
    tree = mark_tree(sanitize(text).tree, text, Marks(cited=[(at, at + 1)], outside=["no such words"]))
    (cited,) = nodes_of(tree, "citation")
    assert (cited["number"], words_of(cited)) == (1, "2")
    assert words_of({"children": tree}).endswith("2 and 2")
    paragraph = tree[-1]["children"][0]["children"][0]
    assert paragraph["children"][-1] == cited


def test_an_outsiders_words_are_marked_and_never_markup() -> None:
    evil = "<img src=x onerror=alert(1)> see me"
    text = f"The subject is {evil}, case 00001006."
    tree = mark_tree(
        sanitize(text).tree,
        text,
        Marks(cited=[(text.index("00001006"), text.index("00001006") + 8)], outside=["see me"]),
    )
    assert {node["type"] for node in tree} == {"paragraph"}
    assert [words_of(one) for one in nodes_of(tree, "outside")] == ["see me"]
    assert [words_of(one) for one in nodes_of(tree, "citation")] == ["00001006"]
