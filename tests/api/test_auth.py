"""Who is let in, with which tokens, and how far each token reaches."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from langchain_core.messages import AIMessage
from pydantic import ValidationError

from api.app import ROUTES, build_app
from api.auth import KeySetError
from api.settings import Settings
from crm.connector import Query
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId, numbered_id
from crm.records import User
from crm.seed.people import ANN_POE, DANA, MARA, RUTH_HALE, staff_id
from tests.api.issuer import Issuer, forge, private_jwk, public_pem
from tests.service import RENEWAL, World, calls, held, message, open_world, script, settings_for, tool_results
from trust.scopes import ALL_SCOPES, APPROVALS_DECIDE, AUDIT_READ, CRM_READ, CRM_WRITE, KNOWLEDGE_READ

Json = Any

DANA_ID, MARA_ID, ADA_ID, GUS_ID = staff_id(DANA.key), staff_id(MARA.key), staff_id("ada"), staff_id("gus")
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
SOUTHRIDGE = TenantId("southridge")  # tenant-id: the same, for the other tenant
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    made = Issuer(tmp_path / "issuer-keys.json")
    made.add("main")
    return made


@pytest.fixture
def trusting(seeded_config: DatabaseConfig, tmp_path: Path, issuer: Issuer) -> Settings:
    """A service in production mode, which trusts the issuer's keys and nothing else."""
    return settings_for(
        seeded_config, tmp_path, mode="production", dev_login=False, token_keys=issuer.path, secret_key="s" * 32
    )


@pytest.fixture
async def open_service(trusting: Settings) -> AsyncIterator[World]:
    async with open_world(trusting) as world:
        yield world


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def ask(world: World, token: str, method: str, path: str, **options: Any) -> Json:
    return await world.client.request(method, path, headers=bearer(token), **options)


# Tokens


@dataclass(frozen=True)
class Bad:
    """A token that is refused, and the words that say why, which may not depend on who asks."""

    make: Callable[[Issuer], str]
    why: str


def _now() -> int:
    return int(time.time())


_CLAIMS = {"iss": "countersign", "aud": "countersign", "tenant": "northwind", "scope": "crm:read"}

BAD_TOKENS = {
    "garbage": Bad(lambda i: "not.a.token", "not valid"),
    "empty-parts": Bad(lambda i: "..", "not valid"),
    "one-word": Bad(lambda i: "secret", "not valid"),
    "header-is-a-list": Bad(lambda i: "W10.e30.", "not valid"),
    "header-nested-deep": Bad(lambda i: forge([[]], {}).replace("W1tdXQ", "W1tb" * 3000), "not valid"),
    "expired": Bad(lambda i: i.sign(DANA_ID, exp=_now() - 60), "has expired"),
    "expired-at-the-edge": Bad(lambda i: i.sign(DANA_ID, exp=_now() - 11), "has expired"),
    "not-yet-valid": Bad(lambda i: i.sign(DANA_ID, nbf=_now() + 60), "not valid"),
    "issued-tomorrow": Bad(lambda i: i.sign(DANA_ID, iat=_now() + 86_400), "not valid"),
    "never-expires": Bad(lambda i: i.sign(DANA_ID, exp=None), "not valid"),
    "expires-in-words": Bad(lambda i: i.sign(DANA_ID, exp="tomorrow"), "not valid"),
    "no-issue-time": Bad(lambda i: i.sign(DANA_ID, iat=None), "not valid"),
    "wrong-issuer": Bad(lambda i: i.sign(DANA_ID, iss="somebody-else"), "not valid"),
    "no-issuer": Bad(lambda i: i.sign(DANA_ID, iss=None), "not valid"),
    "wrong-audience": Bad(lambda i: i.sign(DANA_ID, aud="billing"), "not valid"),
    "no-audience": Bad(lambda i: i.sign(DANA_ID, aud=None), "not valid"),
    "no-subject": Bad(lambda i: i.sign(DANA_ID, sub=None), "not valid"),
    "subject-is-a-number": Bad(lambda i: i.sign(DANA_ID, sub=5), "not valid"),
    "unknown-key-id": Bad(lambda i: i.sign(DANA_ID, kid="other"), "unknown key"),
    "no-key-id": Bad(lambda i: forge({"alg": "ES256"}, {**_CLAIMS, "sub": DANA_ID}), "unknown key"),
    "key-of-another-issuer": Bad(
        lambda i: i.sign(DANA_ID, kid="other").replace(_header("other"), _header("main")), "not valid"
    ),
    "algorithm-none": Bad(
        lambda i: forge({"alg": "none", "kid": "main"}, {**_CLAIMS, "sub": DANA_ID, "exp": _now() + 60}), "not valid"
    ),
    "algorithm-none-in-capitals": Bad(
        lambda i: forge({"alg": "NONE", "kid": "main"}, {**_CLAIMS, "sub": DANA_ID, "exp": _now() + 60}), "not valid"
    ),
    "hmac-by-the-public-rsa-key": Bad(
        lambda i: forge(
            {"alg": "HS256", "kid": "rsa"},
            {**_CLAIMS, "sub": DANA_ID, "iat": _now(), "exp": _now() + 60},
            secret=public_pem("rsa", "RS256"),
        ),
        "not valid",
    ),
    "another-algorithm-of-the-same-key": Bad(
        lambda i: i.sign(DANA_ID, kid="rsa", algorithm="RS256").replace(
            _header("rsa", "RS256"), _header("rsa", "PS256")
        ),
        "not valid",
    ),
    "changed-after-signing": Bad(lambda i: _swap_claims(i.sign(DANA_ID), i.sign(MARA_ID)), "not valid"),
    "subject-with-a-wrong-checksum": Bad(lambda i: i.sign(DANA_ID[:15] + "ZZZ"), "names no caller"),
    "subject-unknown-user": Bad(lambda i: i.sign(numbered_id("005", 99_999)), "no active member"),
    "subject-is-a-company": Bad(lambda i: i.sign("001CS0000000001YAA"), "no active member"),
    "subject-is-no-id": Bad(lambda i: i.sign("' OR 1=1 --"), "names no caller"),
    "deactivated-user": Bad(lambda i: i.sign(GUS_ID), "no active member"),
    "no-tenant": Bad(lambda i: i.sign(DANA_ID, tenant=None), "names no caller"),
    "tenant-is-a-list": Bad(lambda i: i.sign(DANA_ID, tenant=["northwind"]), "names no caller"),
    "tenant-with-nul": Bad(lambda i: i.sign(DANA_ID, tenant="northwind\x00"), "names no caller"),
    "tenant-too-long": Bad(lambda i: i.sign(DANA_ID, tenant="n" * 41), "names no caller"),
    "unknown-tenant": Bad(lambda i: i.sign(DANA_ID, tenant="eastwind"), "no active member"),
}


def _header(kid: str, algorithm: str = "ES256") -> str:
    return Issuer(Path("/dev/null")).sign(DANA_ID, kid=kid, algorithm=algorithm).split(".")[0]


def _swap_claims(one: str, other: str) -> str:
    header, _, signature = one.split(".")
    return ".".join([header, other.split(".")[1], signature])


async def test_a_token_that_is_not_right_is_refused(open_service: World, issuer: Issuer) -> None:
    issuer.add("rsa", "RS256")
    wrong = []
    for case, bad in BAD_TOKENS.items():
        token = bad.make(issuer)
        for headers in (bearer(token), {"x-api-key": token}):
            response = await open_service.client.get("/me", headers=headers)
            body = response.json()
            if (
                response.status_code != 401
                or response.headers["www-authenticate"] != "Bearer"
                or response.headers["content-type"] != "application/problem+json"
                or body["type"] != "urn:countersign:problem:auth"
                or bad.why not in body["detail"]
            ):
                wrong.append((case, response.status_code, body))
    assert wrong == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": ""}, id="empty"),
        pytest.param({"Authorization": "Bearer "}, id="bearer-of-nothing"),
        pytest.param({"Authorization": "Basic ZGFuYTpzZWNyZXQ="}, id="basic"),
        pytest.param({"x-api-key": ""}, id="empty-key"),
        pytest.param({"Cookie": "token=x"}, id="cookie"),
    ],
)
async def test_no_token_is_no_entry(open_service: World, headers: dict[str, str]) -> None:
    response = await open_service.client.get("/me", headers=headers)
    assert response.status_code == 401
    assert "send a token" in response.json()["detail"]


async def test_a_token_is_taken_from_either_header(open_service: World, issuer: Issuer) -> None:
    token = issuer.sign(DANA_ID)
    for headers in (bearer(token), {"x-api-key": token}, {"Authorization": f"bearer {token}"}):
        me = await open_service.client.get("/me", headers=headers)
        assert (me.status_code, me.json()["id"]) == (200, DANA_ID)


async def test_a_bad_bearer_token_is_not_made_good_by_a_key(open_service: World, issuer: Issuer) -> None:
    headers = {**bearer("bad"), "x-api-key": issuer.sign(DANA_ID)}
    assert (await open_service.client.get("/me", headers=headers)).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"])
async def test_a_key_of_this_kind_signs_valid_tokens(open_service: World, issuer: Issuer, algorithm: str) -> None:
    kid = f"key-{algorithm}"
    issuer.add(kid, algorithm)
    response = await ask(open_service, issuer.sign(DANA_ID, kid=kid, algorithm=algorithm), "GET", "/me")
    assert response.json()["tenant"] == "northwind"


async def test_a_key_without_alg_verifies_by_its_kind(open_service: World, issuer: Issuer) -> None:
    issuer.add("bare", "ES256")
    del issuer.keys["bare"]["alg"], issuer.keys["bare"]["use"]
    issuer.write()
    assert (await ask(open_service, issuer.sign(DANA_ID, kid="bare"), "GET", "/me")).status_code == 200


# The key set


async def test_keys_are_rotated_without_a_restart(open_service: World, issuer: Issuer) -> None:
    old, new = issuer.sign(DANA_ID), issuer.sign(DANA_ID, kid="next")
    assert [(await ask(open_service, t, "GET", "/me")).status_code for t in (old, new)] == [200, 401]
    issuer.add("next")
    assert [(await ask(open_service, t, "GET", "/me")).status_code for t in (old, new)] == [200, 200]
    issuer.remove("main")
    assert [(await ask(open_service, t, "GET", "/me")).status_code for t in (old, new)] == [401, 200]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("not a key", id="not-an-object"),
        pytest.param({"kty": "oct"}, id="no-key-id"),
        pytest.param({"kid": "x", "kty": "quantum"}, id="unknown-kind"),
        pytest.param({"kid": "x", "kty": "RSA", "n": "!", "e": "AQAB"}, id="broken"),
        pytest.param({"kid": "x", "kty": "oct", "k": "c2hvcnQ", "alg": "HS256"}, id="short-secret"),
        pytest.param({"kid": "x", "kty": "oct", "k": "c2hvcnQ", "alg": "none"}, id="algorithm-none"),
    ],
)
async def test_an_entry_that_is_no_key_shuts_out_nobody_else(open_service: World, issuer: Issuer, entry: Json) -> None:
    issuer.keys["x"] = entry
    issuer.write()
    assert (await ask(open_service, issuer.sign(DANA_ID), "GET", "/me")).status_code == 200
    forged = forge({"alg": "HS256", "kid": "x"}, {**_CLAIMS, "sub": DANA_ID, "exp": _now() + 60}, secret=b"short")
    assert (await ask(open_service, forged, "GET", "/me")).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_keys_for_other_purposes_and_private_keys_verify_nothing(
    open_service: World, issuer: Issuer, algorithm: str
) -> None:
    issuer.add("enc", algorithm, use="enc")
    issuer.keys["private"] = private_jwk("private", algorithm)
    issuer.write()
    for kid in ("enc", "private"):
        response = await ask(open_service, issuer.sign(DANA_ID, kid=kid, algorithm=algorithm), "GET", "/me")
        assert (response.status_code, response.json()["detail"]) == (401, "the token is signed with an unknown key")


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", '{"keys": 5}'], ids=["gone", "empty", "cut", "list", "number"]
)
async def test_nobody_is_let_in_while_the_key_set_cannot_be_read(
    open_service: World, issuer: Issuer, content: str | None
) -> None:
    token = issuer.sign(DANA_ID)
    assert (await ask(open_service, token, "GET", "/me")).status_code == 200
    if content is None:
        issuer.path.unlink()
    else:
        issuer.path.write_text(content)
    response = await ask(open_service, token, "GET", "/me")
    assert response.status_code == 503
    assert response.json()["detail"] == "the token keys cannot be read"
    assert (await open_service.client.get("/ready")).status_code == 503
    issuer.write()
    assert (await ask(open_service, token, "GET", "/me")).status_code == 200


@pytest.mark.parametrize("content", [None, "{", '{"keys": []}'], ids=["gone", "cut", "no-keys"])
async def test_the_service_does_not_start_without_keys(trusting: Settings, issuer: Issuer, content: str | None) -> None:
    if content is None:
        issuer.path.unlink()
    else:
        issuer.path.write_text(content)
    with pytest.raises(KeySetError):
        async with open_world(trusting):
            pass


# Scopes

READS = {
    "GET /threads/{id}": "crm:read",
    "PATCH /threads/{id}": "crm:read",
    "DELETE /threads/{id}": "crm:read",
    "POST /threads": "crm:read",
    "POST /threads/search": "crm:read",
    "POST /threads/count": "crm:read",
    "GET /threads/{id}/state": "crm:read",
    "GET /threads/{id}/state/{id}": "crm:read",
    "POST /threads/{id}/state/checkpoint": "crm:read",
    "POST /threads/prune": "crm:read",
    "POST /threads/{id}/copy": "crm:read",
    "POST /threads/{id}/state": "crm:read",
    "GET /threads/{id}/history": "crm:read",
    "POST /threads/{id}/history": "crm:read",
    "POST /threads/{id}/runs": "crm:read",
    "POST /threads/{id}/runs/stream": "crm:read",
    "POST /threads/{id}/runs/wait": "crm:read",
    "GET /threads/{id}/runs": "crm:read",
    "GET /threads/{id}/runs/{id}": "crm:read",
    "DELETE /threads/{id}/runs/{id}": "crm:read",
    "POST /threads/{id}/runs/{id}/cancel": "crm:read",
    "GET /threads/{id}/runs/{id}/join": "crm:read",
    "GET /threads/{id}/runs/{id}/stream": "crm:read",
    "POST /runs": "crm:read",
    "POST /runs/stream": "crm:read",
    "POST /runs/wait": "crm:read",
    "POST /runs/batch": "crm:read",
    "POST /runs/cancel": "crm:read",
    "GET /records/Account": "crm:read",
    "GET /records/Account/001CS0000000001YAA": "crm:read",
    "GET /records/Account/001CS0000000001YAA/overview": "crm:read",
    "GET /records/Account/001CS0000000001YAA/related/Contact/ReportsToId": "crm:read",
    "GET /records/Account/001CS0000000001YAA/timeline": "crm:read",
    "GET /records/Account/001CS0000000001YAA/writes": "crm:read",
    "GET /conversations": "crm:read",
    "GET /threads/{id}/messages": "crm:read",
    "GET /threads/{id}/suggestions": "crm:read",
    "GET /threads/{id}/prompt": "crm:read",
    "GET /suggestions": "crm:read",
    "GET /approvals": "approvals:decide or crm:read",
    "GET /approvals/summaries": "approvals:decide or crm:read",
    "GET /approvals/{id}/candidates": "approvals:decide or crm:read",
    "GET /approvals/{id}/editable": "approvals:decide or crm:read",
    "GET /approvals/{id}": "approvals:decide or crm:read",
    "POST /approvals/{id}/decision": "approvals:decide or crm:read",
    "POST /approvals/{id}/reassign": "approvals:decide or crm:read",
    "POST /approvals/{id}/repropose": "approvals:decide or crm:read",
    "GET /approvals/counts": "approvals:decide or crm:read",
    "POST /approvals/batch/preview": "approvals:decide or crm:read",
    "POST /approvals/batch/decision": "approvals:decide or crm:read",
    "GET /me/notices": "approvals:decide or crm:read",
    "PUT /me/notices": "approvals:decide or crm:read",
    "GET /admin/inbox": "policy:manage",
    "PUT /admin/inbox": "policy:manage",
    "GET /admin/webhooks": "gateway:manage",
    "POST /admin/webhooks": "gateway:manage",
    "PATCH /admin/webhooks/{id}": "gateway:manage",
    "DELETE /admin/webhooks/{id}": "gateway:manage",
    "GET /admin/webhooks/{id}/deliveries": "gateway:manage",
    "POST /admin/webhooks/{id}/deliveries/{id}/redeliver": "gateway:manage",
    "GET /admin/webhooks/{id}/people": "gateway:manage",
    "PUT /admin/webhooks/{id}/people/U1": "gateway:manage",
    "DELETE /admin/webhooks/{id}/people/U1": "gateway:manage",
    "POST /me/slack": "approvals:decide",
    "GET /outbox": "crm:read",
    "POST /outbox/{id}/retry": "crm:read",
    "POST /outbox/{id}/confirm": "crm:read",
    "GET /ledger": "audit:read",
    "GET /ledger/{id}": "crm:read or audit:read",
    "GET /runs/{id}/touched": "crm:read or audit:read",
    "POST /ledger/undo": "approvals:decide",
    "POST /ledger/undo/preview": "approvals:decide",
    "POST /ledger/{id}/undo": "approvals:decide",
    "POST /runs/crons": "crm:read",
    "POST /runs/crons/search": "crm:read",
    "POST /runs/crons/count": "crm:read",
    "PATCH /runs/crons/{id}": "crm:read",
    "DELETE /runs/crons/{id}": "crm:read",
    "GET /threads/{id}/charts/c1.svg": "crm:read",
    "GET /metrics/definitions": "crm:read",
    "GET /metrics/reports": "crm:read",
    "GET /metrics/reports/{id}": "crm:read",
    "GET /metrics/reports/{id}/chart.svg": "crm:read",
    "GET /metrics/alerts": "crm:read",
    "GET /admin/mcp-servers": "policy:manage",
    "POST /admin/mcp-servers": "policy:manage",
    "PATCH /admin/mcp-servers/{id}": "policy:manage",
    "DELETE /admin/mcp-servers/{id}": "policy:manage",
    "POST /admin/mcp-servers/{id}/refresh": "policy:manage",
    "GET /admin/mcp-servers/{id}/tools": "policy:manage",
    "POST /admin/mcp-servers/{id}/tools/{tool}/review": "policy:manage",
    "GET /admin/metrics": "policy:manage",
    "PUT /admin/metrics": "policy:manage",
    "GET /landing-pages/001CS0000000001YAA": "crm:read",
    "POST /triggers": "crm:read",
    "GET /triggers": "crm:read",
    "DELETE /triggers/{id}": "crm:read",
    "GET /admin/runs/parked": "policy:manage",
    "GET /admin/runs/waiting": "policy:manage",
    "POST /admin/runs/{id}/retry": "policy:manage",
    "GET /admin/api-keys": "users:manage",
    "POST /admin/api-keys": "users:manage",
    "DELETE /admin/api-keys/{id}": "users:manage",
    "POST /admin/service-principals": "users:manage",
    "GET /admin/groups": "users:manage",
    "GET /admin/people": "users:manage or policy:manage",
    "GET /admin/people/{id}": "users:manage or policy:manage",
    "POST /admin/people": "users:manage",
    "GET /admin/roles": "users:manage or policy:manage",
    "PATCH /admin/people/{id}": "users:manage",
    "PUT /admin/groups": "users:manage",
    "GET /admin/people/{id}/sessions": "users:manage",
    "DELETE /admin/people/{id}/sessions": "users:manage",
    "DELETE /admin/people/{id}/sessions/{id}": "users:manage",
    "GET /admin/switches": "policy:manage",
    "GET /admin/switches/targets": "policy:manage",
    "GET /admin/rights": "policy:manage",
    "GET /admin/permission-sets": "users:manage or policy:manage",
    "GET /admin/evaluations": "policy:manage",
    "GET /admin/evaluations/compare": "policy:manage",
    "GET /admin/evaluations/{id}": "policy:manage",
    "GET /names": "crm:read",
    "POST /admin/switches": "policy:manage",
    "GET /audit": "audit:read",
    "GET /audit/head": "audit:read",
    "GET /audit/proof/0": "audit:read",
    "GET /audit/consistency": "audit:read",
    "GET /audit/export": "audit:read",
    "GET /audit/verify": "audit:read",
    "GET /retention": "data:erase",
    "PUT /retention": "data:erase",
    "POST /erasure/thread/{id}": "data:erase",
    "POST /erasure/person/{id}": "data:erase",
    "POST /erasure/tenant": "data:erase",
    "GET /admin/gateway": "gateway:manage",
    "PATCH /admin/gateway": "gateway:manage",
    "GET /admin/gateway/usage": "gateway:manage",
    "GET /admin/policy": "policy:manage",
    "PUT /admin/policy": "policy:manage",
    "GET /admin/policy/history": "policy:manage",
    "POST /admin/policy/rollback": "policy:manage",
    "POST /admin/policy/explain": "policy:manage",
    "POST /admin/policy/simulate": "policy:manage",
    "GET /admin/preapprovals": "policy:manage",
    "POST /admin/preapprovals": "policy:manage",
    "DELETE /admin/preapprovals/{id}": "policy:manage",
    "GET /admin/reach": "policy:manage",
    "GET /delegations": "approvals:decide or policy:manage",
    "POST /delegations": "approvals:decide or policy:manage",
    "DELETE /delegations/{id}": "approvals:decide or policy:manage",
    "POST /threads/{id}/feedback": "crm:read",
    "GET /feedback": "audit:read",
}
"""Route -> the scope that lets a token in."""

NEEDS_NO_SCOPE = {
    "GET /me",
    "GET /auth/me",
    "GET /auth/providers",
    "GET /auth/oidc/{provider_id}/start",
    "GET /auth/oidc/{provider_id}/callback",
    "GET /auth/sessions",
    "DELETE /auth/sessions",
    "DELETE /auth/sessions/{id}",
    "POST /auth/sign-out",
    "POST /assistants/search",
    "POST /assistants/count",
    "GET /assistants/{assistant}",
    "GET /assistants/{assistant}/schemas",
    "GET /assistants/{assistant}/graph",
    "GET /.well-known/oauth-protected-resource",
    "GET /assistants/{assistant}/subgraphs",
    "POST /assistants/{assistant}/versions",
    "POST /assistants/{assistant}/latest",
    "GET /.well-known/agent-card.json",
    "GET /info",
    "GET /ok",
    "GET /health",
    "GET /ready",
    "GET /metrics",
}
"""What tells nothing of a tenant's but the caller's own name and rights; figures ask for a token of their own."""


def test_every_route_is_in_one_of_the_tables(trusting: Settings) -> None:
    document = build_app(trusting).openapi()
    routes = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    named = {
        route.replace("/Account", "/{object_name}").replace("/001CS0000000001YAA", "/{record_id}") for route in READS
    }
    named = {route.replace("/proof/0", "/proof/{index}").replace("/U1", "/{slack_user}") for route in named}
    named = {route.replace("/Contact/ReportsToId", "/{child}/{field}") for route in named}
    named = {route.replace("/c1.svg", "/{call_id}.{picture}") for route in named}
    plain = {"thread_id": "id", "run_id": "id", "approval_id": "id", "checkpoint_id": "id", "preapproval_id": "id"}
    plain |= {"outbox_id": "id", "person_id": "id", "webhook_id": "id", "delivery_id": "id", "delegation_id": "id"}
    named = {route.replace("/chart.svg", "/chart.{picture}") for route in named}
    plain |= {
        "report_id": "id",
        "entry_id": "id",
        "cron_id": "id",
        "trigger_id": "id",
        "session_id": "id",
        "key_id": "id",
        "server_id": "id",
    }
    for name, short in plain.items():
        routes = {route.replace(f"{{{name}}}", f"{{{short}}}") for route in routes}
    assert routes == named | NEEDS_NO_SCOPE


OTHER_PROTOCOLS = {
    "GET /v1/models": None,
    "GET /v1/models/{model}": None,
    "POST /v1/chat/completions": "crm:read",
    "POST /a2a": "crm:read",
    "POST /ag-ui": "crm:read",
    "GET /threads/{thread_id}/stream": "crm:read",
    "POST /integrations/slack/actions": None,
}
"""What other protocols describe, and our document does not; with the scope that lets a token in."""


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_routes_of_other_protocols_are_known_and_ask_for_their_scope(open_service: World, issuer: Issuer) -> None:
    hidden = {
        f"{method} {route.path}"
        for part in ROUTES
        for route in part.router.routes
        if isinstance(route, APIRoute) and not route.include_in_schema
        for method in route.methods
    }
    elsewhere = ("/scim/v2/", "/console", "/mcp", "/.well-known/oauth-")  # with tests of their own
    known = {route for route in hidden if route != "GET /" and not route.split(" ")[1].startswith(elsewhere)}
    assert known == set(OTHER_PROTOCOLS)
    for route, scope in OTHER_PROTOCOLS.items():
        method, path = route.split(" ")
        body = {"model": "countersign", "messages": [{"role": "user", "content": "hello"}]}
        bare = await open_service.client.request(method, path, json=body)
        assert bare.status_code == 401, route
        if scope is not None:
            refused = await ask(open_service, issuer.sign(DANA_ID, scope="audit:read"), method, path, json=body)
            assert refused.status_code == 403, route


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(None, id="no-claim"),
        pytest.param("", id="empty"),
        pytest.param("admin * crm crm:* crm:READ", id="unknown"),
        pytest.param(["crm:read", "x crm:write y"], id="list"),
        pytest.param(5, id="number"),
        pytest.param({"crm:read": True}, id="object"),
    ],
)
async def test_a_token_without_scopes_may_do_nothing(open_service: World, issuer: Issuer, scope: Json) -> None:
    token = issuer.sign(ADA_ID, scope=scope)
    assert (await ask(open_service, token, "GET", "/me")).json()["scopes"] == []
    routes = READS if scope is None else list(READS)[:5]  # what is read as no scope is as none from there on
    answers = {route: await _call(open_service, token, route) for route in routes}
    assert {route for route, (status, _) in answers.items() if status != 403} == set()


@pytest.mark.parametrize("scope", sorted(ALL_SCOPES))
async def test_a_token_reaches_the_routes_of_its_scope_and_no_others(
    open_service: World, issuer: Issuer, scope: str
) -> None:
    token = issuer.sign(ADA_ID, scope=scope)
    wrong = []
    for route, needed in READS.items():
        status, detail = await _call(open_service, token, route)
        is_let_in = scope in needed.split(" or ")
        if is_let_in is (status == 403) or (status == 403 and repr(needed.split(" or ")[0]) not in detail):
            wrong.append((route, status, detail))
    assert wrong == []


async def _call(world: World, token: str, route: str) -> tuple[int, str]:
    method, path = route.split(" ", 1)
    path = path.replace("{id}", UNKNOWN)
    body = None if method in ("GET", "DELETE") else {}
    response = await ask(world, token, method, path, **({} if body is None else {"json": body}))
    text = response.json() if response.status_code >= 400 else {}
    return response.status_code, str(text.get("detail", ""))


UPDATE = (
    "update_record",
    {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"NextStep": "Call Ann"}},
)


@pytest.mark.parametrize(
    ("scopes", "call", "needed"),
    [
        pytest.param({CRM_READ}, UPDATE, CRM_WRITE, id="write-without-crm-write"),
        pytest.param({CRM_READ, APPROVALS_DECIDE, AUDIT_READ}, UPDATE, CRM_WRITE, id="approvers-token"),
        pytest.param({CRM_READ, CRM_WRITE}, ("search_knowledge", {"query": "filter"}), KNOWLEDGE_READ, id="knowledge"),
    ],
)
async def test_a_tool_is_denied_to_a_token_without_its_scope(
    trusting: Settings, issuer: Issuer, scopes: set[str], call: Json, needed: str
) -> None:
    async with open_world(trusting, model=script(calls(call), AIMessage("No."))) as world:
        token = issuer.sign(DANA_ID, scope=" ".join(scopes))
        thread = (await ask(world, token, "POST", "/threads", json={})).json()["thread_id"]
        run = await ask(world, token, "POST", f"/threads/{thread}/runs/wait", json=message("change the opportunity"))
        assert held(run.json()) == []
        [answer] = tool_results(run.json())
        assert answer["error"]["kind"] == "denied"
        assert repr(needed) in answer["error"]["message"]
        full = issuer.sign(ADA_ID)
        assert (await ask(world, full, "GET", "/approvals")).json() == []
        assert (await ask(world, full, "GET", "/ledger")).json() == []


async def test_deciding_needs_its_own_scope(trusting: Settings, issuer: Issuer) -> None:
    async with open_world(trusting, model=script(calls(UPDATE), AIMessage("Done."))) as world:
        full, narrow = issuer.sign(DANA_ID), issuer.sign(DANA_ID, scope=f"{CRM_READ} {CRM_WRITE}")
        thread = (await ask(world, full, "POST", "/threads", json={})).json()["thread_id"]
        asked = await ask(world, full, "POST", f"/threads/{thread}/runs/wait", json=message("change the opportunity"))
        [approval] = held(asked.json())
        body = {"decision": "approve", "digest": approval["digest"]}
        path = f"/approvals/{approval['approval_id']}"
        refused = await ask(world, narrow, "POST", f"{path}/decision", json=body)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:countersign:problem:not-entitled")
        resume = {"assistant_id": "countersign", "command": {"resume": {"decisions": [{"type": "approve"}]}}}
        resumed = await ask(world, narrow, "POST", f"/threads/{thread}/runs/wait", json=resume)
        assert (resumed.status_code, resumed.json()["type"]) == (403, "urn:countersign:problem:not-entitled")
        assert (await ask(world, narrow, "GET", path)).json()["status"] == "pending"
        decider = issuer.sign(DANA_ID, scope=APPROVALS_DECIDE)
        decided = await ask(world, decider, "POST", f"{path}/decision?wait=true", json=body)
        assert decided.json()["approval"]["status"] == "applied"


async def test_a_run_keeps_the_scopes_it_was_asked_with(trusting: Settings, issuer: Issuer) -> None:
    """A wider token that resumes a narrow run does not widen it."""
    async with open_world(trusting, model=script(calls(UPDATE), calls(UPDATE), AIMessage("Done."))) as world:
        narrow, full = issuer.sign(DANA_ID, scope=CRM_READ), issuer.sign(DANA_ID)
        thread = (await ask(world, narrow, "POST", "/threads", json={})).json()["thread_id"]
        run = await ask(world, narrow, "POST", f"/threads/{thread}/runs", json=message("change the opportunity"))
        joined = await ask(world, full, "GET", f"/threads/{thread}/runs/{run.json()['run_id']}/join")
        assert held(joined.json()) == []
        assert {answer["error"]["kind"] for answer in tool_results(joined.json())} == {"denied"}


async def test_the_audit_needs_the_permission_besides_the_scope(open_service: World, issuer: Issuer) -> None:
    for path in ("/audit", "/audit/verify", "/audit/export", "/audit/head", "/feedback"):
        refused = await ask(open_service, issuer.sign(DANA_ID), "GET", path)
        assert (refused.status_code, refused.json()["detail"]) == (403, "this needs the permission 'read_audit'")
    whole = await ask(open_service, issuer.sign(DANA_ID), "GET", "/ledger")
    assert (whole.status_code, "'read_audit'" in whole.json()["detail"]) == (403, True)


# Tenants and people


async def test_a_subject_of_one_tenant_is_nobody_in_another(
    open_service: World, issuer: Issuer, seeded: Database
) -> None:
    async with seeded.session(SOUTHRIDGE, write=True) as session:
        user = await session.get(User, (SOUTHRIDGE, DANA_ID))
        assert user is not None
        user.IsDeleted = True
    assert (await ask(open_service, issuer.sign(DANA_ID), "GET", "/me")).json()["tenant"] == "northwind"
    response = await ask(open_service, issuer.sign(DANA_ID, tenant="southridge"), "GET", "/me")
    assert (response.status_code, response.json()["type"]) == (401, "urn:countersign:problem:auth")


async def test_the_tenant_is_the_token_s_whatever_the_request_says(open_service: World, issuer: Issuer) -> None:
    token = issuer.sign(DANA_ID, tenant="southridge")
    me = await ask(open_service, token, "GET", "/me?tenant=northwind")
    assert me.json()["tenant"] == "southridge"
    headers = {**bearer(token), "x-tenant": "northwind", "x-forwarded-host": "northwind"}
    assert (await open_service.client.get("/me", headers=headers)).json()["tenant"] == "southridge"
    body = {"tenant": "northwind", "metadata": {"tenant": "northwind"}}
    assert (await ask(open_service, token, "POST", "/threads", json=body)).status_code == 422


async def test_a_deactivated_person_is_out_at_once(trusting: Settings, issuer: Issuer, seeded: Database) -> None:
    model = script(calls(UPDATE), AIMessage("Done."))
    async with open_world(trusting, model=model) as world:
        token = issuer.sign(DANA_ID)
        thread = (await ask(world, token, "POST", "/threads", json={})).json()["thread_id"]
        asked = await ask(world, token, "POST", f"/threads/{thread}/runs/wait", json=message("change the opportunity"))
        [approval] = held(asked.json())
        async with seeded.session(NORTHWIND, write=True) as session:
            user = await session.get(User, (NORTHWIND, DANA_ID))
            assert user is not None
            user.IsActive = False
        for method, path in (
            ("GET", f"/threads/{thread}"),
            ("POST", f"/approvals/{approval['approval_id']}/decision"),
            ("GET", "/me"),
        ):
            assert (await ask(world, token, method, path)).status_code == 401
        assert len(model.heard) == 1
        admin = issuer.sign(ADA_ID)
        assert (await ask(world, admin, "GET", "/ledger")).json() == []


async def test_a_change_that_a_deactivated_person_asked_for_is_not_made(
    trusting: Settings, issuer: Issuer, seeded: Database
) -> None:
    """The rights are those of the requester at the time of the effect, not of whoever approves."""
    stage = ("update_record", {**UPDATE[1], "fields": {"StageName": "Negotiation"}})
    async with open_world(trusting, model=script(calls(stage), AIMessage("Done."))) as world:
        dana, mara = issuer.sign(DANA_ID), issuer.sign(MARA_ID)
        thread = (await ask(world, dana, "POST", "/threads", json={})).json()["thread_id"]
        asked = await ask(world, dana, "POST", f"/threads/{thread}/runs/wait", json=message("change the opportunity"))
        [approval] = held(asked.json())
        async with seeded.session(NORTHWIND, write=True) as session:
            user = await session.get(User, (NORTHWIND, DANA_ID))
            assert user is not None
            user.IsActive = False
        path = f"/approvals/{approval['approval_id']}/decision?wait=true"
        edit = {"decision": "edit", "digest": approval["digest"], "arguments": stage[1]}
        edited = await ask(world, mara, "POST", path, json=edit)
        assert (edited.status_code, edited.json()["type"]) == (409, "urn:countersign:problem:unknown-caller")
        body = {"decision": "approve", "digest": approval["digest"]}
        decided = await ask(world, mara, "POST", path, json=body)
        assert decided.status_code in (200, 409)
        record = await ask(world, mara, "GET", "/records/Opportunity", params={"name": RENEWAL})
        assert record.json()["StageName"] == "Discovery"
        entries = (await ask(world, issuer.sign(ADA_ID), "GET", "/ledger")).json()
        assert [entry["status"] for entry in entries if entry["status"] == "applied"] == []


async def test_a_customer_sees_their_own_cases_and_nothing_of_the_others(open_service: World, issuer: Issuer) -> None:
    ann, ruth, sam = issuer.sign(ANN_POE.contact_id), issuer.sign(RUTH_HALE.contact_id), issuer.sign(staff_id("sam"))
    me = (await ask(open_service, ann, "GET", "/me")).json()
    assert (me["kind"], me["id"]) == ("contact", ANN_POE.contact_id)
    assert me["permissions"] == []
    own, strange = await _cases_of(open_service, ann), await _cases_of(open_service, ruth)
    assert own
    assert not own & strange
    staff_view = await _cases_of(open_service, sam)
    assert own < staff_view
    for case_id in sorted(staff_view - own)[:5]:
        hidden = await ask(open_service, ann, "GET", f"/records/Case/{case_id}")
        assert hidden.status_code == 404
    for case_id in sorted(own)[:5]:
        assert (await ask(open_service, ann, "GET", f"/records/Case/{case_id}")).status_code == 200
    for path in ("/ledger", "/audit", "/audit/verify", "/audit/export", "/audit/proof/0", "/feedback"):
        assert (await ask(open_service, ann, "GET", path)).status_code == 403
    assert (await ask(open_service, ann, "GET", "/approvals")).json() == []
    renewal = await ask(open_service, ann, "GET", "/records/Opportunity", params={"name": RENEWAL})
    assert renewal.status_code in (403, 404)


async def _cases_of(world: World, token: str) -> set[str]:
    """The ids of all cases that a caller's conversation can list."""
    async with world.service.database.session(NORTHWIND) as session:
        principal = await world.service.authenticator.authenticate(token)
        crm = world.service.runner.desk.crm_for(session, principal, world.service.runner.clock())
        page = await crm.query(Query("Case", None, [], [], 200))
        return {row["Id"] for row in page.records}


async def test_a_customer_cannot_have_a_write_held(trusting: Settings, issuer: Issuer) -> None:
    case_comment = ("add_case_comment", {"case_id": "500CS0000000001YAA", "comment": "please hurry"})
    async with open_world(trusting, model=script(calls(UPDATE, case_comment), AIMessage("No."))) as world:
        token = issuer.sign(ANN_POE.contact_id)
        thread = (await ask(world, token, "POST", "/threads", json={})).json()["thread_id"]
        run = await ask(world, token, "POST", f"/threads/{thread}/runs/wait", json=message("show my open cases"))
        assert held(run.json()) == []
        assert {a["ok"] for a in tool_results(run.json())} <= {False}
        assert (await ask(world, issuer.sign(ADA_ID), "GET", "/ledger")).json() == []


# Development


async def test_the_development_login_exists_in_development_only(open_service: World, settings: Settings) -> None:
    response = await open_service.client.post("/dev/login", json={"username": "dana@northwind.example"})
    assert (response.status_code, response.json()["type"]) == (404, "urn:countersign:problem:not-found")
    for path in ("/docs", "/redoc"):
        assert (await open_service.client.get(path)).status_code == 404


async def test_the_development_login_knows_the_living_only(world: World) -> None:
    for body, status in (
        ({"username": "dana@northwind.example"}, 200),
        ({"username": "DANA@Northwind.example", "tenant": "northwind"}, 200),
        ({"username": "dana@northwind.example", "tenant": "southridge"}, 401),
        ({"username": "gus@northwind.example"}, 401),
        ({"username": "%"}, 401),
        ({"username": "x", "tenant": "nowhere"}, 401),
    ):
        response = await world.client.post("/dev/login", json=body)
        assert response.status_code == status, (body, response.text)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        pytest.param({"dev_login": True}, "dev_login", id="anybody-may-log-in"),
        pytest.param({"token_keys": None}, "token_keys", id="no-keys"),
        pytest.param({"secret_key": None}, "secret_key", id="no-secret"),
        pytest.param({"secret_key": "short"}, "secret_key", id="short-secret"),
        pytest.param({"context_key": "short"}, "context_key", id="short-context-key"),
        pytest.param({"master_key": None}, "master_key", id="no-master-key"),
        pytest.param({"master_key": "short"}, "master_key", id="short-master-key"),
        pytest.param({"former_master_keys": ["short"]}, "former_master_keys", id="short-former-master-key"),
        pytest.param({"mode": "staging"}, "mode", id="unknown-mode"),
    ],
)
def test_settings_that_open_a_door_are_refused(given: dict[str, Json], fault: str) -> None:
    secrets = {"secret_key": "s" * 32, "master_key": "m" * 32}
    sound: dict[str, Json] = {"mode": "production", "token_keys": Path("keys.json"), **secrets}
    Settings(**sound)
    with pytest.raises(ValidationError, match=fault) as caught:
        Settings(**{**sound, **given})
    assert "sssss" not in str(caught.value)


def test_production_is_what_you_get_unless_you_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COUNTERSIGN_MODE", "COUNTERSIGN_TOKEN_KEYS", "COUNTERSIGN_SECRET_KEY", "COUNTERSIGN_DEV_LOGIN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValidationError, match="token_keys"):
        Settings()


def test_a_kept_secret_is_whole_private_and_kept(tmp_path: Path) -> None:
    settings = Settings(mode="development", data_dir=tmp_path / "data")
    first = settings.cursor_key()
    assert len(first) >= 32
    assert Settings(mode="development", data_dir=tmp_path / "data").cursor_key() == first
    settings.key_set()
    files = sorted((tmp_path / "data").iterdir())
    assert [file.name for file in files] == ["secret", "token-keys.json"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
