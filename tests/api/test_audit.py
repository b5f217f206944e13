"""The audit over HTTP: seen by its tenant's auditors only, page by page, and checkable by anybody who has the lines."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from api.settings import Settings
from crm.database import DatabaseConfig
from crm.ids import TenantId
from crm.seed.people import NORTHWIND, staff_id
from tests.service import ADMIN, DANA, OTHER_DANA, Json, World, held, open_world
from tests.trust.forging import MINE, enter, forge, make_fit
from trust.merkle import is_consistent, is_included

OTHER_ADMIN = "ada@southridge.example"
TENANTS = (TenantId(NORTHWIND), TenantId("southridge"))


@pytest.fixture
async def audited(world: World) -> World:
    """A turn with a held write in each tenant, asked for by people of the same name, and some entries more."""
    for who in (DANA, OTHER_DANA):
        thread = await world.open_thread(who)
        assert held(await world.say(who, thread, "move the Acme Industries - Fabrication Line Renewal to Negotiation"))
    for tenant in TENANTS:
        for number in range(9):
            await enter(world.service.database, tenant, number)
    return world


async def pages(world: World, who: str = ADMIN, **params: Any) -> list[Json]:
    """All entries, by following the pages."""
    found: list[Json] = []
    while True:
        response = await world.call(who, "GET", "/audit", params=params)
        assert response.status_code == 200, response.text
        found += response.json()
        following = response.headers.get("X-Pagination-Next")
        if following is None:
            return found
        assert len(response.json()) == params["limit"]
        params["after"] = following


def canonical(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


LEAF = ("tenant", "index", "at", "kind", "actor", "subject", "payload_hash", "sealed_hash", "sealed_for")


def leaf_of(line: Json) -> bytes:
    """As docs/audit.md says it, with nothing of the service's."""
    return hashlib.sha256(b"\x00" + canonical({name: line[name] for name in LEAF})).digest()


def root_of(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


async def export(world: World, who: str = ADMIN, **params: Any) -> tuple[Json, list[Json]]:
    response = await world.call(who, "GET", "/audit/export", params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/jsonl")
    head, *lines = map(json.loads, response.text.splitlines())
    return head, lines


async def test_pages_and_filters_show_the_tenants_own_entries(audited: World) -> None:
    every = await pages(audited, limit=4)
    assert [entry["index"] for entry in every] == list(range(len(every)))
    assert [entry["index"] for entry in await pages(audited, limit=4, order="desc")] == list(range(len(every)))[::-1]
    assert "approval.requested" in {entry["kind"] for entry in every}
    others = await pages(audited, OTHER_ADMIN, limit=500)
    assert [entry["kind"] for entry in others] == [entry["kind"] for entry in every], "look-alikes"
    assert not {entry["leaf"] for entry in every} & {entry["leaf"] for entry in others}
    assert {entry["payload"]["of"] for entry in every if entry["kind"] == "k"} == {NORTHWIND}

    for column, value in (("kind", "k"), ("actor", staff_id("dana")), ("subject", "s")):
        found = await pages(audited, limit=3, **{column: value})
        assert found == [entry for entry in every if entry[column] == value] != []
    early = await pages(audited, limit=50, until="2026-11-02T09:00:00Z")
    late = await pages(audited, limit=50, since="2026-11-02T09:00:01+00:00")
    assert early == [entry for entry in every if entry["at"] < "2026-11-02T09:00:00Z"]
    assert late == [entry for entry in every if entry["at"] > "2026-11-02T09:00:00Z"]
    assert await pages(audited, limit=50, kind="k", actor="nobody") == []


async def test_an_export_is_checked_without_the_service(audited: World) -> None:
    head, lines = await export(audited)
    assert head["size"] == len(lines) == lines[-1]["index"] + 1
    assert root_of([leaf_of(line) for line in lines]).hex() == head["root"]
    assert all(leaf_of(line).hex() == line["leaf"] for line in lines)
    for line in lines:
        plain = bytes.fromhex(line["salt"]) + canonical(line["payload"])
        assert hashlib.sha256(plain).hexdigest() == line["payload_hash"]
    assert lines[-1]["kind"] == "audit.exported"
    assert {line["tenant"] for line in lines} == {NORTHWIND}

    later, some = await export(audited, kind="k")
    assert (later["size"], len(some)) == (head["size"] + 1, 9)
    for line in some:
        proof = [bytes.fromhex(one) for one in line["proof"]]
        assert is_included(leaf_of(line), line["index"], later["size"], bytes.fromhex(later["root"]), proof)
    other_head, other_lines = await export(audited, OTHER_ADMIN, kind="k")
    assert other_head["root"] != later["root"]
    assert not {line["leaf"] for line in some} & {line["leaf"] for line in other_lines}


async def test_heads_are_signed_and_everything_is_proved_against_them(audited: World, settings: Settings) -> None:
    assert (await audited.get(ADMIN, "/audit/head"))["signed"] is None
    await audited.service.heads.export_all()
    await enter(audited.service.database, TENANTS[0], 9)
    head = await audited.get(ADMIN, "/audit/head")
    signed = head["signed"]
    assert head["size"] == signed["size"] + 1

    key = load_pem_public_key(settings.head_signer().public_pem().encode())
    assert isinstance(key, Ed25519PublicKey)
    said = {"tenant": NORTHWIND, "size": signed["size"], "root": signed["root"], "at": signed["at"]}
    key.verify(base64.b64decode(signed["signature"]), b"countersign audit tree head v1\n" + canonical(said))

    found = await audited.get(ADMIN, "/audit/proof/3", params={"size": signed["size"]})
    assert found["root"] == signed["root"]
    proof = [bytes.fromhex(one) for one in found["proof"]]
    assert is_included(bytes.fromhex(found["leaf"]), 3, signed["size"], bytes.fromhex(signed["root"]), proof)
    [entry] = [entry for entry in await pages(audited, limit=100) if entry["index"] == 3]
    assert leaf_of({**entry, "tenant": NORTHWIND}).hex() == found["leaf"]

    going_on = await audited.get(ADMIN, "/audit/consistency", params={"from": signed["size"]})
    roots = [bytes.fromhex(one) for one in (signed["root"], head["root"])]
    proof = [bytes.fromhex(one) for one in going_on["proof"]]
    assert is_consistent(signed["size"], roots[0], head["size"], roots[1], proof)
    for path, params in (
        (f"/audit/proof/{head['size']}", {}),
        ("/audit/proof/3", {"size": 3}),
        ("/audit/consistency", {"from": 5, "to": 4}),
        ("/audit/consistency", {"from": 0, "to": head["size"] + 1}),
    ):
        assert (await audited.call(ADMIN, "GET", path, params=params)).status_code == 404


async def test_what_was_entered_last_is_exported_when_the_service_ends(settings: Settings) -> None:
    async with open_world(settings) as world:
        for tenant in TENANTS:
            await enter(world.service.database, tenant, 0)
        assert settings.head_sink().tenants() == []
    assert settings.head_sink().tenants() == sorted(TENANTS)
    last = settings.head_sink().last(NORTHWIND)
    assert last is not None
    assert last.signed.head.size == 1
    assert settings.head_verifier().holds(last.signed)


async def test_verifying_names_the_entry_and_the_missing_end(audited: World, seeded_config: DatabaseConfig) -> None:
    await audited.service.heads.export_all()
    good = await audited.get(ADMIN, "/audit/verify")
    assert (good["first_bad"], good["reason"], good["heads"]) == (None, "", [])
    assert good["covered"] == good["size"]
    last = good["size"] - 1
    forge(seeded_config, f"DELETE FROM audit_entry WHERE leaf_index = {last} AND {MINE}")
    make_fit(seeded_config)
    bad = await audited.get(ADMIN, "/audit/verify")
    assert bad["first_bad"] == last
    assert "missing" in bad["reason"]
    assert (await audited.get(OTHER_ADMIN, "/audit/verify"))["first_bad"] is None


async def test_a_damaged_entry_is_still_listed(audited: World, seeded_config: DatabaseConfig) -> None:
    forge(seeded_config, f"UPDATE audit_entry SET subject = 'forged' WHERE leaf_index = 2 AND {MINE}")
    [entry] = await pages(audited, limit=10, subject="forged")
    assert (entry["index"], entry["payload"], entry["salt"]) == (2, None, None)
    assert (await audited.get(ADMIN, "/audit/verify"))["first_bad"] == 2
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert await pages(audited, limit=10, since=soon) == []
