"""Which identity providers vouch for the people of which tenant: a file of the operator's, read at the start."""

import ipaddress
import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError


class ProvidersError(Exception):
    """The file of identity providers cannot be used; the message says what to change in it."""


class ProviderConfig(BaseModel):
    """One provider, for one tenant: whoever comes through it is of that tenant or nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """In addresses and in the audit."""
    label: Annotated[str, Field(min_length=1, max_length=80)]
    """On the page where people choose."""
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]
    issuer: Annotated[str, Field(max_length=255)]
    """Exactly as the provider says it, to the last slash."""
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    """In its place. With neither, the client is a public one, and PKCE alone protects the code."""
    scopes: list[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]] = ["openid", "email", "profile"]
    groups_claim: str | None = None
    """Claim with the names of the person's groups. None: the provider has no say in what people may do."""
    match: Literal["email", "subject"] = "email"
    """How a person is found at their first sign-in: by their verified address, or not at all."""

    def secret(self) -> str | None:
        """Raises: ProvidersError."""
        if self.client_secret_file is None:
            return None if self.client_secret is None else self.client_secret.get_secret_value()
        try:
            return self.client_secret_file.read_text().strip()
        except OSError as error:
            raise ProvidersError(f"{self.id}: client_secret_file: {error.strerror}") from None


def read_providers(path: Path, *, is_development: bool) -> dict[str, ProviderConfig]:
    """By id. Raises: ProvidersError."""
    try:
        found = TypeAdapter(list[ProviderConfig]).validate_python(json.loads(path.read_text()))
    except OSError as error:
        raise ProvidersError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ProvidersError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError:
        raise ProvidersError(f"{path}: expected JSON, a list of providers") from None
    _check(path, found, is_development=is_development)
    return {one.id: one for one in found}


def _check(path: Path, found: Collection[ProviderConfig], *, is_development: bool) -> None:
    ids = [one.id for one in found]
    if len(set(ids)) < len(ids):
        raise ProvidersError(f"{path}: each provider needs an id of its own")
    for one in found:
        if not is_trustworthy(one.issuer, is_development=is_development):
            raise ProvidersError(f"{path}: {one.id}: issuer: expected an https address")
        if "openid" not in one.scopes:
            raise ProvidersError(f"{path}: {one.id}: scopes: expected 'openid' among them")
        one.secret()


def is_trustworthy(url: str, *, is_development: bool) -> bool:
    """Whether what is said there cannot be changed on the way: TLS, or in development this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname) and not parts.username and not parts.fragment
    if not is_development or parts.scheme != "http" or parts.username or parts.fragment:
        return False
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
