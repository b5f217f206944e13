"""The tables behind who may see and do what inside a tenant."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow


class Tenant(TenantRow, Base):
    """An organisation. Its settings are read by the service and changed by its admins."""

    __tablename__ = "tenant"

    name: Mapped[str] = mapped_column(String(120))
    sharing_defaults: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Object name -> Private | Read | ReadWrite | ControlledByParent. An object that is not named is Private."""


class PermissionSet(TenantRow, Base):
    """A named bundle of rights. A user's rights are the union of the sets assigned to them."""

    __tablename__ = "permission_set"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    label: Mapped[str] = mapped_column(String(120))
    objects: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Object name -> letters out of c(reate) r(ead) e(dit) d(elete) v(iew all) m(odify all)."""
    fields: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict)
    """Object name -> field name or `*` -> letters out of r(ead) e(dit). A named field overrides `*` in this set."""
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Permissions beyond records, such as `approve_writes` and `read_audit`."""


class PermissionSetAssignment(TenantRow, Base):
    """Gives a user a permission set."""

    __tablename__ = "permission_set_assignment"

    user_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    permission_set: Mapped[str] = mapped_column(String(80), primary_key=True)


class UserRole(TenantRow, Base):
    """A place in the role tree. People above see what people below own."""

    __tablename__ = "user_role"

    role_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    parent_id: Mapped[str | None] = mapped_column(String(18))


class GroupMember(TenantRow, Base):
    """Membership of a user in a named group (a team, a queue)."""

    __tablename__ = "group_member"

    group_name: Mapped[str] = mapped_column(String(80), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(18), primary_key=True)


class SharingRule(TenantRow, Base):
    """Opens records of one object, chosen by their owner or by a field, to a role or a group."""

    __tablename__ = "sharing_rule"

    rule_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    object_name: Mapped[str] = mapped_column(String(60))
    source: Mapped[dict[str, Any]] = mapped_column(JSON)
    """`{"owner_role": id}`, `{"owner_group": name}` or `{"field": name, "equals": value}`."""
    target: Mapped[dict[str, str]] = mapped_column(JSON)
    """`{"role": id}` or `{"group": name}`."""
    can_edit: Mapped[bool] = mapped_column(default=False)


class RecordShare(TenantRow, Base):
    """Opens one record to one user or group."""

    __tablename__ = "record_share"

    object_name: Mapped[str] = mapped_column(String(60), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    grantee: Mapped[str] = mapped_column(String(90), primary_key=True)
    """A user id, or `group:<name>`."""
    can_edit: Mapped[bool] = mapped_column(default=False)
