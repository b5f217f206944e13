"""Feedback on answers: on one's own, once per person and message, read by those who may, gone with the conversation."""

from typing import Any

import pytest

from crm.database import DatabaseConfig
from crm.ids import TenantId
from tests.oracle import raw_rows
from tests.service import ADMIN, DANA, ELI, OTHER_DANA, Json, World
from trust import keys

OTHER_ADMIN = "ada@southridge.example"
QUESTION = "show the open cases of Acme Industries"
REASON, EDITED = "the third case was closed yesterday", "Acme has two open cases."


@pytest.fixture
async def answered(world: World) -> tuple[World, str, list[Json], str, list[Json]]:
    """A conversation of each of two look-alikes of two tenants."""
    found: list[Any] = [world]
    for who in (DANA, OTHER_DANA):
        thread = await world.open_thread(who)
        found += [thread, (await world.say(who, thread, QUESTION))["messages"]]
    return tuple(found)


def answer_id(messages: list[Json]) -> str:
    return str(messages[-1]["id"])


async def give(world: World, who: str, thread: str, status: int = 200, **body: Any) -> Json:
    response = await world.call(who, "POST", f"/threads/{thread}/feedback", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def feedback_entries(world: World, who: str = ADMIN) -> list[str]:
    return [entry["kind"] for entry in await world.get(who, "/audit") if entry["kind"].startswith("feedback")]


async def test_feedback_is_given_changed_and_read_by_the_tenants_admins(
    answered: Any, seeded_config: DatabaseConfig
) -> None:
    world, thread, messages, other_thread, other_messages = answered
    message = answer_id(messages)
    first = await give(world, DANA, thread, message_id=message, rating="down", reason=REASON, edited_text=EDITED)
    again = await give(world, DANA, thread, message_id=message, rating="down", reason=REASON, edited_text=EDITED)
    assert again == first
    assert await feedback_entries(world) == ["feedback.given"], "the same again is nothing new"
    await give(world, OTHER_DANA, other_thread, message_id=answer_id(other_messages), rating="up", reason="theirs")

    assert await world.get(ADMIN, "/feedback") == [first]
    assert (first["reason"], first["edited_text"], first["is_erased"]) == (REASON, EDITED, False)
    assert [one["reason"] for one in await world.get(OTHER_ADMIN, "/feedback")] == ["theirs"]
    raw = repr(raw_rows(seeded_config, "feedback")) + repr(raw_rows(seeded_config, "audit_entry"))
    assert REASON not in raw
    assert EDITED not in raw

    changed = await give(world, DANA, thread, message_id=message, rating="up")
    assert (changed["rating"], changed["reason"]) == ("up", None)
    assert await feedback_entries(world) == ["feedback.given", "feedback.changed"]
    assert await world.get(ADMIN, "/feedback", params={"rating": "down"}) == []
    assert await world.get(ADMIN, "/feedback", params={"rating": "up", "thread_id": thread}) == [changed]
    [entry] = await world.get(ADMIN, "/audit", params={"kind": "feedback.changed"})
    assert (entry["subject"], entry["payload"]["message"]) == (thread, message)
    assert set(entry["payload"]) == {"message", "rating", "digest"}


async def test_only_existing_answers_of_ones_own_conversation_are_rated(answered: Any) -> None:
    world, thread, messages, other_thread, other_messages = answered
    human, answer = str(messages[0]["id"]), answer_id(messages)
    tool = next(str(message["id"]) for message in messages if message["type"] == "tool")
    for wrong in (human, tool, "no-such-message", answer_id(other_messages)):
        await give(world, DANA, thread, 404, message_id=wrong, rating="up")
    strangers = [
        await give(world, who, where, 404, message_id=answer, rating="up")
        for who, where in ((ELI, thread), (ADMIN, thread), (OTHER_DANA, thread), (DANA, other_thread))
    ]
    assert {one["detail"] for one in strangers} == {
        f"no thread {where!r} that you can see" for where in (thread, other_thread)
    }
    for body in ({"rating": "sideways"}, {"rating": "up", "reason": ""}, {"rating": "up", "reason": "x" * 2_001}, {}):
        await give(world, DANA, thread, 422, **{"message_id": answer, **body})
    assert (await world.call(DANA, "GET", "/feedback")).status_code == 403
    assert await world.get(ADMIN, "/feedback") == []
    assert await feedback_entries(world) == []


async def test_feedback_comes_in_pages_and_goes_with_its_conversation(answered: Any) -> None:
    world, thread, _, other_thread, other_messages = answered
    second = (await world.say(DANA, thread, "how many open cases per priority"))["messages"]
    rated = [str(message["id"]) for message in second if message["type"] == "ai"]
    assert len(rated) >= 3
    for message in rated:
        await give(world, DANA, thread, message_id=message, rating="down", reason=f"about {message}")
    await give(world, OTHER_DANA, other_thread, message_id=answer_id(other_messages), rating="down", reason="theirs")
    found: list[Json] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = await world.call(ADMIN, "GET", "/feedback", params=params)
        found += page.json()
        if "X-Pagination-Next" not in page.headers:
            break
        params["after"] = page.headers["X-Pagination-Next"]
    assert sorted(one["message_id"] for one in found) == sorted(rated)
    assert all(one["reason"] == f"about {one['message_id']}" for one in found)

    async with world.service.database.session(TenantId("northwind"), write=True) as session:
        await keys.shred_thread_key(session, thread)
    erased = await world.get(ADMIN, "/feedback")
    assert {(one["rating"], one["reason"], one["is_erased"]) for one in erased} == {("down", None, True)}
    third = await world.open_thread(DANA)
    rated_too = answer_id((await world.say(DANA, third, "how many open cases"))["messages"])
    await give(world, DANA, third, message_id=rated_too, rating="up", reason="gone soon")
    rated.append(rated_too)
    assert len(await world.get(ADMIN, "/feedback")) == len(rated)
    assert (await world.call(DANA, "DELETE", f"/threads/{third}")).status_code == 204
    assert len(await world.get(ADMIN, "/feedback")) == len(rated) - 1
    assert len(await world.get(OTHER_ADMIN, "/feedback")) == 1
    assert len(await feedback_entries(world)) == len(rated)
    assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None
