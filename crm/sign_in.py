"""The tables behind who comes in: sessions of browsers, keys of programs, and whom a provider's subject stands for."""

from datetime import datetime

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime


class SignInSession(TenantRow, Base):
    """A browser that somebody signed in with. The secret in its cookie is kept as a hash only."""

    __tablename__ = "sign_in_session"
    __table_args__ = (
        Index("ix_sign_in_session_secret", "tenant", "secret_hash", unique=True),
        Index("ix_sign_in_session_member", "tenant", "member_id"),
    )

    session_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """What the person names it by; lets nobody in."""
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    member_id: Mapped[str] = mapped_column(String(18))
    """Record id of the user or contact."""
    provider: Mapped[str] = mapped_column(String(60))
    """Who vouched for them: the id of an identity provider, or `development`."""
    browser: Mapped[str] = mapped_column(String(120))
    """What the browser called itself when it signed in; for the person to tell their sessions apart."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """To within a minute."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it ends however much it is used."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(60))


class ApiKey(TenantRow, Base):
    """A key that a program shows. It acts as a person or a service principal, within the key's scopes."""

    __tablename__ = "api_key"
    __table_args__ = (
        Index("ix_api_key_secret", "tenant", "secret_hash", unique=True),
        Index("ix_api_key_member", "tenant", "member_id"),
    )

    key_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(60))
    """How the key begins, for people to tell which one a program uses."""
    member_id: Mapped[str] = mapped_column(String(18))
    """The user it acts as."""
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_by: Mapped[str] = mapped_column(String(18))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """To within a minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None] = mapped_column(String(60))


class ExternalIdentity(TenantRow, Base):
    """Whom a subject of an identity provider stands for, from the first sign-in on."""

    __tablename__ = "external_identity"
    __table_args__ = (Index("ix_external_identity_user", "tenant", "user_id"),)

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(18))
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GroupRight(TenantRow, Base):
    """What members of a group of the tenant's directory may do here. A group without a row gives nothing."""

    __tablename__ = "group_right"

    group_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    permission_set: Mapped[str] = mapped_column(String(80), primary_key=True)
    given_by: Mapped[str | None] = mapped_column(String(60))
    """Who has said so, and to whom it gives nothing therefore. None: from before that was noted."""
