"""An identity provider for tests: real HTTP on this machine, real signatures, PKCE and client secret checked.

It plays the honest provider, and with `claims`, `signs_with`, `answers` and the like the dishonest one.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse

from tests.api.issuer import private_key, public_jwk

Json = Any
CLIENT, SECRET = "countersign-tests", "a secret of the client's"


@dataclass
class Provider:
    """What it says and signs; tests change it as they like."""

    issuer: str = ""
    kid: str = "idp-1"
    published: list[str] = field(default_factory=lambda: ["idp-1"])
    subject: str = "sub-dana"
    claims: dict[str, Json] = field(default_factory=dict)
    """Over the honest ones; None leaves a claim out."""
    algorithm: str = "ES256"
    metadata: dict[str, Json] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    """Over what the browser brings back."""
    make_token: Any = None
    """From the claims to a token, in place of an honest signature."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key_requests: int = 0

    def reset(self) -> None:
        fresh = Provider(issuer=self.issuer)
        self.__dict__.update(fresh.__dict__)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def describe() -> Json:
            honest = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "authorization_response_iss_parameter_supported": True,
            }
            return {**honest, **self.metadata}

        @app.get("/keys")
        def keys() -> Json:
            self.key_requests += 1
            return {"keys": [public_jwk(kid, "ES256") for kid in self.published]}

        @app.get("/authorize")
        def authorize(request: Request) -> RedirectResponse:
            asked = dict(request.query_params)
            assert asked["client_id"] == CLIENT
            assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
            assert "openid" in asked["scope"].split()
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            answer = {"code": code, "state": asked["state"], "iss": self.issuer, **self.answer}
            return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)

        @app.post("/token")
        async def token(request: Request) -> JSONResponse:
            form = dict(pair.split("=", 1) for pair in (await request.body()).decode().split("&"))
            basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            asked = self.codes.pop(form.get("code", ""), None)
            if asked is None or request.headers.get("authorization") != f"Basic {basic}":
                return JSONResponse({"error": "invalid_grant"}, 400)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = int(time.time())
            honest = {
                "iss": self.issuer,
                "aud": CLIENT,
                "sub": self.subject,
                "nonce": asked["nonce"],
                "iat": now,
                "exp": now + 300,
                "email": "dana@northwind.example",
                "email_verified": True,
            }
            claims = {name: value for name, value in {**honest, **self.claims}.items() if value is not None}
            signed = self.sign(claims) if self.make_token is None else self.make_token(claims)
            return JSONResponse({"access_token": "unused", "token_type": "Bearer", "id_token": signed})

        return app

    def sign(self, claims: Json) -> str:
        return jwt.encode(
            claims, private_key(self.kid, self.algorithm), algorithm=self.algorithm, headers={"kid": self.kid}
        )
