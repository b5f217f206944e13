"""From a bearer token to a principal. The only module that makes a tenant out of what came in."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from jwt import PyJWK

from crm.database import Database
from crm.ids import TenantId, normalise_id
from crm.repositories.access import UnknownCallerError, find_contact_by_email, find_user_by_username
from trust.principal import Principal, load_principal
from trust.scopes import ALL_SCOPES

LIFETIME_S = 12 * 3600
LEEWAY_S = 10
_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"}


class AuthError(Exception):
    """The caller is not who they need to be. The message never says which part of a token was wrong beyond its kind."""


@dataclass
class KeySet:
    """Keys by id, read again when their file changes: a key is rotated by adding the new and later removing the old."""

    path: Path
    _read_at: tuple[int, int] = (0, 0)
    _keys: dict[str, PyJWK] = field(default_factory=dict)

    def find(self, key_id: str) -> PyJWK | None:
        stat = self.path.stat()
        if (stat.st_mtime_ns, stat.st_size) != self._read_at:
            self._keys = {
                str(key["kid"]): PyJWK(key) for key in json.loads(self.path.read_text())["keys"] if key.get("kid")
            }
            self._read_at = (stat.st_mtime_ns, stat.st_size)
        return self._keys.get(key_id)

    def count(self) -> int:
        """How many keys were read."""
        return len(self._keys)

    def newest_secret(self) -> PyJWK:
        """The last symmetric key of the set; only the development login signs anything."""
        self.find("")
        found = [key for key in self._keys.values() if key.key_type == "oct"]
        if not found:
            raise AuthError("the key set has no key to sign with")
        return found[-1]


@dataclass(frozen=True)
class Authenticator:
    """Checks tokens: signature, issuer, audience, time, subject; then looks up what the subject may do today."""

    database: Database
    keys: KeySet
    issuer: str
    audience: str

    async def authenticate(self, token: str) -> Principal:
        """Raises: AuthError."""
        claims = self._verify(token)
        subject = normalise_id(str(claims["sub"]))
        tenant = claims.get("tenant")
        if subject is None or not isinstance(tenant, str) or not tenant or len(tenant) > 40:
            raise AuthError("the token names no caller")
        scopes = frozenset(str(claims.get("scope", "")).split()) & ALL_SCOPES
        async with self.database.session(TenantId(tenant)) as session:
            try:
                return await load_principal(session, subject, scopes)
            except UnknownCallerError:
                raise AuthError("the token's subject is no active member of the tenant") from None

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self.keys.find(str(header.get("kid", "")))
            if key is None or key.algorithm_name not in _ALGORITHMS:
                raise AuthError("the token is signed with an unknown key")
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self.issuer,
                audience=self.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise AuthError("the token has expired") from None
        except jwt.PyJWTError:
            raise AuthError("the token is not valid") from None

    async def login_for_development(self, username: str, tenant: str | None) -> tuple[str, Principal]:
        """A token for a seeded person by user name, or for a contact by e-mail address. Raises: AuthError."""
        for name in await self.database.tenants():
            if tenant is not None and name != tenant:
                continue
            async with self.database.session(TenantId(name)) as session:
                user = await find_user_by_username(session, username)
                contact = None if user else await find_contact_by_email(session, username)
                member = user or contact
                if member is None:
                    continue
                principal = await load_principal(session, member.Id, ALL_SCOPES)
            return self.issue(principal.tenant, principal.id, ALL_SCOPES), principal
        raise AuthError("there is no such person in the seeded tenants")

    def issue(self, tenant: TenantId, subject: str, scopes: frozenset[str], *, lifetime_s: int = LIFETIME_S) -> str:
        """Sign a token with the development key."""
        key = self.keys.newest_secret()
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "tenant": tenant,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + lifetime_s,
        }
        return jwt.encode(claims, key.key, algorithm="HS256", headers={"kid": key.key_id})
