"""The tables behind what leaves the house for a model: each tenant's rules, and what was used of its budgets."""

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime
from crm.work import Json


class GatewayRules(TenantRow, Base):
    """What a tenant decided; without a row, the defaults hold."""

    __tablename__ = "gateway_rules"

    rules: Mapped[Json] = mapped_column(JSON)
    changed_by: Mapped[str] = mapped_column(String(18))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ModelUsage(TenantRow, Base):
    """Calls and tokens of one day (UTC) for one account: `tenant`, `user:<id>`, `run:<id>`; runs of code are `code`."""

    __tablename__ = "model_usage"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    account: Mapped[str] = mapped_column(String(48), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)
