"""A tenant's directory keeps its people and groups here in step with its own: SCIM 2.0.

Not part of the service's own interface document: RFC 7643, RFC 7644 and `/scim/v2/ServiceProviderConfig` describe it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import ServiceOf, with_scope
from api.scim import (
    GROUP,
    LIST,
    MEDIA_TYPE,
    PREFIX,
    USER,
    Json,
    group_resource,
    member_ids,
    patched_members,
    patched_user,
    read_filter,
    user_resource,
    user_values,
)
from crm.database import TenantSession
from crm.directory import DirectoryGroup
from crm.records import User
from crm.repositories import directory_groups as rows
from trust import provisioning
from trust.principal import Principal
from trust.provisioning import GroupWish
from trust.scopes import DIRECTORY_WRITE

router = APIRouter(prefix=PREFIX, tags=["scim"], include_in_schema=False)

DirectoryOf = Annotated[Principal, Depends(with_scope(DIRECTORY_WRITE, permission="manage_users", staff=True))]
"""The tenant's directory: a key with the scope for it, acting as somebody who may manage users."""

Filter = Annotated[str | None, Query(max_length=600)]
Start = Annotated[int, Query(alias="startIndex")]
Count = Annotated[int, Query()]
MAX_PAGE = 200


class Resource(BaseModel):
    """A user or a group; what this service does not keep is passed over, as the RFC has it."""

    model_config = ConfigDict(extra="allow")


class Patch(BaseModel):
    """Changes in part."""

    model_config = ConfigDict(extra="ignore")

    Operations: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1_000)]


@router.get("/ServiceProviderConfig")
async def get_config(principal: DirectoryOf) -> Response:
    """What of SCIM there is."""
    no = {"supported": False}
    return _answer(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": True},
            "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": MAX_PAGE},
            "changePassword": no,
            "sort": no,
            "etag": no,
            "authenticationSchemes": [
                {"type": "oauthbearertoken", "name": "Key", "description": "A key with the scope directory:write."}
            ],
        }
    )


@router.get("/ResourceTypes")
async def list_types(principal: DirectoryOf) -> Response:
    """Users and groups."""
    kinds = [("User", "/Users", USER), ("Group", "/Groups", GROUP)]
    schema = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
    found = [{"schemas": [schema], "id": n, "name": n, "endpoint": e, "schema": s} for n, e, s in kinds]
    return _answer({"schemas": [LIST], "totalResults": 2, "startIndex": 1, "itemsPerPage": 2, "Resources": found})


@router.get("/Users")
async def list_users(
    principal: DirectoryOf,
    service: ServiceOf,
    request: Request,
    filter: Filter = None,
    start: Start = 1,
    count: Count = 100,
) -> Response:
    """People, active or not; `filter` by userName, emails, id or externalId."""
    names = {
        "username": "username",
        "emails": "email",
        "emails.value": "email",
        "id": "id",
        "externalid": "external_id",
    }
    first, limit = max(1, start), min(max(0, count), MAX_PAGE)
    async with service.database.session(principal.tenant) as session:
        total, found = await rows.find_people(session, wanted=read_filter(filter, names), offset=first - 1, limit=limit)
        resources = [await _user(session, one, request) for one in found]
    return _list(resources, total, first)


@router.post("/Users")
async def create_user(body: Resource, principal: DirectoryOf, service: ServiceOf, request: Request) -> Response:
    """A new person. What they may do, groups say."""
    values, external_id = user_values(body.model_dump(), is_new=True)
    async with service.database.session(principal.tenant, write=True) as session:
        user = await provisioning.create_person(
            session, values, external_id, by=principal.id, at=service.runner.clock()
        )
        return _answer(await _user(session, user, request), 201)


@router.get("/Users/{user_id}")
async def get_user(user_id: str, principal: DirectoryOf, service: ServiceOf, request: Request) -> Response:
    """One person."""
    async with service.database.session(principal.tenant) as session:
        return _answer(await _user(session, await provisioning.get_person(session, user_id), request))


@router.put("/Users/{user_id}")
async def replace_user(
    user_id: str, body: Resource, principal: DirectoryOf, service: ServiceOf, request: Request
) -> Response:
    """A person as the directory has them now."""
    return await _change(user_id, body.model_dump(), principal, service, request)


@router.patch("/Users/{user_id}")
async def patch_user(
    user_id: str, body: Patch, principal: DirectoryOf, service: ServiceOf, request: Request
) -> Response:
    """Change a person in part. `active: false` ends their sessions and keys, and what runs for them, at once."""
    return await _change(user_id, patched_user(body.Operations), principal, service, request)


@router.delete("/Users/{user_id}", status_code=204)
async def delete_user(user_id: str, principal: DirectoryOf, service: ServiceOf, request: Request) -> Response:
    """Deactivate a person. Records of theirs stay, so they stay, too."""
    await _change(user_id, {"active": False}, principal, service, request)
    return Response(status_code=204)


async def _change(user_id: str, resource: Json, principal: Principal, service: ServiceOf, request: Request) -> Response:
    values, external_id = user_values(resource, is_new=False)
    async with service.database.session(principal.tenant, write=True) as session:
        user = await provisioning.change_person(
            session, user_id, values, external_id, by=principal.id, at=service.runner.clock()
        )
        return _answer(await _user(session, user, request))


@router.get("/Groups")
async def list_groups(
    principal: DirectoryOf,
    service: ServiceOf,
    request: Request,
    filter: Filter = None,
    start: Start = 1,
    count: Count = 100,
) -> Response:
    """Groups of the directory; `filter` by displayName, id or externalId."""
    names = {"displayname": "display_name", "id": "id", "externalid": "external_id"}
    first, limit = max(1, start), min(max(0, count), MAX_PAGE)
    async with service.database.session(principal.tenant) as session:
        total, found = await rows.find_groups(session, wanted=read_filter(filter, names), offset=first - 1, limit=limit)
        resources = [await _group(session, one, request) for one in found]
    return _list(resources, total, first)


@router.post("/Groups")
async def create_group(body: Resource, principal: DirectoryOf, service: ServiceOf, request: Request) -> Response:
    """A new group. Its name says what its members may do, if the organisation has said so."""
    given = body.model_dump()
    _, name = patched_members([{"op": "replace", "path": "displayName", "value": given.get("displayName")}], [])
    external_id = given.get("externalId")
    wish = GroupWish(name or "", None if external_id is None else str(external_id)[:255], _members_of(given))
    async with service.database.session(principal.tenant, write=True) as session:
        group = await provisioning.create_group(session, wish, by=principal.id, at=service.runner.clock())
        return _answer(await _group(session, group, request), 201)


@router.get("/Groups/{group_id}")
async def get_group(group_id: str, principal: DirectoryOf, service: ServiceOf, request: Request) -> Response:
    """One group."""
    async with service.database.session(principal.tenant) as session:
        return _answer(await _group(session, await provisioning.get_group(session, group_id), request))


@router.put("/Groups/{group_id}")
async def replace_group(
    group_id: str, body: Resource, principal: DirectoryOf, service: ServiceOf, request: Request
) -> Response:
    """A group as the directory has it now."""
    given = body.model_dump()
    operations = [{"op": "replace", "path": "members", "value": given.get("members") or []}]
    if "displayName" in given:
        operations.append({"op": "replace", "path": "displayName", "value": given["displayName"]})
    return await _change_group(group_id, operations, principal, service, request)


@router.patch("/Groups/{group_id}")
async def patch_group(
    group_id: str, body: Patch, principal: DirectoryOf, service: ServiceOf, request: Request
) -> Response:
    """Change a group in part; rights of whom it gains or loses follow at once."""
    return await _change_group(group_id, body.Operations, principal, service, request)


@router.delete("/Groups/{group_id}", status_code=204)
async def delete_group(group_id: str, principal: DirectoryOf, service: ServiceOf) -> Response:
    """Remove a group, and what it gave."""
    async with service.database.session(principal.tenant, write=True) as session:
        group = await provisioning.get_group(session, group_id)
        await provisioning.remove_group(session, group, by=principal.id, at=service.runner.clock())
    return Response(status_code=204)


async def _change_group(
    group_id: str, operations: list[Json], principal: Principal, service: ServiceOf, request: Request
) -> Response:
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        group = await provisioning.get_group(session, group_id)
        members, name = patched_members(operations, await rows.list_members(session, group_id))
        if name is not None:
            await provisioning.rename_group(session, group, name, by=principal.id, at=now)
        await provisioning.set_members(session, group, members, by=principal.id, at=now)
        return _answer(await _group(session, group, request))


def _members_of(given: Json) -> list[str]:
    return member_ids(given["members"]) if given.get("members") is not None else []


async def _user(session: TenantSession, user: User, request: Request) -> Json:
    external = await rows.list_external_ids(session, [user.Id])
    groups = await rows.list_groups_of(session, user.Id)
    return user_resource(user, external.get(user.Id), groups, _base(request))


async def _group(session: TenantSession, group: DirectoryGroup, request: Request) -> Json:
    return group_resource(group, await rows.list_members(session, group.group_id), _base(request))


def _base(request: Request) -> str:
    public: str = request.app.state.service.settings.public_url
    return public.removesuffix("/") or f"{request.url.scheme}://{request.url.netloc}"


def _list(resources: list[Json], total: int, first: int) -> Response:
    page = {"totalResults": total, "startIndex": first, "itemsPerPage": len(resources), "Resources": resources}
    return _answer({"schemas": [LIST], **page})


def _answer(body: Json, status: int = 200) -> Response:
    return JSONResponse(body, status, media_type=MEDIA_TYPE)
