"""What the service is to do at set times."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime
from crm.sealed_row import Sealed, SealedRow


class Schedule(TenantRow, SealedRow, Base):
    """A message that is asked again and again, for its owner or for everybody with a permission set."""

    __tablename__ = "schedule"
    __table_args__ = (
        Index("ix_schedule_owner", "tenant", "owner", "created_at"),
        Index("ix_schedule_next", "tenant", "next_at"),
    )

    schedule_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(18))
    """Who made it, and whom it is asked for unless `audience` says otherwise."""
    audience: Mapped[str | None] = mapped_column(String(80))
    """Name of a permission set: each user who has it gets a conversation of their own, with their own rights."""
    cron: Mapped[str] = mapped_column(String(120))
    timezone: Mapped[str] = mapped_column(String(60))
    """IANA name of the zone that `cron` is read in."""
    assistant: Mapped[str] = mapped_column(String(60))
    """Name of the graph that its runs go by."""
    sealed_message: Mapped[bytes] = mapped_column(LargeBinary)
    message = Sealed()
    """What is asked: `text` and `instructions`; or `given`, which a graph is started with that takes no message."""
    scopes: Mapped[list[str]] = mapped_column(JSON)
    """What its runs may do at most: the scopes of the token that made it."""
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it is due; None: never, because it is off or over."""
    stopped_because: Mapped[str | None] = mapped_column(String(200))
    """Why the service itself has switched it off."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The caller's metadata: names and values that they search by."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    sealed_by = ("owner", "schedule_id")
