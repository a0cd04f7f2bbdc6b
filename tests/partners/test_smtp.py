"""Mail through a real SMTP server."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, PrivateCertificate, trustRootFromCertificates
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer
from zope.interface.verify import verifyObject

from harvestd.interfaces import IMailer, MailServerUnreachable, Refused
from harvestd.kernel.errors import Unavailable
from harvestd.partners import smtp, smtp_exchange, smtp_server
from harvestd.partners.mail import Sender
from harvestd.partners.smtp import SmtpMailer
from harvestd.partners.smtp_server import Server
from servers import free_port
from tests.contracts.mailer import Box, MailerContract, mail

SENDER = Sender("market@harvest.example", "The market")
NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)


class Inbox:
    """aiosmtpd's handler: keeps what arrives, and answers ``answers[step]`` where a test put one."""

    def __init__(self) -> None:
        self.arrived: list[bytes] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.answers: dict[str, str] = {}
        self.over_tls: list[bool] = []

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get("RCPT", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            assert isinstance(envelope.original_content, bytes)
            self.arrived.append(envelope.original_content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            self.over_tls.append(session.ssl is not None)
        return answer


class Counted(SMTP):
    """A connection that is in ``open`` until no more of it is read."""

    def __init__(self, open: set[SMTP], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._open = open

    def connection_made(self, transport: Any) -> None:
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._open.discard(self)


class Counting(Controller):
    """Knows its open connections."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.open: set[SMTP] = set()
        super().__init__(*args, **options)

    def factory(self) -> SMTP:
        return Counted(self.open, self.handler, **self.SMTP_kwargs)


@attrs.define(eq=False)
class Running:
    """A server on a port of its own, in a thread."""

    inbox: Inbox
    port: int
    passwords: list[bytes]
    open: set[SMTP]

    def mailer(self, url: str = "smtp://127.0.0.1:{}", trust_root: Any = None) -> SmtpMailer:
        return SmtpMailer(reactor, url.format(self.port), SENDER, lambda: NOON, trust_root)


def serve(**options: Any) -> Iterator[Running]:
    inbox, passwords = Inbox(), []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        passwords.append(login.password)
        return AuthResult(success=(login.login, login.password) == (b"market", b"s3cret/@:"), handled=False)

    controller = Counting(
        inbox, "127.0.0.1", free_port(), authenticator=authenticate, auth_require_tls=False, **options
    )
    controller.start()
    try:
        yield Running(inbox, controller.port, passwords, controller.open)
    finally:
        controller.stop()


@pytest.fixture
def server() -> Iterator[Running]:
    yield from serve()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
        .add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def trust(certificate: Path) -> Any:
    return trustRootFromCertificates([Certificate.loadPEM(certificate.read_bytes())])


@pytest.fixture
def starttls_server(certificate: Path) -> Iterator[Running]:
    yield from serve(tls_context=tls(certificate))


@pytest.fixture
def smtps_server(certificate: Path) -> Iterator[Running]:
    yield from serve(ssl_context=tls(certificate))


class TestSmtpMailerContract(MailerContract):
    @pytest.fixture
    def box(self, server: Running) -> Box:
        return Box(server.mailer(), lambda: server.inbox.arrived)


def test_it_is_an_IMailer(server: Running) -> None:
    assert verifyObject(IMailer, server.mailer())


async def test_the_envelope_names_the_sender_and_the_one_recipient(server: Running) -> None:
    await server.mailer().send(mail())
    assert server.inbox.envelopes == [("market@harvest.example", ["ada@example.org"])]


@pytest.mark.parametrize(
    ("step", "answer", "error"),
    [("RCPT", "450 mailbox busy", Unavailable), ("RCPT", "550 no such user", Refused),
     ("DATA", "451 try again", Unavailable), ("DATA", "554 that is spam", Refused)],
)  # fmt: skip
async def test_what_the_server_says_of_a_mail_becomes_the_error(
    server: Running, step: str, answer: str, error: type[Exception]
) -> None:
    server.inbox.answers[step] = answer
    with pytest.raises(error, match=answer) as raised:
        await server.mailer().send(mail())
    assert type(raised.value) is error
    assert f"127.0.0.1:{server.port}" in str(raised.value)


@pytest.mark.parametrize(("step", "answer"), [("MAIL", "530 log in first"), ("MAIL", "553 not your address"), ("MAIL", "452 full"), ("RCPT", "421 going down")])  # fmt: skip
async def test_what_it_says_of_us_is_not_held_against_the_mail(server: Running, step: str, answer: str) -> None:
    server.inbox.answers[step] = answer
    with pytest.raises(MailServerUnreachable, match=answer):
        await server.mailer().send(mail())


async def test_nobody_at_the_port_means_away() -> None:
    with pytest.raises(MailServerUnreachable, match=r"SMTP server 127\.0\.0\.1:\d+: .*refused"):
        await SmtpMailer(reactor, f"smtp://127.0.0.1:{free_port()}", SENDER, lambda: NOON).send(mail())


async def test_a_name_that_does_not_resolve_means_away() -> None:
    with pytest.raises(MailServerUnreachable, match=r"no-such-host\.invalid"):
        await SmtpMailer(reactor, "smtp://no-such-host.invalid", SENDER, lambda: NOON).send(mail())


async def test_a_resolver_that_does_not_answer_is_not_waited_for_as_long_as_for_a_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All other mail waits behind it."""

    @implementer(IHostnameResolver)
    class Silent:
        def resolveHostName(self, receiver: Any, *_: Any, **__: Any) -> Any:
            return receiver

    monkeypatch.setattr(smtp, "REACH_LIMIT", 0.2)
    before = reactor.installNameResolver(Silent())  # type: ignore[attr-defined]
    try:
        with pytest.raises(MailServerUnreachable, match=r"mail\.example:25: not reached within 0\.2 s"):
            await SmtpMailer(reactor, "smtp://mail.example", SENDER, lambda: NOON).send(mail())
    finally:
        reactor.installNameResolver(before)  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", ["ANSWER_LIMIT", "MAIL_LIMIT"])
async def test_a_server_that_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(smtp_exchange if limit == "ANSWER_LIMIT" else smtp, limit, 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MailServerUnreachable):
        port = silent.getsockname()[1]
        await SmtpMailer(reactor, f"smtp://127.0.0.1:{port}", SENDER, lambda: NOON).send(mail())


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"554 go away\r\n", b"x" * 100_000, b"\xff\xfe\r\n"]
)
async def test_something_else_at_the_port_means_away(greeting: bytes) -> None:
    class Other(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(greeting)

    port = reactor.listenTCP(0, Factory.forProtocol(Other), interface="127.0.0.1")  # type: ignore[attr-defined]
    try:
        with pytest.raises(MailServerUnreachable):
            await SmtpMailer(reactor, f"smtp://127.0.0.1:{port.getHost().port}", SENDER, lambda: NOON).send(mail())
    finally:
        await port.stopListening()


async def test_tls_is_taken_where_it_is_offered(starttls_server: Running) -> None:
    await starttls_server.mailer().send(mail())
    assert starttls_server.inbox.over_tls == [True]


async def test_smtps_is_tls_from_the_first_byte_and_verified(smtps_server: Running, certificate: Path) -> None:
    await smtps_server.mailer("smtps://127.0.0.1:{}", trust(certificate)).send(mail())
    assert len(smtps_server.inbox.arrived) == 1
    with pytest.raises(MailServerUnreachable, match="certificate"):
        await smtps_server.mailer("smtps://127.0.0.1:{}").send(mail())


async def test_a_password_is_sent_as_the_url_has_it(server: Running) -> None:
    await server.mailer("smtp://market:s3cret%2F%40%3A@127.0.0.1:{}").send(mail())
    assert len(server.inbox.arrived) == 1


async def test_a_wrong_password_is_not_held_against_the_mail(server: Running) -> None:
    with pytest.raises(MailServerUnreachable, match="Authentication credentials invalid"):
        await server.mailer("smtp://market:wrong@127.0.0.1:{}").send(mail())
    assert server.inbox.arrived == []


async def test_a_password_does_not_travel_in_the_open(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_server, "_loopback", lambda host: False)
    with pytest.raises(MailServerUnreachable, match="TLS"):
        await server.mailer("smtp://market:s3cret%2F%40%3A@127.0.0.1:{}").send(mail())
    assert server.passwords == []


async def test_nor_to_a_server_whose_certificate_nobody_vouches_for(
    starttls_server: Running, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_server, "_loopback", lambda host: False)
    url = "smtp://market:s3cret%2F%40%3A@127.0.0.1:{}"
    with pytest.raises(MailServerUnreachable, match="certificate"):
        await starttls_server.mailer(url).send(mail())
    assert starttls_server.passwords == []
    await starttls_server.mailer(url, trust(certificate)).send(mail())
    assert starttls_server.inbox.over_tls == [True]


async def test_what_came_before_tls_does_not_count_as_said_under_it(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody between appends an answer to the server's go-ahead (CVE-2011-0411)."""
    monkeypatch.setattr(smtp, "MAIL_LIMIT", 2.0)  # the conversation stands still under TLS
    heard: list[bytes] = []
    closed: Deferred[None] = Deferred()

    class Server(LineReceiver):
        def connectionMade(self) -> None:
            self.sendLine(b"220 mail.example")

        def lineReceived(self, line: bytes) -> None:
            heard.append(line.split()[0])
            if heard == [b"EHLO"]:
                self.sendLine(b"250-mail.example\r\n250 STARTTLS")
            elif line == b"STARTTLS":
                self.transport.write(b"220 go ahead\r\n250 mail.example\r\n")
                self.transport.startTLS(PrivateCertificate.loadPEM(certificate.read_bytes()).options())
            else:
                self.sendLine(b"550 not like this")

        def connectionLost(self, reason: object = None) -> None:
            closed.callback(None)

    port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")  # type: ignore[attr-defined]
    try:
        with pytest.raises(MailServerUnreachable):
            await SmtpMailer(reactor, f"smtp://127.0.0.1:{port.getHost().port}", SENDER, lambda: NOON).send(mail())
        await closed
    finally:
        await port.stopListening()
    assert b"MAIL" not in heard


def test_urls_are_read() -> None:
    assert Server.at("smtp://mail.example") == Server("mail.example", 25, False)
    assert Server.at("smtps://mail.example") == Server("mail.example", 465, True)
    assert Server.at("smtp://a%40b:p%3A@mail.example:587/") == Server("mail.example", 587, False, b"a@b", b"p:")


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:x",
        "smtp://u:geheim@mail.example:99999",
        "smtp://mail.example/path",
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="smtp_url must look like") as raised:
        Server.at(url)
    assert "geheim" not in str(raised.value)


def test_the_password_is_not_in_the_repr() -> None:
    assert "geheim" not in repr(Server.at("smtp://u:geheim@mail.example"))


# --- a look at the server, as doctor has it ---


async def test_a_check_says_nothing_of_a_server_that_takes_our_mail_and_leaves_none_there(
    server: Running, smtps_server: Running, certificate: Path
) -> None:
    await server.mailer().check(5.0)
    await smtps_server.mailer("smtps://127.0.0.1:{}", trust(certificate)).check(5.0)
    assert server.inbox.arrived == smtps_server.inbox.arrived == []


@pytest.mark.parametrize("answer", ["550 not from you", "452 not from you now"])
async def test_a_check_tells_what_the_server_has_against_us(server: Running, answer: str) -> None:
    server.inbox.answers["MAIL"] = answer
    with pytest.raises(MailServerUnreachable, match="not from you"):
        await server.mailer().check(5.0)


async def test_a_check_of_a_server_that_says_nothing_ends_in_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = SmtpMailer(reactor, f"smtp://127.0.0.1:{silent.getsockname()[1]}", SENDER, lambda: NOON)
        with pytest.raises(MailServerUnreachable, match=r"0\.3 s|not done"):
            await mailer.check(0.3)
