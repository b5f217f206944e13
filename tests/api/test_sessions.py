"""Browsers that are signed in: for how long, by which cookie, and what other sites' pages can do with it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.sessions import COOKIE, DEMO_COOKIE
from api.settings import Settings
from crm.database import Database
from crm.ids import TenantId
from crm.records import User
from crm.seed.people import DANA as DANA_SEED
from crm.seed.people import staff_id
from crm.sign_in import SignInSession
from tests.conftest import SqliteTemplates, seed_small
from tests.service import ADMIN, DANA, MARA, OTHER_DANA, World, open_world, settings_for
from trust.credentials import make_credential, read_credential

Json = Any
DANA_ID = staff_id(DANA_SEED.key)
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
TOKEN = "x-csrf-token"


class Clock:
    """The time, until a test turns it."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


CLOCK = Clock()


@pytest.fixture(scope="module")
def shared_settings(sqlite_templates: SqliteTemplates, tmp_path_factory: pytest.TempPathFactory) -> Any:
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield settings_for(config, tmp_path_factory.mktemp("sessions"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(shared_settings: Settings) -> AsyncIterator[World]:
    async with open_world(shared_settings, clock=CLOCK) as world:
        yield world


in_module = pytest.mark.asyncio(loop_scope="module")


async def sign_in(world: World, who: str = DANA, **headers: str) -> tuple[httpx.AsyncClient, str]:
    """A browser of its own, signed in, and the token that its unsafe requests carry."""
    browser = httpx.AsyncClient(transport=world.client._transport, base_url="http://service", timeout=60)
    answer = await browser.post("/dev/sign-in", json={"username": who}, headers=headers)
    assert answer.status_code == 200, answer.text
    return browser, answer.json()["csrf"]


async def test_a_browser_signs_in_works_and_signs_out(world: World, seeded: Database) -> None:
    browser, csrf = await sign_in(world)
    me = (await browser.get("/auth/me")).json()
    assert (me["person"]["id"], me["organisation"]["id"], me["kind"]) == (DANA_ID, "northwind", "user")
    assert me["organisation"]["name"] != "northwind"
    assert me["csrf"] == csrf
    assert (await browser.post("/threads", json={})).status_code == 403
    assert (await browser.post("/threads", json={}, headers={TOKEN: csrf})).status_code == 200
    cookie = browser.cookies[DEMO_COOKIE]
    async with seeded.session(NORTHWIND) as session:
        row = await session.get(SignInSession, (NORTHWIND, me["session"]["session_id"]))
        assert row is not None
        assert cookie.encode() not in bytes(str(vars(row)), "utf8")
        assert cookie.rsplit("_", 1)[1] not in str(vars(row))
    out = await browser.post("/auth/sign-out", headers={TOKEN: csrf})
    assert out.json() == {"ended": 1}
    assert 'countersign-demo=""' in out.headers["set-cookie"]
    assert (await browser.get("/auth/me")).status_code == 401
    kept = await world.client.get("/auth/me", headers={"Cookie": f"{DEMO_COOKIE}={cookie}"})
    assert (kept.status_code, kept.json()["detail"]) == (401, "the session has ended; sign in again")
    kinds = [entry["kind"] for entry in await world.get(ADMIN, "/audit")]
    assert {"session.begun", "session.ended"} <= set(kinds)


@in_module
async def test_an_unsafe_request_needs_the_session_s_own_token(shared: World) -> None:
    browser, csrf = await sign_in(shared)
    _, other = await sign_in(shared, MARA)
    for headers in ({}, {TOKEN: ""}, {TOKEN: other}, {TOKEN: csrf[:-1]}, {TOKEN: csrf.upper()}, {TOKEN: "ü"}):
        for method, path in (("POST", "/threads"), ("POST", "/auth/sign-out"), ("DELETE", "/auth/sessions")):
            raw = {name: value.encode() for name, value in headers.items()}
            refused = await browser.request(method, path, headers=raw)
            assert (refused.status_code, refused.json()["type"]) == (403, "urn:countersign:problem:cross-site")
    assert (await browser.get("/auth/me")).status_code == 200
    assert (await browser.post("/threads", json={}, headers={TOKEN: csrf})).status_code == 200


FOREIGN = {
    "another-site": {"Sec-Fetch-Site": "cross-site"},
    "a-neighbour-of-the-domain": {"Sec-Fetch-Site": "same-site"},
    "another-origin": {"Origin": "http://evil.example"},
    "no-origin": {"Origin": "null"},
    "another-port": {"Origin": "http://service:8001"},
    "a-name-that-begins-alike": {"Origin": "http://service.evil.example"},
}


@in_module
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=list(FOREIGN))
async def test_a_page_of_another_site_has_no_part_in_a_session(shared: World, headers: dict[str, str]) -> None:
    browser, csrf = await sign_in(shared)
    for method, path in (("GET", "/auth/me"), ("GET", "/approvals"), ("POST", "/threads")):
        refused = await browser.request(method, path, headers={TOKEN: csrf, **headers})
        assert refused.status_code == 403, path
    planted = await browser.post("/dev/sign-in", json={"username": MARA}, headers=headers)
    assert planted.status_code == 403
    assert (await browser.get("/auth/me")).json()["person"]["id"] == DANA_ID
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://service", TOKEN: csrf}
    assert (await browser.post("/threads", json={}, headers=own)).status_code == 200


@in_module
async def test_a_typed_address_may_show_and_not_change(shared: World) -> None:
    browser, csrf = await sign_in(shared)
    typed = {"Sec-Fetch-Site": "none", TOKEN: csrf}
    assert (await browser.get("/auth/me", headers=typed)).status_code == 200
    assert (await browser.post("/threads", json={}, headers=typed)).status_code == 403


@in_module
async def test_a_token_is_judged_alone_and_needs_no_csrf(shared: World) -> None:
    browser, _ = await sign_in(shared)
    bearer = {"Authorization": f"Bearer {await shared.token(MARA)}"}
    assert (await browser.get("/me", headers=bearer)).json()["id"] == staff_id("mara")
    assert (await browser.post("/threads", json={}, headers=bearer)).status_code == 200
    for headers in ({"Authorization": "Bearer bad"}, {"Authorization": ""}, {"x-api-key": ""}, {"x-api-key": "bad"}):
        assert (await browser.get("/me", headers=headers)).status_code == 401
    assert (await shared.call(DANA, "GET", "/auth/me")).json()["csrf"] is None
    assert (await shared.call(DANA, "POST", "/auth/sign-out")).json() == {"ended": 0}
    assert (await shared.call(DANA, "GET", "/me")).status_code == 200


@in_module
async def test_a_session_ends_when_it_is_left_alone_and_in_any_case(shared: World) -> None:
    try:
        browser, _ = await sign_in(shared)
        for _ in range(11):
            CLOCK.ahead += timedelta(minutes=65)
            assert (await browser.get("/auth/me")).status_code == 200
        CLOCK.ahead += timedelta(minutes=65)
        assert (await browser.get("/auth/me")).status_code == 401, "twelve hours are over, however much it was used"
        idle, _ = await sign_in(shared)
        CLOCK.ahead += timedelta(minutes=119)
        assert (await idle.get("/auth/me")).status_code == 200
        CLOCK.ahead += timedelta(minutes=121)
        assert (await idle.get("/auth/me")).status_code == 401, "nobody was there for two hours"
    finally:
        CLOCK.ahead = timedelta()


@in_module
async def test_signing_in_makes_a_new_session_and_ends_the_one_that_was_there(shared: World) -> None:
    browser, csrf = await sign_in(shared)
    former = browser.cookies[DEMO_COOKIE]
    again = await browser.post("/dev/sign-in", json={"username": OTHER_DANA})
    assert again.json()["organisation"]["id"] == "southridge"
    assert browser.cookies[DEMO_COOKIE] != former
    assert again.json()["csrf"] != csrf
    kept = await shared.client.get("/auth/me", headers={"Cookie": f"{DEMO_COOKIE}={former}"})
    assert kept.status_code == 401
    planted = str(make_credential("session", "northwind"))
    browser.cookies.clear()
    answer = await browser.post("/dev/sign-in", json={"username": DANA}, headers={"Cookie": f"{DEMO_COOKIE}={planted}"})
    assert planted not in answer.headers["set-cookie"]
    assert (await shared.client.get("/auth/me", headers={"Cookie": f"{DEMO_COOKIE}={planted}"})).status_code == 401


@in_module
async def test_a_made_up_cookie_is_nobody(shared: World) -> None:
    browser, _ = await sign_in(shared)
    real = read_credential(browser.cookies[DEMO_COOKIE], "session")
    assert real is not None
    made_up = [
        "",
        "x",
        str(make_credential("session", "northwind")),
        str(make_credential("session", "eastwind")),
        str(real).replace("_northwind_", "_southridge_"),
        str(real).replace("css_", "csk_"),
        str(real)[:-1],
        str(real) + "A",
        f"css_northwind' OR '1'='1_{real.secret}",
    ]
    for cookie in made_up:
        refused = await shared.client.get("/auth/me", headers={"Cookie": f"{DEMO_COOKIE}={cookie}"})
        assert refused.status_code == 401, cookie
    for name in (COOKIE, "countersign", "__Secure-countersign"):
        refused = await shared.client.get("/auth/me", headers={"Cookie": f"{name}={real}"})
        assert "send a token" in refused.json()["detail"]
    for headers in ({"x-api-key": str(real)}, {"Authorization": f"Bearer {real}"}):
        assert (await shared.client.get("/auth/me", headers=headers)).status_code == 401


@in_module
async def test_people_end_their_own_sessions_and_nobody_else_s(shared: World) -> None:
    one, csrf = await sign_in(shared, "sam@northwind.example", **{"User-Agent": "Browser\tone"})
    two, _ = await sign_in(shared, "sam@northwind.example")
    mara, mara_csrf = await sign_in(shared, MARA)
    other, other_csrf = await sign_in(shared, OTHER_DANA)
    listed = (await one.get("/auth/sessions")).json()
    assert len(listed) == 2
    [current] = [entry for entry in listed if entry["is_current"]]
    assert current["browser"] == "Browserone"
    [second] = [entry["session_id"] for entry in listed if not entry["is_current"]]
    for stranger, token in ((mara, mara_csrf), (other, other_csrf)):
        refused = await stranger.delete(f"/auth/sessions/{second}", headers={TOKEN: token})
        assert refused.status_code == 404
        for path in (f"/admin/people/{staff_id('sam')}/sessions", f"/admin/people/{staff_id('sam')}/sessions/{second}"):
            assert (await stranger.delete(path, headers={TOKEN: token})).status_code == 403
    assert (await two.get("/auth/me")).status_code == 200
    assert (await one.delete(f"/auth/sessions/{second}", headers={TOKEN: csrf})).json() == {"ended": 1}
    assert (await two.get("/auth/me")).status_code == 401
    assert (await one.delete(f"/auth/sessions/{second}", headers={TOKEN: csrf})).status_code == 404
    three, _ = await sign_in(shared, "sam@northwind.example")
    assert (await one.delete("/auth/sessions", headers={TOKEN: csrf})).json() == {"ended": 1}
    assert ((await one.get("/auth/me")).status_code, (await three.get("/auth/me")).status_code) == (200, 401)


@in_module
async def test_an_administrator_signs_people_of_the_own_tenant_out(shared: World) -> None:
    browser, _ = await sign_in(shared, "iris@northwind.example")
    path = f"/admin/people/{staff_id('iris')}/sessions"
    assert len(await shared.get(ADMIN, path)) == 1
    strange = "ada@southridge.example"
    assert await shared.get(strange, path) == []
    assert (await shared.call(strange, "DELETE", path)).json() == {"ended": 0}
    assert (await browser.get("/auth/me")).status_code == 200
    assert (await shared.call(ADMIN, "DELETE", path)).json() == {"ended": 1}
    assert (await browser.get("/auth/me")).status_code == 401


@in_module
async def test_who_is_deactivated_is_out_at_once(shared: World) -> None:
    browser, _ = await sign_in(shared, "devi@northwind.example")
    assert (await browser.get("/auth/me")).status_code == 200
    async with shared.service.database.session(NORTHWIND, write=True) as session:
        user = await session.get(User, (NORTHWIND, staff_id("devi")))
        assert user is not None
        user.IsActive = False
    assert (await browser.get("/auth/me")).status_code == 401


@in_module
@pytest.mark.parametrize(
    ("given", "cookie", "is_secure"),
    [
        pytest.param({}, DEMO_COOKIE, False, id="demo"),
        pytest.param({"host": "0.0.0.0"}, COOKIE, True, id="development-for-others-to-reach"),
    ],
)
async def test_the_cookie_of_the_demo_is_another_than_everybody_else_s(
    shared_settings: Settings, given: Json, cookie: str, is_secure: bool
) -> None:
    settings = shared_settings.model_copy(update=given)
    async with open_world(settings) as world:
        answer = await world.client.post("/dev/sign-in", json={"username": DANA})
        first, *attributes = answer.headers["set-cookie"].split("; ")
        assert first.startswith(f"{cookie}=css_northwind_")
        assert ("Secure" in attributes) is is_secure
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(attributes)
        assert not [one for one in attributes if one.lower().startswith("domain")]
        for name in {COOKIE, DEMO_COOKIE} - {cookie}:
            headers = {"Cookie": f"{name}={first.split('=', 1)[1]}"}
            assert (await world.client.get("/auth/me", headers=headers)).status_code == 401
        headers = {"Cookie": first, "Origin": "http://service"}
        assert (await world.client.get("/auth/me", headers=headers)).status_code == (403 if is_secure else 200)


@in_module
async def test_signing_in_without_proof_exists_in_development_only(shared: World, shared_settings: Settings) -> None:
    assert (await shared.client.get("/auth/providers")).json() == {"providers": [], "development": True}
    settings = shared_settings.model_copy(update={"dev_login": False})
    async with open_world(settings) as world:
        assert (await world.client.post("/dev/sign-in", json={"username": DANA})).status_code == 404
        assert (await world.client.get("/auth/providers")).json()["development"] is False
