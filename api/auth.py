"""From a bearer token to a principal. The only module that makes a tenant out of what came in."""

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from jwt import PyJWK

from api.provider_config import ProviderConfig
from crm.database import Database
from crm.ids import TenantId, normalise_id
from crm.repositories.access import UnknownCallerError, find_contact_by_email, find_user_by_username
from crm.repositories.people import is_service
from trust import api_keys
from trust.credentials import Credential, is_key, read_credential
from trust.principal import Principal, load_principal
from trust.scopes import ALL_SCOPES

LIFETIME_S = 12 * 3600
LEEWAY_S = 10
_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"}
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")

_log = logging.getLogger(__name__)


class AuthError(Exception):
    """The caller is not who they need to be. The message never says which part of a token was wrong beyond its kind."""


class KeySetError(Exception):
    """The file with the token keys cannot be read. Until it can be, nobody is let in: who was removed is not known."""


def tenant_of(credential: Credential) -> TenantId:
    """The tenant whose rows a credential is looked for in. It is the caller's once its secret was found there."""
    return TenantId(credential.tenant)


def provider_tenant(provider: ProviderConfig) -> TenantId:
    """The tenant that the operator has an identity provider vouch for: its signed ID tokens are of no other."""
    return TenantId(provider.tenant)


@dataclass
class KeySet:
    """Keys by id, read again when their file changes: a key is rotated by adding the new and later removing the old."""

    path: Path
    _read_at: tuple[int, int, int] = (0, 0, 0)
    _keys: dict[str, PyJWK] = field(default_factory=dict)

    def find(self, key_id: str) -> PyJWK | None:
        """Raises: KeySetError."""
        self.refresh()
        return self._keys.get(key_id)

    def refresh(self) -> None:
        """Read the file if it is another one than last time. Raises: KeySetError."""
        try:
            stat = self.path.stat()
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if mark == self._read_at:
                return
            self._keys = _read_keys(json.loads(self.path.read_text()))
        except (OSError, ValueError, RecursionError) as error:
            _log.error("token keys in %s cannot be read: %s", self.path, type(error).__name__)
            raise KeySetError("the token keys cannot be read") from error
        self._read_at = mark

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


def _read_keys(document: Any) -> dict[str, PyJWK]:
    """The keys that tokens may be signed with. Others are passed over with a warning, as RFC 7517 section 5 has it.

    Raises: ValueError if this is no key set at all.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("expected an object with keys")
    found: dict[str, PyJWK] = {}
    for place, entry in enumerate(document["keys"]):
        key = _read_key(entry)
        if isinstance(key, PyJWK):
            found[str(key.key_id)] = key
        else:
            _log.warning("token key %d is not used: %s", place, key)
    return found


def _read_key(entry: Any) -> PyJWK | str:
    """The key, or why it is not one. The reason never quotes the entry: it may be a secret."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return "it has no key id"
    if entry.get("use", "sig") != "sig":
        return "it is not for signatures"
    if "d" in entry:
        return "it is a private key; only its public half belongs here"
    try:
        key = PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError):
        return "it is of an unknown kind or broken"
    if key.algorithm_name not in _ALGORITHMS:
        return "its algorithm is not accepted"
    if key.Algorithm.check_key_length(key.key) is not None:
        return "it is too short for its algorithm"
    return key


@dataclass(frozen=True)
class Authenticator:
    """Checks tokens: signature, issuer, audience, time, subject; then looks up what the subject may do today."""

    database: Database
    keys: KeySet
    issuer: str
    audience: str
    clock: Callable[[], datetime]

    async def authenticate(self, token: str) -> Principal:
        """Raises: AuthError, KeySetError."""
        if is_key(token):
            return await self._authenticate_key(token)
        claims = self._verify(token)
        subject = normalise_id(str(claims["sub"]))
        tenant = claims.get("tenant")
        if subject is None or not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
            raise AuthError("the token names no caller")
        given = claims.get("scope")
        scopes = frozenset(given.split() if isinstance(given, str) else ()) & ALL_SCOPES
        async with self.database.session(TenantId(tenant)) as session:
            try:
                return await load_principal(session, subject, scopes, at=self.clock())
            except UnknownCallerError:
                raise AuthError("the token's subject is no active member of the tenant") from None

    async def _authenticate_key(self, text: str) -> Principal:
        """Whom a key acts as, with the rights they have now, within the key's scopes. Raises: AuthError."""
        credential = read_credential(text, "key")
        if credential is None:
            raise AuthError("the key is not valid")
        now = self.clock()
        async with self.database.session(tenant_of(credential)) as session:
            row = await api_keys.find(session, credential, at=now)
            if row is None:
                raise AuthError("the key is not valid")
            try:
                principal = await load_principal(session, row.member_id, api_keys.scopes_of(row), at=now)
            except UnknownCallerError:
                raise AuthError("the key acts as nobody who is active") from None
        if api_keys.is_to_touch(row, at=now):
            async with self.database.session(principal.tenant, write=True) as session:
                await api_keys.touch(session, row, at=now)
        return principal

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self.keys.find(str(header.get("kid", "")))
            if key is None:
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
        """A token for a person as `find_for_development` finds them. Raises: AuthError."""
        principal = await self.find_for_development(username, tenant)
        return self.issue(principal.tenant, principal.id, ALL_SCOPES), principal

    async def find_for_development(self, username: str, tenant: str | None) -> Principal:
        """A seeded person by user name, or a contact by e-mail address. Raises: AuthError."""
        for name in await self.database.tenants():
            if tenant is not None and name != tenant:
                continue
            async with self.database.session(TenantId(name)) as session:
                user = await find_user_by_username(session, username)
                contact = None if user else await find_contact_by_email(session, username)
                member = user or contact
                if member is None or (user is not None and is_service(user)):
                    continue
                return await load_principal(session, member.Id, ALL_SCOPES, at=self.clock())
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
