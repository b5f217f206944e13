"""Administrators add people, place them and say what they may do: only in their own tenant, with faults by field."""

import asyncio
from typing import Any

import pytest

from crm.seed.people import staff_id
from tests.api.test_sessions import sign_in
from tests.service import ADMIN, MARA, World

Json = Any
OTHER_ADMIN = "ada@southridge.example"
NINA = {
    "username": "nina@northwind.example",
    "first_name": "Nina",
    "last_name": "Nowak",
    "email": "nina.nowak@northwind.example",
    "manager": staff_id("mara"),
    "role": "Sales Representative West",
    "permission_sets": ["sales_rep"],
}


async def refused(world: World, method: str, path: str, body: Json, *, status: int = 422, who: str = ADMIN) -> str:
    """The field that the service objects to."""
    answer = await world.call(who, method, path, json=body)
    assert answer.status_code == status, answer.text
    return ", ".join(one["field"] for one in answer.json()["errors"])


async def test_somebody_is_added_placed_found_and_shut_out(world: World) -> None:
    made = await world.post(ADMIN, "/admin/people", NINA)
    path = f"/admin/people/{made['id']}"
    assert (made["name"], made["email"], made["kind"], made["is_active"]) == (
        "Nina Nowak",
        NINA["email"],
        "person",
        True,
    )
    assert (made["role"], made["manager"], made["permission_sets"]) == (NINA["role"], staff_id("mara"), ["sales_rep"])
    browser, _ = await sign_in(world, NINA["username"])
    me = (await browser.get("/auth/me")).json()
    assert (me["person"]["id"], me["person"]["title"]) == (made["id"], NINA["role"])
    assert await world.get(ADMIN, path) == made

    # The other tenant has people of the same names, and neither sees, finds nor changes this one.
    twin = await world.post(OTHER_ADMIN, "/admin/people", {"username": NINA["username"], "last_name": "Nowak"})
    for who, mine, other in ((ADMIN, made, twin), (OTHER_ADMIN, twin, made)):
        found = await world.get(who, "/admin/people", params={"text": "NOWAK"})
        assert [one["id"] for one in found] == [mine["id"]]
        for method, body in (("GET", None), ("PATCH", {"is_active": False})):
            answer = await world.call(who, method, f"/admin/people/{other['id']}", **({"json": body} if body else {}))
            assert answer.status_code == 404
    assert (await world.call(OTHER_ADMIN, "PATCH", path, json={"manager": None})).status_code == 404

    whole = [one["name"] for one in await world.get(ADMIN, "/admin/people", params={"limit": 200})]
    paged = []
    for offset in range(0, len(whole), 20):
        page = await world.get(ADMIN, "/admin/people", params={"offset": offset, "limit": 20})
        paged += [one["name"] for one in page]
    assert (paged, len(set(whole))) == (whole, len(whole))
    assert await world.get(ADMIN, "/admin/people", params={"text": "%"}) == []
    leavers = await world.get(ADMIN, "/admin/people", params={"is_active": False, "kind": "person"})
    assert [one["is_active"] for one in leavers] == [False] * len(leavers)
    assert staff_id("gus") in {one["id"] for one in leavers}

    roles = {one["name"]: one["under"] for one in await world.get(ADMIN, "/admin/roles")}
    assert roles[NINA["role"]] == "Sales Manager West"
    moved = {"manager": staff_id("victor"), "role": "Sales Manager West", "permission_sets": ["sales_manager"]}
    changed = (await world.call(ADMIN, "PATCH", path, json=moved)).json()
    assert (changed["manager"], changed["role"]) == (moved["manager"], moved["role"])
    assert (await browser.get("/auth/me")).json()["permissions"] == changed["permissions"] == ["approve_writes"]
    cleared = (await world.call(ADMIN, "PATCH", path, json={"manager": None, "role": None})).json()
    assert (cleared["manager"], cleared["manager_name"], cleared["role"]) == (None, None, "")
    assert cleared["permission_sets"] == ["sales_manager"], "what is not named stays"

    assert (await world.call(ADMIN, "PATCH", path, json={"is_active": False})).status_code == 200
    assert (await browser.get("/auth/me")).status_code == 401
    noted = {one["kind"]: one for one in await world.get(ADMIN, "/audit") if one["subject"] == made["id"]}
    assert {"user.created", "user.permission_sets", "user.manager", "user.role", "user.deactivated"} <= set(noted)
    assert noted["user.role"]["actor"] == staff_id("ada")


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_what_cannot_be_is_refused_by_name_and_changes_nothing(world: World) -> None:
    before = await world.get(ADMIN, "/admin/people", params={"limit": 200})
    for change, field in (
        ({"username": "nina"}, "username"),
        ({"username": "nina\u202e@northwind.example"}, "username"),
        ({"last_name": "  "}, "last_name"),
        ({"last_name": "No\nwak"}, "last_name"),
        ({"email": "nina at home"}, "email"),
        ({"manager": "005CS0000099999YAA"}, "manager"),
        ({"manager": staff_id("gus")}, "manager"),
        ({"role": "Emperor"}, "role"),
        ({"permission_sets": ["customer"]}, "permission_sets"),
        ({"permission_sets": ["everything"]}, "permission_sets"),
        ({"tenant": "southridge"}, "tenant"),
    ):
        assert await refused(world, "POST", "/admin/people", {**NINA, **change}) == field, change
    for field in ("username", "email"):
        taken = {**NINA, field: "Dana@northwind.example"}
        assert await refused(world, "POST", "/admin/people", taken, status=409) == field
    robot = await world.post(ADMIN, "/admin/service-principals", {"name": "Nightly"})
    own = (await world.get(ADMIN, f"/admin/people/{staff_id('ada')}"))["permission_sets"]
    mara, dana, victor = (f"/admin/people/{staff_id(name)}" for name in ("mara", "dana", "victor"))
    for path, body, field in (
        (dana, {"manager": staff_id("dana")}, "manager"),
        (mara, {"manager": staff_id("dana")}, "manager"),
        (victor, {"manager": staff_id("dana")}, "manager"),
        (dana, {"manager": robot["id"]}, "manager"),
        (dana, {"role": "Emperor"}, "role"),
        (f"/admin/people/{robot['id']}", {"manager": staff_id("mara")}, "manager"),
        (f"/admin/people/{robot['id']}", {"role": "VP Sales"}, "role"),
        (f"/admin/people/{staff_id('ada')}", {"is_active": False}, "is_active"),
        (f"/admin/people/{staff_id('ada')}", {"permission_sets": []}, "permission_sets"),
        (f"/admin/people/{staff_id('ada')}", {"permission_sets": [*own, "sales_manager"]}, "permission_sets"),
        (f"/admin/people/{staff_id('ada')}", {"manager": staff_id("mara")}, "manager"),
        (f"/admin/people/{staff_id('ada')}", {"role": "VP Sales"}, "role"),
    ):
        assert await refused(world, "PATCH", path, body) == field, (path, body)
    key = await world.post(ADMIN, "/admin/api-keys", {"name": "x", "scopes": ["policy:manage", "directory:write"]})
    headers = {"x-api-key": key["key"]}
    assert (await world.client.get("/admin/people", headers=headers)).status_code == 200
    assert (await world.client.post("/admin/people", headers=headers, json=NINA)).status_code == 403
    assert (await world.client.patch(dana, headers=headers, json={"manager": None})).status_code == 403
    for method, path in (("GET", "/admin/people"), ("GET", dana), ("GET", "/admin/roles"), ("POST", "/admin/people")):
        assert (await world.call(MARA, method, path, **({"json": NINA} if method == "POST" else {}))).status_code == 403
    after = await world.get(ADMIN, "/admin/people", params={"limit": 200})
    assert [one for one in after if one["id"] != robot["id"]] == before


async def test_of_their_own_rights_people_only_give_away(world: World) -> None:
    second = staff_id("mara")
    path = f"/admin/people/{second}"
    sets = (await world.get(ADMIN, path))["permission_sets"]
    assert (await world.call(ADMIN, "PATCH", path, json={"permission_sets": [*sets, "admin"]})).status_code == 200
    mine = {"permission_sets": [*sets, "admin", "analyst"]}
    assert await refused(world, "PATCH", path, mine, who=MARA) == "permission_sets"
    assert (await world.call(MARA, "PATCH", path, json={"permission_sets": sets})).status_code == 200
    assert sorted((await world.get(ADMIN, path))["permission_sets"]) == sorted(sets)
    assert (await world.call(MARA, "PATCH", path, json=mine)).status_code == 403


async def test_what_somebody_says_that_a_group_gives_it_does_not_give_to_them(world: World) -> None:
    ada, dana, mara = (f"/admin/people/{staff_id(name)}" for name in ("ada", "dana", "mara"))
    robot = await world.post(ADMIN, "/admin/service-principals", {"name": "Directory", "permission_sets": ["admin"]})
    wish = {"name": "directory", "acts_as": robot["id"], "scopes": ["directory:write"]}
    key = {"x-api-key": (await world.post(ADMIN, "/admin/api-keys", wish))["key"]}
    everybody = {"members": [{"value": staff_id(name)} for name in ("ada", "dana")]}

    async def sets_of(path: str) -> list[str]:
        return list((await world.get(ADMIN, path))["permission_sets"])

    async def fill(name: str) -> None:
        body = {"displayName": name, **everybody}
        assert (await world.client.post("/scim/v2/Groups", json=body, headers=key)).status_code == 201

    said = {"groups": {"Office": ["analyst", "admin"]}}
    assert (await world.call(ADMIN, "PUT", "/admin/groups", json=said)).json()["groups"] == {
        "Office": ["admin", "analyst"]
    }
    await fill("Office")
    assert "analyst" in await sets_of(dana)
    assert await sets_of(ada) == ["admin"], "neither more nor less"

    # Somebody else who says so gives it to both; and what they have said stays theirs when others write it again.
    assert (await world.call(ADMIN, "PATCH", mara, json={"permission_sets": ["admin"]})).status_code == 200
    said["groups"]["House"] = ["sales_manager"]
    assert (await world.call(MARA, "PUT", "/admin/groups", json=said)).status_code == 200
    said["groups"]["Yard"] = ["service_agent"]
    assert (await world.call(ADMIN, "PUT", "/admin/groups", json=said)).status_code == 200
    by_oneself = {"displayName": "House", "members": [{"value": staff_id("ada")}]}
    refused = await world.call(ADMIN, "POST", "/scim/v2/Groups", json=by_oneself)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    assert await sets_of(ada) == ["admin"]
    await fill("House")
    await fill("Yard")
    assert sorted(await sets_of(ada)) == ["admin", "sales_manager"]
    assert {"sales_manager", "service_agent"} <= set(await sets_of(dana))


async def test_two_who_say_what_groups_give_do_not_write_over_each_other(world: World) -> None:
    path, first, second = (
        "/admin/groups",
        {"Sales": ["sales_rep"]},
        {"Sales": ["sales_rep"], "Service": ["service_agent"]},
    )
    seen = (await world.get(ADMIN, path))["groups"]
    assert (await world.call(ADMIN, "PUT", path, json={"groups": first, "based_on": seen})).status_code == 200
    late = await world.call(ADMIN, "PUT", path, json={"groups": {"Other": ["analyst"]}, "based_on": seen})
    assert (late.status_code, late.json()["type"]) == (409, "urn:countersign:problem:rights-changed")
    assert (await world.get(ADMIN, path))["groups"] == first
    assert (await world.get(OTHER_ADMIN, path))["groups"] == {}
    assert (await world.call(ADMIN, "PUT", path, json={"groups": second, "based_on": first})).status_code == 200
    assert (await world.call(ADMIN, "PUT", path, json={"groups": {}})).json()["groups"] == {}
    bodies = [{"groups": {name: ["analyst"]}, "based_on": {}} for name in ("A", "B")]
    answers = await asyncio.gather(*(world.call(ADMIN, "PUT", path, json=one) for one in bodies))
    assert sorted(one.status_code for one in answers) == [200, 409]
