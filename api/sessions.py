"""Sessions of browsers: from a cookie to a principal, and what a request with a cookie must show besides.

A browser sends a cookie along with whatever any page makes it ask. So a cookie counts only for requests of the
service's own pages: not for those that the browser says come from elsewhere, and, where something could change, only
with the session's own token in a header, which no other page can read or send.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Request, Response

from api.auth import AuthError, tenant_of
from api.errors import CrossSiteError
from api.settings import Settings
from crm.database import Database, TenantSession
from crm.repositories.access import UnknownCallerError
from crm.sign_in import SignInSession
from trust import sessions
from trust.credentials import Credential, read_credential
from trust.principal import Principal, load_principal
from trust.scopes import ALL_SCOPES
from trust.sessions import Lifetimes

COOKIE = "__Host-countersign"
"""A browser takes it only over TLS, for this host and the whole of it, and never from another host of the domain."""
DEMO_COOKIE = "countersign-demo"
"""For development on the machine itself, without TLS. No other mode reads it."""
CSRF_HEADER = "x-csrf-token"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class SignedIn:
    """A principal who came by a session."""

    principal: Principal
    session: SignInSession
    csrf: str
    """What this session's unsafe requests carry in `x-csrf-token`."""


@dataclass(frozen=True)
class Sessions:
    """Begins sessions and knows them again."""

    database: Database
    lifetimes: Lifetimes
    clock: Callable[[], datetime]
    is_demo: bool
    """Development on a loopback address: the cookie does without TLS."""
    origin: str | None
    """Of the pages behind a proxy that changes the Host header."""

    @classmethod
    def configured(cls, settings: Settings, database: Database, clock: Callable[[], datetime]) -> "Sessions":
        is_demo = settings.mode == "development" and settings.is_on_loopback()
        return cls(database, settings.session_lifetimes(), clock, is_demo, _origin_of(settings.public_url))

    @property
    def cookie(self) -> str:
        return DEMO_COOKIE if self.is_demo else COOKIE

    async def begin(self, principal: Principal, request: Request, response: Response, *, provider: str) -> SignedIn:
        """Sign a browser in under a new secret. The session it came with, if any, ends: nobody can have planted it."""
        now = self.clock()
        former = self._credential(request)
        browser = request.headers.get("user-agent", "")
        async with self.database.session(principal.tenant, write=True) as session:
            if former is not None and former.tenant == principal.tenant:
                await self._end_former(session, former, now)
            credential, row = await sessions.begin(
                session, principal.id, provider=provider, browser=browser, at=now, lifetimes=self.lifetimes
            )
        if former is not None and former.tenant != principal.tenant:
            async with self.database.session(tenant_of(former), write=True) as session:
                await self._end_former(session, former, now)
        response.set_cookie(
            self.cookie,
            str(credential),
            max_age=round(self.lifetimes.longest.total_seconds()),
            path="/",
            secure=not self.is_demo,
            httponly=True,
            samesite="lax",
        )
        return SignedIn(principal, row, credential.derive("csrf"))

    async def authenticate(self, request: Request) -> SignedIn | None:
        """Who the request's cookie stands for; None if it has none.

        Raises: AuthError, CrossSiteError.
        """
        if self.cookie not in request.cookies:
            return None
        credential = self._credential(request)
        if credential is None:
            raise AuthError("the session is not valid; sign in again")
        self.require_own_page(request)
        if request.method not in _SAFE:
            shown = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(shown.encode(), credential.derive("csrf").encode()):
                raise CrossSiteError(f"send the session's token in {CSRF_HEADER}; GET /auth/me tells it")
        now = self.clock()
        async with self.database.session(tenant_of(credential)) as session:
            row = await sessions.find(session, credential, at=now, lifetimes=self.lifetimes)
            if row is None:
                raise AuthError("the session has ended; sign in again")
            try:
                principal = await load_principal(session, row.member_id, ALL_SCOPES, at=now)
            except UnknownCallerError:
                raise AuthError("the session's person is no active member of the tenant") from None
        if sessions.is_to_touch(row, at=now):
            async with self.database.session(principal.tenant, write=True) as session:
                await sessions.touch(session, row, at=now)
        return SignedIn(principal, row, credential.derive("csrf"))

    def require_own_page(self, request: Request) -> None:
        """Whether the browser says that one of our pages asks, or, where nothing changes, that a person typed it.

        Raises: CrossSiteError.
        """
        site = request.headers.get("sec-fetch-site")
        allowed = {None, "same-origin", "none"} if request.method in _SAFE else {None, "same-origin"}
        if site not in allowed:
            raise CrossSiteError("a page of another site has no part in a session")
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._own_origins(request):
            raise CrossSiteError("a page of another origin has no part in a session")

    def forget(self, response: Response) -> None:
        """Have the browser drop its cookie."""
        response.delete_cookie(self.cookie, path="/", secure=not self.is_demo, httponly=True, samesite="lax")

    def _credential(self, request: Request) -> Credential | None:
        return read_credential(request.cookies.get(self.cookie, ""), "session")

    def _own_origins(self, request: Request) -> set[str]:
        """A browser names the host that it asks in the Host header, which no page can change."""
        host = request.headers.get("host", "")
        schemes = ("http", "https") if self.is_demo else ("https",)
        own = {f"{scheme}://{host}" for scheme in schemes}
        return own if self.origin is None else own | {self.origin}

    async def _end_former(self, session: TenantSession, former: Credential, now: datetime) -> None:
        row = await sessions.find(session, former, at=now, lifetimes=self.lifetimes)
        if row is not None:
            await sessions.end(session, row.member_id, row.session_id, by=row.member_id, at=now)


def _origin_of(url: str) -> str | None:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else None
