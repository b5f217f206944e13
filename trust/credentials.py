"""Secrets that people's browsers and programs show: random, handed out once, kept as a hash.

A credential names its tenant so that the row behind it can be looked for in that tenant and nowhere else. The name
alone opens nothing: without the secret of a row of that tenant, there is nobody.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Literal

Kind = Literal["session", "key"]

_MARKS: dict[Kind, str] = {"session": "css", "key": "csk"}
_SHAPE = re.compile(r"(css|csk)_([A-Za-z0-9][A-Za-z0-9_.-]{0,39})_([A-Za-z0-9-]{43})", re.ASCII)
_SHOWN = 6
"""How many characters of a secret its prefix shows; the other 37 are secret enough."""


@dataclass(frozen=True)
class Credential:
    """A credential in parts. `tenant` is what it claims."""

    kind: Kind
    tenant: str
    secret: str

    @property
    def hash(self) -> bytes:
        """What is kept of it. The secret is random and long, so a plain hash gives nothing away."""
        return hashlib.sha256(str(self).encode()).digest()

    @property
    def prefix(self) -> str:
        return f"{_MARKS[self.kind]}_{self.tenant}_{self.secret[:_SHOWN]}"

    def __str__(self) -> str:
        return f"{_MARKS[self.kind]}_{self.tenant}_{self.secret}"

    def __repr__(self) -> str:
        return f"Credential({self.prefix}...)"

    def derive(self, purpose: str) -> str:
        """A value that only who has the credential can know, and that does not give it away."""
        return hmac.new(self.secret.encode(), f"countersign {purpose}".encode(), "sha256").hexdigest()


def make_credential(kind: Kind, tenant: str) -> Credential:
    return Credential(kind, tenant, secrets.token_urlsafe(32).replace("_", "-"))


def read_credential(text: str, kind: Kind) -> Credential | None:
    """None if it is not one of this kind."""
    found = _SHAPE.fullmatch(text)
    if found is None or found[1] != _MARKS[kind]:
        return None
    return Credential(kind, found[2], found[3])


def is_key(text: str) -> bool:
    """Whether it means to be a key; what else programs send are tokens of an issuer."""
    return text.startswith(f"{_MARKS['key']}_")
