"""What follows from a write by the CRM's own rules: numbers, totals, closing, history."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.base import Record
from crm.ids import new_id
from crm.records import (
    Case,
    CaseComment,
    CaseHistory__c,
    Contact,
    EmailMessage,
    Knowledge__kav,
    Opportunity,
    OpportunityLineItem,
    Order,
    QuoteLineItem,
)
from crm.rights import Tenant


async def complete_new(session: AsyncSession, record: Record, *, at: datetime) -> None:
    """Fill what the CRM fills by itself in a record that is about to be stored."""
    if isinstance(record, Case):
        record.CaseNumber = await _next_number(session, record, "CaseNumber", first=1001)
        await _bind_to_contact(session, record)
    elif isinstance(record, CaseComment):
        record.IsPublished = record.IsPublished or _is_by_contact(record)
    elif isinstance(record, Order):
        record.OrderNumber = await _next_number(session, record, "OrderNumber", first=100)
    elif isinstance(record, Knowledge__kav):
        record.ArticleNumber = await _next_number(session, record, "ArticleNumber", first=1)
        record.VersionNumber = record.VersionNumber or int(record.PublishStatus == "Online")
    derive(record, at=at)


async def _bind_to_contact(session: AsyncSession, record: Case) -> None:
    """What a customer reports is theirs and their company's, whatever else was said."""
    if not _is_by_contact(record):
        return
    contact = await session.scalar(select(Contact).where(Contact.Id == record.CreatedById))
    record.ContactId = record.CreatedById
    record.AccountId = None if contact is None else contact.AccountId
    record.Origin = "Web"


def _is_by_contact(record: Record) -> bool:
    return (record.CreatedById or "").startswith(Contact.prefix)


def derive(record: Record, *, at: datetime) -> None:
    """Bring the fields that follow from others in line with them."""
    if isinstance(record, Case):
        record.IsClosed = record.Status == "Closed"
        record.ClosedDate = (record.ClosedDate or at) if record.IsClosed else None
    elif isinstance(record, EmailMessage) and record.Status == "Sent":
        record.MessageDate = record.MessageDate or at
    elif isinstance(record, Opportunity):
        record.IsClosed = record.StageName == "Closed"
    elif isinstance(record, OpportunityLineItem | QuoteLineItem):
        share = (100 - (record.Discount or Decimal(0))) / 100
        record.TotalPrice = round(record.Quantity * record.UnitPrice * share, 2)


def history_of(record: Record, before: dict[str, object] | None, *, at: datetime, by: str) -> list[Record]:
    """The history rows that a change of a case leaves behind; `before` is None for a new case."""
    if not isinstance(record, Case):
        return []
    steps: list[tuple[str, str | None, str | None]] = []
    if before is None:
        steps.append(("Case Creation", None, None))
    elif before.get("OwnerId") != record.OwnerId:
        steps.append(("Owner Assignment", _text(before.get("OwnerId")), record.OwnerId))
    if record.IsClosed and not (before or {}).get("IsClosed"):
        steps.append(("Case Closed", None, None))
    return [
        CaseHistory__c(
            tenant=record.tenant,
            Id=new_id(CaseHistory__c.prefix),
            CaseId__c=record.Id,
            Field__c=field,
            OldValue__c=old,
            NewValue__c=new,
            OwnerId=record.OwnerId,
            CreatedDate=at,
            CreatedById=by,
            LastModifiedDate=at,
            LastModifiedById=by,
            SystemModstamp=at,
        )
        for field, old, new in steps
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


async def _next_number(session: AsyncSession, record: Record, field: str, *, first: int) -> str:
    """The next running number of eight digits. Writers of a tenant take turns on the tenant's row."""
    await session.scalar(select(Tenant.name).where(Tenant.tenant == record.tenant).with_for_update())
    column = getattr(type(record), field)
    last = await session.scalar(select(func.max(column)).execution_options(include_deleted=True))
    following = int(last) + 1 if last and str(last).isdigit() else first
    return f"{following:08d}"
