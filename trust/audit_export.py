"""The audit as lines that whoever gets them can check without asking this service again: docs/audit.md says how."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.repositories import audit as rows
from crm.repositories.audit import Criteria
from crm.sealing import SealError
from crm.work import AuditEntry
from trust import audit, merkle
from trust.merkle import Peaks

Line = dict[str, Any]

_PAGE = 500


async def describe(session: TenantSession, entry: AuditEntry, *, is_sealed: bool = False) -> Line:
    """An entry with everything that its leaf is made of. `payload` is null where it is not to be opened, or was erased,
    or is damaged; its hashes stand in any case."""
    opened = None if is_sealed else await _open(session, entry)
    return {
        **audit.leaf_data(entry, session.tenant),
        "payload": None if opened is None else opened.payload,
        "salt": None if opened is None else opened.salt.hex(),
        "leaf": entry.hashes[: merkle.HASH_BYTES].hex(),
    }


async def _open(session: TenantSession, entry: AuditEntry) -> audit.Opened | None:
    try:
        return await audit.open_payload(session, entry)
    except (SealError, audit.UnopenedError, ValueError):
        return None  # who lists still sees that it is there; verifying says what is wrong with it


async def export(
    database: Database, tenant: TenantId, criteria: Criteria, *, is_sealed: bool = False
) -> AsyncIterator[Line]:
    """First the head of the tree as it is now, then the wanted entries of that tree, in order.

    With some entries left out, each one comes with its proof of inclusion; with all of them, their leaves are enough.
    A page at a time, so that a slow reader holds no transaction open.
    """
    async with database.session(tenant) as session:
        size, stored = await rows.get_head(session)
    yield {"tenant": tenant, "size": size, "root": Peaks.from_bytes(size, stored).root().hex()}
    after = -1
    while True:
        async with database.session(tenant) as session:
            entries = await rows.list_entries(session, criteria, after=after, size=size, limit=_PAGE)
            lines = [await describe(session, entry, is_sealed=is_sealed) for entry in entries]
            if not criteria.is_open:
                await _add_proofs(session, lines, [entry.index for entry in entries], size)
        for line in lines:
            yield line
        if len(lines) < _PAGE:
            return
        after = entries[-1].index


async def _add_proofs(session: TenantSession, lines: list[Line], indexes: Sequence[int], size: int) -> None:
    paths = [merkle.inclusion_path(index, size) for index in indexes]
    nodes = await audit.load_nodes(session, {node for path in paths for step in path for node in step})
    for line, path in zip(lines, paths, strict=True):
        line["proof"] = [one.hex() for one in merkle.build_proof(path, nodes.__getitem__)]


def describe_proof(proof: audit.Proof) -> Line:
    return {
        "index": proof.index,
        "size": proof.size,
        "leaf": proof.leaf.hex(),
        "root": proof.root.hex(),
        "proof": [one.hex() for one in proof.hashes],
    }
