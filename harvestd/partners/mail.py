"""A mail in the format of RFC 5322, and the mailer that needs no server: a folder of ``.eml`` files."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from email import quoprimime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from harvestd.interfaces import IMailer, Mail, MailServerUnreachable, Refused
from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import NotAnAddress
from harvestd.kernel.names import lines, one_line
from harvestd.kernel.patterns import NOT_FILE_NAME
from harvestd.runtime import descriptors

SUBJECT_LIMIT = 400
#: Longest line of an unencoded text, in characters: in UTF-8 within the 998 octets that a server must accept (RFC 5322, 2.1.1).
LINE_LIMIT = 240
#: Longest line of a header (RFC 5322, 2.1.1) and of quoted-printable (RFC 2045, 6.7), less what escaping a dot may add.
HEADER_LIMIT, QUOTED_LIMIT = 76, 74
#: Characters allowed unencoded in any header: none begins an encoded word, a comment, a quotation or another address.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$%&'*+-/^_`{|}~")
#: Additional characters in an unstructured header.
_PLAIN_TEXT = _PLAIN | frozenset(",.:;()@[]<>=")


def _mailed(text: str) -> str:
    return email_addresses.read(text).mailed


@attrs.frozen
class Sender:
    """The sender of mail: an address, in the form that is sent, and, where set, the name shown with it. Raises ``NotAnAddress``."""

    address: str = attrs.field(converter=_mailed)
    name: str = ""

    @property
    def domain(self) -> str:
        """The address's domain, with which the Message-IDs end."""
        return self.address.rpartition("@")[2]


def address(text: str) -> str:
    """The single address in a text, in the form that is sent; anything else, such as two addresses, raises ``Refused``."""
    try:
        return email_addresses.read(text).mailed
    except NotAnAddress as error:
        raise Refused(f"{one_line(text)[:100]!r} is no mail address: {error}") from error


def name_of(key: str) -> str:
    """A key's form in file names and Message-IDs: its plain characters, and enough of its digest to be unique."""
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{NOT_FILE_NAME.sub('-', key)[:80].strip('-')}-{digest[:16]}".lstrip("-")


def compose(mail: Mail, sender: Sender, date: datetime, *, eight_bit: bool) -> bytes:
    """The message. ``eight_bit`` keeps the text readable in the file; without it every line is ASCII and none begins
    with a dot, which SMTP clients have been known to get wrong. Raises ``Refused`` for an invalid recipient.

    Texts are taken literally: apparent encoded words are themselves encoded (``EmailMessage`` would decode them, line
    breaks and all), and control characters are removed. Headers are encoded and folded by ``email.header``.
    """
    head = (
        _from(sender)
        + f"To: {address(mail.recipient)}\n"
        + _header("Subject", one_line(mail.subject)[:SUBJECT_LIMIT].rstrip())
        + f"Date: {format_datetime(date)}\n"
        + f"Message-ID: <{name_of(mail.key)}@{sender.domain}>\n"
        + f"Content-Language: {mail.language}\n"
        + "Auto-Submitted: auto-generated\n"
        + 'MIME-Version: 1.0\nContent-Type: text/plain; charset="utf-8"\n'
    )
    encoding, text = _encoded(lines(mail.body).removesuffix("\n") + "\n", eight_bit)
    whole = f"{head}Content-Transfer-Encoding: {encoding}\n\n{text}"
    return (whole.replace("\n", "\r\n") if eight_bit else whole).encode()


@lru_cache(maxsize=16)
def _from(sender: Sender) -> str:
    name = one_line(sender.name)
    plain = _PLAIN.issuperset(name) and len(name) + len(sender.address) <= HEADER_LIMIT - len("From:  <>")
    if plain:
        return f"From: {name} <{sender.address}>\n" if name else f"From: {sender.address}\n"
    value = _folding(name, "From")
    value.append(f"<{sender.address}>", "us-ascii")
    return f"From: {value.encode()}\n"


def _header(name: str, value: str) -> str:
    """One unstructured header with its line end; plain text that fits a line is not encoded."""
    plain = _PLAIN_TEXT.issuperset(value) and len(name) + len(value) + 2 <= HEADER_LIMIT
    return f"{name}: {value}\n" if plain else f"{name}: {_folding(value, name).encode()}\n"


def _folding(value: str, name: str) -> Header:
    return Header(value, "utf-8", maxlinelen=HEADER_LIMIT, header_name=name)


def _encoded(text: str, eight_bit: bool) -> tuple[str, str]:
    """The transfer encoding of a text, and the encoded text."""
    if eight_bit and all(len(line) <= LINE_LIMIT for line in text.split("\n")):
        return "8bit", text
    quoted = quoprimime.body_encode(text.encode().decode("latin-1"), QUOTED_LIMIT)
    return "quoted-printable", quoted if eight_bit else f"\n{quoted}".replace("\n.", "\n=2E")[1:]


@implementer(IMailer)
class FolderMailer:
    """Writes each mail to ``<folder>/<name of its key>.eml``, atomically; an existing one is kept."""

    def __init__(self, reactor: Any, folder: Path, sender: Sender, now: Callable[[], datetime]) -> None:
        self._reactor = reactor
        self._folder = Path(folder)
        self._sender = sender
        self._now = now
        self._made = False
        self._name = secrets.token_hex(8)

    async def send(self, mail: Mail) -> None:
        """Raises ``MailServerUnreachable`` when the folder cannot be written."""
        content = compose(mail, self._sender, self._now(), eight_bit=True)
        path = self._folder / f"{name_of(mail.key)}.eml"
        try:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._write_once, path, content)
        except OSError as error:
            cure = "" if descriptors.spent_by(error) else ": free some space or mend its rights"
            raise MailServerUnreachable(f"mail folder {self._folder}: {descriptors.cause_of(error)}{cure}") from error

    def _write_once(self, path: Path, content: bytes) -> None:
        if path.exists():
            return
        if not self._made:
            self._make_folder()
        try:
            self._write(path, content)
        except FileNotFoundError:  # the folder was deleted
            self._make_folder()
            self._write(path, content)

    def _make_folder(self) -> None:
        """Mails are private; a folder created earlier had wider permissions."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._made = True

    def _write(self, path: Path, content: bytes) -> None:
        temporary = f"{self._folder}/.{self._name}-{threading.get_ident()}.tmp"  # a thread writes one at a time
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
