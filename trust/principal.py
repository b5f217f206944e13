"""On whose behalf something happens, and how far that reaches."""

from dataclasses import dataclass

from crm.access import Access, Caller
from crm.database import TenantSession
from crm.ids import ContactId, TenantId, UserId
from crm.repositories.access import load_access
from crm.schema import object_of


@dataclass(frozen=True)
class Principal:
    """A caller with the rights they have now and the scopes their token carries. Rebuilt for every run."""

    access: Access
    scopes: frozenset[str]

    @property
    def tenant(self) -> TenantId:
        return self.access.caller.tenant

    @property
    def id(self) -> str:
        """Record id of the user or contact."""
        return self.access.caller.id

    @property
    def is_customer(self) -> bool:
        return self.access.caller.contact_id is not None


async def load_principal(session: TenantSession, member_id: str, scopes: frozenset[str]) -> Principal:
    """The principal behind a user's or contact's id, with the rights of this moment. Raises: UnknownCallerError."""
    if object_of(member_id) == "Contact":
        caller = Caller(session.tenant, contact_id=ContactId(member_id))
    else:
        caller = Caller(session.tenant, user_id=UserId(member_id))
    return Principal(await load_access(session, caller), scopes)
