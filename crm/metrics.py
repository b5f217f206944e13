"""The tables beside metrics: how far each alert has come, and what a tenant adds to the semantic layer."""

from datetime import datetime

from sqlalchemy import Boolean, Float, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class AlertState(TenantRow, Base):
    """What the last look at an alert found: beside its record, so that looking changes no record.

    Without this row nobody has looked yet.
    """

    __tablename__ = "alert_state"
    __table_args__ = (Index("ix_alert_state_next", "tenant", "next_at"),)

    alert_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_met: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether the condition held. People are told when that becomes so, and not again while it stays so."""
    value: Mapped[float | None] = mapped_column(Float)
    """What was measured, with the rights of the person who set the alert; shown to nobody else."""
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    met_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fault: Mapped[str | None] = mapped_column(String(200))
    """Why nothing could be measured."""


class MetricDefinitions(TenantRow, Base):
    """What a tenant adds to the semantic layer. Without this row: nothing."""

    __tablename__ = "metric_definitions"

    text: Mapped[str] = mapped_column(Text)
    """YAML, as `crm.semantics.loading.extend` reads it."""
    changed_by: Mapped[str] = mapped_column(String(18))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
