"""What an operator sets, from `COUNTERSIGN_*` variables of the environment; read here and nowhere else."""

import hmac
import ipaddress
import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from crm.database import DatabaseConfig
from trust.head_sinks import FolderSink, HeadSink
from trust.sessions import Lifetimes
from trust.tree_heads import HeadKeyError, HeadSigner, HeadVerifier, new_signing_key


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
    """Signs page cursors and makes placeholders; at least 32 characters. Development keeps one in `data_dir`."""
    master_key: SecretStr | None = None
    """Wraps the keys that conversations are sealed with; at least 32 characters. Lose it and they are lost.
    Development makes one and keeps it in `data_dir`."""
    former_master_keys: list[SecretStr] = []
    """Master keys that what they wrapped may still be opened with, until `countersign rotate-keys` has run."""
    token_keys: Path | None = None
    """JSON Web Key Set with the keys of the token issuer; read again when the file changes, so keys can be rotated."""
    token_issuer: str = "countersign"  # noqa: S105 - a name, not a secret
    token_audience: str = "countersign"  # noqa: S105
    sign_in_providers: Path | None = None
    """JSON file with the identity providers that people sign in with: docs/sign-in.md."""
    session_idle_minutes: int = Field(default=120, ge=1, le=7 * 24 * 60)
    """After how long without a request a browser has to sign in again."""
    session_hours: int = Field(default=12, ge=1, le=30 * 24)
    """After how long it has to in any case."""
    audit_heads: Path | None = None
    """Folder that signed heads of the audit go to, best where no owner of the database can write. None: `data_dir`."""
    audit_heads_every_s: float = Field(default=60, gt=0)
    audit_signing_key: Path | None = None
    """Ed25519 private key in PEM form that signs them, the same for all processes. None: one is made in `data_dir`."""
    audit_former_keys: list[Path] = []
    """Public keys in PEM form whose signatures are still believed after a change of the signing key."""
    dev_login: bool = False
    """Let anybody log in as any seeded person. Refused outside development."""
    model: str = "offline"
    model_base_url: str | None = None
    model_api_key: SecretStr | None = None
    fallback_model: str | None = None
    fallback_model_base_url: str | None = None
    fallback_model_api_key: SecretStr | None = None
    model_retries: int = Field(default=2, ge=0, le=5)
    """How often a model is asked again that is busy, broken or out of reach."""
    model_timeout_s: float = Field(default=120, gt=0)
    mail_transport: Literal["directory", "smtp"] = "directory"
    """Where approved e-mails go: into a folder of this machine, or to a mail server."""
    outbox_dir: Path | None = None
    """None: `outbox` in `data_dir`."""
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_s: float = Field(default=30, gt=0, le=300)
    notice_from: str | None = None
    """Address that people are written to from about requests, if they want it. None: nobody is written to."""
    public_url: str = ""
    """Where people reach the service, such as https://crm.example.com; begins the links in webhooks and notices."""
    webhook_hosts: list[str] = []
    """Hosts that webhooks may lead to although their addresses are private ones."""
    mcp_hosts: list[str] = []
    """Names besides that of `public_url` under which MCP clients may call this service."""
    foreign_hosts: list[str] = []
    """Hosts of MCP servers that tenants may use although their addresses are private ones."""
    foreign_timeout_s: float = Field(default=10, gt=0, le=15)
    """How long a call of another's tool may take, from connecting to the end of the answer."""
    cors_origins: list[str] = []
    link_hosts: dict[str, list[str]] = {}
    """Hosts that links in answers may lead to, by tenant; under `*` for all tenants. None are allowed unless listed."""
    lexicon: Path | None = None
    """TOML file with words that are flagged, by tenant; `default` is for the others. None: a short list of our own."""
    run_timeout_s: float = Field(default=900, gt=0, le=86_400)
    """How long one stretch of a run may take; time spent waiting for people does not count."""
    turns_at_once: int = Field(default=64, ge=1, le=10_000)
    """How many runs that somebody waits for this process begins with at once; what is more takes its turn."""
    tenant_turns_at_once: int = Field(default=32, ge=1, le=10_000)
    """How many of them for one tenant."""
    queue_slots: int = Field(default=8, ge=0, le=1_000)
    """How many runs of the queue this process works on at once; 0: it works on none."""
    queue_tenant_slots: int = Field(default=2, ge=1, le=1_000)
    """How many of them for one tenant, so that one tenant's runs never take all of a process."""
    queue_tenant_per_minute: int | None = Field(default=None, ge=1)
    """How many runs of one tenant leave the queue in a minute, over all processes. None: as many as there is room."""
    queue_poll_s: float = Field(default=0.1, gt=0, le=60)
    """How often this process looks into the queue: what a run waits at least when there is room for it."""
    max_waiting_runs: int = Field(default=5_000, ge=1)
    """How many unfinished runs a tenant may have; more are refused until some are done."""
    code_runs_at_once: int = Field(default=2, ge=1, le=64)
    """How much generated code this process runs at once; each run takes up to 256 MB."""
    tenant_code_runs_per_day: int = Field(default=500, ge=0)
    """How often a tenant may have generated code run in a day, by UTC."""
    log_level: Literal["debug", "info", "warning", "error"] | None = None
    """Of the service's own lines; libraries are heard from `warning` on. None: info, in development warning."""
    log_format: Literal["json", "text"] | None = None
    """None: json, in development text."""
    metrics_token: SecretStr | None = None
    """What Prometheus sends to `/metrics`; at least 16 characters. None: nobody is answered there."""
    metrics_by_tenant: bool = True
    """Tell tenants apart in metrics. Thousands of tenants are as many time series: then rather not."""
    metrics_refresh_s: float = Field(default=5, ge=1, le=3600)
    """How old figures from the database may be; taking them costs a short transaction per tenant."""
    traces_endpoint: str | None = None
    """Where a collector takes OTLP over HTTP, such as `http://collector:4318`. None: no traces."""
    traces_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the traces that begin here. Of those that a caller has begun, the caller decides."""
    traces_contents: bool = False
    """Put into traces what models are sent and answer, as it leaves the house: masked."""
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
            if self.master_key is None:
                raise ValueError("master_key: production needs a secret of its own (COUNTERSIGN_MASTER_KEY)")
        if self.metrics_token is not None and len(self.metrics_token.get_secret_value()) < 16:
            raise ValueError("metrics_token: expected at least 16 characters (COUNTERSIGN_METRICS_TOKEN)")
        if self.mail_transport == "smtp" and self.smtp_host is None:
            raise ValueError("smtp_host: sending by SMTP needs a server (COUNTERSIGN_SMTP_HOST)")
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            raise ValueError("public_url: expected an address such as https://crm.example.com")
        if self.mode == "production" and self.sign_in_providers is not None and not self.public_url:
            raise ValueError("public_url: identity providers send people back to it (COUNTERSIGN_PUBLIC_URL)")
        if self.notice_from is not None and "@" not in self.notice_from:
            raise ValueError("notice_from: expected an e-mail address")
        if self.smtp_username is not None and self.smtp_security == "none":
            raise ValueError("smtp_security: a password is never sent in the clear; use starttls or tls")
        if any(len(key.get_secret_value()) < 32 for key in self.former_master_keys):
            raise ValueError("former_master_keys: expected at least 32 characters each")
        for name in ("secret_key", "context_key", "master_key"):
            value: SecretStr | None = getattr(self, name)
            if value is not None and len(value.get_secret_value()) < 32:
                raise ValueError(f"{name}: expected at least 32 characters")
        return self

    def logs(self) -> tuple[Literal["debug", "info", "warning", "error"], Literal["json", "text"]]:
        """From which level on lines are logged, and how they look."""
        is_development = self.mode == "development"
        level = self.log_level or ("warning" if is_development else "info")
        return level, self.log_format or ("text" if is_development else "json")

    def is_on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def session_lifetimes(self) -> Lifetimes:
        return Lifetimes(timedelta(minutes=self.session_idle_minutes), timedelta(hours=self.session_hours))

    def scraping_token(self) -> bytes | None:
        return None if self.metrics_token is None else self.metrics_token.get_secret_value().encode()

    def database(self) -> DatabaseConfig:
        url = self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'countersign.db'}"
        owner = self.database_owner_url
        key = self.context_key if url.startswith("postgresql") else None
        return DatabaseConfig(
            url=url,
            owner_url=None if owner is None else owner.get_secret_value(),
            context_key=None if key is None else key.get_secret_value().encode(),
            pool_size=self.pool_size,
            master_keys=self._master_keys(),
        )

    def _master_keys(self) -> tuple[bytes, ...]:
        former = tuple(key.get_secret_value().encode() for key in self.former_master_keys)
        if self.master_key is not None:
            return (self.master_key.get_secret_value().encode(), *former)
        return (_kept(self.data_dir / "master-key", lambda: secrets.token_urlsafe(48)).encode(), *former)

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

    def head_sink(self) -> HeadSink:
        return FolderSink(self.audit_heads or self.data_dir / "audit-heads")

    def head_signer(self) -> HeadSigner:
        """Raises: HeadKeyError."""
        path = self.audit_signing_key or self.data_dir / "audit-signing-key.pem"
        if self.audit_signing_key is None:
            _kept(path, new_signing_key)
        return HeadSigner.from_pem(_read_key(path))

    def head_verifier(self, *more: Path) -> HeadVerifier:
        """Of heads that this service has signed, now or before. Raises: HeadKeyError."""
        former = HeadVerifier.from_pems(_read_key(path) for path in (*self.audit_former_keys, *more))
        return self.head_signer().public.joined(former)

    def allowed_hosts(self) -> dict[str, frozenset[str]]:
        """The hosts of `link_hosts` in lower case."""
        return {tenant: frozenset(host.lower() for host in hosts) for tenant, hosts in self.link_hosts.items()}

    def model_key(self) -> str | None:
        return None if self.model_api_key is None else self.model_api_key.get_secret_value()

    def fallback_model_key(self) -> str | None:
        key = self.fallback_model_api_key
        return None if key is None else key.get_secret_value()

    def vault_key(self) -> bytes:
        """Makes the placeholders for what models are not shown; follows from the secret key, and is none like it."""
        return hmac.new(self.cursor_key(), b"countersign placeholders", "sha256").digest()


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HeadKeyError(f"{path}: {error.strerror}") from None


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
