"""Kill switches: a tenant's own, and the operator's for the whole service."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class KillSwitch(TenantRow, Base):
    """One switch as it stands. What it was before is in the audit."""

    __tablename__ = "kill_switch"

    scope: Mapped[str] = mapped_column(String(8), primary_key=True)
    """tenant | agent | tool."""
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    """Of the agent or the tool; empty for the tenant as a whole."""
    is_on: Mapped[bool] = mapped_column(Boolean)
    """On stops."""
    reason: Mapped[str] = mapped_column(String(500))
    changed_by: Mapped[str] = mapped_column(String(60))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it stops stopping by itself."""


class ServiceSwitch(Base):
    """The operator's switch for all tenants, as a history: the row with the highest number counts.

    No tenant's: the service's own role on PostgreSQL can only read it, so nothing that runs in the service throws it.
    """

    __tablename__ = "service_switch"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    is_on: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String(500))
    changed_by: Mapped[str] = mapped_column(String(60))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
