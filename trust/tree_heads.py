"""Signed heads of the audit's trees: what a log was at a time, in the word of a key that the database does not have.

A line is one head with the leaves since the line before it. The leaves are hashes of hashes and tell
nothing, but with them a verifier can say which entry was changed, not only that one was.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from trust import merkle
from trust.audit_check import Known
from trust.digests import canonical
from trust.merkle import Peaks

_PURPOSE = b"countersign audit tree head v1\n"


class CutOffError(ValueError):
    """A line ends in the middle, as where a process was killed."""


class HeadKeyError(ValueError):
    """A key for heads cannot be used; the message tells the operator what to change."""


@dataclass(frozen=True)
class TreeHead:
    """What is signed: that at this time the tenant's log had so many entries and this root."""

    tenant: str
    size: int
    root: str
    at: str

    def to_bytes(self) -> bytes:
        return _PURPOSE + canonical(asdict(self))


@dataclass(frozen=True)
class SignedHead:
    """`key` names the public key that the signature is to be checked with."""

    head: TreeHead
    key: str
    signature: str


class HeadSigner:
    """The private key for heads; the service has it, the database does not."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = HeadVerifier([key.public_key()])
        self.key_name = _name_of(key.public_key())

    @classmethod
    def from_pem(cls, pem: bytes) -> "HeadSigner":
        """Raises: HeadKeyError."""
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            raise HeadKeyError("the audit's signing key is no private key in PEM form without a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise HeadKeyError("the audit's signing key is no Ed25519 key")
        return cls(key)

    def sign(self, head: TreeHead) -> SignedHead:
        signature = base64.b64encode(self._key.sign(head.to_bytes())).decode()
        return SignedHead(head, self.key_name, signature)

    def public_pem(self) -> str:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_signing_key() -> str:
    """A new private key in PEM form."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class HeadVerifier:
    """The public keys that heads are believed by; several after a change of keys."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {_name_of(key): key for key in keys}

    @classmethod
    def from_pems(cls, pems: Iterable[bytes]) -> "HeadVerifier":
        """Raises: HeadKeyError."""
        keys = []
        for pem in pems:
            try:
                key = load_pem_public_key(pem)
            except ValueError:
                raise HeadKeyError("expected a public key in PEM form") from None
            if not isinstance(key, Ed25519PublicKey):
                raise HeadKeyError("expected an Ed25519 public key")
            keys.append(key)
        return cls(keys)

    def joined(self, other: "HeadVerifier") -> "HeadVerifier":
        return HeadVerifier([*self._keys.values(), *other._keys.values()])

    def holds(self, signed: SignedHead) -> bool:
        key = self._keys.get(signed.key)
        if key is None:
            return False
        try:
            key.verify(base64.b64decode(signed.signature, validate=True), signed.head.to_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True


def _name_of(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


@dataclass(frozen=True)
class HeadLine:
    """One line: the leaves from place `after` on, the peaks they lead to, and the head over all of it."""

    after: int
    leaves: tuple[bytes, ...]
    peaks: Peaks
    signed: SignedHead

    def to_json(self) -> str:
        content = {
            **asdict(self.signed.head),
            "after": self.after,
            "leaves": [leaf.hex() for leaf in self.leaves],
            "peaks": [peak.hex() for peak in self.peaks.hashes],
            "key": self.signed.key,
            "signature": self.signed.signature,
        }
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> "HeadLine":
        """Raises: CutOffError; any other ValueError if it is whole and says something else."""
        try:
            found: dict[str, Any] = json.loads(line)
        except (ValueError, RecursionError):
            raise CutOffError("not a whole line") from None
        try:
            head = TreeHead(str(found["tenant"]), int(found["size"]), str(found["root"]), str(found["at"]))
            return cls(
                int(found["after"]),
                tuple(bytes.fromhex(leaf) for leaf in found["leaves"]),
                Peaks.from_bytes(head.size, bytes.fromhex("".join(found["peaks"]))),
                SignedHead(head, str(found["key"]), str(found["signature"])),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not a line with a head") from error


def read_known(lines: Iterable[str], tenant: str, verifier: HeadVerifier) -> tuple[Known, list[str]]:
    """What the lines prove about a tenant's log, and what is wrong with them, one sentence each.

    A line that was cut off is passed over: what it should have said is said again by the next one. If it is not,
    that is a fault.
    """
    known = Known()
    faults: list[str] = []
    ends = {0: merkle.EMPTY}
    for number, text in enumerate(lines, 1):
        try:
            line = HeadLine.from_json(text)
        except CutOffError:
            continue
        except ValueError:
            fault: str | None = "is not one that this service writes"
        else:
            fault = _find_fault(line, known, tenant, verifier) or _take(line, known, ends)
        if fault is not None:
            faults.append(f"line {number} of the exported heads {fault}")
    return known, faults


def _find_fault(line: HeadLine, known: Known, tenant: str, verifier: HeadVerifier) -> str | None:
    head = line.signed.head
    if not verifier.holds(line.signed):
        return f"is not signed by a known key (it names {line.signed.key!r})"
    if head.tenant != tenant:
        return "is about another tenant"
    if line.peaks.root().hex() != head.root:
        return "has peaks that do not lead to the root it signs"
    standing = known.roots.get(head.size)
    if standing is not None and standing[0] != head.root:
        return f"contradicts an earlier one about {head.size} entries"
    return None


def _take(line: HeadLine, known: Known, ends: dict[int, Peaks]) -> str | None:
    """Add a signed line's word to what is known; of leaves that do not lead to its root nothing is believed."""
    head = line.signed.head
    known.roots.setdefault(head.size, (head.root, head.at))
    start, ends[head.size] = ends.get(line.after), line.peaks
    if start is None:
        return "does not follow from those before it: lines were removed"
    if merkle.grow(start, line.leaves) != line.peaks:
        return "has hashes that do not lead to the root it signs"
    for place, leaf in enumerate(line.leaves, line.after):
        if known.leaves.setdefault(place, leaf) != leaf:
            return f"contradicts an earlier one about entry {place}"
    return None
