"""A token issuer for tests: keys of every kind, a key set on disk, and tokens with whatever claims a case wants."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trust.scopes import ALL_SCOPES

Json = Any


@cache
def private_key(kid: str, algorithm: str) -> Any:
    """The same key for the same name throughout a test run: RSA keys take a while to make."""
    if algorithm == "HS256":
        return secrets.token_bytes(48)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("ES"):
        return ec.generate_private_key({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[algorithm])
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(kid: str, algorithm: str) -> dict[str, Json]:
    key = private_key(kid, algorithm)
    shown = key if algorithm == "HS256" else key.public_key()
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(shown, as_dict=True)
    return {**made, "kid": kid, "alg": algorithm, "use": "sig"}


def private_jwk(kid: str, algorithm: str) -> dict[str, Json]:
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(private_key(kid, algorithm), as_dict=True)
    return {**made, "kid": kid, "alg": algorithm, "use": "sig"}


def public_pem(kid: str, algorithm: str) -> bytes:
    pem: bytes = private_key(kid, algorithm).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@dataclass
class Issuer:
    """Writes the key set that a service reads, and signs. `keys` is what stands in the file, by key id."""

    path: Path
    keys: dict[str, dict[str, Json]] = field(default_factory=dict)

    def add(self, kid: str, algorithm: str = "ES256", **more: Json) -> None:
        self.keys[kid] = {**public_jwk(kid, algorithm), **more}
        self.write()

    def remove(self, kid: str) -> None:
        del self.keys[kid]
        self.write()

    def write(self) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({"keys": list(self.keys.values())}))
        os.replace(draft, self.path)

    def sign(self, subject: str, *, kid: str = "main", algorithm: str = "ES256", **claims: Json) -> str:
        """A good token unless `claims` say otherwise; None leaves a claim out."""
        now = int(time.time())
        usual: dict[str, Json] = {
            "iss": "countersign",
            "aud": "countersign",
            "sub": subject,
            "tenant": "northwind",
            "scope": " ".join(sorted(ALL_SCOPES)),
            "iat": now,
            "exp": now + 600,
        }
        given = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(given, private_key(kid, algorithm), algorithm=algorithm, headers={"kid": kid})


def forge(header: Json, claims: Json, *, secret: bytes | None = None) -> str:
    """A token put together by hand: unsigned, or with an HMAC over it by `secret`."""
    signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
    signature = b"" if secret is None else hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_part(signature)}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
