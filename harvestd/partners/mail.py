"""A mail as RFC 5322 has it, and the mailer that needs no server: a folder of ``.eml`` files."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from email import quoprimime
from email.headerregistry import Address
from email.policy import SMTP, EmailPolicy, default
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from harvestd.interfaces import Away, IMailer, Mail, Refused

SUBJECT_LIMIT = 400
#: Longest line that a server must take, without its end (RFC 5322, 2.1.1); with room for UTF-8.
LINE_LIMIT = 240

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
#: Longest header line that is not looked at for folding, in characters.
PLAIN_LIMIT = 76
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9](?:[ ]?[A-Za-z0-9,.:;!'()-]+)*")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_DOT = re.compile(r"^\.", re.MULTILINE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")


@attrs.frozen
class Sender:
    """Whom mail comes from: an address and, where set, the name shown with it."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The address's, which the Message-IDs end with."""
        return self.address.rpartition("@")[2]


def address(text: str) -> str:
    """One plain address, its domain in ASCII; anything else, two addresses for one, raises ``Refused``."""
    local, _, domain = text.strip().rpartition("@")
    try:
        found = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        found = ""
    if _ADDRESS.fullmatch(found) is None or len(found) > 254:
        raise Refused(f"{_one_line(text)[:100]!r} is no mail address")
    return found


def name_of(key: str) -> str:
    """What a key is called in file names and Message-IDs: its plain characters, and enough of its digest to be unique."""
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_STRANGE.sub('-', key)[:80].strip('-')}-{digest[:16]}".lstrip("-")


def compose(mail: Mail, sender: Sender, date: datetime, *, eight_bit: bool) -> bytes:
    """The message. ``eight_bit`` keeps the text readable in the file; without it every line is ASCII and none begins
    with a dot, which SMTP clients have been known to get wrong. Raises ``Refused`` for a bad recipient.

    The bytes are those that ``email`` makes of it; what cannot come out in any other way is written here, since taking
    headers apart and folding them costs most of a millisecond.
    """
    policy = SMTP if eight_bit else default
    head = (
        _from(policy, sender)
        + _header(policy, "To", address(mail.recipient), _PLAIN_ADDRESS)
        + _header(policy, "Subject", _one_line(mail.subject)[:SUBJECT_LIMIT], _PLAIN_WORDS)
        + f"Date: {format_datetime(date)}\n"
        + f"Message-ID: <{name_of(mail.key)}@{sender.domain}>\n"
        + "Auto-Submitted: auto-generated\n"
        + 'Content-Type: text/plain; charset="utf-8"\n'
    )
    text = _decent(mail.body).replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    if eight_bit and all(len(line) <= LINE_LIMIT for line in text.split("\n")):
        encoding = "8bit"
    else:
        encoding = "quoted-printable"
        text = quoprimime.body_encode(text.encode().decode("latin-1"), policy.max_line_length or LINE_LIMIT)
        if not eight_bit:
            text = _DOT.sub("=2E", text)
    whole = f"{head}Content-Transfer-Encoding: {encoding}\nMIME-Version: 1.0\n\n{text}"
    return whole.replace("\n", policy.linesep).encode()


@lru_cache(maxsize=16)
def _from(policy: EmailPolicy[Any], sender: Sender) -> str:
    return _folded(policy, "From", Address(_one_line(sender.name), addr_spec=sender.address))


def _header(policy: EmailPolicy[Any], name: str, value: str, plain: re.Pattern[str]) -> str:
    """One header with its end, ``\\n``; what is ``plain`` and fits a line stands as it is."""
    line = f"{name}: {value}"
    return f"{line}\n" if len(line) <= PLAIN_LIMIT and plain.fullmatch(value) else _folded(policy, name, value)


def _folded(policy: EmailPolicy[Any], name: str, value: str | Address) -> str:
    folded = policy.fold_binary(*policy.header_store_parse(name, value))
    return folded.decode("ascii").replace(policy.linesep, "\n")


def _decent(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _one_line(text: str) -> str:
    return _CONTROLS.sub(" ", _decent(text)).strip()


@implementer(IMailer)
class FolderMailer:
    """Writes each mail to ``<folder>/<name of its key>.eml``, whole or not at all; one that is there stays."""

    def __init__(self, reactor: Any, folder: Path, sender: Sender, now: Callable[[], datetime]) -> None:
        self._reactor = reactor
        self._folder = Path(folder)
        self._sender = sender
        self._now = now

    async def send(self, mail: Mail) -> None:
        """Raises ``Away`` when the folder cannot be written."""
        content = compose(mail, self._sender, self._now(), eight_bit=True)
        path = self._folder / f"{name_of(mail.key)}.eml"
        try:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), _write_once, path, content)
        except OSError as error:
            raise Away(
                f"mail folder {self._folder}: {error.strerror or error}: free some space or mend its rights"
            ) from error


def _write_once(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
