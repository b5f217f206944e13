"""What Prometheus is told, and who may ask."""

import re
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage
from pydantic import ValidationError

from api.settings import Settings
from crm.database import DatabaseConfig, DatabaseNotReadyError
from tests.service import DANA, MARA, OTHER_DANA, RENEWAL, World, calls, held, open_world, script, settings_for

TOKEN = "what-the-scraper-sends"
SCRAPER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def scraped(seeded_config: DatabaseConfig, tmp_path: Path) -> Settings:
    return settings_for(seeded_config, tmp_path, metrics_token=TOKEN, metrics_refresh_s=1)


async def figures(world: World) -> dict[str, float]:
    """Sample -> value, with the labels in the order in which they are printed."""
    world.service.telemetry.gauges._taken_at = -float("inf")
    response = await world.client.get("/metrics", headers=SCRAPER)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_runs_guards_tools_and_models_are_counted(scraped: Settings) -> None:
    model = script(
        calls(("lookup_account", {"name": "Acme Industries"})),
        calls(("no_such_tool", {})),
        AIMessage("Acme Industries is there."),
    )
    async with open_world(scraped, model=model) as world:
        await world.say(DANA, await world.open_thread(DANA), "show the open cases of Acme Industries")
        found = await figures(world)
    assert found['countersign_runs_total{kind="message",rests="no",status="success",tenant="northwind"}'] == 1
    assert found['countersign_run_seconds_count{kind="message",status="success"}'] == 1
    assert found['countersign_guard_verdicts_total{tool="lookup_account",verdict="allow"}'] == 1
    assert found['countersign_guard_denials_total{guard="agent_tools",tool="?"}'] == 1
    assert found['countersign_tool_call_seconds_count{outcome="ok",tool="lookup_account"}'] == 1
    assert found['countersign_model_call_seconds_count{model="scripted",outcome="ok",provider="agents"}'] == 3
    wait = 'countersign_http_request_seconds_count{method="POST",route="/threads/{thread_id}/runs/wait",status="200"}'
    assert found[wait] == 1
    assert not [name for name in found if "southridge" in name and "runs" in name]


async def test_what_waits_is_counted_per_tenant_with_its_age(scraped: Settings) -> None:
    async with open_world(scraped) as world:
        before = await figures(world)
        assert before['countersign_approvals_waiting{tenant="northwind"}'] == 0
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, f"move the {RENEWAL} to Negotiation"))
        waiting = await figures(world)
        assert waiting['countersign_approvals_waiting{tenant="northwind"}'] == 1
        assert waiting['countersign_approvals_waiting{tenant="southridge"}'] == 0
        assert 0 < waiting['countersign_approvals_oldest_seconds{tenant="northwind"}'] < 600
        assert waiting['countersign_queue_depth{state="queued",tenant="northwind"}'] == 0
        assert waiting["countersign_database_counted"] == 1
        assert waiting['countersign_budget_used_ratio{tenant="northwind",unit="calls"}'] == 0
        await world.decide(MARA, approval, "approve")
        after = await figures(world)
    assert after['countersign_approvals_waiting{tenant="northwind"}'] == 0
    assert after['countersign_ledger_settled_total{outcome="applied"}'] == 1
    assert after['countersign_approval_wait_seconds_count{outcome="approved"}'] == 1


async def test_used_budgets_show(scraped: Settings) -> None:
    model = script(*[AIMessage("Nothing.")] * 3)
    async with open_world(scraped, model=model) as world:
        for _ in range(3):
            await world.say(DANA, await world.open_thread(DANA), "show the open cases of Acme Industries")
        found = await figures(world)
    assert found['countersign_budget_used_ratio{tenant="northwind",unit="calls"}'] == pytest.approx(3 / 50_000)
    assert found['countersign_budget_used_ratio{tenant="southridge",unit="calls"}'] == 0


async def test_tenants_can_be_left_out(seeded_config: DatabaseConfig, tmp_path: Path) -> None:
    settings = settings_for(seeded_config, tmp_path, metrics_token=TOKEN, metrics_by_tenant=False)
    async with open_world(settings) as world:
        for who in (DANA, OTHER_DANA):
            await world.say(who, await world.open_thread(who), f"move the {RENEWAL} to Negotiation")
        found = await figures(world)
    assert found['countersign_approvals_waiting{tenant="all"}'] == 2
    assert found['countersign_runs_total{kind="message",rests="yes",status="success",tenant="all"}'] == 2
    assert not re.search("northwind|southridge", str(found))


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}],
    ids=["none", "empty", "another", "another-kind"],
)
async def test_nobody_else_is_answered(scraped: Settings, headers: dict[str, str]) -> None:
    async with open_world(scraped) as world:
        assert (await world.client.get("/metrics", headers=SCRAPER)).status_code == 200
        refused = await world.client.get("/metrics", headers=headers)
        assert refused.status_code == 401
        assert refused.json()["type"] == "urn:countersign:problem:auth"
        as_person = await world.call(DANA, "GET", "/metrics")
        assert as_person.status_code == 401
        with_token = await world.client.get("/me", headers=SCRAPER)
        assert with_token.status_code == 401


async def test_without_a_token_in_the_settings_the_door_stays_shut(world: World) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, SCRAPER, {"Authorization": "Bearer None"}):
        assert (await world.client.get("/metrics", headers=headers)).status_code == 401


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="metrics_token"):
        Settings(mode="development", data_dir=tmp_path, metrics_token="short")


async def test_the_database_is_asked_at_most_every_few_seconds(scraped: Settings) -> None:
    async with open_world(scraped) as world:
        before = await figures(world)
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, f"move the {RENEWAL} to Negotiation")
        response = await world.client.get("/metrics", headers=SCRAPER)
        assert before['countersign_approvals_waiting{tenant="northwind"}'] == 0
        assert 'countersign_approvals_waiting{tenant="northwind"} 0.0' in response.text
        assert 'rests="yes"' in response.text  # what the process counts is as of now
        assert (await figures(world))['countersign_approvals_waiting{tenant="northwind"}'] == 1


async def test_without_the_database_the_process_still_tells_its_own(
    scraped: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(scraped) as world:
        await figures(world)

        async def fail() -> list[str]:
            raise DatabaseNotReadyError("away")

        with monkeypatch.context() as patched:
            patched.setattr(world.service.database, "tenants", fail)
            found = await figures(world)
        assert found["countersign_database_counted"] == 0
        assert not [name for name in found if name.startswith("countersign_approvals_waiting")]
        assert found["process_cpu_seconds_total"] > 0
        assert (await figures(world))["countersign_database_counted"] == 1
