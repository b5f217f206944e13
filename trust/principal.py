"""On whose behalf something happens, and how far that reaches."""

from dataclasses import dataclass

from crm.access import Access
from crm.ids import TenantId


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
