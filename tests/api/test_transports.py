"""Letters on the wire: to a folder, and to a mail server of this machine that behaves well or badly."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd import smtp as stub
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.transports import DirectoryTransport, SmtpTransport
from crm.ids import TenantId
from crm.mailing import OutgoingMail
from trust.actions import Outgoing, Recipient
from trust.labels import NOTHING
from trust.letters import write_letter

ACME = TenantId("acme")
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
BODY = "Dear Ann,\n.\n.hidden\nBcc: thief@evil.example\n\nGrüße"


def mail(outbox_id: str = "1") -> OutgoingMail:
    people = (
        Recipient("ann@acme.example", NOTHING, name="Ann Poe"),
        Recipient("oscar@acme.example", NOTHING, name="Oscar Lind", role="cc"),
    )
    message = Outgoing("email", people, NOTHING, sender="mail@northwind.example", subject="Offer", body=BODY)
    return OutgoingMail(
        outbox_id=outbox_id,
        sender=message.sender,
        recipients=[{"address": one.address} for one in people],
        mime=write_letter(message, message_id=f"<{outbox_id}@northwind.example>", at=NOW),
    )


class TestDirectory:
    async def test_each_letter_is_one_file_however_often_it_is_delivered(self, tmp_path: Path) -> None:
        transport = DirectoryTransport(tmp_path / "outbox")
        for outbox_id in ("1", "1", "2"):
            assert (await transport.deliver(ACME, mail(outbox_id))).status == "sent"
        assert (await transport.deliver(TenantId("../globex"), mail("1"))).status == "sent"
        names = sorted(path.name for path in transport.folder.iterdir())
        assert names == ["..%2Fglobex.1.eml", "acme.1.eml", "acme.2.eml"]
        letter = message_from_bytes(transport.path_of(ACME, "1").read_bytes(), policy=SMTP)
        assert letter["Message-ID"] == "<1@northwind.example>"

    async def test_what_was_delivered_is_not_written_over(self, tmp_path: Path) -> None:
        transport = DirectoryTransport(tmp_path)
        transport.path_of(ACME, "1").write_text("as it was")
        assert (await transport.deliver(ACME, mail())).status == "sent"
        assert transport.path_of(ACME, "1").read_text() == "as it was"

    async def test_a_folder_that_cannot_be_written_is_tried_again(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert (await DirectoryTransport(tmp_path / "file").deliver(ACME, mail())).status == "later"


class Server:
    """A mail server's handler; `answers` says what it answers to a command in place of 250."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.envelopes: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("oscar") and "rcpt" in self.answers:
            return self.answers["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        if self.answers.get("data") == "hang up":
            server.transport.abort()
        return self.answers.get("data", "250 OK")


@asynccontextmanager
async def running(handler: Server, **options: Any) -> AsyncIterator[SmtpTransport]:
    """A mail server in the test's own loop, and the way to it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: stub.SMTP(handler, hostname="stub", **options), "127.0.0.1", 0)
    try:
        yield SmtpTransport("127.0.0.1", server.sockets[0].getsockname()[1], "none", timeout_s=5)
    finally:
        server.close()
        await server.wait_closed()


class TestSmtp:
    async def test_the_server_gets_the_letter_for_its_recipients_and_nobody_else(self) -> None:
        handler = Server()
        async with running(handler) as transport:
            assert (await transport.deliver(ACME, mail())).status == "sent"
        [envelope] = handler.envelopes
        assert envelope.mail_from == "mail@northwind.example"
        assert envelope.rcpt_tos == ["ann@acme.example", "oscar@acme.example"]
        letter = message_from_bytes(envelope.content, policy=SMTP)
        assert letter["Bcc"] is None
        assert letter.get_content().replace("\r\n", "\n").strip("\n") == BODY

    @pytest.mark.parametrize(
        ("answers", "status"),
        [
            ({"rcpt": "550 no such user"}, "failed"),
            ({"rcpt": "451 come back later"}, "later"),
            ({"data": "554 not this"}, "failed"),
            ({"data": "452 full"}, "later"),
            ({"data": "hang up"}, "unknown"),
        ],
        ids=str,
    )
    async def test_what_the_server_says_decides(self, answers: dict[str, str], status: str) -> None:
        handler = Server(**answers)
        async with running(handler) as transport:
            delivery = await transport.deliver(ACME, mail())
        assert delivery.status == status, delivery.reason
        assert delivery.reason
        assert len(handler.envelopes) == (0 if "rcpt" in answers else 1), "to all of them or to nobody"

    async def test_a_server_that_is_not_there_is_tried_again(self) -> None:
        async with running(Server()) as transport:
            pass
        delivery = await transport.deliver(ACME, mail())
        assert (delivery.status, delivery.reason) == (
            "later",
            "the server could not be reached (ConnectionRefusedError)",
        )

    async def test_login_happens_behind_tls_and_never_without(self, tmp_path: Path) -> None:
        server_side, client_side = certificates(tmp_path)

        def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
            assert isinstance(given, LoginPassword)
            return AuthResult(success=(given.login, given.password) == (b"countersign", b"secret"))

        handler = Server()
        options = {"tls_context": server_side, "require_starttls": True, "authenticator": check, "auth_required": True}
        async with running(handler, **options) as plain:
            usual = {"host": "127.0.0.1", "port": plain.port, "username": "countersign", "timeout_s": 5}
            secure = SmtpTransport(**usual, password="secret", tls=client_side)
            assert (await secure.deliver(ACME, mail())).status == "sent"
            wrong = SmtpTransport(**usual, password="wrong", tls=client_side)
            delivery = await wrong.deliver(ACME, mail())
            assert delivery.status == "later", "it is not the letter's fault"
            assert "wrong" not in delivery.reason
            stranger = SmtpTransport(**usual, password="secret")
            delivery = await stranger.deliver(ACME, mail())
            assert delivery.reason == "the server could not be reached (SSLCertVerificationError)"
        assert len(handler.envelopes) == 1
        async with running(handler) as plain:
            unprotected = SmtpTransport("127.0.0.1", plain.port, timeout_s=5)
            delivery = await unprotected.deliver(ACME, mail())
            assert delivery.reason == "the server could not be reached (SMTPNotSupportedError)"
        assert len(handler.envelopes) == 1
        assert "secret" not in repr(secure)


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(encoding))
    plain = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(plain)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "cert.pem"))
