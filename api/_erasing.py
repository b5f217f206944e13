"""What operators erase, keep and rotate on the machine of the service."""

from datetime import UTC, datetime

from crm.database import Database
from crm.errors import CrmError
from crm.ids import TenantId, normalise_id
from crm.repositories import keys
from crm.repositories import retention as rows
from crm.schema import object_of
from trust import erasure

OPERATOR = "operator"
"""Who the audit names for what is done on the command line."""


class NothingToEraseError(CrmError):
    """There is no such tenant, thread or person."""


async def erase(database: Database, tenant: TenantId, kind: str, subject: str) -> int:
    """Returns how many conversations are lost now. Raises: NothingToEraseError."""
    await _require_tenant(database, tenant)
    now = datetime.now(UTC)
    async with database.session(tenant, write=True) as session:
        if kind == "tenant":
            count = await erasure.erase_tenant(session, by=OPERATOR, at=now)
        elif kind == "person":
            person_id = normalise_id(subject)
            if person_id is None or object_of(person_id) not in ("User", "Contact"):
                raise NothingToEraseError(f"{subject!r} is not the id of a user or contact")
            count = await erasure.erase_person(session, person_id, by=OPERATOR, at=now)
        else:
            count = int(await erasure.erase_thread(session, subject, by=OPERATOR, at=now))
            if not count:
                raise NothingToEraseError(f"tenant {tenant!r} has no thread {subject!r} that is not erased yet")
    await database.forget_freed()
    return count


async def set_retention(
    database: Database, tenant: TenantId, conversation_days: int | None, prompt_days: int | None
) -> str:
    """Change what is given (0 conversation days: for ever) and say how it is now. Raises: NothingToEraseError."""
    await _require_tenant(database, tenant)
    async with database.session(tenant, write=True) as session:
        have = await rows.get(session)
        days = have.conversation_days if conversation_days is None else conversation_days or None
        kept = have.prompt_days if prompt_days is None else prompt_days
        if (days, kept) != (have.conversation_days, have.prompt_days):
            now = datetime.now(UTC)
            await erasure.change_retention(session, conversation_days=days, prompt_days=kept, by=OPERATOR, at=now)
    conversations = "are never erased by age" if days is None else f"are erased after {days} days"
    texts = f"are kept for {kept} days" if kept else "are not stored"
    return f"Conversations {conversations}; texts to and from models {texts}."


async def rotate_keys(database: Database) -> int:
    """Returns how many tenants' keys were wrapped anew."""
    count = 0
    for name in await database.tenants():
        # tenant-id: the operator's chore, for each tenant by itself
        async with database.session(TenantId(name), write=True) as session:
            count += await keys.rewrap(session)
    return count


async def _require_tenant(database: Database, tenant: TenantId) -> None:
    if tenant not in await database.tenants():
        raise NothingToEraseError(f"there is no tenant {tenant!r}")
