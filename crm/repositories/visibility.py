"""Which records a caller may see or edit, as a condition that every query carries."""

from typing import cast

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from crm.access import Access
from crm.base import Record
from crm.errors import FieldError
from crm.fields import FieldSpec
from crm.records import OBJECTS, Account, Case, CaseComment, Contact, Knowledge__kav, Order, OrderItem, Product2, User
from crm.rights import GroupMember, RecordShare
from crm.schema import OBJECT_INFO
from crm.values import parse_value

Condition = ColumnElement[bool]


def visible_to(access: Access, record_type: type[Record], *, to_edit: bool = False) -> Condition:
    """The condition that holds for exactly the records the caller may see (or edit), whatever else is asked."""
    name = record_type.object_name
    if not access.may("edit" if to_edit else "read", name):
        return false()
    if access.caller.contact_id is not None:
        return false() if to_edit else _visible_to_contact(access, record_type)
    if access.edits_all(name) or (access.sees_all(name) and not to_edit):
        return true()
    default = access.sharing.get(name, "ControlledByParent" if record_type.parents else "Private")
    if default == "ReadWrite" or (default == "Read" and not to_edit):
        return true()
    ways = [_owned(access, record_type), _shared(access, record_type, to_edit=to_edit)]
    ways += _by_rules(access, record_type, to_edit=to_edit)
    if default == "ControlledByParent":
        ways.append(_by_parent(access, record_type, to_edit=to_edit))
    return or_(*ways)


def _owned(access: Access, record_type: type[Record]) -> Condition:
    mine = record_type.OwnerId == access.caller.id
    if not access.roles_below:
        return mine
    below = select(User.Id).where(User.tenant == access.caller.tenant, User.UserRoleId.in_(access.roles_below))
    return or_(mine, record_type.OwnerId.in_(below))


def _shared(access: Access, record_type: type[Record], *, to_edit: bool) -> Condition:
    grantees = [access.caller.id, *(f"group:{name}" for name in sorted(access.groups))]
    shares = select(RecordShare.record_id).where(
        RecordShare.tenant == access.caller.tenant,
        RecordShare.object_name == record_type.object_name,
        RecordShare.grantee.in_(grantees),
    )
    return record_type.Id.in_(shares.where(RecordShare.can_edit) if to_edit else shares)


def _by_rules(access: Access, record_type: type[Record], *, to_edit: bool) -> list[Condition]:
    found: list[Condition] = []
    for rule in access.rules:
        if rule.object_name != record_type.object_name or (to_edit and not rule.can_edit):
            continue
        source = rule.source
        if "owner_role" in source:
            owners = select(User.Id).where(User.tenant == access.caller.tenant, User.UserRoleId == source["owner_role"])
            found.append(record_type.OwnerId.in_(owners))
        elif "owner_group" in source:
            members = select(GroupMember.user_id).where(
                GroupMember.tenant == access.caller.tenant, GroupMember.group_name == source["owner_group"]
            )
            found.append(record_type.OwnerId.in_(members))
        else:
            found.append(_field_equals(record_type, source.get("field"), source.get("equals")))
    return found


def _field_equals(record_type: type[Record], field: str | None, value: object) -> Condition:
    """Nothing, if the rule names no field or no value that the field can hold: it must not open what is empty."""
    spec = OBJECT_INFO[record_type.object_name].fields.get(field or "")
    if spec is None or field is None or value in (None, ""):
        return false()
    try:
        wanted = parse_value(field, spec, value)
    except FieldError:
        return false()
    return cast("Condition", getattr(record_type, field) == wanted)


def _by_parent(access: Access, record_type: type[Record], *, to_edit: bool) -> Condition:
    """The first filled parent decides."""
    specs = OBJECT_INFO[record_type.object_name].fields
    ways: list[Condition] = []
    earlier_empty: list[Condition] = []
    for parent in record_type.parents:
        reference = getattr(record_type, parent)
        ways.append(and_(*earlier_empty, _refers_to_visible(access, reference, specs[parent], to_edit=to_edit)))
        earlier_empty.append(reference.is_(None))
    return or_(false(), *ways)


def _refers_to_visible(access: Access, reference: ColumnElement[str], spec: FieldSpec, *, to_edit: bool) -> Condition:
    ways: list[Condition] = []
    for target in spec.targets:
        target_type = OBJECTS[target]
        seen = visible_to(access, target_type, to_edit=to_edit)
        ids = select(target_type.Id).where(target_type.tenant == access.caller.tenant, seen)
        ways.append(reference.in_(ids))
    return or_(*ways)


def _visible_to_contact(access: Access, record_type: type[Record]) -> Condition:
    """A customer sees their own person, company, cases and orders, and what is published to customers."""
    me, company = access.caller.contact_id, access.account_id
    if record_type is Contact:
        return Contact.Id == me
    if record_type is Account:
        return Account.Id == company
    if record_type is Case:
        return Case.ContactId == me
    if record_type is CaseComment:
        mine = select(Case.Id).where(Case.tenant == access.caller.tenant, Case.ContactId == me)
        return and_(CaseComment.IsPublished, CaseComment.ParentId.in_(mine))
    if record_type is Order:
        return Order.AccountId == company if company else false()
    if record_type is OrderItem:
        orders = select(Order.Id).where(Order.tenant == access.caller.tenant, Order.AccountId == company)
        return OrderItem.OrderId.in_(orders)
    if record_type is Knowledge__kav:
        return and_(Knowledge__kav.IsVisibleInCsp, Knowledge__kav.PublishStatus == "Online")
    if record_type is Product2:
        return Product2.IsActive == true()
    return false()
