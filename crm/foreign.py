"""The tables behind foreign tools: servers that a tenant's administrators have named, and what they let them do."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class ForeignServer(TenantRow, Base):
    """A server of somebody else's, with the agent that its tools belong to."""

    __tablename__ = "foreign_server"
    __table_args__ = (UniqueConstraint("tenant", "name"),)

    server_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    """Of the server and of its agent; begins the names of its tools."""
    label: Mapped[str] = mapped_column(String(60))
    handles: Mapped[list[str]] = mapped_column(JSON)
    """Words by which people mean it; the router reads them."""
    url: Mapped[str] = mapped_column(Text)
    sealed_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sent to the server as a bearer token; sealed with the tenant's key."""
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_by: Mapped[str] = mapped_column(String(18))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ForeignTool(TenantRow, Base):
    """A tool as its server described it when somebody looked, and as it does now."""

    __tablename__ = "foreign_tool"

    server_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    """As the server has it."""
    pinned: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Description and schema as they were reviewed; None: nobody has looked at it yet, and it is not used."""
    pinned_digest: Mapped[str | None] = mapped_column(String(64))
    found: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Description and schema as the server gave them last; None: it does not list the tool any more."""
    found_digest: Mapped[str | None] = mapped_column(String(64))
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    effect: Mapped[str | None] = mapped_column(String(8))
    scope: Mapped[str | None] = mapped_column(String(20))
    integrity: Mapped[str | None] = mapped_column(String(16))
    """How far its answers are to be trusted; None: not at all."""
    description: Mapped[str | None] = mapped_column(Text)
    """What models are told of it, in the words of whoever reviewed it."""
    reviewed_by: Mapped[str | None] = mapped_column(String(18))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def state(self) -> str:
        """ready, or why it is not used: undeclared, changed, gone."""
        if self.pinned_digest is None:
            return "undeclared"
        if self.found_digest is None:
            return "gone"
        return "ready" if self.found_digest == self.pinned_digest else "changed"
