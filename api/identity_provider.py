"""Talking to an identity provider: where it is reached, which keys it signs with, and what an ID token of its says."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from api.auth import AuthError
from api.provider_config import ProviderConfig, is_trustworthy

LEEWAY_S = 60
"""How far the provider's clock may be off."""
_TIMEOUT_S = 10
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Nothing symmetric: who knows a client's secret must not be able to make tokens with it. And not `none`."""
_METADATA_FOR = timedelta(hours=1)
_KEYS_AGAIN_AFTER = timedelta(seconds=30)
"""Tokens with unknown keys make us ask for keys, and no oftener than this."""
_LARGEST = 256 * 1024


class ProviderDownError(Exception):
    """The provider cannot be reached, or what it says about itself cannot be used."""


@dataclass
class IdentityProvider:
    """One provider of one tenant."""

    config: ProviderConfig
    clock: Callable[[], datetime]
    is_development: bool
    _metadata: dict[str, Any] = field(default_factory=dict)
    _metadata_at: datetime | None = None
    _keys: KeySet | None = None
    _keys_at: datetime | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where a browser goes to sign in. Raises: ProviderDownError."""
        metadata = await self.metadata()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    async def claims_for(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> Mapping[str, Any]:
        """The checked claims of the ID token that a code stands for. Raises: AuthError, ProviderDownError."""
        metadata = await self.metadata()
        try:
            async with self._client(redirect_uri) as client:
                answer = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=redirect_uri,
                )
        except OAuthError:
            raise AuthError("the identity provider does not accept the sign-in; begin again") from None
        except (httpx2.HTTPError, ValueError) as error:
            raise ProviderDownError("the identity provider cannot be reached") from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise AuthError("the identity provider sent no ID token")
        return await self._check(token, nonce)

    async def metadata(self) -> dict[str, Any]:
        """What the provider says about itself, not older than an hour. Raises: ProviderDownError."""
        async with self._turn:
            now = self.clock()
            if self._metadata_at is None or now - self._metadata_at >= _METADATA_FOR:
                issuer = self.config.issuer
                found = await self._get(f"{issuer.removesuffix('/')}/.well-known/openid-configuration")
                if found.get("issuer") != issuer:
                    raise ProviderDownError("the identity provider says that it is another one")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    url = found.get(name)
                    if not isinstance(url, str) or not is_trustworthy(url, is_development=self.is_development):
                        raise ProviderDownError(f"the identity provider's {name} cannot be used")
                self._metadata, self._metadata_at = found, now
            return self._metadata

    def names_issuer(self) -> bool:
        """Whether the provider promises to name itself in its answers; asked after `metadata`."""
        return self._metadata.get("authorization_response_iss_parameter_supported") is True

    async def _check(self, token: str, nonce: str) -> Mapping[str, Any]:
        """Signature, issuer, audience, time and nonce. Raises: AuthError, ProviderDownError."""
        try:
            try:
                decoded = jwt.decode(token, await self._key_set(), algorithms=_ALGORITHMS)
            except InvalidKeyIdError:  # it may have begun to sign with a new key
                decoded = jwt.decode(token, await self._key_set(is_new_wanted=True), algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.config.issuer},
                    "aud": {"essential": True, "value": self.config.client_id},
                },
                {"nonce": nonce, "client_id": self.config.client_id},
            )
            claims.validate(now=int(self.clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError):
            raise AuthError("the identity provider's ID token is not valid") from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.config.client_id:
            raise AuthError("the identity provider's ID token is not valid")
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise AuthError("the identity provider's ID token is not valid")
        return dict(claims)

    async def _key_set(self, *, is_new_wanted: bool = False) -> KeySet:
        """Raises: ProviderDownError."""
        url = (await self.metadata())["jwks_uri"]
        async with self._turn:
            now = self.clock()
            is_old = self._keys_at is None or (is_new_wanted and now - self._keys_at >= _KEYS_AGAIN_AFTER)
            if self._keys is None or is_old:
                self._keys, self._keys_at = _read_keys(await self._get(url)), now
            return self._keys

    async def _get(self, url: str) -> dict[str, Any]:
        """Raises: ProviderDownError."""
        try:
            async with (
                httpx2.AsyncClient(
                    verify=_tls(), timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False
                ) as client,
                client.stream("GET", url, headers={"Accept": "application/json"}) as response,
            ):
                body = b""
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > _LARGEST:
                        raise ProviderDownError("the identity provider says too much")
                if response.status_code != httpx2.codes.OK:
                    raise ProviderDownError(f"the identity provider answers with {response.status_code}")
            found = httpx2.Response(200, content=body).json()
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            raise ProviderDownError("the identity provider cannot be reached") from error
        if not isinstance(found, dict):
            raise ProviderDownError("the identity provider says nothing that can be used")
        return found

    def _client(self, redirect_uri: str) -> AsyncOAuth2Client:
        secret = self.config.secret()
        return AsyncOAuth2Client(
            self.config.client_id,
            secret,
            token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
            scope=" ".join(self.config.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            verify=_tls(),
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
        )


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the certificates takes longer than a sign-in."""
    return ssl.create_default_context()


def _read_keys(document: dict[str, Any]) -> KeySet:
    """The keys that ID tokens may be signed with; others are passed over. Raises: ProviderDownError."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ProviderDownError("the identity provider's keys cannot be used")
    keys = []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("use", "sig") == "sig" and entry.get("kty") in ("RSA", "EC", "OKP"):
            try:
                keys += KeySet.import_key_set({"keys": [{name: entry[name] for name in entry if name != "d"}]}).keys
            except (JoseError, ValueError, TypeError):
                continue
    return KeySet(keys)
