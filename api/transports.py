"""Ways out of the house for a letter: a folder of this machine, or a mail server."""

import asyncio
import contextlib
import os
import secrets
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote

from crm.ids import TenantId
from crm.mailing import OutgoingMail

_LONGEST_REASON = 300


@dataclass(frozen=True)
class Delivery:
    """What became of an attempt. `later`: try again; `unknown`: it may have arrived, and nobody can tell."""

    status: Literal["sent", "later", "failed", "unknown"]
    reason: str = ""


class Transport(Protocol):
    """Carries one letter. It never raises for what goes wrong on the way; it says so."""

    @property
    def is_repeatable(self) -> bool:
        """Whether a second attempt at the same letter cannot make it arrive twice."""
        ...

    @property
    def lease(self) -> timedelta:
        """Longer than any attempt takes; after it the process that made one counts as dead."""
        ...

    async def deliver(self, tenant: TenantId, mail: OutgoingMail) -> Delivery: ...


@dataclass(frozen=True)
class DirectoryTransport:
    """Puts each letter into a folder, as one file that appears whole and is never written again."""

    folder: Path
    lease: timedelta = timedelta(seconds=15)
    is_repeatable: bool = field(default=True, init=False)

    async def deliver(self, tenant: TenantId, mail: OutgoingMail) -> Delivery:
        try:
            await asyncio.to_thread(self._write, tenant, mail)
        except OSError as error:
            return Delivery("later", f"the folder cannot be written: {error.strerror}")
        return Delivery("sent")

    def path_of(self, tenant: TenantId, outbox_id: str) -> Path:
        return self.folder / f"{quote(tenant, safe='')}.{quote(outbox_id, safe='')}.eml"

    def _write(self, tenant: TenantId, mail: OutgoingMail) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        final = self.path_of(tenant, mail.outbox_id)
        draft = self.folder / f".{secrets.token_hex(8)}"
        try:
            with draft.open("xb") as file:
                file.write(mail.mime.encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, final)  # unlike a rename, it leaves what was delivered before
        finally:
            draft.unlink(missing_ok=True)


@dataclass(frozen=True)
class SmtpTransport:
    """Hands each letter to a mail server, to all of its recipients or to none.

    Once the server has been sent the text, only its answer tells whether it took the letter. Without one the letter's
    fate is unknown, and it is not sent again until a person says so.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 30
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    is_repeatable: bool = field(default=False, init=False)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=max(60, 20 * self.timeout_s))

    async def deliver(self, tenant: TenantId, mail: OutgoingMail) -> Delivery:
        return await asyncio.to_thread(self._deliver, mail)

    def _deliver(self, mail: OutgoingMail) -> Delivery:
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            # Whatever it is, a wrong password included: it lies with the server or the settings, not with the letter.
            return Delivery("later", f"the server could not be reached ({type(error).__name__})")
        try:
            self._address(server, mail)
            code, answer = server.docmd("DATA")
            if code != 354:
                raise smtplib.SMTPDataError(code, answer)
        except (OSError, smtplib.SMTPException) as error:
            _leave(server)
            return _judge(error)
        return self._hand_over(server, mail)

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=self.tls)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            if self.security == "starttls":
                server.starttls(context=self.tls)
            server.ehlo_or_helo_if_needed()
            if self.username is not None:
                server.login(self.username, self.password or "")
        except BaseException:
            _leave(server)
            raise
        return server

    @staticmethod
    def _address(server: smtplib.SMTP, mail: OutgoingMail) -> None:
        code, answer = server.mail(mail.sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, answer, mail.sender)
        for one in mail.recipients:
            code, answer = server.rcpt(one["address"])
            if code not in (250, 251):
                raise smtplib.SMTPDataError(code, answer)

    @staticmethod
    def _hand_over(server: smtplib.SMTP, mail: OutgoingMail) -> Delivery:
        try:
            server.send(_as_data(mail.mime))
            code, answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            return Delivery("unknown", f"the server did not say whether it took the letter ({type(error).__name__})")
        _leave(server)
        if code == 250:
            return Delivery("sent")
        return _judge(smtplib.SMTPDataError(code, answer))


def _as_data(mime: str) -> bytes:
    """The letter as SMTP carries it: a dot that begins a line is doubled, and a single one ends the text."""
    lines = mime.replace("\r\n", "\n").removesuffix("\n").split("\n")
    dotted = ("." + line if line.startswith(".") else line for line in lines)
    return "\r\n".join([*dotted, ".", ""]).encode("ascii")


def _judge(error: Exception) -> Delivery:
    """Before the text was handed over, or after a clear answer: nothing has arrived, so trying again is safe."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        clean = "".join(char if char.isprintable() else " " for char in text)[:_LONGEST_REASON]
        is_final = 500 <= error.smtp_code < 600
        return Delivery("failed" if is_final else "later", f"the server answered {error.smtp_code}: {clean}")
    return Delivery("later", f"the connection broke off ({type(error).__name__})")


def _leave(server: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()
