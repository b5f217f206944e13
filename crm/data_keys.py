"""The table of keys: what seals conversations and what is kept about people, one key each, wrapped."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class StoredKey(TenantRow, Base):
    """A wrapped key. A row without one is a tombstone: whatever the key sealed is lost, and no new one is made."""

    __tablename__ = "data_key"

    scope: Mapped[str] = mapped_column(String(8), primary_key=True)
    """tenant | thread | person."""
    scope_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """Id of the thread, user or contact; empty for the tenant's own key."""
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    shredded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
