"""The service's own tables: conversations, runs, approvals, the ledger of effects, the audit, feedback.

What people and models said is sealed with the conversation's key. Ledger and audit tell what became of records, and
outlive the conversation.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime
from crm.sealed_row import Sealed, SealedRow

Json = dict[str, Any]


class Thread(TenantRow, SealedRow, Base):
    """A conversation. Only the caller who opened it may read it."""

    __tablename__ = "thread"
    __table_args__ = (Index("ix_thread_owner", "tenant", "owner", "updated_at"),)

    thread_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(18))
    """User or contact id of the caller who opened it."""
    status: Mapped[str] = mapped_column(String(12), default="idle")
    """idle | busy | interrupted | error | erased."""
    sealed_details: Mapped[bytes | None] = mapped_column(LargeBinary)
    details = Sealed()
    """The client's metadata."""
    detail_marks: Mapped[Json] = mapped_column(JSON, default=dict)
    """For searching: of each short text of the metadata a mark that only the tenant's key can make."""
    sealed_kept: Mapped[bytes | None] = mapped_column(LargeBinary)
    kept = Sealed()
    """What clients see of the state, with the numbers of its messages in their place."""
    sealed_interrupts: Mapped[bytes | None] = mapped_column(LargeBinary)
    interrupts = Sealed()
    """Task id -> list of `{"id", "value"}`: what the conversation waits for."""
    error: Mapped[str | None] = mapped_column(Text)
    graph: Mapped[str] = mapped_column(String(60), default="")
    """Name of the graph that all its runs go by; empty until the first."""
    graph_version: Mapped[int] = mapped_column(Integer, default=0)
    """Of the graph that wrote the checkpoints; 0: there are none yet. Whatever goes on with them goes by that graph, or
    migrates them."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    sealed_by = ("thread_id",)

    @property
    def values(self) -> Json:
        """What clients see of the state. Raises: AttributeError unless the messages were loaded with the row."""
        shown: Json = self.__dict__["_values"] if "_values" in self.__dict__ else self._not_loaded()
        return shown

    def show_values(self, values: Json) -> None:
        self.__dict__["_values"] = values

    def _not_loaded(self) -> Json:
        raise AttributeError("the thread's messages were not loaded")


class Run(TenantRow, SealedRow, Base):
    """One stretch of work on a thread: from the caller's message or a decision to the next rest or the end."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_thread", "tenant", "thread_id", "created_at"),
        Index("ix_run_lease", "status", "lease_until"),
    )

    run_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    thread_id: Mapped[str] = mapped_column(String(36))
    assistant_id: Mapped[str] = mapped_column(String(60))
    """Name of the graph that it goes by."""
    on_behalf_of: Mapped[str] = mapped_column(String(18))
    """Whose rights the run has: the caller who opened the thread, never who decided an approval."""
    status: Mapped[str] = mapped_column(String(12), default="pending")
    """waiting (for a decision) | pending | running | success | error | timeout | interrupted (cancelled) | parked (a
    build that can go on with it has to take it up)."""
    sealed_request: Mapped[bytes] = mapped_column(LargeBinary)
    request = Sealed()
    """What to do: `input`, `command`, `context`, `config`, `stream_mode`, as accepted."""
    sealed_details: Mapped[bytes | None] = mapped_column(LargeBinary)
    details = Sealed()
    multitask_strategy: Mapped[str | None] = mapped_column(String(12))
    error: Mapped[str | None] = mapped_column(Text)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ticket: Mapped[int] = mapped_column(Integer, default=0)
    """Which of its places in the durable queue is the valid one."""
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was last put into the queue, or found there; None: it has no place in it."""
    parked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was given up after too many attempts; an operator may let it try again."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    sealed_by = ("thread_id", "run_id")


class RunEvent(TenantRow, Base):
    """One event of a run's stream, numbered from 1 without gaps."""

    __tablename__ = "run_event"

    run_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    event: Mapped[str] = mapped_column(String(60))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Approval(TenantRow, SealedRow, Base):
    """A held action: the one truth about what was proposed, what was shown, and what was decided."""

    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("tenant", "key"),
        Index("ix_approval_status", "tenant", "status", "created_at"),
        Index("ix_approval_thread", "tenant", "thread_id"),
        Index("ix_approval_requester", "tenant", "requester", "created_at"),
        Index("ix_approval_expires", "tenant", "status", "expires_at"),
        Index("ix_approval_replaces", "tenant", "replaces"),
        Index("ix_approval_escalates", "tenant", "status", "escalates_at"),
    )

    approval_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(160))
    """Business identity of the proposal: a run that starts over finds its own request again."""
    thread_id: Mapped[str] = mapped_column(String(36))
    run_id: Mapped[str] = mapped_column(String(36))
    call_id: Mapped[str] = mapped_column(String(120))
    agent: Mapped[str] = mapped_column(String(40))
    tool: Mapped[str] = mapped_column(String(60))
    requester: Mapped[str] = mapped_column(String(18))
    sealed_arguments: Mapped[bytes] = mapped_column(LargeBinary)
    arguments = Sealed()
    sealed_changes: Mapped[bytes] = mapped_column(LargeBinary)
    changes = Sealed()
    """What would be written: operation, object, record, and old -> new per field as seen at proposal."""
    sealed_card: Mapped[bytes] = mapped_column(LargeBinary)
    card = Sealed()
    sealed_labels: Mapped[bytes] = mapped_column(LargeBinary)
    labels = Sealed()
    rule: Mapped[Json] = mapped_column(JSON)
    """Who may decide: `trust.decisions.Hold` as JSON, with what the tenant's approval rules made of it."""
    schema_hash: Mapped[str] = mapped_column(String(64))
    policy_version: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(12), default="pending")
    """pending | approved | rejected | edited | answered | recalled | expired | applied | refused."""
    assignee: Mapped[str | None] = mapped_column(String(18))
    """Who is to look at it first. It gives them no right that they have not."""
    object_name: Mapped[str | None] = mapped_column(String(60))
    """The kind of record that it is about; None until a request of an earlier version was looked at."""
    is_external: Mapped[bool | None] = mapped_column(Boolean)
    """Whether somebody outside may have written any value that it rests on."""
    is_tainted: Mapped[bool | None] = mapped_column(Boolean)
    """Whether the copilot had read text from outside before it asked."""
    decided_by: Mapped[str | None] = mapped_column(String(18))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sealed_reason: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason = Sealed()
    sealed_edited_arguments: Mapped[bytes | None] = mapped_column(LargeBinary)
    edited_arguments = Sealed()
    replaces: Mapped[str | None] = mapped_column(String(36))
    sealed_result: Mapped[bytes | None] = mapped_column(LargeBinary)
    result = Sealed()
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    escalates_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The next escalation that nobody was told of. Who may decide does not depend on it: that follows from `rule`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    sealed_by = ("thread_id", "approval_id")


class Vote(TenantRow, Base):
    """One person's word on an approval, with the digest of what they were shown."""

    __tablename__ = "vote"

    approval_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    voter: Mapped[str] = mapped_column(String(18), primary_key=True)
    decision: Mapped[str] = mapped_column(String(12))
    digest: Mapped[str] = mapped_column(String(64))
    in_stead_of: Mapped[str | None] = mapped_column(String(18))
    """Whose vote it is, if the voter gave it for somebody who is away."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerEntry(TenantRow, Base):
    """A write: intended, then applied with what was there before and what was read back, or refused."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("tenant", "key"),
        Index("ix_ledger_run", "tenant", "run_id"),
        Index("ix_ledger_created", "tenant", "created_at"),
        Index("ix_ledger_undoes", "tenant", "undoes"),
    )

    entry_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(160))
    status: Mapped[str] = mapped_column(String(12))
    """pending | applied | refused | unknown."""
    approval_id: Mapped[str | None] = mapped_column(String(36))
    thread_id: Mapped[str] = mapped_column(String(36))
    run_id: Mapped[str] = mapped_column(String(36))
    agent: Mapped[str] = mapped_column(String(40))
    tool: Mapped[str] = mapped_column(String(60))
    on_behalf_of: Mapped[str] = mapped_column(String(18))
    effects: Mapped[list[Json]] = mapped_column(JSON, default=list)
    """Per record: operation, object, id, version, before -> after per field as read back, and where the values that
    were replaced had come from."""
    result: Mapped[Json | None] = mapped_column(JSON)
    undoes: Mapped[str | None] = mapped_column(String(36))
    """The entry whose effects this one takes back."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerEffect(TenantRow, Base):
    """Which record an entry's effect is about: for finding entries by it."""

    __tablename__ = "ledger_effect"
    __table_args__ = (Index("ix_ledger_effect_record", "tenant", "record_id", "version"),)

    entry_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """In the entry's list of effects, from 0."""
    object_name: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[str] = mapped_column(String(18))
    version: Mapped[int] = mapped_column(Integer)
    """Of the record, after the effect."""


class AuditHead(TenantRow, Base):
    """How long a tenant's audit is and how its tree ends; the row that appends take turns on."""

    __tablename__ = "audit_head"

    size: Mapped[int] = mapped_column(BigInteger, default=0)
    peaks: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """Hashes of the perfect subtrees that the tree consists of, largest first."""


class AuditEntry(TenantRow, Base):
    """One line of the audit. Never changed, never removed: the database refuses both."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "tenant", "at"),
        Index("ix_audit_entry_kind", "tenant", "kind", "leaf_index"),
        Index("ix_audit_entry_actor", "tenant", "actor", "leaf_index"),
        Index("ix_audit_entry_subject", "tenant", "subject", "leaf_index"),
    )

    index: Mapped[int] = mapped_column("leaf_index", BigInteger, primary_key=True, autoincrement=False)
    """Its place in the tree, from 0."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(60))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    """Sealed: a random salt, then canonical JSON."""
    payload_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what is sealed. The salt keeps it from telling anything once the key is gone."""
    sealed_for: Mapped[str] = mapped_column(String(18), default="")
    """Whose key sealed the payload: a user's or contact's, by id; empty for the tenant's."""
    hashes: Mapped[bytes] = mapped_column(LargeBinary)
    """The entry's leaf, then the subtrees that it completed, from small to large."""


class Feedback(TenantRow, Base):
    """What a person thinks of one answer they got: one row per person and message."""

    __tablename__ = "feedback"
    __table_args__ = (Index("ix_feedback_updated", "tenant", "updated_at"),)

    thread_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    message_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    giver: Mapped[str] = mapped_column(String(18), primary_key=True)
    """User or contact id."""
    rating: Mapped[str] = mapped_column(String(4))
    """up | down."""
    words: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Reason and edited text, sealed with the conversation's key."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
