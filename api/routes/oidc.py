"""Signing in with an identity provider: browsers go there and come back here."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from api.callers import PersonEntranceOf, ServiceOf, UserAdminOf
from api.errors import problems
from api.wire import Body
from crm.repositories.staff import list_group_names
from trust import directory

router = APIRouter(tags=["sign-in"])

ProviderId = Annotated[str, Path(max_length=40)]
_REDIRECT: dict[int | str, dict[str, Any]] = {303: {"description": "The browser goes on elsewhere."}}


_GroupRights = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=255)],
        Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=20)],
    ],
    Field(max_length=500),
]


class GroupRightsBody(Body):
    """What groups of the organisation's directory may do here, all of it: what is not named gives nothing."""

    groups: _GroupRights = Field(description="Name of a group -> names of permission sets.")
    based_on: _GroupRights | None = Field(
        default=None, description="What they gave when you looked: 409 if it is not so any more. Left out: no matter."
    )


class GroupRightsWire(BaseModel):
    """What groups of the organisation's directory may do here."""

    groups: dict[str, list[str]]
    known: list[str] = Field(description="Groups that the directory has told of over SCIM.")


@router.get(
    "/auth/oidc/{provider_id}/start",
    status_code=303,
    response_class=RedirectResponse,
    responses={**problems(404, 502, 503, is_open=True), 422: problems()[422], **_REDIRECT},
)
async def begin_sign_in(
    provider_id: ProviderId,
    request: Request,
    service: ServiceOf,
    return_to: Annotated[str, Query(max_length=2000, description="A path of this service.")] = "/console/",
) -> RedirectResponse:
    """Begin to sign a browser in. `return_to` is where it goes afterwards; other hosts are refused."""
    return await service.oidc.begin(provider_id, return_to, request)


@router.get(
    "/auth/oidc/{provider_id}/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses={**problems(401, 403, 404, 502, 503, is_open=True), 422: problems()[422], **_REDIRECT},
)
async def finish_sign_in(provider_id: ProviderId, request: Request, service: ServiceOf) -> RedirectResponse:
    """Where the identity provider sends the browser back to."""
    return await service.oidc.finish(provider_id, request.query_params, request)


@router.get("/admin/groups", responses=problems(403))
async def get_group_rights(principal: UserAdminOf, service: ServiceOf) -> GroupRightsWire:
    """What groups of the organisation's directory may do here."""
    async with service.database.session(principal.tenant) as session:
        found = await directory.list_group_rights(session)
        known = await list_group_names(session)
    return GroupRightsWire(groups={group: sorted(sets) for group, sets in sorted(found.items())}, known=known)


@router.put("/admin/groups", responses=problems(403, 409))
async def put_group_rights(
    body: GroupRightsBody, principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> GroupRightsWire:
    """Say anew what groups may do. It counts for each person from their next sign-in or change of groups."""
    async with service.database.session(principal.tenant, write=True) as session:
        at = service.runner.clock()
        await directory.put_group_rights(session, body.groups, based_on=body.based_on, by=principal.id, at=at)
    return await get_group_rights(principal, service)
