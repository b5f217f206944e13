"""The console's files over HTTP: with their policy, checked again each time, and no file besides."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.console_files import POLICY
from crm.database import DatabaseConfig
from tests.conftest import SqliteTemplates, seed_small
from tests.service import World, open_world, settings_for


@pytest.fixture
async def world(sqlite_templates: SqliteTemplates, tmp_path: Path) -> AsyncIterator[World]:
    sqlite_templates.build("seeded", seed_small)
    config: DatabaseConfig
    with sqlite_templates.copied("seeded") as config:
        async with open_world(settings_for(config, tmp_path)) as opened:
            yield opened


async def test_the_console_is_served_to_anybody_with_its_policy_and_nothing_else_is(world: World) -> None:
    page = await world.client.get("/console/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    for part in ("script-src 'self'", "require-trusted-types-for 'script'", "object-src 'none'", "base-uri 'none'"):
        assert part in page.headers["content-security-policy"]
    assert "unsafe" not in POLICY
    assert "*" not in POLICY
    script = await world.client.get("/console/lib/dom.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["content-security-policy"] == POLICY
    again = await world.client.get("/console/lib/dom.js", headers={"If-None-Match": f'"x", W/{script.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    plain = await world.client.get("/console/lib/dom.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == script.content
    assert plain.headers["etag"] != script.headers["etag"]
    for path in ("nothing.js", "../app.py", "..%2fapp.py", "lib", "lib/", "/etc/passwd", "index.html/"):
        missing = await world.client.get(f"/console/{path}")
        assert missing.status_code == 404, path
    for path in ("/", "/console"):
        moved = await world.client.get(path)
        assert (moved.status_code, moved.headers["location"]) == (307, "/console/")
