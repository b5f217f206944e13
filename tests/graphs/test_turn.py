"""The machine with a scripted model: what it holds, refuses, survives and ends, whatever the model says.

Every case runs through the whole service and looks at the records, the ledger and the conversation afterwards.
"""

import ast
import inspect
import json
import logging
import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage
from sqlalchemy import select

from agents._scripted import ScriptedModel
from api.settings import Settings
from crm.ids import TenantId
from crm.records import User
from crm.repositories import approvals as approval_rows
from crm.repositories.records import EmbeddedCrm
from crm.rights import PermissionSetAssignment
from graphs.checkpoints import acting_for, checkpoint_thread_id
from graphs.context import Limits
from graphs.turn import Turn
from tests.service import (
    ADMIN,
    DANA,
    ELI,
    MARA,
    OTHER_DANA,
    RENEWAL,
    Json,
    World,
    calls,
    held,
    kinds,
    last_answer,
    message,
    open_world,
    script,
    tool_results,
)

NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
DONE = AIMessage("Done.")
ASK = "change the opportunity"


@dataclass
class TestClock:
    """Now, plus what a test has let pass."""

    __test__ = False
    passed: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed


async def renewal(world: World, who: str = DANA) -> Json:
    return await world.find(who, "Opportunity", RENEWAL)


RENEWAL_ID = "006CS0000000001YAA"


def update(record_id: str = RENEWAL_ID, **fields: Any) -> tuple[str, dict[str, Any]]:
    """A change of an opportunity; its next step can be countersigned by the person who asked."""
    return ("update_record", {"object": "Opportunity", "record_id": record_id, "fields": fields})


def look(record_id: str = RENEWAL_ID) -> tuple[str, dict[str, Any]]:
    return ("get_record", {"object": "Opportunity", "record_id": record_id})


def heard_answers(model: ScriptedModel, nth: int = -1) -> list[Json]:
    """What the model was told its calls came to, in the n-th prompt."""
    return [json.loads(str(m.content)) for m in model.heard[nth] if isinstance(m, ToolMessage)]


async def ledger_of(world: World, thread: str) -> list[Json]:
    found: list[Json] = await world.get(ADMIN, "/ledger", params={"thread_id": thread})
    return found


async def audit_holds(world: World) -> bool:
    return (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None


# Resuming


async def test_nothing_runs_twice_when_a_turn_resumes(settings: Settings) -> None:
    model = script(calls(look(), update(NextStep="Call Ann"), ("fetch_cases", {})), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        before = await world.say(DANA, thread, ASK)
        assert len(held(before)) == 1
        after = (await world.resume(DANA, thread, {"type": "approve"})).json()
        assert len(model.heard) == 2
        assert (await renewal(world))["NextStep"] == "Call Ann"
        assert after["messages"][: len(before["messages"])] == before["messages"]
        assert kinds(after) == ["human", "ai", "tool", "tool", "tool", "ai"]
        [entry] = await ledger_of(world, thread)
        assert entry["status"] == "applied"
        trail = (await world.get(ADMIN, "/audit", params={"kind": "turn.finished"}))[-1]["payload"]
        assert [call["decision"] for call in trail["calls"]] == ["allow", "hold", "allow"]
        assert trail["model_calls"] == 2


async def test_reads_and_writes_of_one_message_each_happen_once_and_all_writes_show_in_one_interrupt(
    settings: Settings,
) -> None:
    task = ("create_task", {"subject": "Prepare the visit", "related_to_id": RENEWAL_ID})
    model = script(calls(look(), update(NextStep="Visit"), ("fetch_cases", {"limit": 3}), task), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        assert len(values["__interrupt__"]) == 1
        assert [one["tool"] for one in held(values)] == ["update_record", "create_task"]
        assert [m["name"] for m in values["messages"] if m["type"] == "tool"] == ["get_record", "fetch_cases"]
        values = (await world.resume(DANA, thread, {"type": "approve"}, {"type": "approve"})).json()
        assert "__interrupt__" not in values
        assert [e["status"] for e in await ledger_of(world, thread)] == ["applied", "applied"]
        assert [m["name"] for m in values["messages"] if m["type"] == "tool"] == [
            "get_record",
            "fetch_cases",
            "update_record",
            "create_task",
        ]
        assert (await renewal(world))["NextStep"] == "Visit"
        made = {e["tool"]: e["effects"][0] for e in await ledger_of(world, thread)}
        task_id = made["create_task"]["id"]
        assert (await world.get(DANA, f"/records/Task/{task_id}"))["WhatId"] == RENEWAL_ID


async def test_a_partial_decision_leaves_the_rest_pending(settings: Settings) -> None:
    model = script(calls(update(NextStep="One"), update(Description="Two")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        first, second = held(await world.say(DANA, thread, ASK))
        assert (await world.decide(DANA, first, "approve")).json()["approval"]["status"] == "applied"
        assert (await renewal(world))["NextStep"] == "One"
        state = await world.get(DANA, f"/threads/{thread}/state")
        assert [a["approval_id"] for a in state["interrupts"][0]["value"]["approvals"]] == [second["approval_id"]]
        assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "interrupted"
        assert len(model.heard) == 1
        too_many = await world.resume(DANA, thread, {"type": "approve"}, {"type": "approve"})
        assert too_many.status_code == 422
        values = (await world.resume(DANA, thread, {"type": "reject", "message": "keep it"})).json()
        assert [r["ok"] for r in tool_results(values)] == [True, False]
        assert "keep it" in tool_results(values)[1]["error"]["message"]
        assert [e["status"] for e in await ledger_of(world, thread)] == ["applied"]


async def test_a_stale_or_repeated_resume_is_refused_and_runs_nothing(settings: Settings) -> None:
    model = script(calls(update(NextStep="One")), calls(update(NextStep="Two")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        [first] = held(values)
        old = values["__interrupt__"][0]["id"]
        values = (await world.resume(DANA, thread, {"type": "approve", "digest": first["digest"]})).json()
        [second] = held(values)
        assert values["__interrupt__"][0]["id"] != old

        by_digest = await world.resume(DANA, thread, {"type": "approve", "digest": first["digest"]})
        assert by_digest.status_code == 409
        body = {"assistant_id": "countersign", "command": {"resume": {old: {"decisions": [{"type": "approve"}]}}}}
        by_id = await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body)
        assert by_id.status_code == 422
        assert (await world.decide(DANA, first, "approve")).status_code == 409
        assert (await renewal(world))["NextStep"] == "One"
        assert held(await world.get(DANA, f"/threads/{thread}/state") | {"__interrupt__": []}) == []
        assert (await world.get(DANA, f"/approvals/{second['approval_id']}"))["status"] == "pending"

        await world.resume(DANA, thread, {"type": "approve", "digest": second["digest"]})
        assert (await renewal(world))["NextStep"] == "Two"
        after = await world.resume(DANA, thread, {"type": "approve"})
        assert after.status_code == 409
        assert len(model.heard) == 3
        assert len(await ledger_of(world, thread)) == 2


async def test_a_rejection_reaches_the_model_with_its_reason(settings: Settings) -> None:
    model = script(calls(update(NextStep="One")), AIMessage("Not changed: the buyer is away."))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        before = await renewal(world)
        await world.say(DANA, thread, ASK)
        values = (await world.resume(DANA, thread, {"type": "reject", "message": "the buyer is away"})).json()
        told = {"kind": "rejected", "message": "rejected by Dana Whitlock: the buyer is away"}
        assert tool_results(values) == [{"ok": False, "error": told}]
        [heard] = heard_answers(model)  # as the model hears it: without the name
        assert heard["error"]["message"].startswith("rejected by <<NAME:")
        assert heard["error"]["message"].endswith(": the buyer is away")
        assert "the buyer is away" in last_answer(values)
        assert await renewal(world) == before
        assert await ledger_of(world, thread) == []


async def test_an_edit_is_a_new_request_and_only_the_edited_value_is_written(settings: Settings) -> None:
    model = script(calls(update(NextStep="One")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [first] = held(await world.say(DANA, thread, ASK))
        arguments = update(NextStep="Edited")[1]
        edited = {"type": "edit", "edited_action": {"name": "update_record", "args": arguments}}
        [second] = held((await world.resume(DANA, thread, edited)).json())
        assert second["approval_id"] != first["approval_id"]
        assert second["digest"] != first["digest"]
        assert second["card"]["changes"][0]["fields"][0]["new"] == "Edited"
        assert (await renewal(world))["NextStep"] != "Edited"
        assert (await world.decide(DANA, first, "approve")).status_code == 409
        await world.resume(DANA, thread, {"type": "approve"})
        assert (await renewal(world))["NextStep"] == "Edited"
        [entry] = await ledger_of(world, thread)
        assert entry["approval_id"] == second["approval_id"]


async def test_an_edit_cannot_do_what_the_requester_may_not(settings: Settings) -> None:
    model = script(calls(update(NextStep="One")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [first] = held(await world.say(DANA, thread, ASK))
        for arguments in (
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"CreatedById": "005CS0000000005YAA"}},
            {"object": "User", "record_id": "005CS0000000005YAA", "fields": {"Title": "Boss"}},
            {"object": "Opportunity", "record_id": RENEWAL_ID},
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "x"}, "force": True},
        ):
            refused = await world.decide(DANA, first, "edit", arguments=arguments)
            assert refused.status_code == 422, refused.text
        assert (await world.get(DANA, f"/approvals/{first['approval_id']}"))["status"] == "pending"
        await world.resume(DANA, thread, {"type": "approve"})
        assert (await renewal(world))["NextStep"] == "One"


# Rights and time


async def test_rights_are_read_again_when_a_decision_is_carried_out(settings: Settings) -> None:
    model = script(calls(update(StageName="Negotiation")), AIMessage("It was refused."))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        me = await world.get(DANA, "/me")
        async with world.service.database.session(NORTHWIND, write=True) as session:
            assigned = await session.scalars(select(PermissionSetAssignment))
            for one in [one for one in assigned if one.user_id == me["id"]]:
                await session.delete(one)
        decided = await world.decide(MARA, approval, "approve")
        assert decided.json()["approval"]["status"] == "refused"
        assert (await renewal(world, MARA))["StageName"] == "Discovery"
        [entry] = await ledger_of(world, thread)
        assert (entry["status"], entry["effects"]) == ("refused", [])
        assert [a["error"]["kind"] for a in heard_answers(model)] == ["denied"]
        assert await audit_holds(world)


async def test_a_requester_who_has_left_changes_nothing(settings: Settings) -> None:
    model = script(calls(update(StageName="Negotiation")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        me = await world.get(DANA, "/me")
        async with world.service.database.session(NORTHWIND, write=True) as session:
            user = await session.scalar(select(User).where(User.Id == me["id"]))
            assert user is not None
            user.IsActive = False
        decided = await world.decide(MARA, approval, "approve")
        assert decided.status_code == 200
        assert (await renewal(world, MARA))["StageName"] == "Discovery"
        assert [e["status"] for e in await ledger_of(world, thread)] == ["refused"]
        assert len(model.heard) == 1


async def principal_of(world: World, who: str) -> Any:
    return await world.service.authenticator.authenticate(await world.token(who))


async def test_a_record_that_changed_since_is_a_conflict_and_nothing_is_written(settings: Settings) -> None:
    first = script(calls(update(NextStep="Mine", Description="Mine too")), AIMessage("Somebody else changed it."))
    async with open_world(settings, model=first) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        async with world.service.database.session(NORTHWIND, write=True) as session:
            crm = EmbeddedCrm(session, (await principal_of(world, MARA)).access, datetime.now(UTC), b"k" * 32)
            await crm.apply(await crm.propose_update("Opportunity", RENEWAL_ID, {"NextStep": "Theirs"}))
        decided = await world.decide(DANA, approval, "approve")
        assert decided.json()["approval"]["status"] == "refused"
        [told] = heard_answers(first)
        assert told["error"]["kind"] == "stale"
        assert [(c["field"], c["current"]) for c in told["error"]["conflicts"]] == [("NextStep", "Theirs")]
        record = await renewal(world)
        assert record["NextStep"] == "Theirs"
        assert record["Description"] != "Mine too"


async def test_an_undecided_request_expires_and_cannot_be_approved_any_more(settings: Settings) -> None:
    clock = TestClock()
    model = script(calls(update(NextStep="Too late")), AIMessage("Nobody decided."))
    async with open_world(settings, model=model, clock=clock) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        clock.passed = timedelta(days=6, hours=23)
        assert (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"] == "pending"
        clock.passed = timedelta(days=7, minutes=1)
        late = await world.decide(DANA, approval, "approve")
        assert late.status_code == 409
        assert "expired" in late.json()["detail"]
        await settled(world, DANA, thread)
        assert (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"] == "expired"
        assert [a["error"]["kind"] for a in heard_answers(model)] == ["expired"]
        assert (await renewal(world))["NextStep"] != "Too late"
        assert await ledger_of(world, thread) == []
        trail = await world.get(ADMIN, "/audit", params={"subject": approval["approval_id"]})
        assert [entry["kind"] for entry in trail] == ["approval.requested", "approval.expired"]
        assert trail[1]["actor"] == "countersign"


async def settled(world: World, who: str, thread: str) -> Json:
    """The thread once no run works on it."""
    for run in await world.get(who, f"/threads/{thread}/runs"):
        await world.call(who, "GET", f"/threads/{thread}/runs/{run['run_id']}/join")
    found = await world.get(who, f"/threads/{thread}")
    assert found["status"] != "busy"
    return found


async def test_a_recalled_request_ends_the_turn_without_asking_the_model(settings: Settings) -> None:
    model = script(calls(update(StageName="Negotiation")))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        assert (await world.decide(MARA, approval, "recall")).status_code == 403
        assert (await world.decide(DANA, approval, "recall")).json()["approval"]["status"] == "recalled"
        assert (await world.decide(MARA, approval, "approve")).status_code == 409
        state = await world.get(DANA, f"/threads/{thread}/state")
        assert "nothing was changed" in state["values"]["messages"][-1]["content"]
        assert len(model.heard) == 1
        assert (await renewal(world))["StageName"] == "Discovery"


async def test_one_recalled_and_one_approved_go_on_with_both_outcomes(settings: Settings) -> None:
    model = script(calls(update(NextStep="One"), update(Description="Two")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        first, second = held(await world.say(DANA, thread, ASK))
        await world.decide(DANA, first, "recall")
        await world.decide(DANA, second, "approve")
        assert [a["ok"] for a in heard_answers(model)] == [False, True]
        assert (await renewal(world))["Description"] == "Two"


# What a model may get wrong


async def test_a_tool_that_the_agent_does_not_list_is_denied(settings: Settings) -> None:
    wanted = [("delete_record", {"id": RENEWAL_ID}), ("add_case_comment", {"case_id": "x", "body": "y"}), ("drop", {})]
    model = script(calls(*wanted), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        assert held(values) == []
        assert [a["error"]["kind"] for a in heard_answers(model)] == ["denied"] * 3
        assert await ledger_of(world, thread) == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="none"),
        pytest.param({"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {}}, id="no-fields"),
        pytest.param({"object": "Nothing", "record_id": RENEWAL_ID, "fields": {"A": 1}}, id="unknown-object"),
        pytest.param({"object": "Opportunity", "record_id": "1", "fields": {"NextStep": "x"}}, id="no-such-id"),
        pytest.param(
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"Nothing": "x"}}, id="unknown-field"
        ),
        pytest.param(
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"CloseDate": "soon"}}, id="not-a-date"
        ),
        pytest.param(
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "x"}, "tenant": "southridge"},
            id="a-tenant-of-its-own",
        ),
        pytest.param(
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "a\x00b"}}, id="nul-character"
        ),
        pytest.param(
            {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "a\ud800b"}}, id="half-a-pair"
        ),
    ],
)
async def test_wrong_arguments_are_not_held_and_can_be_corrected(settings: Settings, arguments: Json) -> None:
    model = script(calls(("update_record", arguments)), calls(update(NextStep="Right")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        [told] = heard_answers(model)
        assert told["ok"] is False
        assert told["error"]["kind"] in ("retry", "not_found", "failed")
        assert told["error"]["message"]
        [approval] = held(values)
        assert approval["card"]["changes"][0]["fields"][0]["new"] == "Right"
        await world.resume(DANA, thread, {"type": "approve"})
        assert (await renewal(world))["NextStep"] == "Right"


async def test_a_loop_ends_with_an_honest_word(settings: Settings) -> None:
    model = script(*[calls(look())] * 3)
    async with open_world(settings, model=model, limits=Limits(model_calls=3)) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        assert "used up the steps" in last_answer(values)
        assert len(model.heard) == 3
        assert len(tool_results(values)) == 3
        assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "idle"


async def test_the_limit_of_calls_counts_over_the_turn_and_resets_with_the_next(settings: Settings) -> None:
    model = script(*[calls(look(), look()), calls(look(), look())] * 2)
    async with open_world(settings, model=model, limits=Limits(tool_calls=4)) as world:
        thread = await world.open_thread(DANA)
        for _ in range(2):
            values = await world.say(DANA, thread, ASK)
            assert "used up the steps" in last_answer(values)
        assert len(model.heard) == 4


async def test_calls_beyond_the_limit_of_one_message_are_answered_and_not_run(settings: Settings) -> None:
    model = script(calls(look(), look(), update(NextStep="Beyond")), DONE)
    async with open_world(settings, model=model, limits=Limits(calls_per_message=2)) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        assert held(values) == []
        answers = {m["tool_call_id"]: json.loads(m["content"]) for m in values["messages"] if m["type"] == "tool"}
        assert len(answers) == 3
        assert sorted(a["ok"] for a in answers.values()) == [False, True, True]


async def test_calls_that_share_an_id_are_told_apart(settings: Settings) -> None:
    same = [{"name": name, "args": arguments, "id": "same"} for name, arguments in (update(NextStep="A"), look())]
    again = [{"name": "update_record", "args": update(Description="B")[1], "id": "same"}]
    model = script(AIMessage("", tool_calls=same), AIMessage("", tool_calls=again), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        assert len(held(await world.say(DANA, thread, ASK))) == 1
        values = (await world.resume(DANA, thread, {"type": "approve"})).json()
        assert len(held(values)) == 1
        values = (await world.resume(DANA, thread, {"type": "approve"})).json()
        called = [c["id"] for m in values["messages"] if m["type"] == "ai" for c in m["tool_calls"]]
        answered = [m["tool_call_id"] for m in values["messages"] if m["type"] == "tool"]
        assert len(set(called)) == 3
        assert sorted(called) == sorted(answered)
        record = await renewal(world)
        assert (record["NextStep"], record["Description"]) == ("A", "B")
        assert len(await ledger_of(world, thread)) == 2


async def test_the_same_change_wanted_twice_is_two_requests(settings: Settings) -> None:
    task = ("create_task", {"subject": "Call back", "related_to_id": RENEWAL_ID})
    twice = [{"name": task[0], "args": task[1], "id": f"t{n}"} for n in range(2)]
    model = script(AIMessage("", tool_calls=twice), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        first, second = held(await world.say(DANA, thread, ASK))
        assert first["approval_id"] != second["approval_id"]
        await world.resume(DANA, thread, {"type": "approve"}, {"type": "reject"})
        assert [e["status"] for e in await ledger_of(world, thread)] == ["applied"]


async def test_a_call_id_of_any_length_does_no_harm(settings: Settings) -> None:
    odd = [{"name": "update_record", "args": update(NextStep="Long")[1], "id": "x" * 3000}]
    model = script(AIMessage("", tool_calls=odd), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        assert len(held(await world.say(DANA, thread, ASK))) == 1
        await world.resume(DANA, thread, {"type": "approve"})
        assert (await renewal(world))["NextStep"] == "Long"


async def test_a_message_id_that_was_used_before_replaces_nothing(settings: Settings) -> None:
    model = script(AIMessage("First.", id="same"), AIMessage("Second.", id="same"))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, "show the accounts")
        values = await world.say(DANA, thread, "show the accounts again")
        assert [str(m["content"]).strip() for m in values["messages"] if m["type"] == "ai"] == ["First.", "Second."]
        assert kinds(values) == ["human", "ai", "human", "ai"]


async def test_an_unreadable_call_beside_a_good_one_is_answered_as_well(settings: Settings) -> None:
    class Mumbling(ScriptedModel):
        def _stream(self, *given: Any, **more: Any) -> Any:
            for chunk in super()._stream(*given, **more):
                for piece in getattr(chunk.message, "tool_call_chunks", []):
                    if piece["name"] == "update_record":
                        piece["args"] = '{"object": "Opportunity", "rec'
                yield chunk

    same = [{"name": name, "args": arguments, "id": "same"} for name, arguments in (look(), update(NextStep="A"))]
    model = Mumbling(lines=[AIMessage("", tool_calls=same), AIMessage("I shall try again.")])
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, ASK)
        assert held(values) == []
        called = [c["id"] for m in values["messages"] if m["type"] == "ai" for c in m["tool_calls"]]
        answers = {m["tool_call_id"]: json.loads(m["content"]) for m in values["messages"] if m["type"] == "tool"}
        assert len(set(called)) == 2
        assert set(answers) == set(called)
        assert sorted(a["ok"] for a in answers.values()) == [False, True]
        assert "not valid JSON" in str(answers)


async def test_an_empty_answer_is_not_shown_as_an_answer(settings: Settings) -> None:
    async with open_world(settings, model=script(AIMessage(""))) as world:
        thread = await world.open_thread(DANA)
        assert last_answer(await world.say(DANA, thread, "show the accounts")) == "I have no answer to that."


async def test_a_result_that_is_too_long_asks_for_less(settings: Settings) -> None:
    model = script(calls(look()), DONE)
    async with open_world(settings, model=model, limits=Limits(result_chars=100)) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, ASK)
        [told] = heard_answers(model)
        assert told["error"]["kind"] == "retry"
        assert "too long" in told["error"]["message"]


# Failing


async def test_an_unknown_error_in_a_tool_ends_the_run_with_a_reference_and_leaks_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: EmbeddedCrm, *given: Any, **more: Any) -> None:
        raise RuntimeError("connection string postgres://svc:hunter2@db")

    model = script(calls(look()), DONE, DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, logger="graphs.runner"):
            patched.setattr(EmbeddedCrm, "get", broken)
            answer = await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=message(ASK))
        error = answer.json()["__error__"]
        assert error["error"] == "InternalError"
        reference = error["message"].rpartition(" ")[2]
        assert len(reference) == 12
        assert reference in caplog.text
        shown = answer.text
        for path in ("", "/state", "/history", "/runs"):
            shown += (await world.call(DANA, "GET", f"/threads/{thread}{path}")).text
        assert "hunter2" not in shown
        assert "RuntimeError" not in shown
        found = await world.get(DANA, f"/threads/{thread}")
        assert found["status"] == "error"
        assert len(model.heard) == 1

        values = await world.say(DANA, thread, "show the accounts")
        assert last_answer(values).strip() == "Done."
        assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "idle"


async def test_an_unknown_error_while_writing_leaves_the_record_and_the_ledger_untouched(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: EmbeddedCrm, *given: Any, **more: Any) -> None:
        raise RuntimeError("disk full: hunter2")

    model = script(calls(update(NextStep="One")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        before = await renewal(world)
        [approval] = held(await world.say(DANA, thread, ASK))
        with monkeypatch.context() as patched:
            patched.setattr(EmbeddedCrm, "apply", broken)
            answer = await world.resume(DANA, thread, {"type": "approve"})
        assert answer.json()["__error__"]["error"] == "InternalError"
        assert "hunter2" not in answer.text
        assert await renewal(world) == before
        assert [(e["status"], e["effects"]) for e in await ledger_of(world, thread)] == [("refused", [])]
        assert (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"] == "refused"
        assert await audit_holds(world)


async def test_after_a_failed_write_the_conversation_goes_on_and_the_approval_is_not_left_standing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: EmbeddedCrm, *given: Any, **more: Any) -> None:
        raise RuntimeError("disk full")

    model = script(calls(update(NextStep="One")), DONE, DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        with monkeypatch.context() as patched:
            patched.setattr(EmbeddedCrm, "apply", broken)
            await world.resume(DANA, thread, {"type": "approve"})
        values = await world.say(DANA, thread, "show the accounts")
        called = [c["id"] for m in values["messages"] if m["type"] == "ai" for c in m["tool_calls"]]
        assert called == [m["tool_call_id"] for m in values["messages"] if m["type"] == "tool"]
        standing = await world.get(DANA, f"/approvals/{approval['approval_id']}")
        assert standing["status"] == "refused"
        assert [e["status"] for e in await ledger_of(world, thread)] == ["refused"]
        assert "before the change was made" in tool_results(values)[0]["error"]["message"]
        assert (await renewal(world))["NextStep"] != "One"


async def test_a_change_that_was_made_before_the_turn_broke_off_is_told_as_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = EmbeddedCrm.apply, []

    async def breaks_at_the_second(self: EmbeddedCrm, change: Any) -> Any:
        seen.append(change)
        if len(seen) == 2:
            raise RuntimeError("disk full")
        return await real(self, change)

    model = script(calls(update(NextStep="One"), update(Description="Two")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, ASK)
        with monkeypatch.context() as patched:
            patched.setattr(EmbeddedCrm, "apply", breaks_at_the_second)
            await world.resume(DANA, thread, {"type": "approve"}, {"type": "approve"})
        await world.say(DANA, thread, "show the accounts")
        assert [a["ok"] for a in heard_answers(model)] == [True, False]
        record = await renewal(world)
        assert record["NextStep"] == "One"
        assert record["Description"] != "Two"
        assert sorted(e["status"] for e in await ledger_of(world, thread)) == ["applied", "refused"]
        assert await audit_holds(world)


# Conversations


async def test_a_finished_turn_leaves_one_checkpoint(settings: Settings) -> None:
    model = script(*[line for n in range(4) for line in (calls(look(), update(NextStep=f"Step {n}")), DONE)])
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        for n in range(4):
            await world.say(DANA, thread, ASK)
            await world.resume(DANA, thread, {"type": "approve"})
            assert (await renewal(world))["NextStep"] == f"Step {n}"
            key = checkpoint_thread_id(NORTHWIND, thread)
            with acting_for(NORTHWIND):
                config = {"configurable": {"thread_id": key}}
                kept = [one async for one in world.service.runner.saver.alist(config)]  # type: ignore[arg-type]
            assert len(kept) == 1
            assert not kept[0].pending_writes
        state = await world.get(DANA, f"/threads/{thread}/state")
        assert len(state["values"]["messages"]) == 4 * 5


async def test_nothing_of_a_caller_is_stored_with_the_conversation(settings: Settings) -> None:
    model = script(calls(update(NextStep="One")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, ASK, context={"instructions": "a task policy of the caller"})
        with acting_for(NORTHWIND):
            snapshot = await world.service.runner.graphs.versions_of("countersign").newest.aget_state(
                world.service.runner.config_for(NORTHWIND, thread)
            )
        stored = json.dumps(snapshot.values) + json.dumps(snapshot.metadata, default=str)
        assert "a task policy" not in stored
        assert "crm:write" not in stored
        assert set(snapshot.values) <= {"messages", "notes", "route", "calls", "request", "turn", "handoff"}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        pytest.param("hm", "clarify", "What would you like", id="clarify"),
        pytest.param("compose a poem about autumn leaves falling", "off_topic", "outside", id="off-topic"),
        pytest.param("let me speak to a human please", "escalate", "handover", id="escalate"),
    ],
)
async def test_turns_that_no_agent_answers(settings: Settings, text: str, kind: str, words: str) -> None:
    model = script(AIMessage("none of mine"))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, text)
        assert values["route"]["kind"] == kind
        assert words in last_answer(values)
        assert len(model.heard) <= (1 if kind == "off_topic" else 0)
        assert ("handoff" in values) is (kind == "escalate")
        found = "turn.handoff" if kind == "escalate" else "turn.finished"
        assert len(await world.get(ADMIN, "/audit", params={"kind": found})) == 1


async def test_a_route_that_the_model_makes_up_is_no_route(settings: Settings) -> None:
    model = script(calls(("choose_agent", {"agent": "root"})))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, "something about the thing from Thursday maybe")
        assert len(model.heard) == 1
        assert values["route"]["kind"] == "off_topic"


async def test_the_model_hears_the_day_and_the_policy_of_the_run(settings: Settings) -> None:
    model = script(DONE, DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, ASK, context={"today": "2027-02-03", "instructions": "Refunds need a form."})
        assert "Today is 2027-02-03." in system_prompt(model.heard[-1])
        assert "Refunds need a form." in system_prompt(model.heard[-1])
        await world.say(DANA, thread, ASK)
        assert "Refunds need a form." not in system_prompt(model.heard[-1])


def system_prompt(heard: list[BaseMessage]) -> str:
    assert isinstance(heard[0], SystemMessage)
    return str(heard[0].content)


async def test_what_one_tenant_asks_leaves_no_trace_in_the_other(settings: Settings) -> None:
    model = script(calls(update(NextStep="One"), look()), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(OTHER_DANA)
        ours = await renewal(world)
        values = await world.say(OTHER_DANA, thread, ASK)
        [theirs] = [r["result"]["fields"] for r in tool_results(values) if r["ok"]]
        assert theirs["Id"] == ours["Id"]  # look-alikes on purpose: the same id means another record over there
        assert theirs["StageName"] != ours["StageName"]
        values = (await world.resume(OTHER_DANA, thread, {"type": "approve"})).json()
        assert tool_results(values)[1]["ok"]
        assert await renewal(world) == ours
        async with world.service.database.session(NORTHWIND) as session:
            assert await approval_rows.list_approvals(session) == []


async def test_a_colleague_cannot_answer_for_the_requester(settings: Settings) -> None:
    model = script(calls(update(NextStep="One")), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        assert (await world.resume(ELI, thread, {"type": "approve"})).status_code == 404
        assert (await world.resume(MARA, thread, {"type": "approve"})).status_code == 404
        assert (await world.decide(ELI, approval, "approve")).status_code in (403, 404)
        assert (await renewal(world))["NextStep"] != "One"


# The shape of the machine


async def test_the_machine_has_the_documented_nodes_and_no_others(world: World) -> None:
    nodes = {
        name
        for name in world.service.runner.graphs.versions_of("countersign").newest.get_graph().nodes
        if not name.startswith("__")
    }
    documented = {"admit", "route", "agent", "guard", "act", "hold", "settle", "reply"}
    assert nodes == documented
    module = inspect.getdoc(inspect.getmodule(Turn)) or ""
    assert all(name in module for name in documented)


async def test_only_the_guard_leads_to_acting_and_only_a_hold_leads_to_settling(world: World) -> None:
    edges = world.service.runner.graphs.versions_of("countersign").newest.get_graph().edges
    into = {name: {e.source for e in edges if e.target == name} for name in ("act", "hold", "settle", "guard")}
    assert into == {"guard": {"agent"}, "act": {"guard"}, "hold": {"act", "settle"}, "settle": {"hold"}}


def test_the_hold_does_nothing_before_it_interrupts() -> None:
    source = ast.parse(textwrap.dedent(inspect.getsource(Turn.hold)))
    [function] = source.body
    assert isinstance(function, ast.AsyncFunctionDef)
    first, *rest = function.body
    assert isinstance(first, ast.Expr)
    assert isinstance(first.value, ast.Call)
    assert isinstance(first.value.func, ast.Name)
    assert first.value.func.id == "interrupt"
    [argument] = first.value.args
    assert not any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(argument))
    assert [ast.unparse(one) for one in rest] == ["return {}"]
    caught = [node for node in ast.walk(source) if isinstance(node, ast.Try)]
    assert caught == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"name": 10**400}, id="hundreds-of-digits"),
        pytest.param({"name": 2**70}, id="more-than-64-bits"),
        pytest.param({"name": float("nan")}, id="not-a-number"),
        pytest.param({"name": "half \ud800"}, id="half-a-character"),
    ],
)
async def test_a_call_that_cannot_be_kept_is_answered_and_the_turn_goes_on(settings: Settings, arguments: Json) -> None:
    call = {"name": "lookup_account\x00", "args": arguments, "id": "id \ud800\x00"}
    asked = AIMessage("a \ud800 b \x00", tool_calls=[call | {"name": "lookup_account"}, call])
    model = script(asked, AIMessage("done"))
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        modes = ["values", "updates", "messages", "messages-tuple"]
        body = message("look up the account Acme", stream_mode=modes)
        streamed = await world.call(DANA, "POST", f"/threads/{thread}/runs/stream", json=body)
        assert "event: error" not in streamed.text
        values = (await world.get(DANA, f"/threads/{thread}/state"))["values"]
        assert [one["ok"] for one in tool_results(values)] == [False, False]
        assert last_answer(values).strip() == "done"
