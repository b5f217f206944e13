"""What is erased is gone for good and says so; the neighbours, the records and the audit stay."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from agents._scripted import ScriptedModel
from api.cli import app
from api.settings import Settings
from crm.ids import TenantId
from crm.repositories import keys
from crm.seed.people import staff_id
from tests.service import ADMIN, DANA, ELI, OTHER_DANA, World, calls, held, open_world, script
from trust.erasure import RETENTION_ACTOR

NORTHWIND = TenantId("northwind")
CALL = ("create_record", {"object": "Task", "fields": {"Subject": "Ring Quarfax"}})


def talkative() -> ScriptedModel:
    return script(*[calls(CALL) for _ in range(4)])


async def open_conversations(world: World) -> dict[str, str]:
    """Each waits for a decision."""
    threads = {who: await world.open_thread(who) for who in (DANA, ELI, OTHER_DANA)}
    for who, thread in threads.items():
        assert held(await world.say(who, thread, "remind me to ring Quarfax"))
    return threads


async def audited(world: World, kind: str) -> list[tuple[str, str]]:
    return [(one["actor"], one["subject"]) for one in await world.get(ADMIN, "/audit", params={"kind": kind})]


async def is_gone(world: World, who: str, thread: str) -> None:
    """Every way to it says so, and none of them breaks."""
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"metadata": {"a": "b"}}),
        ("GET", "/state", None),
        ("GET", "/history", None),
        ("GET", "/runs", None),
        (
            "POST",
            "/runs/wait",
            {"assistant_id": "countersign", "input": {"messages": [{"role": "user", "content": "x"}]}},
        ),
        ("POST", "/runs/wait", {"assistant_id": "countersign", "command": {"resume": {"type": "approve"}}}),
    ):
        options: dict[str, Any] = {} if body is None else {"json": body}
        answer = await world.call(who, method, f"/threads/{thread}{path}", **options)
        assert answer.status_code == 410, (method, path, answer.text)
        assert answer.json()["detail"].endswith("has been erased")
    assert await world.post(who, "/threads/search", {}) == []
    assert await world.post(who, "/threads/count", {}) == 0
    assert [one for one in await world.get(who, "/approvals") if one["thread_id"] == thread] == []


async def lives(world: World, who: str, thread: str) -> None:
    found = await world.get(who, f"/threads/{thread}")
    assert found["status"] == "interrupted"
    assert "Quarfax" in str(found["values"])


async def test_a_thread_a_person_and_a_tenant_are_erased(settings: Settings) -> None:
    async with open_world(settings, model=talkative()) as world:
        threads = await open_conversations(world)
        refused = await world.call(DANA, "POST", f"/erasure/thread/{threads[DANA]}")
        assert refused.status_code == 403
        foreign = await world.call(ADMIN, "POST", f"/erasure/thread/{threads[OTHER_DANA]}")
        assert foreign.status_code == 404

        assert await world.post(ADMIN, f"/erasure/thread/{threads[DANA]}", {}) == {"conversations": 1}
        await is_gone(world, DANA, threads[DANA])
        await lives(world, ELI, threads[ELI])
        again = await world.call(ADMIN, "POST", f"/erasure/thread/{threads[DANA]}")
        assert again.status_code == 404
        assert await audited(world, "thread.erased") == [(staff_id("ada"), threads[DANA])]

        second = await world.open_thread(DANA)
        assert await world.post(ADMIN, f"/erasure/person/{staff_id('eli')}", {}) == {"conversations": 1}
        await is_gone(world, ELI, threads[ELI])
        assert (await world.get(DANA, f"/threads/{second}"))["thread_id"] == second
        assert await audited(world, "person.erased") == [(staff_id("ada"), staff_id("eli"))]
        nobody = await world.call(ADMIN, "POST", "/erasure/person/somebody")
        assert nobody.status_code == 404

        unconfirmed = await world.call(ADMIN, "POST", "/erasure/tenant", json={"confirm": "yes"})
        assert unconfirmed.status_code == 422
        sure = {"confirm": "erase every conversation of this tenant"}
        assert await world.post(ADMIN, "/erasure/tenant", sure) == {"conversations": 1}
        await is_gone(world, DANA, second)
        assert (await world.call(DANA, "POST", "/threads", json={})).status_code == 410
        await lives(world, OTHER_DANA, threads[OTHER_DANA])
        assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None
        assert await world.find(DANA, "Account", "Acme Industries")


async def test_what_outlives_its_retention_is_erased_by_the_service(settings: Settings) -> None:
    now = [datetime.now(UTC)]
    async with open_world(settings, model=talkative(), clock=lambda: now[0]) as world:
        threads = await open_conversations(world)
        assert await world.get(ADMIN, "/retention") == {"conversation_days": None, "prompt_days": 0}
        await world.service.runner.purge()
        await lives(world, DANA, threads[DANA])
        wanted = {"conversation_days": 30, "prompt_days": 7}
        assert (await world.call(ADMIN, "PUT", "/retention", json=wanted)).json() == wanted
        assert await world.get(ADMIN, "/retention") == wanted
        now[0] += timedelta(days=29)
        await world.service.runner.purge()
        young = await world.open_thread(ELI)
        now[0] += timedelta(days=2)
        await world.service.runner.purge()
        assert (await world.call(DANA, "GET", f"/threads/{threads[DANA]}")).status_code == 410
        assert (await world.call(ELI, "GET", f"/threads/{threads[ELI]}")).status_code == 410
        assert (await world.get(ELI, f"/threads/{young}"))["thread_id"] == young
        kept = await world.get(OTHER_DANA, f"/threads/{threads[OTHER_DANA]}")
        assert "Quarfax" in str(kept["values"])  # its request has expired, so it may be at work or done
        erased = {RETENTION_ACTOR}, {threads[DANA], threads[ELI]}
        assert tuple(map(set, zip(*await audited(world, "thread.erased"), strict=True))) == erased


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("api._operate.Settings", lambda: settings)

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(words))
        return result.exit_code, result.output + str(result.exception or "")

    return run


def test_operators_erase_purge_and_rotate(settings: Settings, command: Any) -> None:
    async def prepare() -> dict[str, str]:
        async with open_world(settings, model=talkative()) as world:
            return await open_conversations(world)

    async def check(threads: dict[str, str], newer: Settings) -> None:
        async with open_world(newer, model=talkative()) as world:
            await is_gone(world, DANA, threads[DANA])
            await is_gone(world, ELI, threads[ELI])
            await lives(world, OTHER_DANA, threads[OTHER_DANA])
            assert ("operator", threads[DANA]) in await audited(world, "thread.erased")
            async with world.service.database.session(NORTHWIND, write=True) as session:
                assert not await keys.rewrap(session)

    threads = asyncio.run(prepare())
    assert command("erase", "thread", "northwind", threads[DANA])[0] == 1  # nobody said yes
    assert command("erase", "thread", "northwind", threads[DANA], "--yes") == (0, "Erased: 1 conversations.\n")
    assert "no thread" in command("erase", "thread", "northwind", threads[DANA], "--yes")[1]
    assert "no tenant" in command("erase", "tenant", "nowhere", "--yes")[1]
    assert command("erase", "person", "northwind", staff_id("eli"), "--yes") == (0, "Erased: 1 conversations.\n")
    assert "after 30 days" in command("retention", "northwind", "--conversation-days", "30")[1]
    assert "are not stored" in command("retention", "northwind")[1]
    assert "Erased: 0" in command("purge")[1]
    assert settings.master_key is not None
    newer = settings.model_copy(
        update={"master_key": type(settings.master_key)("n" * 40), "former_master_keys": [settings.master_key]}
    )
    settings.master_key, settings.former_master_keys = newer.master_key, newer.former_master_keys
    assert command("rotate-keys") == (0, "2 tenants' keys are wrapped anew.\n")
    asyncio.run(check(threads, newer.model_copy(update={"former_master_keys": []})))
