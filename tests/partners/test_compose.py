"""A composed mail is, byte for byte, what the library's own message would be."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.interfaces import Mail
from harvestd.partners.mail import LINE_LIMIT, SUBJECT_LIMIT, Sender, address, compose, name_of

NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)
ORDER = Mail(
    "01a1fd06-e5b4-73f6-b145-f0aa7e49680c:01a1fd06-e5b4-73f6-b145-f0aa7e49680c:buyer", "ann@example.org",
    "Your order H000123", "Thank you, Ann.\n\n  1.250 kg  Crème fraîche  4.88 EUR\n\nTotal: 4.88 EUR\n",
)  # fmt: skip


def by_the_library(mail: Mail, sender: Sender, date: datetime, *, eight_bit: bool) -> bytes:
    """The same by ``EmailMessage`` alone. The texts have no controls here: what becomes of those is not its business."""
    message = EmailMessage(policy=SMTP if eight_bit else default)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = address(mail.recipient)
    message["Subject"] = mail.subject.strip()[:SUBJECT_LIMIT]
    message["Date"] = format_datetime(date)
    message["Message-ID"] = f"<{name_of(mail.key)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    text = mail.body.replace("\r\n", "\n").replace("\r", "\n")
    short = all(len(line) <= LINE_LIMIT for line in text.split("\n"))
    message.set_content(text, cte="8bit" if eight_bit and short else "quoted-printable")
    if not eight_bit:
        message.set_payload(re.sub(r"^\.", "=2E", str(message.get_payload()), flags=re.MULTILINE))
    return message.as_bytes()


def same(mail: Mail, name: str = "The market", at: str = "market@harvest.example") -> None:
    for eight_bit in (True, False):
        expected = by_the_library(mail, Sender(at, name), NOON, eight_bit=eight_bit)
        assert compose(mail, Sender(at, name), NOON, eight_bit=eight_bit) == expected


def test_the_mail_of_an_order() -> None:
    same(ORDER)


@pytest.mark.parametrize(
    "name", ["", "Märkt am Fluß", "Smith, Jones & Co", 'the "old" market', "x" * 90, "=?utf-8?q?x?="]
)
def test_the_name_of_a_market(name: str) -> None:
    same(ORDER, name)


@pytest.mark.parametrize(
    "subject",
    ["", " ", "a", "a  b", "Bio-Hof Öhlers: neue Bestellung", "x" * 66, "x" * 67, "x" * 68, "x" * 400, "word " * 40,
     "=?utf-8?q?not_ours?=", "Re: Order, (new); it's here!", "a\tb".replace("\t", "&"), "50 % of <b>", "_a_=?b?=", "🥕"],
)  # fmt: skip
def test_the_subject(subject: str) -> None:
    same(Mail("key", "ann@example.org", subject, "text\n"))


@pytest.mark.parametrize(
    "recipient",
    ["a@b", "a.b+c_d@example.org", ".a@example.org", "a..b@example.org", "a.@b.c", "o'neil@example.org", "x#y@example.org",
     "ann@bücher.example", f"{'l' * 64}@{'d' * 60}.example.org", "ann@-a-.org", "{x}|y@example.org"],
)  # fmt: skip
def test_the_recipient(recipient: str) -> None:
    same(Mail("key", recipient, "s", "text\n"))


@pytest.mark.parametrize(
    "body",
    ["", "\n", "\n\n\n", "no end", "two\r\nlines\rthree\n", ".dot\n..\n", "x" * 1000, "é" * 300, "trailing \n\t\n", "From me\n",
     "a=b\n", "\x0b\x0c\x1c\x85\u2028line\n", "é" * 30 + "\n.after a long line" + "e" * 80],
)  # fmt: skip
def test_the_text(body: str) -> None:
    same(Mail("key", "ann@example.org", "s", body))


words = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=120)


@given(subject=words, body=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), key=words)
def test_whatever_is_said(subject: str, body: str, key: str) -> None:
    same(Mail(key, "ann@example.org", subject, body))


@given(subject=st.text("aZ09 ,.:;!'()-=?_<>@\"\\", max_size=90), local=st.text("aZ09_+-.'", min_size=1, max_size=70))
def test_what_stands_as_it_is_could_not_be_otherwise(subject: str, local: str) -> None:
    same(Mail("key", f"{local[:64]}@example.org", subject, "text\n"))
