"""The tables beside requests: which records each is about, and how a tenant and its people want to work with them."""

from datetime import datetime

from sqlalchemy import JSON, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class ApprovalRecord(TenantRow, Base):
    """One record that a request touches, names or writes to, for finding it: ids and field names, never a value."""

    __tablename__ = "approval_record"
    __table_args__ = (Index("ix_approval_record_record", "tenant", "record_id"),)

    approval_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    object_name: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[str] = mapped_column(String(18))
    role: Mapped[str] = mapped_column(String(12))
    """create | update | delete | confirm, or refers (a new value points to it) | message (it is sent) | recipient."""
    fields: Mapped[list[str]] = mapped_column(JSON)
    """Fields whose values are on the card."""


class InboxRules(TenantRow, Base):
    """How a tenant works with what waits. Without this row: by the service's defaults."""

    __tablename__ = "inbox_rules"

    while_waiting: Mapped[str] = mapped_column(String(12))
    """queue | supersede | answer: what becomes of a message to a conversation that waits for a decision."""
    changed_by: Mapped[str] = mapped_column(String(18))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NoticeChoice(TenantRow, Base):
    """Whether a person wants to be written to. Without this row they do not."""

    __tablename__ = "notice_choice"

    user_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    how: Mapped[str] = mapped_column(String(8))
    """off | each | daily."""
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Notice(TenantRow, Base):
    """One thing that a person is to be told by e-mail, entered together with what it tells of."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_due", "tenant", "status", "due_at"),)

    notice_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(18))
    event: Mapped[str] = mapped_column(String(40))
    approval_id: Mapped[str | None] = mapped_column(String(36))
    alert_id: Mapped[str | None] = mapped_column(String(18))
    """The alert that it tells of; then there is no request."""
    status: Mapped[str] = mapped_column(String(12), default="pending")
    """pending | sending | sent | failed | dropped (it was none of theirs any more)."""
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
