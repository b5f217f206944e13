"""Holds records against the tenant's active validation rules, whoever saves them and whatever they may see."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from crm.access import Access
from crm.base import Record
from crm.connector import Row
from crm.database import TenantSession
from crm.errors import CrmError, FieldError
from crm.fields import to_json
from crm.records.setup import ValidationRule
from crm.repositories.automation import derive
from crm.schema import OBJECT_INFO
from crm.validation_rules import MAX_ACTIVE, read_rule, require_sound


async def require_valid(session: TenantSession, access: Access, record: Record) -> None:
    """Raises: RuleViolationError; CrmError if the record is a rule that cannot be taken, or a rule cannot be read."""
    if isinstance(record, ValidationRule):
        require_sound(record, access)
        await _require_room(session, record)
    rules = await _active_rules(session, record.object_name)
    if rules:
        row = row_of(record)
        for one in rules:
            try:
                rule = read_rule(one)
            except FieldError:
                raise CrmError(
                    f"the validation rule {one.ValidationName!r} cannot be read: have it put right"
                ) from None
            rule.require_passed(row)


def draft_of(record_type: type[Record], values: dict[str, Any], *, at: datetime) -> Record:
    """A record as it would be saved, belonging to no session."""
    draft = record_type(**values)
    derive(draft, at=at)
    return draft


def row_of(record: Record) -> Row:
    return {name: to_json(getattr(record, name)) for name in OBJECT_INFO[record.object_name].fields}


async def _active_rules(session: TenantSession, object_name: str) -> list[ValidationRule]:
    statement = (
        select(ValidationRule)
        .where(ValidationRule.ObjectName == object_name, ValidationRule.Active.is_(True))
        .order_by(ValidationRule.Id)
    )
    with session.no_autoflush:
        return list(await session.scalars(statement))


async def _require_room(session: TenantSession, record: ValidationRule) -> None:
    if not record.Active:
        return
    others = (ValidationRule.ObjectName == record.ObjectName, ValidationRule.Active.is_(True))
    with session.no_autoflush:
        count = await session.scalar(
            select(func.count()).select_from(ValidationRule).where(*others, ValidationRule.Id != record.Id)
        )
    if (count or 0) >= MAX_ACTIVE:
        raise FieldError("Active", f"{record.ObjectName} has {MAX_ACTIVE} active rules already")
