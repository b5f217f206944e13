"""Signing in with an identity provider: the way there and back, in the browser that began it and in no other.

What is to be remembered on the way is sealed into a cookie of the browser for ten minutes: state, nonce, PKCE verifier
and where to go afterwards. So any process can take the answer, nothing is stored for people who only look at the page,
and an answer that somebody else obtained fits no other browser.
"""

import base64
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request
from fastapi.responses import RedirectResponse

from api.auth import AuthError, provider_tenant
from api.errors import InputError, ProviderNotFoundError
from api.identity_provider import IdentityProvider
from api.provider_config import read_providers
from api.sessions import Sessions
from api.settings import Settings
from crm.database import Database
from crm.repositories.access import UnknownCallerError
from trust import directory
from trust.directory import UnmappedError
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES

ON_THE_WAY_S = 600
_GROUPS = 1_000
_RETURN = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}", re.ASCII)
"""A place of this service: no second slash or backslash at the start, which browsers read as another host."""


@dataclass(frozen=True)
class Oidc:
    """The identity providers, and how one comes back from them."""

    providers: Mapping[str, IdentityProvider]
    database: Database
    sessions: Sessions
    clock: Callable[[], datetime]
    seal: Fernet
    public_url: str

    @classmethod
    def configured(
        cls, settings: Settings, database: Database, sessions: Sessions, clock: Callable[[], datetime]
    ) -> Self:
        """Raises: ProvidersError."""
        is_development = settings.mode == "development"
        path = settings.sign_in_providers
        found = {} if path is None else read_providers(path, is_development=is_development)
        providers = {name: IdentityProvider(one, clock, is_development) for name, one in found.items()}
        key = hmac.new(settings.cursor_key(), b"countersign sign-in", "sha256").digest()
        seal = Fernet(base64.urlsafe_b64encode(key))
        return cls(providers, database, sessions, clock, seal, settings.public_url.removesuffix("/"))

    @property
    def cookie(self) -> str:
        return f"{self.sessions.cookie}-sign-in"

    async def begin(self, provider_id: str, return_to: str, request: Request) -> RedirectResponse:
        """Send the browser to the provider. Raises: ProviderNotFoundError, InputError, ProviderDownError."""
        provider = self._find(provider_id)
        if not _RETURN.fullmatch(return_to):
            raise InputError("return_to", "expected a path of this service, such as /console/")
        remembered = {
            "provider": provider_id,
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "return_to": return_to,
        }
        url = await provider.authorization_url(
            redirect_uri=self._redirect_uri(provider_id, request),
            state=remembered["state"],
            nonce=remembered["nonce"],
            verifier=remembered["verifier"],
        )
        response = RedirectResponse(url, 303)
        sealed = self.seal.encrypt_at_time(json.dumps(remembered).encode(), self._now()).decode()
        response.set_cookie(self.cookie, sealed, max_age=ON_THE_WAY_S, **self._attributes)
        return response

    async def finish(self, provider_id: str, answer: Mapping[str, str], request: Request) -> RedirectResponse:
        """Take the provider's answer and sign the browser in.

        Raises: ProviderNotFoundError, AuthError, UnmappedError, ProviderDownError.
        """
        provider = self._find(provider_id)
        remembered = self._remembered(request)
        if remembered is None or remembered["provider"] != provider_id:
            raise AuthError("this browser did not begin to sign in, or too long ago; begin again")
        if not hmac.compare_digest(remembered["state"].encode(), answer.get("state", "").encode()):
            raise AuthError("the answer belongs to another sign-in; begin again")
        await provider.metadata()
        issuer = answer.get("iss")
        if issuer != provider.config.issuer and (issuer is not None or provider.names_issuer()):
            raise AuthError("the answer comes from another identity provider; begin again")
        if "error" in answer or not answer.get("code"):
            raise AuthError("the identity provider did not sign you in")
        claims = await provider.claims_for(
            answer["code"],
            redirect_uri=self._redirect_uri(provider_id, request),
            nonce=remembered["nonce"],
            verifier=remembered["verifier"],
        )
        response = RedirectResponse(remembered["return_to"], 303)
        await self._sign_in(provider, claims, request, response)
        response.delete_cookie(self.cookie, **self._attributes)
        return response

    async def _sign_in(
        self, provider: IdentityProvider, claims: Mapping[str, Any], request: Request, response: RedirectResponse
    ) -> None:
        """Raises: AuthError, UnmappedError."""
        config, now = provider.config, self.clock()
        tenant = provider_tenant(config)
        if tenant not in await self.database.tenants():
            raise UnmappedError("there is no such organisation here")
        address = verified_address(claims) if config.match == "email" else None
        async with self.database.session(tenant, write=True) as session:
            user_id = await directory.identify(session, config.issuer, claims["sub"], verified_address=address, at=now)
            if config.groups_claim is not None:
                groups = groups_of(claims.get(config.groups_claim))
                sets = await directory.apply_groups(session, user_id, groups, by=user_id, at=now)
                has_rights = bool(sets)
            else:
                has_rights = True
        if not has_rights:
            raise UnmappedError("none of your groups may do anything here")
        async with self.database.session(tenant) as session:
            try:
                principal = await load_principal(session, user_id, ALL_SCOPES, at=now)
            except UnknownCallerError:
                raise UnmappedError("the person is not active here") from None
        await self.sessions.begin(principal, request, response, provider=config.id)

    def _find(self, provider_id: str) -> IdentityProvider:
        found = self.providers.get(provider_id)
        if found is None:
            raise ProviderNotFoundError("there is no such identity provider")
        return found

    def _remembered(self, request: Request) -> dict[str, str] | None:
        sealed = request.cookies.get(self.cookie, "")
        try:
            plain = self.seal.decrypt_at_time(sealed, ON_THE_WAY_S, self._now())
        except InvalidToken:
            return None
        found: dict[str, str] = json.loads(plain)
        return found

    def _redirect_uri(self, provider_id: str, request: Request) -> str:
        """Where the provider sends the browser back to. Production has its address from the settings only."""
        base = self.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return f"{base}/auth/oidc/{provider_id}/callback"

    def _now(self) -> int:
        return int(self.clock().timestamp())

    @property
    def _attributes(self) -> dict[str, Any]:
        return {"path": "/", "secure": not self.sessions.is_demo, "httponly": True, "samesite": "lax"}


def verified_address(claims: Mapping[str, Any]) -> str | None:
    """The e-mail address, if the provider says, in so many words, that it has verified it."""
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str) or not 3 <= len(address) <= 254:
        return None
    return address


def groups_of(claim: object) -> list[str]:
    """The names in a claim about groups; none if it is anything but a list of names."""
    if not isinstance(claim, list) or len(claim) > _GROUPS:
        return []
    return [one for one in claim if isinstance(one, str)]
