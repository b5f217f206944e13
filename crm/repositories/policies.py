"""Versions of a tenant's policy: looked up, and added at the end."""

from typing import Any, cast

from sqlalchemy import select

from crm.database import TenantSession
from crm.policies import PolicyVersion
from crm.repositories.inserting import insert_if_absent


async def find_newest(session: TenantSession) -> tuple[int, str] | None:
    """Number and digest of the version that counts; None if there never was one."""
    statement = select(PolicyVersion.version, PolicyVersion.digest).order_by(PolicyVersion.version.desc()).limit(1)
    found = (await session.execute(statement)).first()
    return None if found is None else (found.version, found.digest)


async def find(session: TenantSession, version: int) -> PolicyVersion | None:
    statement = select(PolicyVersion).where(PolicyVersion.version == version)
    return cast("PolicyVersion | None", await session.scalar(statement))


async def list_versions(session: TenantSession, *, limit: int = 50) -> list[PolicyVersion]:
    """Newest first."""
    return list(await session.scalars(select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(limit)))


async def add(session: TenantSession, values: dict[str, Any]) -> PolicyVersion | None:
    """None if a version of this number is there already."""
    return await insert_if_absent(session, PolicyVersion, values, key=["tenant", "version"])
