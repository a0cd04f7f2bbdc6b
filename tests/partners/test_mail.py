"""The folder of .eml files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from zope.interface.verify import verifyObject

from harvestd.interfaces import IMailer, MailServerUnreachable
from harvestd.partners.mail import FolderMailer, Sender, name_of
from tests.contracts.mailer import Box, MailerContract, mail

SENDER = Sender("market@harvest.example", "The market")
NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)


def folder_mailer(folder: Path) -> FolderMailer:
    return FolderMailer(reactor, folder, SENDER, lambda: NOON)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


class TestFolderMailerContract(MailerContract):
    @pytest.fixture
    def box(self, tmp_path: Path) -> Box:
        folder = tmp_path / "not" / "there" / "yet"
        return Box(folder_mailer(folder), lambda: [path.read_bytes() for path in files(folder)])


def test_it_is_an_IMailer(tmp_path: Path) -> None:
    assert verifyObject(IMailer, folder_mailer(tmp_path))


async def test_one_key_leaves_one_file_however_often_it_is_sent(tmp_path: Path) -> None:
    mailer = folder_mailer(tmp_path)
    await gatherResults([Deferred.fromCoroutine(mailer.send(mail("order:1"))) for _ in range(20)])
    await mailer.send(mail("order:1"))
    assert [path.suffix for path in files(tmp_path)] == [".eml"]


async def test_the_file_that_is_there_stays(tmp_path: Path) -> None:
    await folder_mailer(tmp_path).send(mail("order:1", body="first\n"))
    await folder_mailer(tmp_path).send(mail("order:1", body="second\n"))
    assert "first" in files(tmp_path)[0].read_text()


async def test_a_file_is_readable_without_any_tool(tmp_path: Path) -> None:
    await folder_mailer(tmp_path).send(mail(body="12,50 € for crème fraîche\n"))
    assert "12,50 € for crème fraîche" in files(tmp_path)[0].read_text()


async def test_the_folder_is_its_account_s_alone_one_that_was_open_before_too(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir(mode=0o755)
    await folder_mailer(folder).send(mail())
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a\0b", "x" * 5000, "-rf", "con\n", "\ud800"]
)
def test_a_key_of_any_form_names_a_file_in_the_folder(key: str) -> None:
    name = name_of(key)
    assert len(name) < 120 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    assert not name.startswith("-")


async def test_a_folder_that_cannot_be_written_means_away_and_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MailServerUnreachable, match=r"mail folder .*/file"):
        await folder_mailer(tmp_path / "file").send(mail())


async def test_a_disk_that_fills_up_leaves_no_half_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MailServerUnreachable, match="No space left"):
        await folder_mailer(tmp_path).send(mail())
    assert files(tmp_path) == []
