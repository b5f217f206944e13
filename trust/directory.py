"""Who a tenant's directory says people are, and what its groups let them do. Unknown people and groups are nobody's."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from crm.database import TenantSession
from crm.repositories import directory as rows
from crm.repositories.access import CUSTOMER_SET, find_holders
from crm.repositories.people import add_service, find_active, is_service
from trust import audit

MANAGE = "manage_users"
SOMEBODY_ELSE = "somebody else who may manage users has to"


class DirectoryError(Exception):
    """What the tenant's directory says cannot be taken. `field` says what to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class RightsChangedError(Exception):
    """What groups give was changed by somebody else meanwhile."""


class UnmappedError(Exception):
    """A provider vouches for somebody whom the tenant does not know, or not for certain."""


async def identify(
    session: TenantSession, issuer: str, subject: str, *, verified_address: str | None, at: datetime
) -> str:
    """The id of the active person that a provider's subject stands for.

    At the first sign-in that is whoever has the verified address, and from then on the subject alone counts: an address
    may pass to somebody else. Raises: UnmappedError.
    """
    user_id = await rows.find_identity(session, issuer, subject)
    if user_id is not None:
        user = await find_active(session, user_id)
        if user is None or is_service(user):
            raise UnmappedError("the person is not active here")
        return user_id
    if verified_address is None:
        raise UnmappedError("the provider does not vouch for an e-mail address, and does not say whom it means else")
    people = await rows.find_people_by_address(session, verified_address)
    if len(people) != 1:
        raise UnmappedError("there is no active person of this address here, or more than one")
    [person] = people
    if await rows.has_identity(session, issuer, person.Id):
        raise UnmappedError("the person of this address signs in as another subject of the provider")
    if not await rows.bind_identity(session, issuer, subject, person.Id, at=at):
        raise UnmappedError("the subject was bound meanwhile; sign in again")
    await audit.record(
        session,
        at=at,
        kind="identity.bound",
        actor=person.Id,
        subject=person.Id,
        payload={"issuer": issuer, "subject": subject},
    )
    return person.Id


async def apply_groups(
    session: TenantSession, user_id: str, groups: Iterable[str], *, by: str, at: datetime
) -> frozenset[str]:
    """Give a person what their groups may do, and take back what they gave before. The permission sets they then have.

    Sets that no group gives are not the directory's to take: they stay as an administrator left them. What the person
    has said themselves that a group gives takes nothing away from them, and gives them nothing.
    """
    groups = list(groups)
    rights, own = await rows.list_group_rights(session), await rows.list_group_rights(session, given_by=user_id)
    theirs = await rows.list_sets_of(session, user_id)
    managed = frozenset().union(*rights.values())
    wanted = frozenset().union(*(rights.get(group, frozenset()) for group in groups)) & await rows.find_sets(session)
    said_by_others = [rights.get(group, frozenset()) - own.get(group, frozenset()) for group in groups]
    more, less = (wanted - theirs) & frozenset().union(*said_by_others), (theirs & managed) - wanted
    if more or less:
        await rows.assign(session, user_id, more)
        await rows.unassign(session, user_id, less)
        payload = {"given": sorted(more), "taken": sorted(less)}
        await audit.record(session, at=at, kind="user.permission_sets", actor=by, subject=user_id, payload=payload)
    return (theirs | more) - less


async def put_sets(session: TenantSession, user_id: str, sets: Collection[str], *, by: str, at: datetime) -> None:
    """Say which permission sets a user has, all of them. Nobody gives themselves more. Raises: DirectoryError."""
    await _require_sets(session, "permission_sets", sets)
    theirs, wanted = await rows.list_sets_of(session, user_id), frozenset(sets)
    more, less = wanted - theirs, theirs - wanted
    if more and user_id == by:
        raise DirectoryError("permission_sets", f"nobody gives themselves more; {SOMEBODY_ELSE}")
    if less:
        await _require_manager_left(session, user_id, wanted)
    if more or less:
        await rows.assign(session, user_id, more)
        await rows.unassign(session, user_id, less)
        payload = {"given": sorted(more), "taken": sorted(less)}
        await audit.record(session, at=at, kind="user.permission_sets", actor=by, subject=user_id, payload=payload)


async def _require_manager_left(session: TenantSession, user_id: str, sets: frozenset[str]) -> None:
    """Raises: DirectoryError, if nobody could manage users any more."""
    keeps = MANAGE in await rows.find_permissions(session, sets)
    if not keeps and await is_last_manager(session, user_id):
        raise DirectoryError("permission_sets", "this is the last person who may manage users")


async def is_last_manager(session: TenantSession, user_id: str) -> bool:
    """Whether no other active person may manage users."""
    holders = [one.Id for one in await find_holders(session, frozenset({MANAGE})) if not is_service(one)]
    return holders == [user_id]


async def list_group_rights(session: TenantSession) -> dict[str, frozenset[str]]:
    """Group -> permission sets."""
    return await rows.list_group_rights(session)


async def put_group_rights(
    session: TenantSession,
    rights: Mapping[str, Collection[str]],
    *,
    based_on: Mapping[str, Collection[str]] | None = None,
    by: str,
    at: datetime,
) -> None:
    """Say anew what groups may do; it counts for each other person from their next sign-in.

    `based_on`: what they gave when it was looked at; None: whatever they give. Raises: DirectoryError,
    RightsChangedError.
    """
    for group, sets in rights.items():
        await _require_sets(session, f"groups.{group}", sets)
    await rows.wait_for_others(session)
    before = await rows.list_group_rights(session)
    if based_on is not None and _given(based_on) != before:
        raise RightsChangedError("somebody has changed the groups meanwhile: look at them again")
    after = _given(rights)
    await rows.put_group_rights(session, after, by=by)
    payload = {"before": _plain(before), "after": _plain(after)}
    await audit.record(session, at=at, kind="directory.group_rights", actor=by, subject="groups", payload=payload)


async def add_service_principal(
    session: TenantSession, name: str, sets: Collection[str], *, by: str, at: datetime
) -> str:
    """The id of a new user that stands for a program. Raises: DirectoryError."""
    await _require_sets(session, "permission_sets", sets)
    user = await add_service(session, name, by=by, at=at)
    await rows.assign(session, user.Id, sets)
    payload = {"name": name, "permission_sets": sorted(sets)}
    await audit.record(session, at=at, kind="service_principal.made", actor=by, subject=user.Id, payload=payload)
    return user.Id


async def _require_sets(session: TenantSession, field: str, sets: Collection[str]) -> None:
    """Raises: DirectoryError."""
    strange = sorted(frozenset(sets) - (await rows.find_sets(session) - {CUSTOMER_SET}))
    if strange:
        raise DirectoryError(field, f"there is no permission set {strange[0]!r} for staff")


def _given(rights: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    return {group: frozenset(sets) for group, sets in rights.items() if sets}


def _plain(rights: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    return {group: sorted(sets) for group, sets in sorted(rights.items())}
