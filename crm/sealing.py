"""Sealed data: AES-256-GCM, under keys that are sealed themselves, each bound to what it is for.

A master key wraps each tenant's key, and that one the keys of the tenant's conversations and people. What is sealed
opens only for the same tenant, the same owner of the key and the same purpose; anything else is refused, never guessed.
"""

import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Scope = Literal["tenant", "thread", "person"]

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_NAME_BYTES = 8


class SealError(Exception):
    """Something sealed cannot be opened: damaged, moved from its place, or sealed with a key that is not at hand."""


@dataclass(frozen=True)
class DataKey:
    """Seals and opens for one owner. `owner` says whose key it is and goes into all that it seals."""

    secret: bytes = field(repr=False)
    owner: tuple[str, ...]

    def seal(self, plain: bytes, *purpose: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + AESGCM(self.secret).encrypt(nonce, plain, self._bind(purpose))

    def open(self, sealed: bytes, *purpose: str) -> bytes:
        """Raises: SealError unless this key sealed exactly these bytes for exactly this purpose."""
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _VERSION or len(nonce) < _NONCE_BYTES:
            raise SealError("not sealed in a form that is known here")
        try:
            return AESGCM(self.secret).decrypt(nonce, rest, self._bind(purpose))
        except InvalidTag:
            raise SealError("what was sealed is damaged or stands in a place that it was not sealed for") from None

    def mark(self, *words: str) -> str:
        """Stands for the words where they are looked for; only this key can make it."""
        return hmac.new(self.secret, b"mark" + self._bind(words), "sha256").hexdigest()

    def _bind(self, purpose: Sequence[str]) -> bytes:
        return json.dumps([self.owner, purpose], ensure_ascii=True, separators=(",", ":")).encode()


def new_secret() -> bytes:
    return os.urandom(KEY_BYTES)


class MasterKeys:
    """The operator's keys: the first wraps, all of them unwrap."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) < KEY_BYTES for secret in secrets):
            raise ValueError(f"sealing needs a master key of at least {KEY_BYTES} bytes")
        self._keys = {_derive(secret, b"name", _NAME_BYTES): _master(secret) for secret in secrets}
        self._newest = next(iter(self._keys))

    def wrap(self, secret: bytes, tenant: str) -> bytes:
        """A tenant's key as it may be stored; it begins with the name of the master key."""
        return self._newest + self._keys[self._newest].seal(secret, "tenant key", tenant)

    def unwrap(self, wrapped: bytes, tenant: str) -> bytes:
        """Raises: SealError."""
        master = self._keys.get(wrapped[:_NAME_BYTES])
        if master is None:
            raise SealError("the tenant's key is wrapped by a master key that is not configured")
        return master.open(wrapped[_NAME_BYTES:], "tenant key", tenant)

    def is_newest(self, wrapped: bytes) -> bool:
        """Whether the key that wraps today has wrapped this."""
        return wrapped[:_NAME_BYTES] == self._newest


def _master(secret: bytes) -> DataKey:
    return DataKey(_derive(secret, b"key", KEY_BYTES), ("master",))


def _derive(secret: bytes, use: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"countersign master " + use).derive(secret)
