"""What the doctor finds: nothing on a sound service, and each fault by its name; never a secret."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from api._doctor import Finding, examine
from api.settings import Settings
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.work import Approval, Run
from tests.conftest import PostgresTemplates, seed_small
from tests.service import DANA, OTHER_DANA, RENEWAL, held, open_world, settings_for

NORTHWIND = TenantId("northwind")


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@pytest.fixture
async def used(seeded_config: DatabaseConfig, tmp_path: Path) -> Settings:
    """The settings of a service that has worked: a request waits with each tenant, and heads are exported."""
    settings = settings_for(seeded_config, tmp_path / "data", audit_heads=tmp_path / "heads")
    async with open_world(settings) as world:
        for who in (DANA, OTHER_DANA):
            assert held(await world.say(who, await world.open_thread(who), f"move the {RENEWAL} to Negotiation"))
    return settings


async def test_a_sound_service_is_found_sound(used: Settings) -> None:
    findings = by_name(await examine(used, ask_model=True))
    assert {name: one.said for name, one in findings.items() if one.status != "ok"} == {}
    assert set(findings) == {
        "settings",
        "token keys",
        "audit key",
        "catalogue",
        "models",
        "traces",
        "audit heads",
        "sandbox",
        "database",
        "clock",
        "sealing keys",
        "audit",
        "approvals",
        "waiting requests",
        "kill switches",
        "runs",
        "outbox",
    }
    assert "2 tenants" in findings["database"].said
    assert findings["approvals"].said.startswith("2 wait")
    assert findings["sealing keys"].said == "2 tenants' keys open"
    assert findings["models"].said == "offline answered"


async def test_no_secret_is_told(used: Settings) -> None:
    told = json.dumps([one.to_json() for one in await examine(used)])
    secrets = [used.master_key, used.context_key, used.secret_key, used.database_owner_url]
    for secret in (one.get_secret_value() for one in secrets if one is not None):
        assert secret not in told


async def test_another_master_key_is_noticed(used: Settings, seeded_config: DatabaseConfig, tmp_path: Path) -> None:
    other = settings_for(
        seeded_config,
        tmp_path / "data",
        audit_heads=tmp_path / "heads",
        master_key="another key than the one in use, long",
    )
    findings = by_name(await examine(other))
    assert findings["sealing keys"].status == "wrong"
    assert "another key" not in json.dumps([one.to_json() for one in findings.values()])


async def change(database: Database, statement: object) -> None:
    async with database.session(NORTHWIND, write=True) as session:
        await session.execute(statement, execution_options={"synchronize_session": False})  # type: ignore[call-overload]


async def test_requests_for_tools_that_have_changed_are_noticed(used: Settings, seeded: Database) -> None:
    await change(seeded, update(Approval).values(schema_hash="0" * 64))
    found = by_name(await examine(used))["approvals"]
    assert (found.status, found.said) == (
        "warning",
        "2 wait, and will be refused when approved: 1 for update_record, which has changed since",
    )
    await change(seeded, update(Approval).values(tool="delete_everything"))
    assert "delete_everything of sales, which is no more" in by_name(await examine(used))["approvals"].said


async def test_before_a_migration_the_requests_that_it_would_orphan_are_named(
    used: Settings, seeded: Database, seeded_config: DatabaseConfig
) -> None:
    await change(seeded, update(Approval).values(schema_hash="0" * 64))
    make_older = "UPDATE alembic_version SET version_num = 'older'"
    if seeded_config.file is not None:
        with sqlite3.connect(seeded_config.file) as file:
            file.execute(make_older)
        file.close()
    else:
        with damaged(seeded_config, make_older):
            pass
    findings = by_name(await examine(used))
    assert "run the migrations" in findings["database"].said
    assert "which has changed since" in findings["approvals"].said
    assert "audit" not in findings


async def test_runs_that_nobody_works_on_are_noticed(used: Settings, seeded: Database) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    stuck = {"status": "running", "updated_at": long_ago, "lease_until": long_ago}
    await change(seeded, update(Run).values(**stuck))
    found = by_name(await examine(used))["runs"]
    assert found.status == "warning"
    assert "1 runs" in found.said
    await change(seeded, update(Run).values(lease_until=datetime.now(UTC) + timedelta(seconds=10)))
    assert by_name(await examine(used))["runs"].status == "ok"


async def test_a_clock_that_is_off_is_noticed(used: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, status in ((-60, "wrong"), (60, "wrong"), (1, "ok")):

        async def now(self: Database, seconds: int = seconds) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=seconds)

        monkeypatch.setattr(Database, "now", now)
        assert by_name(await examine(used))["clock"].status == status, seconds


async def test_the_databases_clock_is_asked(seeded: Database) -> None:
    now = await seeded.now()
    if seeded.dialect == "sqlite":
        assert now is None
    else:
        assert now is not None
        assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


async def test_heads_that_say_otherwise_are_noticed(used: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads" / "northwind.jsonl"
    heads.write_text((tmp_path / "heads" / "southridge.jsonl").read_text())
    found = by_name(await examine(used))["audit"]
    assert found.status == "wrong"
    assert "northwind" in found.said


async def test_heads_that_cannot_be_written_or_lie_in_reach_are_noticed(
    used: Settings, seeded_config: DatabaseConfig, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    blocked = settings_for(seeded_config, tmp_path / "data", audit_heads=tmp_path / "taken")
    assert by_name(await examine(blocked))["audit heads"].status == "wrong"
    if seeded_config.file is not None:
        beside = settings_for(seeded_config, tmp_path / "data", audit_heads=seeded_config.file.parent / "heads")
        assert by_name(await examine(beside))["audit heads"].status == "warning"
    assert sorted(path.name for path in (tmp_path / "heads").iterdir()) == ["northwind.jsonl", "southridge.jsonl"]


async def test_a_database_that_is_not_there_is_one_finding(tmp_path: Path) -> None:
    settings = Settings(
        mode="development", data_dir=tmp_path, database_url=f"sqlite+aiosqlite:///{tmp_path}/no/where.db"
    )
    findings = by_name(await examine(settings))
    assert findings["database"].status == "wrong"
    assert "audit" not in findings
    odd = Settings(mode="development", data_dir=tmp_path, database_url="postgresql+psycopg://app@nowhere/x")
    assert "context key" in by_name(await examine(odd))["database"].said


@contextmanager
def damaged(config: DatabaseConfig, statement: str) -> Iterator[None]:
    assert config.owner_url is not None
    with psycopg.connect(config.owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())
        yield


async def test_a_hole_in_the_wall_is_noticed(postgresql_templates: PostgresTemplates, tmp_path: Path) -> None:
    postgresql_templates.build("seeded", seed_small)
    with postgresql_templates.copied("seeded") as config:
        settings = settings_for(config, tmp_path)
        with damaged(config, "ALTER TABLE thread NO FORCE ROW LEVEL SECURITY"):
            found = by_name(await examine(settings))["database"]
    assert (found.status, found.said) == ("wrong", "table thread has no enforced row-level security")
