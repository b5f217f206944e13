"""Keys of programs: as whom they act, how far they reach, and that they are no way around a second person."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.database import Database
from crm.ids import TenantId
from crm.records import User
from crm.seed.people import staff_id
from crm.sign_in import ApiKey
from tests.api.test_sessions import Clock, sign_in
from tests.conftest import SqliteTemplates, seed_small
from tests.service import (
    ADMIN,
    DANA,
    MARA,
    World,
    calls,
    held,
    message,
    open_world,
    script,
    settings_for,
    tool_results,
)
from trust.scopes import ALL_SCOPES, USERS_MANAGE

Json = Any
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
CLOCK = Clock()
UPDATE = (
    "update_record",
    {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"NextStep": "Call Ann"}},
)
OTHER = ("update_record", {**UPDATE[1], "fields": {"NextStep": "Call somebody else"}})
THIRD = ("update_record", {**UPDATE[1], "fields": {"NextStep": "Call Bob"}})
GRAVE = ("update_record", {**UPDATE[1], "fields": {"StageName": "Negotiation"}})
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def shared_settings(sqlite_templates: SqliteTemplates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield settings_for(config, tmp_path_factory.mktemp("keys"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(shared_settings: Settings) -> AsyncIterator[World]:
    model = script(calls(UPDATE), AIMessage("Held."), *[AIMessage("Hello.")] * 20)
    async with open_world(shared_settings, clock=CLOCK, model=model) as world:
        yield world


in_module = pytest.mark.asyncio(loop_scope="module")


async def make(world: World, who: str = ADMIN, **body: Json) -> Json:
    return await world.post(who, "/admin/api-keys", {"name": "reports", "scopes": ["crm:read"], **body})


async def ask(world: World, key: str, method: str, path: str, **options: Any) -> Any:
    return await world.client.request(method, path, headers={"x-api-key": key}, **options)


async def test_a_key_lets_a_program_in_until_it_is_revoked(world: World, seeded: Database) -> None:
    made = await make(world)
    key = made["key"]
    assert key.startswith(made["prefix"])
    for headers in ({"x-api-key": key}, {"Authorization": f"Bearer {key}"}):
        me = (await world.client.get("/me", headers=headers)).json()
        assert (me["id"], me["tenant"], me["scopes"]) == (staff_id("ada"), "northwind", ["crm:read"])
    async with seeded.session(NORTHWIND) as session:
        row = await session.get(ApiKey, (NORTHWIND, made["key_id"]))
        assert row is not None
        assert key.rsplit("_", 1)[1] not in str(vars(row))
    [listed] = await world.get(ADMIN, "/admin/api-keys")
    assert "key" not in listed
    assert listed["used_at"] is not None
    assert await world.get("ada@southridge.example", "/admin/api-keys") == []
    strange = await world.call("ada@southridge.example", "DELETE", f"/admin/api-keys/{made['key_id']}")
    assert strange.status_code == 404
    assert (await ask(world, key, "GET", "/me")).status_code == 200
    [revoked] = (await world.call(ADMIN, "DELETE", f"/admin/api-keys/{made['key_id']}")).json()
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", staff_id("ada"))
    assert (await ask(world, key, "GET", "/me")).status_code == 401
    assert (await world.call(ADMIN, "DELETE", f"/admin/api-keys/{made['key_id']}")).status_code == 404
    kinds = [entry["kind"] for entry in await world.get(ADMIN, "/audit")]
    assert {"api_key.made", "api_key.revoked"} <= set(kinds)


@in_module
async def test_a_key_reaches_what_its_scopes_and_the_rights_behind_it_both_allow(shared: World) -> None:
    robot = await shared.post(ADMIN, "/admin/service-principals", {"name": "Nightly", "permission_sets": ["sales_rep"]})
    scopes = ["crm:read", "audit:read", "policy:manage"]
    key = (await make(shared, acts_as=robot["id"], scopes=scopes))["key"]
    assert (await ask(shared, key, "GET", "/records/Account", params={"name": "nobody"})).status_code == 404
    assert (await ask(shared, key, "GET", "/audit")).status_code == 403, "the principal has no such right"
    assert (await ask(shared, key, "GET", "/admin/gateway")).status_code == 403, "the key has no such scope"
    bare = await shared.post(ADMIN, "/admin/service-principals", {"name": "Bare"})
    nothing = (await make(shared, acts_as=bare["id"]))["key"]
    assert (await ask(shared, nothing, "GET", "/me")).json()["objects"] == {}
    login = await shared.client.post("/dev/login", json={"username": f"{robot['id'].lower()}@service.invalid"})
    assert login.status_code == 401, "nobody signs in as a program"


@in_module
async def test_a_key_decides_only_if_that_was_said(shared: World) -> None:
    thread = await shared.open_thread(ADMIN)
    [approval] = held(await shared.post(ADMIN, f"/threads/{thread}/runs/wait", message("change the opportunity")))
    everything_else = sorted(ALL_SCOPES - {"approvals:decide", USERS_MANAGE})
    wide = (await make(shared, scopes=everything_else))["key"]
    body = {"decision": "approve", "digest": approval["digest"]}
    path = f"/approvals/{approval['approval_id']}/decision"
    refused = await ask(shared, wide, "POST", path, json=body)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:countersign:problem:not-entitled")
    resume = {"assistant_id": "countersign", "command": {"resume": {"decisions": [{"type": "approve"}]}}}
    assert (await ask(shared, wide, "POST", f"/threads/{thread}/runs/wait", json=resume)).status_code == 403
    assert (await shared.get(ADMIN, f"/approvals/{approval['approval_id']}"))["status"] == "pending"
    decider = (await make(shared, scopes=["approvals:decide"]))["key"]
    decided = await ask(shared, decider, "POST", f"{path}?wait=true", json=body)
    assert decided.json()["approval"]["status"] == "applied"


@in_module
async def test_what_a_key_says_in_another_token_s_turn_reaches_no_further_than_the_key(
    shared: World, shared_settings: Settings
) -> None:
    model = script(calls(THIRD), calls(OTHER), AIMessage("No."), calls(THIRD), AIMessage("Held."))
    async with open_world(shared_settings, clock=CLOCK, model=model) as world:
        reader = (await make(world, acts_as=staff_id("dana")))["key"]
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, "change the opportunity"))
        path = f"/approvals/{approval['approval_id']}"
        body = {"decision": "answer", "digest": approval["digest"], "text": "Something else, please."}
        refused = await ask(world, reader, "POST", f"{path}/decision", json=body)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:countersign:problem:not-entitled")
        respond = {"resume": {"decisions": [{"type": "respond", "message": "Something else, please."}]}}
        run = {"assistant_id": "countersign", "command": respond}
        assert (await ask(world, reader, "POST", f"/threads/{thread}/runs/wait", json=run)).status_code == 403
        assert (await world.get(DANA, path))["status"] == "pending"

        # Where messages are answers, one from the key is a turn of its own, which reads as far as the key does.
        answers = {"metadata": {"while_waiting": "answer"}}
        assert (await world.call(DANA, "PATCH", f"/threads/{thread}", json=answers)).status_code == 200
        said = await ask(
            world, reader, "POST", f"/threads/{thread}/runs/wait", json=message("change the opportunity in another way")
        )
        assert (held(said.json()), tool_results(said.json())[-1]["error"]["kind"]) == ([], "denied")
        assert (await world.get(DANA, path))["status"] == "recalled"

        [approval] = held(await world.say(DANA, thread, "change the opportunity"))
        again = f"/approvals/{approval['approval_id']}/repropose"
        try:
            CLOCK.ahead = timedelta(days=30)
            await world.service.conversations.expire_due(NORTHWIND)
            world.tokens.clear()
            key = (await make(world, acts_as=staff_id("dana")))["key"]
            assert (await ask(world, key, "POST", again)).status_code == 422
            assert (await world.call(DANA, "POST", again)).status_code == 200
        finally:
            CLOCK.ahead = timedelta()


@in_module
async def test_a_key_that_decides_does_not_write_by_editing(shared: World, shared_settings: Settings) -> None:
    async with open_world(shared_settings, clock=CLOCK, model=script(calls(THIRD), AIMessage("Held."))) as world:
        thread = await world.open_thread(ADMIN)
        [approval] = held(await world.say(ADMIN, thread, "change the opportunity"))
        body = {"decision": "edit", "digest": approval["digest"], "arguments": OTHER[1]}
        path = f"/approvals/{approval['approval_id']}/decision"
        for scopes, status in ((["approvals:decide"], 422), (["approvals:decide", "crm:write", "crm:read"], 200)):
            key = (await make(world, scopes=scopes))["key"]
            assert (await ask(world, key, "POST", path, json=body)).status_code == status


@in_module
async def test_a_program_is_no_second_person_for_who_made_its_key(shared: World, shared_settings: Settings) -> None:
    model = script(calls(GRAVE), AIMessage("Held."), calls(GRAVE), AIMessage("Held."))
    async with open_world(shared_settings, clock=CLOCK, model=model) as world:
        sets = {"permission_sets": ["sales_manager", "admin"]}
        robot = await world.post(ADMIN, "/admin/service-principals", {"name": "Robot", **sets})
        scopes = ["crm:read", "crm:write", "approvals:decide"]
        key = (await make(world, acts_as=robot["id"], scopes=scopes))["key"]

        async def decide(approval: Json, decision: str, **more: Any) -> int:
            body = {"decision": decision, "digest": approval["digest"], **more}
            path = f"/approvals/{approval['approval_id']}/decision?wait=true"
            return int((await ask(world, key, "POST", path, json=body)).status_code)

        thread = await world.open_thread(ADMIN)
        [mine] = held(await world.say(ADMIN, thread, "change the opportunity"))
        assert await decide(mine, "approve") == 403
        assert await decide(mine, "edit", arguments=GRAVE[1]) == 403
        assert await decide(mine, "reject", reason="no") == 200
        thread = (await ask(world, key, "POST", "/threads", json={})).json()["thread_id"]
        run = await ask(world, key, "POST", f"/threads/{thread}/runs/wait", json=message("change the opportunity"))
        [its] = held(run.json())
        assert (await world.decide(ADMIN, its, "approve")).status_code == 403
        assert (await world.decide(MARA, its, "approve")).status_code == 200


@in_module
async def test_a_key_without_the_scope_speaks_for_nobody_else(shared: World) -> None:
    key = (await make(shared, scopes=["crm:read", "crm:write", "crm:send"]))["key"]
    said = {"messages": [{"type": "human", "content": "review my day"}]}
    cron = {"assistant_id": "countersign", "schedule": "0 7 * * *", "input": said, "for_each": "sales_rep"}
    refused = await ask(shared, key, "POST", "/runs/crons", json=cron)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "for_each")
    wide = (await make(shared, scopes=["crm:read", "policy:manage"]))["key"]
    made = await ask(shared, wide, "POST", "/runs/crons", json=cron)
    assert made.status_code == 200
    assert (await ask(shared, wide, "DELETE", f"/runs/crons/{made.json()['cron_id']}")).status_code == 204


@in_module
async def test_a_key_is_no_way_into_another_person_s_shoes(shared: World) -> None:
    dana = staff_id("dana")
    for scopes, status in ((["crm:read"], 200), (["crm:write"], 422), (["crm:read", "approvals:decide"], 422)):
        body = {"name": "x", "acts_as": dana, "scopes": scopes}
        assert (await shared.call(ADMIN, "POST", "/admin/api-keys", json=body)).status_code == status
    refused = [
        ({"scopes": ["users:manage"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["crm:everything"]}, "scopes.0"),
        ({"acts_as": "005CS0000099999YAA"}, "acts_as"),
        ({"acts_as": "001CS0000000001YAA"}, "acts_as"),
        ({"acts_as": staff_id("gus")}, "acts_as"),
        ({"days": 0}, "days"),
        ({"days": 400}, "days"),
        ({"name": ""}, "name"),
        ({"tenant": "southridge"}, "tenant"),
    ]
    for change, place in refused:
        body = {"name": "x", "scopes": ["crm:read"], **change}
        answer = await shared.call(ADMIN, "POST", "/admin/api-keys", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, place), change
    for sets in (["customer"], ["nothing"]):
        body = {"name": "x", "permission_sets": sets}
        assert (await shared.call(ADMIN, "POST", "/admin/service-principals", json=body)).status_code == 422


@in_module
async def test_keys_make_no_keys_and_end_no_sessions(shared: World) -> None:
    assert (
        await shared.call(MARA, "POST", "/admin/api-keys", json={"name": "x", "scopes": ["crm:read"]})
    ).status_code == 403
    key = (await make(shared, scopes=sorted(ALL_SCOPES - {USERS_MANAGE})))["key"]
    for method, path in (
        ("GET", "/admin/api-keys"),
        ("POST", "/admin/api-keys"),
        ("POST", "/admin/service-principals"),
        ("DELETE", f"/admin/api-keys/{UNKNOWN}"),
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions"),
        ("DELETE", f"/admin/people/{staff_id('ada')}/sessions"),
    ):
        body = {"json": {"name": "x", "scopes": ["crm:read"]}} if method == "POST" else {}
        assert (await ask(shared, key, method, path, **body)).status_code in (403, 422), path
    # Nor has anybody else decide in its person's name: that would outlive it.
    dana = {"delegate": staff_id("dana"), "ends_at": "2199-01-01T00:00:00Z"}
    slack = {"webhook_id": UNKNOWN, "slack_user": "U1"}
    for path, body in (("/delegations", dana), ("/me/slack", slack)):
        assert (await ask(shared, key, "POST", path, json=body)).status_code == 403, path
        assert (await shared.call(ADMIN, "POST", path, json=body)).status_code in (404, 422), path
    browser, csrf = await sign_in(shared, ADMIN)
    assert (await browser.get("/admin/api-keys")).status_code == 200
    made = await browser.post("/admin/api-keys", json={"name": "x", "scopes": ["crm:read"]})
    assert made.status_code == 403, "no other page makes keys"
    made = await browser.post(
        "/admin/api-keys", json={"name": "x", "scopes": ["crm:read"]}, headers={"x-csrf-token": csrf}
    )
    assert made.status_code == 200


@in_module
async def test_a_key_ends_with_its_time_and_with_whom_it_acts_as(shared: World) -> None:
    try:
        key = (await make(shared, days=1))["key"]
        CLOCK.ahead = timedelta(hours=23)
        assert (await ask(shared, key, "GET", "/me")).status_code == 200
        CLOCK.ahead = timedelta(hours=25)
        assert (await ask(shared, key, "GET", "/me")).status_code == 401
    finally:
        CLOCK.ahead = timedelta()
    robot = await shared.post(ADMIN, "/admin/service-principals", {"name": "Leaver"})
    key = (await make(shared, acts_as=robot["id"]))["key"]
    assert (await ask(shared, key, "GET", "/me")).status_code == 200
    async with shared.service.database.session(NORTHWIND, write=True) as session:
        user = await session.get(User, (NORTHWIND, robot["id"]))
        assert user is not None
        user.IsActive = False
    assert (await ask(shared, key, "GET", "/me")).status_code == 401


@in_module
async def test_what_only_looks_like_a_key_is_none(shared: World) -> None:
    key = (await make(shared))["key"]
    for wrong in (
        key[:-1],
        key + "x",
        key.replace("_northwind_", "_southridge_"),
        key.replace("_northwind_", "_eastwind_"),
        key.replace("csk_", "css_"),
        key.upper(),
        "csk_",
        "csk_northwind_",
    ):
        for headers in ({"x-api-key": wrong}, {"Authorization": f"Bearer {wrong}"}):
            assert (await shared.client.get("/me", headers=headers)).status_code == 401, wrong
