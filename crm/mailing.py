"""The tables behind messages that leave the house: who sends for a tenant, and what waits to be delivered."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class Sender(TenantRow, Base):
    """How a tenant sends. Without this row it sends nothing."""

    __tablename__ = "sender"

    address: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120), default="")
    leads_need_consent: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether leads are written to only if they have agreed."""
    wrong_reader: Mapped[str] = mapped_column(String(8), default="deny")
    """deny | hold: what becomes of a message to somebody whose records it is not about."""


class OutgoingMail(TenantRow, Base):
    """A letter that was approved and entered together with its effect; how far it came since."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("tenant", "approval_id", "place"),
        Index("ix_outbox_status", "tenant", "status", "next_attempt"),
    )

    outbox_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    approval_id: Mapped[str] = mapped_column(String(36))
    place: Mapped[int] = mapped_column(Integer, default=0)
    """Which of the letters that were approved together it is."""
    record_id: Mapped[str] = mapped_column(String(18))
    """The EmailMessage that it is."""
    requester: Mapped[str] = mapped_column(String(18))
    message_id: Mapped[str] = mapped_column(String(320))
    """As in the header; the same at every attempt."""
    sender: Mapped[str] = mapped_column(String(254))
    recipients: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """Role, name, address and record of each: nobody else gets it, whatever the text says."""
    subject: Mapped[str] = mapped_column(Text)
    mime: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12), default="pending")
    """pending | sending | sent | failed | unknown (it may or may not have arrived; a person has to say)."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
