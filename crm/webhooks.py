"""The tables behind webhooks: whom a tenant tells of what, and how far each telling came."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class Webhook(TenantRow, Base):
    """An address of the tenant's that is told of events."""

    __tablename__ = "webhook"

    webhook_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), default="standard", server_default="standard")
    """standard: ids and states, signed by us | slack: cards with buttons, whose answers Slack signs."""
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(JSON)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    """Signs what is sent, or with Slack what comes back; sealed with the tenant's key."""
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_by: Mapped[str] = mapped_column(String(18))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookDelivery(TenantRow, Base):
    """One event for one webhook, entered together with what it tells of."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_due", "tenant", "status", "next_attempt"),
        Index("ix_webhook_delivery_webhook", "tenant", "webhook_id", "created_at"),
    )

    delivery_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(String(36))
    event: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Ids, names of tools and objects, states: no value of a record."""
    status: Mapped[str] = mapped_column(String(12), default="pending")
    """pending | sending | delivered | parked (given up until somebody asks for it again)."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[int | None] = mapped_column(Integer)
    """Status of the last answer; None if there was none."""
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SlackPerson(TenantRow, Base):
    """Who of the tenant somebody in Slack is, as an administrator says and the person confirms."""

    __tablename__ = "slack_person"

    webhook_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    slack_user: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(18))
    created_by: Mapped[str] = mapped_column(String(18))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: nothing is decided in the person's name yet."""


class SlackCall(TenantRow, Base):
    """A call of Slack's that was taken, for as long as the same one could come again."""

    __tablename__ = "slack_call"

    signature: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
