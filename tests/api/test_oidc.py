"""Signing in with an identity provider: the honest way, and the ways in that must stay closed."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from api.provider_config import ProvidersError, read_providers
from api.sessions import DEMO_COOKIE
from api.settings import Settings
from crm.database import Database
from crm.ids import TenantId
from crm.records import User
from crm.seed.people import staff_id
from tests.api.issuer import forge, public_pem
from tests.api.oidc_provider import CLIENT, SECRET, Provider
from tests.api.test_sessions import Clock, sign_in
from tests.conftest import SqliteTemplates, seed_small
from tests.service import ADMIN, World, open_world, serve, settings_for

Json = Any
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
CLOCK = Clock()
ON_THE_WAY = f"{DEMO_COOKIE}-sign-in"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    with serve(provider.app()) as url:
        provider.issuer = url
        yield provider


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    running.reset()
    yield running
    CLOCK.ahead = timedelta()


def write_providers(folder: Path, issuer: str) -> Path:
    one = {
        "id": "northwind-sso",
        "label": "Northwind",
        "tenant": "northwind",
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "groups_claim": "groups",
    }
    plain = {**one, "id": "plain", "groups_claim": None}
    lost = {**one, "id": "lost", "tenant": "eastwind"}
    path = folder / "providers.json"
    path.write_text(json.dumps([one, plain, lost]))
    return path


@pytest.fixture(scope="module")
def shared_settings(
    running: Provider, sqlite_templates: SqliteTemplates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    sqlite_templates.build("seeded", seed_small)
    folder = tmp_path_factory.mktemp("oidc")
    with sqlite_templates.copied("seeded") as config:
        yield settings_for(config, folder, sign_in_providers=write_providers(folder, running.issuer))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(shared_settings: Settings) -> AsyncIterator[World]:
    async with open_world(shared_settings, clock=CLOCK) as world:
        yield world


in_module = pytest.mark.asyncio(loop_scope="module")


def browser_of(world: World) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=world.client._transport, base_url="http://service", timeout=60)


async def go(browser: httpx.AsyncClient, *, by: str = "plain", return_to: str = "/console/#/approvals") -> str:
    """Begin, be at the provider, and come as far as the address that it sends the browser back to."""
    begun = await browser.get(f"/auth/oidc/{by}/start", params={"return_to": return_to})
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient(verify=False) as outside:
        answered = await outside.get(begun.headers["location"])
    assert answered.status_code == 303
    back = answered.headers["location"]
    assert back.startswith(f"http://service/auth/oidc/{by}/callback?")
    return str(back)


async def sign_in_with(world: World, *, by: str = "plain") -> tuple[httpx.AsyncClient, httpx.Response]:
    browser = browser_of(world)
    return browser, await browser.get(await go(browser, by=by))


async def test_a_person_signs_in_with_their_organisation_s_provider(
    settings: Settings, seeded: Database, provider: Provider, tmp_path: Path
) -> None:
    path = write_providers(tmp_path, provider.issuer)
    async with open_world(settings.model_copy(update={"sign_in_providers": path})) as world:
        listed = (await world.client.get("/auth/providers")).json()["providers"]
        assert listed[0] == {
            "provider_id": "northwind-sso",
            "label": "Northwind",
            "start": "/auth/oidc/northwind-sso/start",
        }
        rights = {"groups": {"Sales EMEA": ["sales_rep"], "Managers": ["sales_manager"]}}
        assert (await world.call(ADMIN, "PUT", "/admin/groups", json=rights)).json()["groups"] == rights["groups"]
        provider.claims = {"groups": ["Sales EMEA", "Managers", "Domain Admins", "admin"]}
        browser, answer = await sign_in_with(world, by="northwind-sso")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/#/approvals")
        me = (await browser.get("/auth/me")).json()
        assert (me["person"]["id"], me["organisation"]["id"]) == (staff_id("dana"), "northwind")
        assert (me["permissions"], me["session"]["provider"]) == (["approve_writes"], "northwind-sso")
        provider.claims = {"groups": ["Sales EMEA", "Domain Admins"]}
        browser, answer = await sign_in_with(world, by="northwind-sso")
        assert (await browser.get("/auth/me")).json()["permissions"] == [], "a group that was left gives nothing"
        provider.claims = {"groups": ["Domain Admins"]}
        _, answer = await sign_in_with(world, by="northwind-sso")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:countersign:problem:unmapped")
        assert "set-cookie" not in answer.headers or DEMO_COOKIE + "=css" not in answer.headers["set-cookie"]
        kinds = [entry["kind"] for entry in await world.get(ADMIN, "/audit")]
        assert {"identity.bound", "user.permission_sets", "session.begun", "directory.group_rights"} <= set(kinds)


# Attacks


def _with(**claims: Json) -> Callable[[Provider], None]:
    def change(provider: Provider) -> None:
        provider.claims = claims

    return change


def _unknown_key(provider: Provider) -> None:
    provider.kid = "idp-of-somebody-else"


def _foreign_key_of_same_name(provider: Provider) -> None:
    signed = Provider(issuer=provider.issuer, kid="idp-of-somebody-else")
    provider.make_token = lambda claims: _renamed(signed.sign(claims), provider.sign(claims))


def _renamed(token: str, honest: str) -> str:
    return ".".join([honest.split(".")[0], token.split(".")[1], token.split(".")[2]])


def _no_algorithm(provider: Provider) -> None:
    provider.make_token = lambda claims: forge({"alg": "none", "kid": "idp-1"}, claims)


def _hmac_by_public_key(provider: Provider) -> None:
    pem = public_pem("idp-1", "ES256")
    provider.make_token = lambda claims: forge({"alg": "HS256", "kid": "idp-1"}, claims, secret=pem)


def _hmac_by_client_secret(provider: Provider) -> None:
    provider.make_token = lambda claims: forge({"alg": "HS256", "kid": "idp-1"}, claims, secret=SECRET.encode())


def _says_to_be_another(provider: Provider) -> None:
    provider.answer = {"iss": "https://evil.example"}


def _refuses(provider: Provider) -> None:
    provider.answer = {"error": "access_denied"}


BAD_TOKENS: dict[str, Callable[[Provider], None]] = {
    "another-issuer": _with(iss="https://evil.example"),
    "no-issuer": _with(iss=None),
    "another-client": _with(aud="another-client"),
    "no-audience": _with(aud=None),
    "several-audiences-without-azp": _with(aud=[CLIENT, "another-client"]),
    "for-another-party": _with(aud=[CLIENT, "another-client"], azp="another-client"),
    "nonce-of-another-sign-in": _with(nonce="n" * 43),
    "no-nonce": _with(nonce=None),
    "expired": _with(exp=1_700_000_000),
    "never-expires": _with(exp=None),
    "issued-in-the-future": _with(iat=4_000_000_000),
    "no-subject": _with(sub=None),
    "subject-is-a-number": _with(sub=5),
    "subject-is-empty": _with(sub=""),
    "unknown-key": _unknown_key,
    "foreign-key-under-our-key-s-name": _foreign_key_of_same_name,
    "algorithm-none": _no_algorithm,
    "hmac-by-the-public-key": _hmac_by_public_key,
    "hmac-by-the-client-secret": _hmac_by_client_secret,
    "answer-names-another-provider": _says_to_be_another,
    "provider-refuses": _refuses,
}


@in_module
async def test_what_the_provider_did_not_say_like_this_lets_nobody_in(shared: World, provider: Provider) -> None:
    wrong = []
    for case, change in BAD_TOKENS.items():
        provider.reset()
        change(provider)
        browser, answer = await sign_in_with(shared)
        kind = answer.json().get("type") if answer.status_code != 303 else None
        if (answer.status_code, kind) != (401, "urn:countersign:problem:auth") or DEMO_COOKIE in browser.cookies:
            wrong.append((case, answer.status_code, answer.text))
    assert wrong == []
    provider.reset()
    _, answer = await sign_in_with(shared)
    assert answer.status_code == 303, "the same way with nothing wrong"


@in_module
async def test_an_answer_fits_the_browser_that_asked_and_no_other(shared: World, provider: Provider) -> None:
    """Login CSRF: an attacker has a victim's browser finish the attacker's sign-in."""
    attacker, victim = browser_of(shared), browser_of(shared)
    back = await go(attacker)
    for browser in (victim,):
        assert (await browser.get(back)).status_code == 401
    await go(victim)  # the victim is on the way as well, with a state of their own
    assert (await victim.get(back)).status_code == 401
    assert DEMO_COOKIE not in victim.cookies
    assert (await attacker.get(back)).status_code == 303


@in_module
async def test_an_answer_is_good_once_in_time_and_for_its_provider(shared: World, provider: Provider) -> None:
    browser = browser_of(shared)
    back = await go(browser)
    sealed = browser.cookies[ON_THE_WAY]
    assert (await browser.get(back.replace("/plain/", "/northwind-sso/"))).status_code == 401
    assert (await browser.get(back)).status_code == 303
    assert ON_THE_WAY not in browser.cookies
    replayed = await shared.client.get(back, headers={"Cookie": f"{ON_THE_WAY}={sealed}"})
    assert replayed.status_code == 401, "a code is good once"
    late = browser_of(shared)
    back = await go(late)
    CLOCK.ahead = timedelta(minutes=11)
    assert (await late.get(back)).status_code == 401
    CLOCK.ahead = timedelta()
    forged = sealed[:-8] + "AAAAAAA="
    assert (await shared.client.get(back, headers={"Cookie": f"{ON_THE_WAY}={forged}"})).status_code == 401


@in_module
async def test_a_stolen_code_is_worth_nothing_without_its_verifier(shared: World, provider: Provider) -> None:
    """The thief puts the victim's code into a sign-in of their own."""
    victim, thief = browser_of(shared), browser_of(shared)
    stolen = parse_qs(urlsplit(await go(victim)).query)["code"][0]
    own = urlsplit(await go(thief))
    query = {name: values[0] for name, values in parse_qs(own.query).items()} | {"code": stolen}
    assert (await thief.get(own.path, params=query)).status_code == 401
    assert DEMO_COOKIE not in thief.cookies


@in_module
@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "console", "",
     "/\tevil", "/%0d%0aSet-Cookie: a=b\r\nX: y", "/a\\..\\b", "http:/evil"],
)  # fmt: skip
async def test_nobody_is_sent_to_another_place_afterwards(shared: World, provider: Provider, target: str) -> None:
    answer = await shared.client.get("/auth/oidc/plain/start", params={"return_to": target})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "return_to")
    assert "set-cookie" not in answer.headers


@in_module
@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"email_verified": None}, id="nobody-says-that-the-address-is-theirs"),
        pytest.param({"email_verified": False}, id="unverified"),
        pytest.param({"email_verified": "true"}, id="verified-in-words"),
        pytest.param({"email": "nobody@northwind.example"}, id="unknown-person"),
        pytest.param({"email": "gus@northwind.example"}, id="deactivated-person"),
        pytest.param({"email": "dana@southridge.example"}, id="person-of-another-tenant"),
        pytest.param({"email": "%@northwind.example"}, id="pattern"),
        pytest.param({"email": None}, id="no-address"),
        pytest.param({"email": ["eli@northwind.example"]}, id="list"),
    ],
)
async def test_who_cannot_be_told_for_certain_is_nobody(shared: World, provider: Provider, claims: Json) -> None:
    provider.subject, provider.claims = "sub-new", {"email": "eli@northwind.example", **claims}
    browser, answer = await sign_in_with(shared)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:countersign:problem:unmapped")
    assert DEMO_COOKIE not in browser.cookies


@in_module
async def test_a_subject_stays_who_it_was_whatever_address_it_has_now(shared: World, provider: Provider) -> None:
    provider.subject, provider.claims = "sub-mara", {"email": "MARA@northwind.example"}
    _, answer = await sign_in_with(shared)
    assert answer.status_code == 303
    provider.claims = {"email": "ada@northwind.example"}  # the same subject now claims the administrator's address
    browser, _ = await sign_in_with(shared)
    assert (await browser.get("/auth/me")).json()["person"]["id"] == staff_id("mara")
    provider.subject, provider.claims = "sub-new-hire", {"email": "mara@northwind.example"}
    _, answer = await sign_in_with(shared)
    assert answer.status_code == 403, "the address has passed to somebody else"
    async with shared.service.database.session(NORTHWIND, write=True) as session:
        user = await session.get(User, (NORTHWIND, staff_id("mara")))
        assert user is not None
        user.IsActive = False
    assert (await browser.get("/auth/me")).status_code == 401
    provider.subject, provider.claims = "sub-mara", {}
    _, answer = await sign_in_with(shared)
    assert answer.status_code == 403


@in_module
async def test_a_provider_for_a_tenant_that_is_not_there_lets_nobody_in(shared: World, provider: Provider) -> None:
    _, answer = await sign_in_with(shared, by="lost")
    assert answer.status_code == 403
    assert (await shared.client.get("/auth/oidc/nowhere/start")).status_code == 404
    assert (await shared.client.get("/auth/oidc/nowhere/callback?code=x&state=y")).status_code == 404


@in_module
async def test_a_planted_session_does_not_survive_signing_in(shared: World, provider: Provider) -> None:
    browser, _ = await sign_in(shared, "sam@northwind.example")
    planted = browser.cookies[DEMO_COOKIE]
    provider.subject = "sub-dana"
    assert (await browser.get(await go(browser))).status_code == 303
    assert browser.cookies[DEMO_COOKIE] != planted
    headers = {"Cookie": f"{DEMO_COOKIE}={planted}"}
    assert (await shared.client.get("/auth/me", headers=headers)).status_code == 401


@in_module
async def test_the_provider_may_change_its_keys_and_its_clock_may_be_off(shared: World, provider: Provider) -> None:
    assert (await sign_in_with(shared))[1].status_code == 303
    provider.kid, provider.published = "idp-2", ["idp-1", "idp-2"]
    CLOCK.ahead = timedelta(seconds=40)
    assert (await sign_in_with(shared))[1].status_code == 303, "a new key is asked for"
    asked = provider.key_requests
    provider.kid = "idp-3"
    for _ in range(3):
        assert (await sign_in_with(shared))[1].status_code == 401
    assert provider.key_requests == asked, "and not at every wrong token"
    provider.kid = "idp-2"
    CLOCK.ahead = timedelta(seconds=-50)
    assert (await sign_in_with(shared))[1].status_code == 303
    CLOCK.ahead = timedelta(seconds=-70)
    assert (await sign_in_with(shared))[1].status_code == 401


@in_module
async def test_a_provider_that_is_down_or_strange_is_said_so(shared: World, provider: Provider) -> None:
    for metadata in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ):
        provider.metadata = metadata
        CLOCK.ahead += timedelta(hours=2)
        answer = await shared.client.get("/auth/oidc/plain/start")
        assert (answer.status_code, answer.json()["type"]) == (502, "urn:countersign:problem:provider-down"), metadata
    provider.metadata = {}
    assert (await shared.client.get("/auth/oidc/plain/start")).status_code == 303


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"issuer": "http://idp.example"}, "issuer", id="in-the-clear"),
        pytest.param({"scopes": ["email"]}, "scopes", id="no-openid"),
        pytest.param({"client_secret_file": "/nowhere"}, "client_secret_file", id="no-secret"),
        pytest.param({"secret": "x"}, "secret", id="unknown-field"),
        pytest.param({"id": "../x"}, "id", id="id-that-is-a-path"),
    ],
)
def test_a_file_of_providers_that_is_wrong_is_refused(tmp_path: Path, change: Json, fault: str) -> None:
    path = write_providers(tmp_path, "https://idp.example")
    assert len(read_providers(path, is_development=False)) == 3
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([{**entries[0], **change}]))
    with pytest.raises(ProvidersError, match=fault) as caught:
        read_providers(path, is_development=False)
    assert SECRET not in str(caught.value)


def test_production_says_itself_where_people_come_back_to(tmp_path: Path) -> None:
    keys = {"token_keys": tmp_path / "keys.json", "secret_key": "s" * 32, "master_key": "m" * 32}
    with pytest.raises(ValueError, match="public_url"):
        Settings(sign_in_providers=tmp_path / "providers.json", **keys)
