"""Who does not want mail, whatever the caller may see of it, and whom members of campaigns stand for."""

from collections.abc import Collection, Iterable

from sqlalchemy import func, select

from crm.database import TenantSession
from crm.records import CampaignMember, Contact, Lead
from crm.repositories.outbox import find_opted_out

_BATCH = 500


async def find_opted_out_people(session: TenantSession, people: Collection[str]) -> frozenset[str]:
    """Those of the contacts and leads who want no mail, by their own record or by another with their address."""
    found: set[str] = set()
    addresses: dict[str, list[str]] = {}
    for batch in _batches(list(people)):
        for record_type in (Contact, Lead):
            statement = select(record_type.Id, func.lower(record_type.Email), record_type.HasOptedOutOfEmail)
            for person, address, has_opted_out in await session.execute(statement.where(record_type.Id.in_(batch))):
                if has_opted_out:
                    found.add(person)
                elif address:
                    addresses.setdefault(address, []).append(person)
    for batch in _batches(list(addresses)):
        for address in await find_opted_out(session, batch):
            found.update(addresses[address])
    return frozenset(found)


async def people_behind(session: TenantSession, members: Collection[str]) -> list[str]:
    """The contacts and leads that members of campaigns stand for, the bin included."""
    statement = select(CampaignMember.ContactId, CampaignMember.LeadId).where(CampaignMember.Id.in_(members))
    rows = await session.execute(statement.execution_options(include_deleted=True))
    return [one for row in rows for one in row if one]


def _batches(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
