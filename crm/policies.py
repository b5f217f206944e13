"""The tables behind what tenants add to the policy, and behind who decides in whose stead."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class PolicyVersion(TenantRow, Base):
    """One version of a tenant's own part of the policy, whole. Never changed, never removed; the highest one counts."""

    __tablename__ = "policy_version"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    additions: Mapped[str] = mapped_column(Text)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    preapprovals: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON, server_default="[]")
    """Approval rules, as they were written."""
    digest: Mapped[str] = mapped_column(String(64))
    """Of the four above."""
    author: Mapped[str] = mapped_column(String(18))
    note: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PreapprovalUse(TenantRow, Base):
    """What was done on one capped pre-approval in one period."""

    __tablename__ = "preapproval_use"

    preapproval_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    period_start: Mapped[date] = mapped_column(Date, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    """The sum of all amounts, each action's rounded up."""


class Delegation(TenantRow, Base):
    """Somebody decides on requests in somebody else's stead for a while. Kept when it is over: votes point to it."""

    __tablename__ = "delegation"
    __table_args__ = (
        Index("ix_delegation_delegate", "tenant", "delegate", "ends_at"),
        Index("ix_delegation_delegator", "tenant", "delegator", "ends_at"),
    )

    delegation_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    delegator: Mapped[str] = mapped_column(String(18))
    """User id of whoever is away."""
    delegate: Mapped[str] = mapped_column(String(18))
    """User id of whoever decides in their stead."""
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """From `starts_at` up to, not including, this."""
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What it reaches, as `trust/delegations.py` reads it; empty: everything."""
    created_by: Mapped[str] = mapped_column(String(18))
    """The delegator, or an administrator."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_by: Mapped[str | None] = mapped_column(String(18))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
