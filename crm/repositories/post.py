"""What tools may know of a tenant's mail, inside one transaction."""

from collections.abc import Collection
from dataclasses import dataclass

from crm.database import TenantSession
from crm.mailing import Sender
from crm.repositories import outbox


@dataclass(frozen=True)
class TenantPost:
    session: TenantSession

    async def sender(self) -> Sender | None:
        """How the tenant sends; None: it does not."""
        return await outbox.find_sender(self.session)

    async def opted_out(self, addresses: Collection[str]) -> frozenset[str]:
        return await outbox.find_opted_out(self.session, addresses)
