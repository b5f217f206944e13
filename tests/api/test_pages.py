"""Browsers are told to load and run nothing; the page for trying things out goes on working."""

import re

import pytest

from api.pages import STRICT
from api.settings import Settings
from tests.service import World, open_world


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/ok"), ("GET", "/nowhere"), ("POST", "/threads"), ("GET", "/me")]
)
async def test_every_answer_has_the_strict_policy(world: World, method: str, path: str) -> None:
    response = await world.client.request(method, path)
    assert response.headers["content-security-policy"] == STRICT
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_an_answer_to_another_page_has_it_too(settings: Settings) -> None:
    console = "https://console.example"
    given = settings.model_copy(update={"cors_origins": [console]})
    async with open_world(given) as world:
        headers = {"Origin": console, "Access-Control-Request-Method": "GET"}
        response = await world.client.options("/me", headers=headers)
        assert response.headers["access-control-allow-origin"] == console
        assert response.headers["content-security-policy"] == STRICT


async def test_the_page_for_trying_things_out_may_load_what_it_is_made_of(world: World) -> None:
    response = await world.client.get("/docs")
    assert response.status_code == 200
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    hosts = set(re.findall(r'(?:src|href)="(https://[^/]+)', response.text))
    allowed = " ".join(policy[kind] for kind in ("script-src", "style-src", "img-src"))
    assert hosts
    assert all(host in allowed for host in hosts)
    assert "'unsafe-inline'" in policy["script-src"]
    assert policy["connect-src"] == "'self'"
