"""What happened, in a log that only grows: each entry a leaf of the tenant's Merkle tree, each payload sealed.

A leaf is made of what stands in the open (place, time, kind, ids) and of two hashes of the payload, one of its sealed
form and one of what is sealed. So whoever may read a payload can check it, and when its key is shredded the payload is
lost while every root and every proof stays what it was.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.fields import to_json
from crm.repositories import audit as rows
from crm.repositories import keys as key_rows
from crm.schema import object_of
from crm.sealing import DataKey
from crm.work import AuditEntry
from trust import keys, merkle
from trust.digests import canonical
from trust.merkle import Peaks

SERVICE = "countersign"
"""The actor of what nobody did: a request that ran out, one that was overtaken."""

_SALT_BYTES = 32


class UnopenedError(Exception):
    """A payload's key is at hand and does not open it: the service has not written it like this."""


class NoSuchEntryError(Exception):
    """The log has no such entry, or is not that long."""


@dataclass(frozen=True)
class Opened:
    """A payload as it was given, with the salt that its hash was made with."""

    payload: dict[str, Any]
    salt: bytes


@dataclass(frozen=True)
class Proof:
    """That the entry at `index` is in the tree of `size`; `hashes` from the leaf up, as RFC 9162 orders them."""

    index: int
    size: int
    leaf: bytes
    root: bytes
    hashes: list[bytes]


@dataclass(frozen=True)
class Continuation:
    """That the tree of `second` entries begins with that of `first`."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: list[bytes]


async def record(
    session: TenantSession, *, at: datetime, kind: str, actor: str, subject: str, payload: Mapping[str, Any]
) -> int:
    """Append one entry inside the open transaction, so that it stands or falls with what it tells of.

    The payload is sealed with the key of whoever acts, so that it can be erased with them; with the tenant's if that is
    nobody, or somebody who was erased. Returns its place, from 0.
    """
    key, sealed_for = await _key_for(session, actor)  # before the head: who waits for a key keeps nobody waiting
    head = await rows.lock_head(session)
    entry = AuditEntry(
        index=head.size,
        at=at.replace(microsecond=0),
        kind=kind,
        actor=actor,
        subject=subject,
        sealed_for=sealed_for,
    )
    plain = os.urandom(_SALT_BYTES) + canonical(dict(payload))
    entry.payload_hash = hashlib.sha256(plain).hexdigest()
    entry.payload = key.seal(plain, "audit", _bound(entry))
    peaks, completed = Peaks.from_bytes(head.size, head.peaks).append(leaf_of(entry, session.tenant))
    entry.hashes = b"".join(completed)
    await rows.append_entry(session, entry)
    head.size, head.peaks = peaks.size, peaks.to_bytes()
    return entry.index


def leaf_of(entry: AuditEntry, tenant: str) -> bytes:
    """The leaf as the row's content makes it."""
    return merkle.leaf_hash(canonical(leaf_data(entry, tenant)))


def leaf_data(entry: AuditEntry, tenant: str) -> dict[str, Any]:
    """What a leaf is the hash of, as canonical JSON behind a zero byte. Part of the interface: docs/audit.md."""
    return {
        "tenant": tenant,
        "index": entry.index,
        "at": to_json(entry.at),
        "kind": entry.kind,
        "actor": entry.actor,
        "subject": entry.subject,
        "payload_hash": entry.payload_hash,
        "sealed_hash": hashlib.sha256(entry.payload).hexdigest(),
        "sealed_for": entry.sealed_for,
    }


async def open_payload(session: TenantSession, entry: AuditEntry) -> Opened | None:
    """None if the key was shredded. Raises: SealError if it does not open or is not what was hashed."""
    key = await _find_key(session, entry.sealed_for)
    if key is None:
        return None
    plain = key.open(entry.payload, "audit", _bound(entry))
    if hashlib.sha256(plain).hexdigest() != entry.payload_hash:
        raise UnopenedError(f"the payload of entry {entry.index} is not the one that was hashed")
    return Opened(json.loads(plain[_SALT_BYTES:]), plain[:_SALT_BYTES])


async def prove_inclusion(session: TenantSession, index: int, *, size: int | None = None) -> Proof:
    """In the tree as it is now, or as it was at `size`. Raises: NoSuchEntryError."""
    size = await _size(session, size)
    if index >= size:
        raise NoSuchEntryError(f"there is no entry {index} among {size}")
    path = merkle.inclusion_path(index, size)
    hash_of = await _load(session, [(0, index)], merkle.peaks_of(size), *path)
    return Proof(index, size, hash_of[0, index], _root(hash_of, size), merkle.build_proof(path, hash_of.__getitem__))


async def prove_continuation(session: TenantSession, first: int, second: int | None = None) -> Continuation:
    """From one size to another, or to now. Raises: NoSuchEntryError if the log is shorter, or they are not in order."""
    second = await _size(session, second)
    if first > second:
        raise NoSuchEntryError(f"a log of {second} entries does not go on from {first}")
    path = merkle.consistency_path(first, second)
    hash_of = await _load(session, merkle.peaks_of(first), merkle.peaks_of(second), *path)
    proof = merkle.build_proof(path, hash_of.__getitem__)
    return Continuation(first, second, _root(hash_of, first), _root(hash_of, second), proof)


async def get_root(session: TenantSession) -> tuple[int, bytes]:
    """How long the log is, and the root of its tree, as its head says."""
    size, peaks = await rows.get_head(session)
    return size, Peaks.from_bytes(size, peaks).root()


Nodes = dict[merkle.NodeName, bytes]


async def load_nodes(session: TenantSession, names: set[merkle.NodeName]) -> Nodes:
    """Hashes of perfect subtrees, from the entries that completed them. Raises: NoSuchEntryError if one is gone."""
    stored = await rows.get_hashes(session, {merkle.owner_of(node) for node in names})
    found: Nodes = {}
    for level, place in names:
        hashes = stored.get(merkle.owner_of((level, place)), b"")
        one = hashes[level * merkle.HASH_BYTES : (level + 1) * merkle.HASH_BYTES]
        if len(one) != merkle.HASH_BYTES:
            raise NoSuchEntryError("the log is damaged: verify it")
        found[level, place] = one
    return found


async def _load(session: TenantSession, *steps: list[merkle.NodeName]) -> Nodes:
    return await load_nodes(session, {node for step in steps for node in step})


def _root(hash_of: Nodes, size: int) -> bytes:
    return Peaks(size, tuple(hash_of[node] for node in merkle.peaks_of(size))).root()


async def _size(session: TenantSession, wanted: int | None) -> int:
    size, _ = await rows.get_head(session)
    if wanted is None:
        return size
    if wanted > size:
        raise NoSuchEntryError(f"the log has {size} entries, not {wanted}")
    return wanted


def _bound(entry: AuditEntry) -> str:
    """What a sealed payload belongs to: it opens in its own entry, unchanged, and nowhere else."""
    place = [entry.index, to_json(entry.at), entry.kind, entry.actor, entry.subject, entry.payload_hash]
    return canonical(place).decode("utf-8", "surrogatepass")


async def _key_for(session: TenantSession, actor: str) -> tuple[DataKey, str]:
    if object_of(actor) in ("User", "Contact"):
        try:
            return await keys.get_person_key(session, actor), actor
        except ErasedError:
            return await keys.get_tenant_key(session), ""
    return await keys.get_tenant_key(session), ""


async def _find_key(session: TenantSession, sealed_for: str) -> DataKey | None:
    name: key_rows.Name = ("person", sealed_for) if sealed_for else key_rows.TENANT
    return (await key_rows.find(session, [name])).get(name)
