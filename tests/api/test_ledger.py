"""The ledger through HTTP: found by what matters, shown by the reader's rights, taken back with a preview's digest."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from api.settings import Settings
from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, SAM, World, calls, held, open_world, script

Json = Any
RENEWAL = "006CS0000000001YAA"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def update(**fields: Any) -> AIMessage:
    return calls(("update_record", {"object": "Opportunity", "record_id": RENEWAL, "fields": fields}))


DONE = AIMessage("Done.")


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    lines = [update(NextStep="Call Ann"), DONE, update(Amount=5), DONE, update(NextStep="Elsewhere"), DONE]
    async with open_world(settings, model=script(*lines)) as opened:
        yield opened


async def write(world: World, who: str = DANA, by: str = DANA) -> Json:
    """The entry of a write that was asked for and countersigned."""
    thread = await world.open_thread(who)
    [approval] = held(await world.say(who, thread, "change the opportunity"))
    assert (await world.decide(by, approval, "approve")).status_code == 200
    approval_id = approval["approval_id"]
    auditor = ADMIN if who != OTHER_DANA else "ada@southridge.example"
    [entry] = [one for one in await world.get(auditor, "/ledger") if one["approval_id"] == approval_id]
    return entry


async def next_step(world: World, who: str = DANA) -> Json:
    return (await world.get(who, f"/records/Opportunity/{RENEWAL}"))["NextStep"]


async def test_entries_are_found_by_what_matters(world: World) -> None:
    first, second = await write(world), await write(world, by=MARA)
    found = {
        "run_id": (first["run_id"], [first]),
        "thread_id": (second["thread_id"], [second]),
        "record_id": (RENEWAL, [second, first]),
        "object": ("Opportunity", [second, first]),
        "agent": ("sales", [second, first]),
        "tool": ("create_record", []),
        "person": ((await world.get(MARA, "/me"))["id"], [second]),
        "status": ("refused", []),
        "since": ("2100-01-01T00:00:00Z", []),
        "undoes": (first["entry_id"], []),
    }
    for name, (value, expected) in found.items():
        answer = await world.get(ADMIN, "/ledger", params={name: value})
        assert [one["entry_id"] for one in answer] == [one["entry_id"] for one in expected], name
    page = await world.call(ADMIN, "GET", "/ledger", params={"limit": 1})
    assert [one["entry_id"] for one in page.json()] == [second["entry_id"]]
    rest = await world.get(ADMIN, "/ledger", params={"before": page.headers["X-Pagination-Next"]})
    assert [one["entry_id"] for one in rest] == [first["entry_id"]]


async def test_values_are_shown_by_the_readers_rights(world: World) -> None:
    await write(world)
    entry = await write(world, by=MARA)
    shown = await world.get(MARA, f"/ledger/{entry['entry_id']}")
    assert shown["effects"][0]["after"] == {"Amount": 5}
    for who in (SAM, ELI, OTHER_DANA):
        for path in (f"/ledger/{entry['entry_id']}", f"/runs/{entry['run_id']}/touched"):
            answer = await world.call(who, "GET", path)
            assert answer.status_code == 404, answer.text
            assert "Amount" not in answer.text
    assert (await world.call(SAM, "GET", "/ledger")).status_code == 403


async def test_what_a_run_touched(world: World) -> None:
    entry = await write(world)
    thread = await world.open_thread(DANA)
    [waiting] = held(await world.say(DANA, thread, "change the opportunity"))
    for who in (DANA, ADMIN, MARA):
        touched = await world.get(who, f"/runs/{entry['run_id']}/touched")
        assert [(one["status"], one["records"]) for one in touched["proposed"]] == [
            ("applied", [f"Opportunity:{RENEWAL}"])
        ]
        assert [one["entry_id"] for one in touched["written"]] == [entry["entry_id"]]
        assert touched["sent"] == []
    [run] = await world.get(DANA, f"/threads/{thread}/runs")
    touched = await world.get(DANA, f"/runs/{run['run_id']}/touched")
    assert ([one["approval_id"] for one in touched["proposed"]], touched["written"]) == ([waiting["approval_id"]], [])


async def test_a_preview_and_its_digest_take_back(world: World) -> None:
    former = await next_step(world)
    entry = await write(world)
    preview = await world.post(DANA, "/ledger/undo/preview", {"run_id": entry["run_id"]})
    [plan] = preview["entries"]
    assert (plan["way"], plan["steps"][0]["operation"]) == ("now", "update")
    assert plan["steps"][0]["fields"] == [{"field": "NextStep", "old": "Call Ann", "new": former}]
    body = {"run_id": entry["run_id"], "digest": preview["digest"]}
    done = await world.post(DANA, "/ledger/undo", body)
    assert [one["entry_id"] for one in done["done"]] == [entry["entry_id"]]
    assert await next_step(world) == former
    replayed = await world.call(DANA, "POST", "/ledger/undo", json=body)
    assert (replayed.status_code, replayed.json()["type"]) == (409, "urn:countersign:problem:digest-mismatch")
    [undoing] = await world.get(ADMIN, "/ledger", params={"undoes": entry["entry_id"]})
    assert (undoing["tool"], undoing["undoes"], undoing["run_id"]) == ("undo", entry["entry_id"], done["run_id"])
    again = await world.post(DANA, "/ledger/undo/preview", {"entry_id": undoing["entry_id"]})
    await world.post(DANA, f"/ledger/{undoing['entry_id']}/undo", {"digest": again["digest"]})
    assert await next_step(world) == "Call Ann"
    assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None


async def test_what_needs_a_second_person_waits_in_the_inbox(world: World) -> None:
    await write(world)
    entry = await write(world, by=MARA)
    preview = await world.post(MARA, "/ledger/undo/preview", {"entry_id": entry["entry_id"]})
    path = f"/ledger/{entry['entry_id']}/undo"
    [asked] = (await world.post(MARA, path, {"digest": preview["digest"]}))["asked"]
    waiting = {one["approval_id"]: one for one in await world.get(ADMIN, "/approvals")}
    card = waiting[asked["approval_id"]]
    assert card["card"]["changes"][0]["fields"][0]["old"] == 5
    assert (await world.decide(MARA, card, "approve")).status_code == 403
    edited = await world.decide(ADMIN, card, "edit", arguments={"entry_id": UNKNOWN, "effects": [0]})
    assert edited.status_code == 422, edited.text
    decided = await world.decide(ADMIN, card, "approve")
    assert decided.json()["approval"]["status"] == "applied", decided.text
    assert (await world.get(MARA, f"/records/Opportunity/{RENEWAL}"))["Amount"] != 5
    assert (await world.decide(ADMIN, card, "approve")).status_code == 409


async def test_rejected_it_stays_and_can_be_asked_for_again(world: World) -> None:
    await write(world)
    entry = await write(world, by=MARA)
    for _ in range(2):
        preview = await world.post(MARA, "/ledger/undo/preview", {"entry_id": entry["entry_id"]})
        path = f"/ledger/{entry['entry_id']}/undo"
        [asked] = (await world.post(MARA, path, {"digest": preview["digest"]}))["asked"]
        card = await world.get(ADMIN, f"/approvals/{asked['approval_id']}")
        assert (await world.decide(ADMIN, card, "reject", reason="no")).json()["approval"]["status"] == "rejected"
    assert (await world.get(MARA, f"/records/Opportunity/{RENEWAL}"))["Amount"] == 5


@pytest.mark.parametrize("who", [ELI, SAM, OTHER_DANA, "ada@southridge.example"])
async def test_who_has_no_part_in_it_finds_nothing(world: World, who: str) -> None:
    entry = await write(world)
    digest = (await world.post(DANA, "/ledger/undo/preview", {"entry_id": entry["entry_id"]}))["digest"]
    for path, body in (
        ("/ledger/undo/preview", {"entry_id": entry["entry_id"]}),
        ("/ledger/undo/preview", {"run_id": entry["run_id"]}),
        (f"/ledger/{entry['entry_id']}/undo", {"digest": digest}),
        ("/ledger/undo", {"run_id": entry["run_id"], "digest": digest}),
    ):
        answer = await world.call(who, "POST", path, json=body)
        assert answer.status_code == 404, (path, answer.text)
        assert "Call Ann" not in answer.text
    assert await next_step(world) == "Call Ann"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/ledger/undo/preview", {}, "entry_id"),
        ("/ledger/undo/preview", {"entry_id": UNKNOWN, "run_id": UNKNOWN}, "entry_id"),
        ("/ledger/undo/preview", {"entry_id": "x"}, "entry_id"),
        ("/ledger/undo", {"run_id": UNKNOWN, "digest": "x"}, "digest"),
        ("/ledger/undo", {"digest": "0" * 64}, "run_id"),
        (f"/ledger/{UNKNOWN}/undo", {"digest": "0" * 64, "force": True}, "force"),
    ],
)
async def test_a_bad_request_names_the_field(world: World, path: str, body: Json, field: str) -> None:
    answer = await world.call(DANA, "POST", path, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
