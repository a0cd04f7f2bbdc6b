"""What every IMailer keeps. A module that subclasses :class:`MailerContract` gives the fixture ``box``."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import attrs
import pytest

from harvestd.interfaces import IMailer, Mail, Refused


@attrs.define(eq=False)
class Box:
    """A mailer and, after each awaited ``send``, what has arrived, raw."""

    mailer: IMailer
    arrived: Callable[[], list[bytes]]

    @property
    def mails(self) -> list[EmailMessage]:
        found = [message_from_bytes(raw, policy=policy.default) for raw in self.arrived()]
        assert all(isinstance(mail, EmailMessage) and not mail.defects for mail in found)
        return found  # type: ignore[return-value]


def mail(key: str = "order.created:1", recipient: str = "ada@example.org", subject: str = "Your order",
         body: str = "Thank you.\n") -> Mail:  # fmt: skip
    return Mail(key, recipient, subject, body)


def text(mail: EmailMessage) -> str:
    """What it says, with the line ends of this side of the wire."""
    return str(mail.get_content()).replace("\r\n", "\n")


class MailerContract:
    async def test_a_mail_arrives_as_it_was_written(self, box: Box) -> None:
        await box.mailer.send(mail(body="Thank you.\n\nTwo lines.\n"))
        (found,) = box.mails
        assert found["To"] == "ada@example.org"
        assert found["From"] == "The market <market@harvest.example>"
        assert found["Subject"] == "Your order"
        assert found["Date"].datetime.isoformat() == "2026-05-09T12:00:00+00:00"
        assert found.get_content_type() == "text/plain"
        assert text(found) == "Thank you.\n\nTwo lines.\n"

    async def test_every_script_arrives_in_subject_and_text(self, box: Box) -> None:
        words = "Crème fraîche, 12,50 €, Äpfel, 胡萝卜, 🥕"
        await box.mailer.send(mail(subject=words, body=words + "\n"))
        (found,) = box.mails
        assert found["Subject"] == words
        assert text(found) == words + "\n"

    async def test_two_keys_are_two_mails_of_different_message_ids(self, box: Box) -> None:
        for key in ("a:b", "a-b", "a/b", "../a", "é", "x" * 300, "x" * 301):
            await box.mailer.send(mail(key))
        assert len({found["Message-ID"] for found in box.mails}) == 7

    async def test_a_key_names_the_message_id_however_often_it_is_sent(self, box: Box) -> None:
        await box.mailer.send(mail("order:1"))
        await box.mailer.send(mail("order:1"))
        assert len({found["Message-ID"] for found in box.mails}) == 1
        assert box.mails[0]["Message-ID"].endswith("@harvest.example>")

    @pytest.mark.parametrize("evil", ["\r\nBcc: eve@example.org", "\nBcc: eve@example.org", "\rBcc: eve@example.org",
                                      "\u2028Bcc: eve@example.org", "\x85Bcc: eve@example.org", "\r\n\r\nsecond body"])  # fmt: skip
    async def test_no_header_can_be_slipped_in_through_the_subject(self, box: Box, evil: str) -> None:
        await box.mailer.send(mail(subject="Order" + evil))
        (found,) = box.mails
        assert found["Bcc"] is None
        assert found["Subject"].startswith("Order ")
        assert text(found) == "Thank you.\n"

    @pytest.mark.parametrize(
        "recipient",
        ["", "nobody", "a@b@c", "a@example.org, eve@example.org", "a@example.org\r\nBcc: eve@example.org", "a@example.org>",
         "<a@example.org>", "a b@example.org", "a@", "@example.org", "a@exa mple.org", "a@.org", "a@" + "x" * 300, "\0@x.org",
         '"a\r\n"@x.org', "ä@example.org"],
    )  # fmt: skip
    async def test_what_is_not_one_plain_address_is_refused(self, box: Box, recipient: str) -> None:
        with pytest.raises(Refused, match="no mail address"):
            await box.mailer.send(mail(recipient=recipient))
        assert box.mails == []

    async def test_a_domain_of_any_script_is_written_in_ascii(self, box: Box) -> None:
        await box.mailer.send(mail(recipient="ada@bücher.example"))
        assert box.mails[0]["To"] == "ada@xn--bcher-kva.example"

    @pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
    async def test_lines_of_dots_do_not_end_the_text(self, box: Box, ends: str) -> None:
        said = ends.join(["first", ".", "..", ".hidden", "RSET", "last", ""])
        await box.mailer.send(mail(body=said))
        assert text(box.mails[0]) == said.replace("\r\n", "\n").replace("\r", "\n")

    @pytest.mark.parametrize("start", ["", "x"])
    async def test_nor_do_they_wherever_the_text_is_cut_on_its_way(self, box: Box, start: str) -> None:
        """Twisted reads 16,384 bytes at a time and does not see a line that begins in one part and ends in the next: here
        every second byte is a dot that begins a line, so that one is at the cut for one start or the other."""
        said = start + "\n" + ".\n" * 12_000
        await box.mailer.send(mail(body=said))
        (found,) = box.mails
        assert text(found) == said

    async def test_long_lines_and_strange_characters_arrive(self, box: Box) -> None:
        said = "é" * 5000 + "\n" + "x" * 2000 + "\n\tindented \n"
        await box.mailer.send(mail(body=said + "nul\0half\ud800\n", subject="s" * 3000))
        assert text(box.mails[0]) == said + "nulhalf?\n"
        assert all(len(line) <= 998 for raw in box.arrived() for line in raw.splitlines())
