"""Messages of a conversation, each stored once and named by number: what repeats all of them stays small."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from crm.conversation import StoredItem
from crm.database import TenantSession
from crm.sealed_row import from_bytes, to_bytes
from crm.sealing import DataKey, SealError

Spans = list[list[int]]
"""Item numbers in order, as spans of first and last."""

NUMBERS = "$items"
"""Stands in for `messages` where a state is kept, with the spans of their numbers."""

_MARK_BYTES = 16


async def store(session: TenantSession, thread_id: str, key: DataKey, items: Sequence[Any]) -> Spans:
    """Keep what is not kept yet. For a thread that the transaction has locked or nobody else writes to."""
    [spans] = await store_each(session, thread_id, key, [items])
    return spans


async def store_each(
    session: TenantSession, thread_id: str, key: DataKey, lists: Sequence[Sequence[Any]]
) -> list[Spans]:
    """The same for several lists at once: the spans of each."""
    texts = [[to_bytes(item) for item in items] for items in lists]
    marks = [[_mark(key, text) for text in some] for some in texts]
    told = {mark: text for some in zip(marks, texts, strict=True) for mark, text in zip(*some, strict=True)}
    numbers = await _find_numbers(session, thread_id, list(told))
    missing = {mark: text for mark, text in told.items() if mark not in numbers}
    if missing:
        newest = await session.scalar(select(func.max(StoredItem.number)).where(StoredItem.thread_id == thread_id)) or 0
        for number, (mark, text) in enumerate(missing.items(), newest + 1):
            sealed = key.seal(text, "item", str(number))
            session.add(StoredItem(thread_id=thread_id, number=number, mark=mark, sealed=sealed))
            numbers[mark] = number
        await session.flush()
    return [_to_spans(numbers[mark] for mark in some) for some in marks]


async def load(session: TenantSession, thread_id: str, key: DataKey, wanted: Iterable[Spans]) -> list[list[Any]]:
    """The items of each of the lists of spans. Raises: SealError, also if one is missing."""
    wanted = list(wanted)
    spans = {(first, last) for one in wanted for first, last in one}
    found: dict[int, Any] = {}
    if spans:
        within = or_(*(StoredItem.number.between(first, last) for first, last in spans))
        rows = await session.execute(
            select(StoredItem.number, StoredItem.sealed).where(StoredItem.thread_id == thread_id, within)
        )
        found = {number: from_bytes(key.open(sealed, "item", str(number))) for number, sealed in rows}
    try:
        return [[found[number] for first, last in one for number in range(first, last + 1)] for one in wanted]
    except KeyError:
        raise SealError("a message of the conversation is missing") from None


def _mark(key: DataKey, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=key.secret, digest_size=_MARK_BYTES, person=b"item mark").digest()


async def _find_numbers(session: TenantSession, thread_id: str, marks: Sequence[bytes]) -> dict[bytes, int]:
    numbers: dict[bytes, int] = {}
    for start in range(0, len(marks), 500):
        known = select(StoredItem.mark, StoredItem.number).where(
            StoredItem.thread_id == thread_id, StoredItem.mark.in_(marks[start : start + 500])
        )
        numbers.update((bytes(mark), number) for mark, number in await session.execute(known))
    return numbers


def _to_spans(numbers: Iterable[int]) -> Spans:
    spans: Spans = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return spans
