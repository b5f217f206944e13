"""What an operator sets, from `COUNTERSIGN_*` variables of the environment; read here and nowhere else."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from crm.database import DatabaseConfig


class Settings(BaseSettings):
    """Everything has a default that works on one machine, except what production must decide by itself."""

    model_config = SettingsConfigDict(env_prefix="COUNTERSIGN_", env_file=None, extra="forbid")

    mode: Literal["production", "development"] = "production"
    data_dir: Path = Path(".countersign")
    """Where the embedded default keeps its database and keys."""
    database_url: str | None = None
    """None: SQLite in `data_dir`. PostgreSQL: `postgresql+psycopg://role@host/name` with the service's own role."""
    database_owner_url: SecretStr | None = None
    """PostgreSQL: the owner of the tables; needed by `countersign migrate` only."""
    context_key: SecretStr | None = None
    """PostgreSQL: signs the tenant context; at least 32 characters."""
    pool_size: int = Field(default=10, ge=1, le=200)
    secret_key: SecretStr | None = None
    """Signs page cursors; at least 32 characters. Development makes one and keeps it in `data_dir`."""
    token_keys: Path | None = None
    """JSON Web Key Set with the keys of the token issuer; read again when the file changes, so keys can be rotated."""
    token_issuer: str = "countersign"  # noqa: S105 - a name, not a secret
    token_audience: str = "countersign"  # noqa: S105
    dev_login: bool = False
    """Let anybody log in as any seeded person. Refused outside development."""
    model: str = "offline"
    model_base_url: str | None = None
    model_api_key: SecretStr | None = None
    fallback_model: str | None = None
    model_timeout_s: float = Field(default=120, gt=0)
    cors_origins: list[str] = []
    link_hosts: dict[str, list[str]] = {}
    """Hosts that links in answers may lead to, by tenant; under `*` for all tenants. None are allowed unless listed."""
    lexicon: Path | None = None
    """TOML file with words that are flagged, by tenant; `default` is for the others. None: a short list of our own."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)

    @model_validator(mode="after")
    def check(self) -> Self:
        if self.dev_login and self.mode != "development":
            raise ValueError("dev_login lets anybody in and is refused outside development (COUNTERSIGN_MODE)")
        if self.mode == "production":
            if self.token_keys is None:
                raise ValueError("token_keys: production needs the issuer's JSON Web Key Set (COUNTERSIGN_TOKEN_KEYS)")
            if self.secret_key is None:
                raise ValueError("secret_key: production needs a secret (COUNTERSIGN_SECRET_KEY)")
        for name in ("secret_key", "context_key"):
            value: SecretStr | None = getattr(self, name)
            if value is not None and len(value.get_secret_value()) < 32:
                raise ValueError(f"{name}: expected at least 32 characters")
        return self

    def database(self) -> DatabaseConfig:
        url = self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'countersign.db'}"
        owner = self.database_owner_url
        key = self.context_key
        return DatabaseConfig(
            url=url,
            owner_url=None if owner is None else owner.get_secret_value(),
            context_key=None if key is None else key.get_secret_value().encode(),
            pool_size=self.pool_size,
        )

    def cursor_key(self) -> bytes:
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return _kept(self.data_dir / "secret", lambda: secrets.token_urlsafe(48)).encode()

    def key_set(self) -> Path:
        """The file with the keys that tokens are checked against."""
        if self.token_keys is not None:
            return self.token_keys
        path = self.data_dir / "token-keys.json"
        _kept(path, _new_key_set)
        return path

    def allowed_hosts(self) -> dict[str, frozenset[str]]:
        """The hosts of `link_hosts` in lower case."""
        return {tenant: frozenset(host.lower() for host in hosts) for tenant, hosts in self.link_hosts.items()}

    def model_key(self) -> str | None:
        return None if self.model_api_key is None else self.model_api_key.get_secret_value()


def _new_key_set() -> str:
    key = {"kty": "oct", "alg": "HS256", "kid": secrets.token_hex(4), "k": secrets.token_urlsafe(48)}
    return json.dumps({"keys": [key]})


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The text of a file that only its owner reads, made on first use.

    It appears at once and whole: a process that is killed, or starts beside this one, must not leave or read an empty
    secret.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, it leaves what another process has put there
        draft.unlink()
    return path.read_text()
