"""Asks the index of personal values; what it answers says nothing about who may see whom."""

from collections.abc import Collection

from sqlalchemy import select

from crm.database import TenantSession
from crm.personal import PersonalValue

_BATCH = 800


async def find_personal(session: TenantSession, keys: Collection[str]) -> set[tuple[str, str]]:
    """Those of the keys that belong to somebody in the tenant, each with its kind."""
    found: set[tuple[str, str]] = set()
    wanted = sorted(keys)
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        statement = select(PersonalValue.key, PersonalValue.kind).where(PersonalValue.key.in_(batch)).distinct()
        found |= {(key, kind) for key, kind in await session.execute(statement)}
    return found
