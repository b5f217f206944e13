"""The tenant's directory: people and groups in step with it, and who leaves is out at once."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.seed.people import staff_id
from tests.api.test_sessions import sign_in
from tests.conftest import SqliteTemplates, seed_small
from tests.service import ADMIN, MARA, RENEWAL, World, calls, held, message, open_world, script, settings_for

Json = Any
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
STAGE = (
    "update_record",
    {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"StageName": "Negotiation"}},
)


class Directory:
    """A directory of one tenant, with its key."""

    def __init__(self, world: World, key: str) -> None:
        self.world, self.key = world, key

    async def call(self, method: str, path: str, body: Json = None, **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/scim+json"}
        more = {} if body is None else {"json": body}
        return await self.world.client.request(method, f"/scim/v2{path}", headers=headers, params=params, **more)

    async def ok(self, method: str, path: str, body: Json = None, **params: Any) -> Json:
        answer = await self.call(method, path, body, **params)
        assert answer.status_code in (200, 201), answer.text
        assert answer.headers["content-type"] == "application/scim+json"
        return answer.json()

    async def refused(self, status: int, scim_type: str | None, method: str, path: str, body: Json = None) -> None:
        answer = await self.call(method, path, body)
        told = answer.json()
        assert (answer.status_code, told["status"], told.get("scimType")) == (status, str(status), scim_type), told
        assert (told["schemas"], answer.headers["content-type"]) == ([ERROR], "application/scim+json")
        assert told["detail"]


async def directory_of(world: World, admin: str = ADMIN) -> Directory:
    made = await world.post(admin, "/admin/api-keys", {"name": "directory", "scopes": ["directory:write"]})
    return Directory(world, made["key"])


@pytest.fixture(scope="module")
def shared_settings(sqlite_templates: SqliteTemplates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield settings_for(config, tmp_path_factory.mktemp("scim"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(shared_settings: Settings) -> AsyncIterator[World]:
    async with open_world(shared_settings, model=script(calls(STAGE), AIMessage("Held."))) as world:
        yield world


in_module = pytest.mark.asyncio(loop_scope="module")

NINA = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "nina@northwind.example",
    "externalId": "d-4711",
    "name": {"givenName": "Nina", "familyName": "Nowak"},
    "emails": [{"value": "other@northwind.example"}, {"value": "nina@northwind.example", "primary": True}],
    "active": True,
    "nickName": "passed over",
}


async def test_a_person_is_created_found_given_rights_and_deactivated(world: World) -> None:
    scim = await directory_of(world)
    await world.call(ADMIN, "PUT", "/admin/groups", json={"groups": {"Managers": ["sales_manager"]}})
    made = await scim.ok("POST", "/Users", NINA)
    assert (made["userName"], made["externalId"], made["emails"][0]["value"]) == (
        NINA["userName"],
        "d-4711",
        "nina@northwind.example",
    )
    for wanted in ('userName eq "NINA@northwind.example"', 'externalId eq "d-4711"', f'id eq "{made["id"]}"'):
        found = await scim.ok("GET", "/Users", filter=wanted)
        assert [one["id"] for one in found["Resources"]] == [made["id"]], wanted
    await scim.refused(409, "uniqueness", "POST", "/Users", {**NINA, "userName": "Nina@Northwind.example"})
    browser, _ = await sign_in(world, NINA["userName"])
    assert (await browser.get("/auth/me")).json()["permissions"] == []
    group = await scim.ok("POST", "/Groups", {"displayName": "Managers", "members": [{"value": made["id"]}]})
    assert (await browser.get("/auth/me")).json()["permissions"] == ["approve_writes"]
    assert (await scim.ok("GET", f"/Users/{made['id']}"))["groups"][0]["value"] == group["id"]
    gone = {"Operations": [{"op": "remove", "path": f'members[value eq "{made["id"]}"]'}]}
    assert (await scim.ok("PATCH", f"/Groups/{group['id']}", gone))["members"] == []
    assert (await browser.get("/auth/me")).json()["permissions"] == []
    body = {"name": "hers", "acts_as": made["id"], "scopes": ["crm:read"]}
    key = (await world.post(ADMIN, "/admin/api-keys", body))["key"]
    off = {"Operations": [{"op": "Replace", "value": {"active": "False"}}]}
    assert (await scim.ok("PATCH", f"/Users/{made['id']}", off))["active"] is False
    assert (await browser.get("/auth/me")).status_code == 401
    assert (await world.client.get("/me", headers={"x-api-key": key})).status_code == 401
    assert await world.get(ADMIN, f"/admin/people/{made['id']}/sessions") == []
    on = {"Operations": [{"op": "replace", "path": "active", "value": True}]}
    assert (await scim.ok("PATCH", f"/Users/{made['id']}", on))["active"] is True
    assert (await browser.get("/auth/me")).status_code == 401, "what has ended does not come back"
    assert (await world.client.get("/me", headers={"x-api-key": key})).status_code == 401
    kinds = {entry["kind"] for entry in await world.get(ADMIN, "/audit")}
    assert {"user.created", "user.deactivated", "user.activated", "directory.members", "user.permission_sets"} <= kinds


@in_module
async def test_what_waits_for_who_leaves_is_not_carried_out(shared: World) -> None:
    scim = await directory_of(shared)
    thread = await shared.open_thread("dana@northwind.example")
    asked = await shared.post(
        "dana@northwind.example", f"/threads/{thread}/runs/wait", message("move the renewal to Negotiation")
    )
    [approval] = held(asked)
    await scim.ok(
        "PATCH", f"/Users/{staff_id('dana')}", {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    )
    await shared.decide("mara@northwind.example", approval, "approve")
    record = await shared.find("mara@northwind.example", "Opportunity", RENEWAL)
    assert record["StageName"] == "Discovery"
    again = await scim.ok("PUT", f"/Users/{staff_id('dana')}", {"userName": "dana@northwind.example"})
    assert again["active"] is False, "what is not said is not changed"


@in_module
async def test_a_directory_sees_and_changes_its_own_tenant_only(shared: World) -> None:
    own, other = await directory_of(shared), await directory_of(shared, "ada@southridge.example")
    made = await own.ok("POST", "/Users", {"userName": "olga@northwind.example"})
    assert made["name"]["familyName"] == "olga"
    group = await own.ok("POST", "/Groups", {"displayName": "Only ours"})
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    for method, path, body in (
        ("GET", f"/Users/{made['id']}", None),
        ("PATCH", f"/Users/{made['id']}", off),
        ("DELETE", f"/Users/{made['id']}", None),
        ("GET", f"/Groups/{group['id']}", None),
        ("DELETE", f"/Groups/{group['id']}", None),
    ):
        await other.refused(404, None, method, path, body)
    assert (await other.ok("GET", "/Users", filter='userName eq "olga@northwind.example"'))["totalResults"] == 0
    joined = {"displayName": "Theirs", "members": [{"value": made["id"]}]}
    await other.refused(400, "invalidValue", "POST", "/Groups", joined)
    assert (await own.ok("GET", f"/Users/{made['id']}"))["active"] is True
    await other.ok("POST", "/Users", {"userName": "olga@northwind.example"})


async def test_who_leaves_takes_no_key_for_other_people_along(world: World) -> None:
    scim = await directory_of(world)
    path = f"/admin/people/{staff_id('mara')}"
    assert (await world.call(ADMIN, "PATCH", path, json={"permission_sets": ["admin"]})).status_code == 200
    robot = await world.post(ADMIN, "/admin/service-principals", {"name": "Nightly"})
    keys = []
    for maker, acts_as in ((MARA, staff_id("dana")), (ADMIN, staff_id("dana")), (MARA, robot["id"])):
        body = {"name": "x", "acts_as": acts_as, "scopes": ["crm:read"]}
        keys.append((await world.post(maker, "/admin/api-keys", body))["key"])
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    await scim.ok("PATCH", f"/Users/{staff_id('mara')}", off)
    answers = [(await world.client.get("/me", headers={"x-api-key": key})).status_code for key in keys]
    assert answers == [401, 200, 200]


@in_module
async def test_only_a_directory_s_key_comes_in(shared: World) -> None:
    for body in ({"scopes": ["crm:read", "crm:write", "policy:manage"]},):
        key = (await shared.post(ADMIN, "/admin/api-keys", {"name": "x", **body}))["key"]
        await Directory(shared, key).refused(403, None, "GET", "/Users")
    robot = await shared.post(ADMIN, "/admin/service-principals", {"name": "R", "permission_sets": ["sales_manager"]})
    body = {"name": "x", "acts_as": robot["id"], "scopes": ["directory:write"]}
    weak = Directory(shared, (await shared.post(ADMIN, "/admin/api-keys", body))["key"])
    await weak.refused(403, None, "GET", "/Users")
    await Directory(shared, "csk_northwind_" + "x" * 43).refused(401, None, "GET", "/Users")
    scim = await directory_of(shared)
    listed = await scim.ok("GET", "/Users", count=200)
    assert robot["id"] not in {one["id"] for one in listed["Resources"]}
    await scim.refused(404, None, "GET", f"/Users/{robot['id']}")


@in_module
async def test_lists_come_in_pages(shared: World) -> None:
    scim = await directory_of(shared)
    whole = await scim.ok("GET", "/Users", count=200)
    ids = [one["id"] for one in whole["Resources"]]
    assert whole["totalResults"] == len(ids) > 5
    seen = []
    for start in range(1, len(ids) + 1, 3):
        page = await scim.ok("GET", "/Users", startIndex=start, count=3)
        assert (page["startIndex"], page["totalResults"]) == (start, len(ids))
        seen += [one["id"] for one in page["Resources"]]
    assert seen == ids
    assert (await scim.ok("GET", "/Users", startIndex=-4, count=0))["itemsPerPage"] == 0
    assert (await scim.ok("GET", "/Users", startIndex=10_000))["Resources"] == []


BAD = {
    "no-name": ("POST", "/Users", {}, 400, "invalidValue"),
    "name-of-two-lines": ("POST", "/Users", {"userName": "a\nb"}, 400, "invalidValue"),
    "name-too-long": ("POST", "/Users", {"userName": "a" * 256}, 400, "invalidValue"),
    "active-in-other-words": ("POST", "/Users", {"userName": "x@y", "active": "perhaps"}, 400, "invalidValue"),
    "addresses-as-text": ("POST", "/Users", {"userName": "x@y", "emails": "x@y"}, 400, "invalidValue"),
    "unknown-user": ("GET", "/Users/005CS0000099999YAA", None, 404, None),
    "unknown-place": ("GET", "/Nowhere", None, 404, None),
    "no-changes": ("PATCH", "/Users/{dana}", {"Operations": []}, 400, "invalidValue"),
    "unknown-change": ("PATCH", "/Users/{dana}", {"Operations": [{"op": "merge"}]}, 400, "invalidValue"),
    "unknown-attribute": (
        "PATCH",
        "/Users/{dana}",
        {"Operations": [{"op": "add", "path": "password", "value": "x"}]},
        400,
        "invalidValue",
    ),
    "rights-by-hand": (
        "PATCH",
        "/Users/{dana}",
        {"Operations": [{"op": "add", "path": "roles", "value": ["admin"]}]},
        400,
        "invalidValue",
    ),
    "group-of-nobody": ("POST", "/Groups", {"displayName": "X", "members": [{"value": "nobody"}]}, 400, "invalidValue"),
    "group-without-name": ("POST", "/Groups", {}, 400, "invalidValue"),
    "other-operator": ("GET", '/Users?filter=userName sw "a"', None, 400, "invalidFilter"),
    "other-attribute": ("GET", '/Users?filter=password eq "a"', None, 400, "invalidFilter"),
    "two-conditions": ("GET", '/Users?filter=userName eq "a" or active eq "true"', None, 400, "invalidFilter"),
    "broken-json": ("GET", r'/Users?filter=userName eq "\x"', None, 400, "invalidFilter"),
}


@in_module
async def test_what_cannot_be_taken_is_refused_in_scim_s_own_words(shared: World) -> None:
    scim = await directory_of(shared)
    for case, (method, path, body, status, kind) in BAD.items():
        where, _, query = path.replace("{dana}", staff_id("mara")).partition("?filter=")
        answer = await scim.call(method, where, body, **({"filter": query} if query else {}))
        told = answer.json()
        assert (answer.status_code, told.get("scimType"), told["schemas"]) == (status, kind, [ERROR]), (case, told)
        assert answer.headers["content-type"] == "application/scim+json", case


@in_module
async def test_an_administrator_changes_people_of_the_own_tenant(shared: World) -> None:
    path = f"/admin/people/{staff_id('alan')}"
    people = {one["id"]: one for one in await shared.get(ADMIN, "/admin/people", params={"limit": 200})}
    assert people[staff_id("alan")]["permission_sets"] == ["analyst"]
    assert not any(one["username"].endswith("southridge.example") for one in people.values())
    browser, _ = await sign_in(shared, "alan@northwind.example")
    rights = {"permission_sets": ["analyst", "sales_manager"]}
    changed = (await shared.call(ADMIN, "PATCH", path, json=rights)).json()
    assert (changed["permission_sets"], changed["is_active"]) == (["analyst", "sales_manager"], True)
    assert (await browser.get("/auth/me")).json()["permissions"] == ["approve_writes"]
    for who, body, status in (
        ("mara@northwind.example", {"is_active": False}, 403),
        (ADMIN, {"permission_sets": ["customer"]}, 422),
        (ADMIN, {"permission_sets": ["everything"]}, 422),
        (ADMIN, {"tenant": "southridge"}, 422),
    ):
        assert (await shared.call(who, "PATCH", path, json=body)).status_code == status
    strange = "005CS0000099999YAA"
    assert (await shared.call(ADMIN, "PATCH", f"/admin/people/{strange}", json={})).status_code == 404
    own = f"/admin/people/{staff_id('ada')}"
    for body in ({"is_active": False}, {"permission_sets": ["analyst"]}):
        assert (await shared.call(ADMIN, "PATCH", own, json=body)).status_code == 422, "the last who may manage users"
    assert (await shared.call(ADMIN, "PATCH", path, json={"is_active": False})).json()["is_active"] is False
    assert (await browser.get("/auth/me")).status_code == 401


@in_module
async def test_somebody_stays_who_may_manage_users(shared: World) -> None:
    scim = await directory_of(shared)
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    await scim.refused(400, "invalidValue", "PATCH", f"/Users/{staff_id('ada')}", off)
    assert (await scim.ok("GET", f"/Users/{staff_id('ada')}"))["active"] is True
