"""A composed mail says what was meant, whatever people call themselves: each is parsed again and compared, header by header."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harvestd.interfaces import Mail
from harvestd.kernel.email_addresses import read
from harvestd.kernel.names import lines, one_line
from harvestd.partners import mail as module
from harvestd.partners.mail import SUBJECT_LIMIT, Sender, compose, name_of

NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]  # fmt: skip
#: What was once written into the mail of others: by names that are decoded, or that end a line.
EVIL = ["=?utf-8?q?a=0d=0aBcc:_eve@example.org=0d=0a=0d=0a<b>hello</b>?=", "=?utf-8?b?DQpCY2M6IGVAeC5vcmc=?=", "=?x?q?y?= =?x?q?z?=",
        "\r\nBcc: eve@example.org", "\nBcc: eve@example.org", "\rBcc: eve@example.org", "\u2028Bcc: eve@example.org", "\x85Bcc: eve@example.org",
        "\r\n\r\nsecond body", "\x1b[2J", "\x1b]0;title\x07", "\x0b\x0c\x1c\x1d\x1e", "\u202egro.elpmaxe@evil\u202c", "half\ud800", "\0", "\x9b31m",
        "Meadowbrookfarm & Co", "Sunny Meadow Organic Vegetables & Herbs", "=?utf-8?q?x", "?= =?", "a" * 2000, "é" * 2000, "a " * 1000, "🥕" * 500]  # fmt: skip


def parsed(mail: Mail, sender: Sender, *, eight_bit: bool) -> EmailMessage:
    """The mail as its reader has it; on the way its bytes are held to the limits of RFC 5322, 2045 and 2047."""
    raw = compose(mail, sender, NOON, eight_bit=eight_bit)
    end = b"\r\n" if eight_bit else b"\n"
    text_lines = raw.split(end)
    assert all(b"\r" not in line and b"\n" not in line and len(line) <= 998 for line in text_lines)
    head = text_lines[: text_lines.index(b"")]
    assert all(line.isascii() and line.decode().isprintable() for line in head)
    assert all(len(line) <= 78 or line.startswith((b"To:", b"Message-ID:", b" <")) for line in head)
    if not eight_bit:
        assert all(line.isascii() and len(line) <= 76 and not line.startswith(b".") for line in text_lines[len(head) :])
    found = message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage) and not found.defects
    return found


def shown_name(found: EmailMessage) -> str:
    """The name of the sender, by the older of the library's parsers: the newer one puts a space between the encoded words of a
    long name (RFC 2047, 6.2 says that none is shown)."""
    name, _ = parseaddr(
        str(message_from_bytes(found.as_bytes(policy=found.policy.clone(refold_source="none")))["From"])
    )
    return str(make_header(decode_header(name)))


def says_what_was_meant(mail: Mail, name: str = "The market", at: str = "market@harvest.example") -> None:
    for eight_bit in (True, False):
        found = parsed(mail, Sender(at, name), eight_bit=eight_bit)
        assert found.keys() == HEADERS
        sender, recipient = found["From"], found["To"]
        assert isinstance(sender, AddressHeader) and isinstance(recipient, AddressHeader)
        assert [a.addr_spec for a in sender.addresses] == [at] and shown_name(found) == one_line(name)
        assert [(a.display_name, a.addr_spec) for a in recipient.addresses] == [("", read(mail.recipient).mailed)]
        assert str(found["Subject"]) == one_line(mail.subject)[:SUBJECT_LIMIT].rstrip()
        assert found["Message-ID"] == f"<{name_of(mail.key)}@{at.rpartition('@')[2]}>"
        assert found["Date"].datetime == NOON and found["Content-Language"] == mail.language
        assert found.get_content_type() == "text/plain" and not found.is_multipart()
        body = str(found.get_content()).replace("\r\n", "\n")
        assert body == lines(mail.body).removesuffix("\n") + "\n"
        assert all(unicodedata.category(c) != "Cc" or c in "\n\t" for c in body)


def mail(recipient: str = "ann@example.org", subject: str = "Your order", body: str = "Thank you.\n") -> Mail:
    return Mail("key", recipient, subject, body, "fr")


@pytest.mark.parametrize("text", EVIL)
def test_no_name_writes_headers_or_another_body(text: str) -> None:
    says_what_was_meant(mail(subject=f"Order 1 for {text}", body=f"Thank you, {text}.\n"), text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Märkt am Fluß",
        "Smith, Jones & Co",
        'the "old" market',
        "x" * 90,
        "word " * 30,
        "=?utf-8?q?x?=",
        "a (b) c",
        "a@b",
        "St. Mary's",
        "é" * 70,
    ],
)
@pytest.mark.parametrize("at", ["market@harvest.example", f"{'m' * 60}@{'d' * 60}.example.org"])
def test_the_name_of_a_market(name: str, at: str) -> None:
    says_what_was_meant(mail(), name, at)


@pytest.mark.parametrize(
    "subject",
    ["", " ", "a", "a  b", "Bio-Hof Öhlers: neue Bestellung", *("x" * n for n in (66, 67, 68, 400, 401)), "word " * 40, "50 % of <b>",
     "Re: Order, (new); it's here!", "a\tb", "_a_=?b?=", "🥕", "Order? Yes!", "=", "?", "=? ?=", "日本語" * 40, "x" * 65 + "é" + "y" * 70],
)  # fmt: skip
def test_the_subject(subject: str) -> None:
    says_what_was_meant(mail(subject=subject))


@pytest.mark.parametrize(
    "recipient",
    ["a@b", "a.b+c_d@example.org", "o'neil@example.org", "x#y@example.org", "ann@bücher.example", "ann@faß.example", "{x}|y@example.org",
     f"{'l' * 64}@{'d' * 60}.example.org"],
)  # fmt: skip
def test_the_recipient(recipient: str) -> None:
    says_what_was_meant(mail(recipient))


@pytest.mark.parametrize(
    "body",
    ["", "\n", "\n\n\n", "no end", "two\r\nlines\rthree\n", ".dot\n..\n", "x" * 1000, "é" * 300, "trailing \n\t\n", "From me\n", "a=b\n",
     "\x0b\x0c\x1c\x85\u2028line\n", "é" * 30 + "\n.after a long line" + "e" * 80, "." * 200, ("." * 74 + "\n") * 3, "=\n=2E\n"],
)  # fmt: skip
def test_the_text(body: str) -> None:
    says_what_was_meant(mail(body=body))


texts = st.lists(
    st.one_of(st.text(max_size=40), st.sampled_from(EVIL), st.text("aZ09 ,.:;!'()-=?_<>@\"\\&\r\n", max_size=60)),
    max_size=4,
).map("".join)


@given(subject=texts, body=texts, name=texts, recipient=st.emails())
@example(subject="\u0301", body="\u0301", name="a\u0301", recipient="a@b.org")
def test_whatever_is_said(subject: str, body: str, name: str, recipient: str) -> None:
    try:
        read(recipient)
    except ValueError:
        recipient = "ann@example.org"
    says_what_was_meant(mail(recipient, subject, body), name)


@given(subject=st.text("aZ09 ,.:;!'()-&/#+*@", max_size=70), name=st.text("aZ09 &/#+*-'", max_size=50))
def test_what_stands_as_it_is_is_read_as_what_is_encoded(subject: str, name: str) -> None:
    as_it_is = parsed(mail(subject=subject), Sender("market@harvest.example", name), eight_bit=False)
    plain = module._PLAIN, module._PLAIN_TEXT
    module._from.cache_clear()
    try:
        module._PLAIN, module._PLAIN_TEXT = frozenset(), frozenset()
        encoded = parsed(mail(subject=subject), Sender("market@harvest.example", name), eight_bit=False)
    finally:
        module._PLAIN, module._PLAIN_TEXT = plain
        module._from.cache_clear()
    assert as_it_is.items() == encoded.items()


def test_composing_takes_time_in_proportion_to_the_text() -> None:
    for part in ("a", "&", "é", "=?", "a&", ". ", "\r", "\u0301", "\u200b"):
        text = part * 20_000
        started = process_time()
        compose(
            Mail(text, "ann@example.org", text, text), Sender("market@harvest.example", text), NOON, eight_bit=False
        )
        assert process_time() - started < 1.0
