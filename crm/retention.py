"""How long a tenant keeps what it need not keep."""

from datetime import datetime

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class Retention(TenantRow, Base):
    """One row per tenant that has said anything about it."""

    __tablename__ = "retention"

    conversation_days: Mapped[int | None] = mapped_column(Integer)
    """Days after which a conversation that nobody touched is erased; None: never."""
    prompt_days: Mapped[int] = mapped_column(Integer, default=0)
    """Days for which the texts that went to models and came back are kept; 0: they are not stored at all."""
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
