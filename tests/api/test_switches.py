"""A thrown switch stops what begins after it, in every process, by whichever way; and leaves nothing half done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from api.settings import Settings
from api.wiring import utc_now
from crm import migrate
from crm.database import DatabaseConfig
from tests.oracle import raw_connection, raw_rows
from tests.service import (
    ADMIN,
    DANA,
    MARA,
    OTHER_DANA,
    World,
    calls,
    held,
    last_answer,
    message,
    open_world,
    script,
    tool_results,
)

Json = Any
RENEWAL = "006CS0000000001YAA"
OTHER_ADMIN = "ada@southridge.example"
READ = calls(("lookup_account", {"name": "Acme Industries"}))
DONE = AIMessage("Done.")


def update(**fields: Any) -> AIMessage:
    return calls(("update_record", {"object": "Opportunity", "record_id": RENEWAL, "fields": fields}))


async def throw(world: World, scope: str, name: str = "", state: str = "on", who: str = ADMIN, **more: Any) -> Json:
    body = {"scope": scope, "name": name, "state": state, "reason": "a wrong day", **more}
    return await world.post(who, "/admin/switches", body)


def throw_globally(config: DatabaseConfig, *, is_on: bool) -> None:
    values = {"is_on": is_on, "reason": "a bad build", "changed_by": "operator", "changed_at": utc_now(), "until": None}
    migrate.throw_service_switch(config, values)


async def ask(world: World, text: str = "change the opportunity", who: str = DANA) -> tuple[str, Json]:
    thread = await world.open_thread(who)
    return thread, await world.say(who, thread, text)


async def test_no_new_message_is_taken_while_the_tenant_is_switched_off(settings: Settings) -> None:
    async with open_world(settings, model=script(DONE, DONE)) as world:
        thread = await world.open_thread(DANA)
        await throw(world, "tenant")
        answer = await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=message("show the opportunity"))
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:countersign:problem:switched-off")
        assert answer.json()["detail"] == "the copilot is switched off: a wrong day"
        _, elsewhere = await ask(world, "show the opportunity", OTHER_DANA)
        assert "Done." in last_answer(elsewhere)
        await throw(world, "tenant", state="off")
        assert "Done." in last_answer(await world.say(DANA, thread, "show the opportunity"))


async def test_a_run_that_is_under_way_ends_at_its_next_step(settings: Settings, seeded_config: DatabaseConfig) -> None:
    """The switch comes while the model thinks: it is denied, not asked again, and the run says so."""

    def think(messages: list[BaseMessage]) -> AIMessage:
        with raw_connection(seeded_config) as connection:
            connection.execute(
                "INSERT INTO kill_switch (tenant, scope, name, is_on, reason, changed_by, changed_at)"
                " VALUES ('northwind', 'tenant', '', true, 'a wrong day', 'x', '2026-11-02 09:00:00')"
            )
        return update(NextStep="x")

    model = script(think, DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        run = await world.post(DANA, f"/threads/{thread}/runs", message("change the opportunity"))
        path = f"/threads/{thread}/runs/{run['run_id']}"
        events = (await world.call(DANA, "GET", f"{path}/stream")).text
        assert '"error":"Paused","message":"the copilot is switched off: a wrong day"' in events
        assert (await world.get(DANA, path))["status"] == "error"
        assert len(model.heard) == 1
        assert raw_rows(seeded_config, "approval") == []
        await throw(world, "tenant", state="off")
        values = await world.say(DANA, thread, "go on")
        assert "Done." in last_answer(values)
        [denied] = tool_results(values)
        assert not denied["ok"]


async def test_what_waits_stays_and_cannot_be_approved(settings: Settings) -> None:
    async with open_world(settings, model=script(update(NextStep="x"), DONE, DONE)) as world:
        thread, values = await ask(world)
        [approval] = held(values)
        for scope, name in (("tenant", ""), ("agent", "sales"), ("tool", "update_record")):
            await throw(world, scope, name)
            for answer in (
                await world.decide(MARA, approval, "approve"),
                await world.decide(DANA, approval, "approve"),
                await world.resume(DANA, thread, {"type": "approve", "digest": approval["digest"]}),
            ):
                assert answer.status_code == 409, answer.text
                assert "switched off: a wrong day" in answer.json()["detail"]
            assert (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"] == "pending"
            await throw(world, scope, name, "off")
        decided = await world.decide(DANA, approval, "approve")
        assert decided.json()["approval"]["status"] == "applied"


async def test_a_stranger_is_not_told_that_a_request_is_paused(settings: Settings) -> None:
    async with open_world(settings, model=script(update(NextStep="x"), DONE)) as world:
        _, values = await ask(world)
        [approval] = held(values)
        await throw(world, "tenant")
        await throw(world, "tenant", who=OTHER_ADMIN)
        assert (await world.decide(OTHER_DANA, approval, "approve")).status_code == 404


async def test_it_can_be_rejected_while_switched_off(settings: Settings) -> None:
    async with open_world(settings, model=script(update(NextStep="x"), DONE, DONE)) as world:
        thread, values = await ask(world)
        [approval] = held(values)
        await throw(world, "tenant")
        decided = await world.decide(DANA, approval, "reject", reason="no")
        assert decided.json()["approval"]["status"] == "rejected"
        [run, _] = await world.get(DANA, f"/threads/{thread}/runs")
        assert run["status"] == "error"
        await throw(world, "tenant", state="off")
        values = await world.say(DANA, thread, "show the opportunity")
        assert "rejected" in str(tool_results(values)[0])


@pytest.mark.parametrize("scope", ["tenant", "agent", "tool", "global"])
async def test_what_was_approved_is_not_carried_out_once_the_switch_is_on(
    settings: Settings, seeded_config: DatabaseConfig, scope: str
) -> None:
    """The decision is in, its run has not come to the ledger: nothing is written, and it never will be."""
    names = {"agent": "sales", "tool": "update_record"}
    async with open_world(settings, model=script(update(NextStep="x"), DONE, DONE)) as world:
        _, values = await ask(world)
        [approval] = held(values)
        before = raw_rows(seeded_config, "opportunity")
        real = type(world.service.runner.desk)._settle_one

        async def throw_first(self: Any, call: Any, context: Any) -> Any:
            if scope == "global":
                throw_globally(seeded_config, is_on=True)
            else:
                await throw(world, scope, names.get(scope, ""))
            return await real(self, call, context)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(world.service.runner.desk), "_settle_one", throw_first)
            decided = (await world.decide(DANA, approval, "approve")).json()["approval"]
        assert (decided["status"], decided["result"]["kind"]) == ("refused", "paused")
        assert raw_rows(seeded_config, "opportunity") == before
        [entry] = raw_rows(seeded_config, "ledger_entry")
        assert entry["status"] == "refused"


async def test_a_tool_that_is_switched_off_is_denied_and_the_rest_goes_on(settings: Settings) -> None:
    lines = [update(NextStep="x"), READ, DONE]
    async with open_world(settings, model=script(*lines)) as world:
        await throw(world, "tool", "update_record")
        _, values = await ask(world)
        denied, found = tool_results(values)
        assert denied["error"] == {"kind": "denied", "message": "the tool 'update_record' is switched off: a wrong day"}
        assert found["ok"]


async def test_an_agent_that_is_switched_off_is_not_asked(settings: Settings) -> None:
    model = script(DONE, DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        await throw(world, "agent", "sales")
        run = await world.post(DANA, f"/threads/{thread}/runs", message("show the opportunity"))
        await world.call(DANA, "GET", f"/threads/{thread}/runs/{run['run_id']}/join")
        assert (await world.get(DANA, f"/threads/{thread}/runs/{run['run_id']}"))["status"] == "error"
        state = await world.get(DANA, f"/threads/{thread}")
        assert state["status"] == "error"
        other = await world.open_thread(DANA)
        assert "Done." in str(await world.say(DANA, other, "show the open cases"))


async def test_a_second_process_heeds_it_at_once_and_the_operators_too(
    settings: Settings, seeded_config: DatabaseConfig
) -> None:
    async with (
        open_world(settings, model=script(DONE, DONE)) as here,
        open_world(settings, model=script(DONE, DONE, DONE)) as there,
    ):
        thread = await there.open_thread(DANA)
        path, body = f"/threads/{thread}/runs/wait", message("show the opportunity")
        await throw(here, "tenant")
        assert (await there.call(DANA, "POST", path, json=body)).status_code == 409
        await throw(here, "tenant", state="off")
        assert (await there.call(DANA, "POST", path, json=body)).status_code == 200
        throw_globally(seeded_config, is_on=True)
        elsewhere = await there.open_thread(OTHER_DANA)
        for who, where in ((DANA, thread), (OTHER_DANA, elsewhere)):
            answer = await there.call(who, "POST", f"/threads/{where}/runs/wait", json=body)
            assert answer.json()["detail"] == "the service is switched off by its operator: a bad build"
        # No administrator of a tenant gets past the operator.
        await throw(here, "tenant", state="off")
        assert (await there.call(DANA, "POST", path, json=body)).status_code == 409
        throw_globally(seeded_config, is_on=False)
        assert (await there.call(DANA, "POST", path, json=body)).status_code == 200


async def test_it_is_in_the_audit_and_runs_out_by_itself(settings: Settings) -> None:
    now = [datetime(2026, 11, 2, 9, tzinfo=UTC)]
    async with open_world(settings, model=script(DONE, DONE), clock=lambda: now[0]) as world:
        [switch] = await throw(world, "tenant", until="2026-11-02T10:00:00Z")
        assert (switch["state"], switch["is_stopping"], switch["until"]) == ("on", True, "2026-11-02T10:00:00Z")
        thread = await world.open_thread(DANA)
        path, body = f"/threads/{thread}/runs/wait", message("show the opportunity")
        assert (await world.call(DANA, "POST", path, json=body)).status_code == 409
        now[0] += timedelta(hours=2)
        assert (await world.call(DANA, "POST", path, json=body)).status_code == 200
        assert [one["is_stopping"] for one in await world.get(ADMIN, "/admin/switches")] == [False]
        await throw(world, "tenant", state="off")
        found = [one for one in await world.get(ADMIN, "/audit") if one["kind"].startswith("switch.")]
        assert [(one["kind"], one["subject"], one["payload"]["reason"]) for one in found] == [
            ("switch.on", "tenant:", "a wrong day"),
            ("switch.off", "tenant:", "a wrong day"),
        ]
        assert await world.get(OTHER_ADMIN, "/admin/switches") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "global", "state": "on", "reason": "x"}, "scope"),
        ({"scope": "agent", "name": "nobody", "state": "on", "reason": "x"}, "name"),
        ({"scope": "tool", "name": "sales", "state": "on", "reason": "x"}, "name"),
        ({"scope": "tenant", "name": "southridge", "state": "on", "reason": "x"}, "name"),
        ({"scope": "tenant", "state": "on", "reason": ""}, "reason"),
        ({"scope": "tenant", "state": "stop", "reason": "x"}, "state"),
        ({"scope": "tenant", "state": "off", "reason": "x", "until": "2100-01-01T00:00:00Z"}, "until"),
        ({"scope": "tenant", "state": "on", "reason": "x", "until": "2001-01-01T00:00:00Z"}, "until"),
    ],
)
async def test_a_bad_request_names_the_field_and_throws_nothing(world: World, body: Json, field: str) -> None:
    answer = await world.call(ADMIN, "POST", "/admin/switches", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await world.get(ADMIN, "/admin/switches") == []


async def test_only_administrators_throw_them(world: World) -> None:
    for who in (DANA, MARA):
        body = {"scope": "tenant", "state": "on", "reason": "x"}
        assert (await world.call(who, "POST", "/admin/switches", json=body)).status_code == 403
        assert (await world.call(who, "GET", "/admin/switches")).status_code == 403


async def test_approved_mail_waits_while_the_tenant_is_switched_off(
    settings: Settings, seeded_config: DatabaseConfig
) -> None:
    async with open_world(settings, model=script(DONE)) as world:
        await throw(world, "tenant")
        insert = (
            "INSERT INTO outbox (tenant, outbox_id, approval_id, record_id, requester, message_id, sender, recipients,"
            " subject, mime, place, status, attempts, next_attempt, created_at, updated_at) VALUES ('northwind', 'o',"
            " 'a', 'r', 'u', 'm', 's', '[]', 's', 'm', 0, 'pending', 0, '2020-01-01 00:00:00', '2020-01-01 00:00:00',"
            " '2020-01-01 00:00:00')"
        )
        with raw_connection(seeded_config) as connection:
            connection.execute(insert)
        assert await world.service.postman.deliver_due() == 0
        await throw(world, "tenant", state="off")
        assert await world.service.postman.deliver_due() <= 1
        assert [row["status"] for row in raw_rows(seeded_config, "outbox")] != ["pending"]
