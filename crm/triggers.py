"""What the service is to do when records change."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime

Json = Any


class Trigger(TenantRow, Base):
    """A rule: what happens to which kind of record, and what is started then, in whose name."""

    __tablename__ = "trigger_rule"
    __table_args__ = (Index("ix_trigger_rule_owner", "tenant", "owner", "created_at"),)

    trigger_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(18))
    """Who made it."""
    person: Mapped[str] = mapped_column(String(18))
    """In whose name and with whose rights it starts."""
    assistant: Mapped[str] = mapped_column(String(60))
    """Name of the graph that it starts."""
    object_name: Mapped[str] = mapped_column(String(60))
    operation: Mapped[str] = mapped_column(String(12))
    """create | update."""
    field_name: Mapped[str | None] = mapped_column(String(80))
    """For an update: the field that has to have changed; None for any."""
    becomes: Mapped[Json | None] = mapped_column(JSON)
    """The value that the field has to have afterwards; None for any."""
    given: Mapped[dict[str, Json]] = mapped_column(JSON)
    """What else it is started with, besides the record."""
    scopes: Mapped[list[str]] = mapped_column(JSON)
    """What its runs may do at most: the scopes of the token that made it."""
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    stopped_because: Mapped[str | None] = mapped_column(String(200))
    """Why the service itself has switched it off."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Firing(TenantRow, Base):
    """One effect of the ledger that a rule has looked at: it looks at each once."""

    __tablename__ = "trigger_firing"

    trigger_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    entry_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Of the effect in its entry, from 0."""
    run_id: Mapped[str | None] = mapped_column(String(36))
    """What was started; None if the effect was none of the rule's."""
    fired_at: Mapped[datetime] = mapped_column(UtcDateTime)
