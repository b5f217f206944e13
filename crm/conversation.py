"""Where a conversation rests between two messages. What was said in it is sealed with a key of its own."""

from sqlalchemy import Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow


class StoredCheckpoint(TenantRow, Base):
    """How far a conversation has come. Its messages are not in it: it names the items that they are."""

    __tablename__ = "checkpoint"

    thread_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    namespace: Mapped[str] = mapped_column(String(200), primary_key=True)
    """Empty for the conversation itself; otherwise the call of the sub-graph that the checkpoint belongs to."""
    checkpoint_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(String(36))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class StoredWrite(TenantRow, Base):
    """What one task has written since a checkpoint, one channel each: results, interrupts, answers to them."""

    __tablename__ = "checkpoint_write"

    thread_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    namespace: Mapped[str] = mapped_column(String(200), primary_key=True)
    checkpoint_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Order within the task; below zero for the kinds of which a task has one only."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class StoredItem(TenantRow, Base):
    """A message, kept once however often checkpoints and streams show it."""

    __tablename__ = "thread_item"
    __table_args__ = (Index("uq_thread_item_mark", "tenant", "thread_id", "mark", unique=True),)

    thread_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    mark: Mapped[bytes] = mapped_column(LargeBinary)
    """Tells equal items of a conversation; made with the conversation's key, so it tells nothing else."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
