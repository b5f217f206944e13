"""What a tenant's directory calls its people and groups: names of theirs beside ours."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class DirectoryUser(TenantRow, Base):
    """The directory's own id of a user."""

    __tablename__ = "directory_user"

    user_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255))


class DirectoryGroup(TenantRow, Base):
    """A group of the directory."""

    __tablename__ = "directory_group"
    __table_args__ = (Index("ix_directory_group_name", "tenant", "display_name", unique=True),)

    group_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(255))
    external_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DirectoryMember(TenantRow, Base):
    """Membership of a user in a group of the directory."""

    __tablename__ = "directory_member"
    __table_args__ = (Index("ix_directory_member_user", "tenant", "user_id"),)

    group_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(18), primary_key=True)
