"""Records by approximate name and by text: the index proposes candidates, rights decide which of them exist."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from rapidfuzz import fuzz, utils
from sqlalchemy import select, text

from crm.access import Access
from crm.base import Record
from crm.database import TenantSession
from crm.passages import best_passage, telling_words, text_score
from crm.repositories.visibility import visible_to
from crm.schema import OBJECT_INFO
from crm.searchable import NAME_INDEX, NAMED, TEXT_INDEX, TEXTS

_BATCH = 200
_MOST_CANDIDATES = 2_000
_WORST_SCORE = 0.6
_TENANT_CHECKED = {"tenant_checked": "the statement filters by the session's own tenant"}


async def find_by_name(
    session: TenantSession, access: Access, object_name: str, wanted: str
) -> list[tuple[Record, float, bool]]:
    """Visible records named like `wanted`: (record, score from 0 to 1, whether the name is the same but for case)."""
    if object_name not in NAMED:
        return []
    found: list[tuple[Record, float, bool]] = []
    async for records in _visible(session, access, object_name, await _name_candidates(session, object_name, wanted)):
        for record in records:
            name = " ".join(str(part) for f in NAMED[object_name] if (part := getattr(record, f)))
            shown = " ".join(str(part) for f in record.name_fields if (part := getattr(record, f)))
            score = max(_score(wanted, name), _score(wanted, shown))
            if score >= _WORST_SCORE:
                found.append((record, score, shown.casefold() == wanted.strip().casefold()))
    return sorted(found, key=lambda one: (-one[1], one[0].Id))[:50]


def _score(wanted: str, name: str) -> float:
    """1 for the same name; a name that has all the wanted words and more comes close, typing errors cost a little."""
    left, right = utils.default_process(wanted[:200]), utils.default_process(name)
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    whole = fuzz.token_sort_ratio(left, right)
    shared = _word_coverage(left.split(), right.split())
    return min(0.99, max(whole, shared * (0.9 + 0.08 * len(left) / max(len(left), len(right)))) / 100)


def _word_coverage(wanted: Sequence[str], have: Sequence[str]) -> float:
    """How well each wanted word is found among the words of the name, from 0 to 100; the worst word counts double."""
    best = [max(_word_likeness(word, other) for other in have) for word in wanted]
    return (sum(best) + min(best)) / (len(best) + 1)


def _word_likeness(word: str, other: str) -> float:
    if len(word) >= 3 and other.startswith(word):
        return 96.0
    return fuzz.ratio(word, other)


def name_fields(object_name: str) -> tuple[str, ...]:
    """The fields that search by name reads; whoever may not read them all may not search by them."""
    return NAMED.get(object_name, ())


async def _name_candidates(session: TenantSession, object_name: str, wanted: str) -> list[str]:
    wanted = wanted[:200].replace("\x00", " ").encode(errors="replace").decode()
    if session.get_bind().dialect.name == "postgresql":
        sql = (
            "SELECT record_id FROM countersign.find_names(:object, countersign.grams(:wanted), 0.04)"
            " ORDER BY similarity DESC, record_id LIMIT :limit"
        )
        return await _ids(session, sql, object=object_name, wanted=wanted, limit=_MOST_CANDIDATES)
    lowered = wanted.lower()
    grams = {lowered[place : place + 3] for place in range(len(lowered) - 2)}
    if not grams:
        sql = (
            f"SELECT record_id FROM {NAME_INDEX} WHERE tenant = :tenant AND object = :object"  # noqa: S608 - a constant
            " AND ' ' || lower(name) LIKE :like ESCAPE '\\' ORDER BY record_id LIMIT :limit"
        )
        escaped = lowered.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return await _ids(session, sql, object=object_name, like=f"% {escaped}%", limit=_MOST_CANDIDATES)
    match = " OR ".join(_quoted(gram) for gram in sorted(grams))
    sql = (
        f"SELECT record_id FROM {NAME_INDEX} WHERE {NAME_INDEX} MATCH :match"  # noqa: S608 - a constant
        " AND tenant = :tenant AND object = :object ORDER BY rank LIMIT :limit"
    )
    return await _ids(session, sql, object=object_name, match=match, limit=_MOST_CANDIDATES)


def text_fields(object_name: str) -> tuple[str, ...]:
    """The fields that full-text search reads; whoever may not read them all may not search by them."""
    fields = TEXTS.get(object_name)
    return (*fields.title, *fields.body) if fields else ()


async def find_by_text(
    session: TenantSession, access: Access, object_name: str, wanted: str, limit: int
) -> list[tuple[Record, str, float]]:
    """Visible records that speak of `wanted`: (record, the passage that fits best, score falling from 1)."""
    words = telling_words(wanted)
    if not words or object_name not in TEXTS:
        return []
    found: list[tuple[Record, float]] = []
    # All of them, and not the index's first few: its order also depends on records that the caller may not see.
    async for records in _visible(session, access, object_name, await _text_candidates(session, object_name, words)):
        found += [(record, text_score(*_title_and_body(object_name, record), words)) for record in records]
    best = sorted(found, key=lambda one: (-one[1], one[0].Id))[:limit]
    return [(record, best_passage(_title_and_body(object_name, record)[1], words), score) for record, score in best]


def _title_and_body(object_name: str, record: Record) -> tuple[str, str]:
    fields = TEXTS[object_name]
    title = " ".join(str(part) for field in fields.title if (part := getattr(record, field)))
    return title, "\n".join(str(part) for field in fields.body if (part := getattr(record, field)))


async def _text_candidates(session: TenantSession, object_name: str, words: Sequence[str]) -> list[str]:
    if session.get_bind().dialect.name == "postgresql":
        sql = "SELECT record_id FROM countersign.find_texts(:object, :query) ORDER BY rank DESC, record_id LIMIT :limit"
        return await _ids(session, sql, object=object_name, query=" or ".join(words), limit=_MOST_CANDIDATES)
    sql = (
        f"SELECT record_id FROM {TEXT_INDEX} WHERE {TEXT_INDEX} MATCH :match"  # noqa: S608 - a constant
        " AND tenant = :tenant AND object = :object ORDER BY rank LIMIT :limit"
    )
    match = " OR ".join(_quoted(word) for word in words)
    return await _ids(session, sql, object=object_name, match=match, limit=_MOST_CANDIDATES)


async def _visible(
    session: TenantSession, access: Access, object_name: str, ids: Sequence[str]
) -> AsyncIterator[list[Record]]:
    """The candidates that the caller may see, in batches, in the order of the index."""
    record_type = OBJECT_INFO[object_name].record_type
    seen = visible_to(access, record_type)
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        rows = await session.scalars(select(record_type).where(record_type.Id.in_(batch), seen))
        by_id = {record.Id: record for record in rows}
        yield [by_id[one] for one in batch if one in by_id]


async def _ids(session: TenantSession, sql: str, **values: Any) -> list[str]:
    """Run an index query; `:tenant` is filled in from the session, where the statement has it."""
    bound = values | ({"tenant": session.tenant} if ":tenant" in sql else {})
    rows = await session.execute(text(sql), bound, execution_options=_TENANT_CHECKED)
    return [str(one) for one in rows.scalars()]


def _quoted(term: str) -> str:
    escaped = term.replace('"', '""')
    return f'"{escaped}"'
