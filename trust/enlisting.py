"""Whom the changes of an action would put on the list of those that a campaign writes to."""

from collections.abc import Iterable

from crm.connector import Change
from crm.database import TenantSession
from crm.repositories.suppression import find_opted_out_people, people_behind
from crm.schema import object_of
from trust.actions import Enlisted

_MEMBER = "CampaignMember"
_PEOPLE = frozenset({"ContactId", "LeadId"})


async def find_enlisted(session: TenantSession, changes: Iterable[Change]) -> tuple[Enlisted, ...]:
    """Everybody whom members of campaigns would come to stand for, and whether they want no mail.

    Asked of all records of the tenant: the wish is the person's, whoever may see it.
    """
    members = [one for one in changes if one.object_name == _MEMBER]
    named = [str(f.new) for one in members for f in one.fields if f.field in _PEOPLE and f.new]
    restored = [one.record_id for one in members if one.operation == "restore"]
    people = dict.fromkeys([*named, *(await people_behind(session, restored) if restored else ())])
    opted_out = await find_opted_out_people(session, people) if people else frozenset[str]()
    return tuple(Enlisted(f"{object_of(one)}:{one}", one in opted_out) for one in people)
