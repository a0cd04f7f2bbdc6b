"""Mail from its row to the folder, on a real database, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from zope.interface import implementer

from harvestd.interfaces import IMailer, Mail, MailServerUnreachable, Refused
from harvestd.kernel.errors import Unavailable
from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications.mail_batch import AT_ONCE, AWAY_LIMIT, LEASE, MAX_MARK, MAX_TWICE, RETRY_DELAYS
from harvestd.market.notifications.mail_sender import BATCH, deliver, send_due
from harvestd.market.operations import housekeeping
from harvestd.partners.mail import FolderMailer, Sender
from harvestd.parts import Parts
from harvestd.runtime import failpoints
from harvestd.runtime.lifecycle import sleep
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement

NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)
SENDER = Sender("market@harvest.example", "The market")


@attrs.define(auto_attribs=True)
class Row:
    state: str
    attempts: int
    due_at: datetime
    cause: str
    sent_at: datetime | None


ROW = Statement("test_mail", "select state, attempts, due_at, cause, sent_at from mails where dedupe_key = :key", Row)


@implementer(IMailer)
class Scripted:
    """Does what ``answer`` says of a key: sends to the folder, or raises it; counts how many are under way at once."""

    def __init__(self, folder: FolderMailer, answer: Callable[[str], Exception | None] = lambda key: None) -> None:
        self.folder = folder
        self.answer = answer
        self.tried: list[str] = []
        self.at_once = self.most_at_once = 0

    async def send(self, mail: Mail) -> None:
        self.tried.append(mail.key)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.folder.send(mail)
            error = self.answer(mail.key)
            if error is not None:
                raise error
        finally:
            self.at_once -= 1


class Post:
    """A market's parts with a clock to set, and what the folder holds."""

    def __init__(self, parts: Parts, folder: Path) -> None:
        self.now = NOON
        self.folder = folder
        self.mailer = Scripted(FolderMailer(reactor, folder, SENDER, lambda: self.now))
        settings = attrs.evolve(parts.settings, queue_retry_scale=1.0)
        self.parts = attrs.evolve(parts, mailer=self.mailer, now=lambda: self.now, settings=settings)

    async def enqueue(self, keys: Sequence[str]) -> int:
        letters = [Mail(key, f"{key}@example.org", f"Order {key}", "Thank you.\n") for key in keys]
        return len(
            await self.parts.database.transaction(lambda tx: mails.enqueue(tx, letters, self.parts.new_id, self.now))
        )

    async def row(self, key: str) -> Row:
        found = await self.parts.database.row(ROW, key=key)
        assert found is not None
        return found

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def sent(self, outcome: str = "sent") -> float:
        return self.parts.metrics.value("harvest_mails_total", outcome=outcome) or 0.0


@pytest.fixture
def post(parts: Parts, tmp_path: Path) -> Post:
    return Post(parts, tmp_path / "mail")


async def test_each_mail_lies_in_the_folder_once(post: Post) -> None:
    keys = [f"k{n:03d}" for n in range(2 * BATCH + 7)]
    assert await post.enqueue(keys) == len(keys)
    await deliver(post.parts)
    assert len(post.files()) == len(keys) == len(post.mailer.tried) == post.sent()
    assert await send_due(post.parts) == 0
    row = await post.row("k000")
    assert (row.state, row.attempts, row.cause, row.sent_at) == ("sent", 1, "", NOON)


async def test_a_key_is_one_mail_however_often_it_is_written(post: Post) -> None:
    assert await post.enqueue(["a", "a", "b"]) == 2
    await deliver(post.parts)
    assert await post.enqueue(["a", "c"]) == 1
    await deliver(post.parts)
    assert post.mailer.tried == ["a", "b", "c"]


async def test_mail_of_a_transaction_that_failed_is_not_sent(post: Post) -> None:
    async def work(tx: Any) -> None:
        await mails.enqueue(tx, [Mail("a", "a@example.org", "s", "b")], post.parts.new_id, post.now)
        raise Refused("no order after all")

    with pytest.raises(Refused):
        await post.parts.database.transaction(work)
    await deliver(post.parts)
    assert post.mailer.tried == []


async def test_only_some_are_under_way_at_once(post: Post) -> None:
    await post.enqueue([f"k{n}" for n in range(30)])
    await send_due(post.parts)
    assert 1 < post.mailer.most_at_once <= AT_ONCE


async def test_what_one_address_gets_it_gets_in_order_whoever_else_gets_some(post: Post) -> None:
    """The later ones would be through first."""
    letters = [Mail(f"{who}{n}", f"{who}@example.org", f"Order {n}", "Thank you.\n") for n in range(6) for who in "ab"]
    arrived: list[str] = []
    waiting = {f"{who}{n}": Deferred[None]() for n in range(6) for who in "ab"}

    class Slow(Scripted):
        async def send(self, mail: Mail) -> None:
            self.tried.append(mail.key)
            await waiting[mail.key]
            arrived.append(mail.key)

    slow = Slow(post.mailer.folder)
    post.parts = attrs.evolve(post.parts, mailer=slow)
    await post.parts.database.transaction(lambda tx: mails.enqueue(tx, letters, post.parts.new_id, post.now))
    sending = Deferred.fromCoroutine(deliver(post.parts))
    await until(lambda: len(slow.tried) >= 2)
    for key in sorted(waiting, reverse=True):
        post.parts.reactor.callLater(0, waiting[key].callback, None)
    await sending
    assert [[key for key in arrived if key[0] == who] for who in "ab"] == [
        [f"{who}{n}" for n in range(6)] for who in "ab"
    ]


async def test_two_processes_never_send_one_mail_at_once(post: Post) -> None:
    await post.enqueue([f"k{n}" for n in range(60)])
    both = [Deferred.fromCoroutine(send_due(post.parts)) for _ in range(2)]
    assert sum([await one for one in both]) == 60
    assert len(post.mailer.tried) == len(set(post.mailer.tried)) == 60


async def test_a_mail_that_is_not_taken_is_tried_again_with_growing_delays_and_given_up_with_its_cause(
    post: Post,
) -> None:
    post.mailer.answer = lambda key: Unavailable("450 mailbox busy")
    await post.enqueue(["a"])
    for tries, delay in enumerate(RETRY_DELAYS, start=1):
        assert await send_due(post.parts) == 0
        row = await post.row("a")
        assert (row.state, row.attempts, row.cause) == ("pending", tries, "450 mailbox busy")
        assert 0.8 * delay <= (row.due_at - post.now).total_seconds() <= 1.2 * delay
        await send_due(post.parts)
        assert len(post.mailer.tried) == tries, "it is not tried before it is due"
        post.now = row.due_at
    await send_due(post.parts)
    row = await post.row("a")
    assert (row.state, row.attempts) == ("failed", 7)
    assert row.cause == "given up after 7 tries: 450 mailbox busy"
    assert (post.sent("retried"), post.sent("failed"), post.sent()) == (6, 1, 0)
    post.now += timedelta(days=30)
    assert await send_due(post.parts) == 0
    assert len(post.mailer.tried) == 7


async def test_a_refused_mail_fails_at_once_with_its_cause_and_holds_up_no_other(post: Post) -> None:
    post.mailer.answer = lambda key: Refused("550 no such user") if key == "b" else None
    await post.enqueue(["a", "b", "c"])
    assert await send_due(post.parts) == 2
    row = await post.row("b")
    assert (row.state, row.attempts, row.cause) == ("failed", 1, "550 no such user")
    assert (await post.row("c")).state == "sent"


async def test_what_nobody_expected_is_a_reason_to_try_again_too(post: Post, expected_errors: Any) -> None:
    post.mailer.answer = lambda key: RuntimeError("a bug") if len(post.mailer.tried) == 1 else None
    await post.enqueue(["a"])
    await send_due(post.parts)
    assert (await post.row("a")).cause == "a bug"
    assert expected_errors(RuntimeError), "its traceback is logged"
    post.now += timedelta(minutes=1)
    assert await send_due(post.parts) == 1


async def test_a_server_that_is_away_costs_no_mail_an_attempt_and_is_not_asked_for_each(post: Post) -> None:
    post.mailer.answer = lambda key: MailServerUnreachable("SMTP server mail.example:25: refused")
    await post.enqueue([f"k{n:02d}" for n in range(40)])
    assert await send_due(post.parts) == 0
    assert len(post.mailer.tried) <= AT_ONCE
    for key in ("k00", "k39"):
        row = await post.row(key)
        assert (row.state, row.attempts) == ("pending", 0)
        assert "refused" in row.cause
        assert 4 <= (row.due_at - post.now).total_seconds() <= 6


async def test_after_days_away_every_mail_is_still_there_and_goes_out_when_the_server_is_back(post: Post) -> None:
    post.mailer.answer = lambda key: MailServerUnreachable("no route to host")
    keys = [f"k{n}" for n in range(10)]
    await post.enqueue(keys)
    while post.now < NOON + timedelta(days=4):
        await send_due(post.parts)
        post.now += timedelta(hours=6)
    tries = len(post.mailer.tried)
    assert tries <= 16 * AT_ONCE
    post.mailer.answer = lambda key: None
    await deliver(post.parts)
    assert len(post.files()) == len(keys)
    assert {(await post.row(key)).state for key in keys} == {"sent"}


async def test_a_server_that_stays_away_is_given_up_in_the_end(post: Post) -> None:
    post.mailer.answer = lambda key: MailServerUnreachable("no route to host")
    await post.enqueue(["a"])
    post.now += AWAY_LIMIT + timedelta(minutes=1)
    await send_due(post.parts)
    row = await post.row("a")
    assert (row.state, row.cause) == ("failed", "given up after 5 days: no route to host")


@pytest.fixture
def dead_renew_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs in a test stands for one that died."""

    async def nothing(batch: Any) -> None:
        """Nobody is there to do it."""

    monkeypatch.setattr("harvestd.market.notifications.mail_batch.Batch.renew", nothing)


async def test_mail_in_hand_stays_so_for_as_long_as_this_process_works(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("mail_sender", "mail_batch"):
        monkeypatch.setattr(f"harvestd.market.notifications.{module}.LEASE", timedelta(seconds=0.3))
    post.parts = attrs.evolve(post.parts, now=lambda: datetime.now(UTC))
    post.now = datetime.now(UTC)
    slow: Deferred[None] = Deferred()

    async def send(mail: Mail) -> None:
        await slow

    object.__setattr__(post.mailer, "send", send)
    await post.enqueue(["a", "b"])
    sending = Deferred.fromCoroutine(send_due(post.parts))
    for _ in range(20):
        await sleep(reactor, 0.05)
        assert await send_due(post.parts) == 0
    slow.callback(None)
    assert await sending == 2


async def test_what_another_took_over_is_not_sent_by_who_had_it(post: Post) -> None:
    """A process that was frozen sends what it had begun, and no more."""
    slow: Deferred[None] = Deferred()
    keys = [f"k{n:02d}" for n in range(BATCH)]

    async def send(mail: Mail) -> None:
        begun.append(mail.key)
        await slow

    begun: list[str] = []
    object.__setattr__(post.mailer, "send", send)
    await post.enqueue(keys)
    frozen = Deferred.fromCoroutine(send_due(post.parts))
    await until(lambda: len(begun) == AT_ONCE)
    post.now += LEASE
    other = attrs.evolve(post.parts, mailer=post.mailer.folder)
    assert await send_due(other) == BATCH
    slow.callback(None)
    await frozen
    assert len(begun) == AT_ONCE and len(post.files()) == BATCH


async def test_a_crash_between_sending_and_marking_leaves_one_file(post: Post, dead_renew_nothing: None) -> None:
    """The process dies: the claim runs out, the mail is sent again under its name, and the folder keeps one."""
    await post.enqueue(["a"])
    failpoints.arm("mail.after_send=hang@1", {"HARVEST_TESTING": "1"})
    try:
        dead = Deferred.fromCoroutine(send_due(post.parts))
        await until(lambda: len(post.files()) == 1 and post.mailer.at_once == 0)
        assert await send_due(post.parts) == 0, "it is in the dead process's hand"
        post.now += LEASE
        assert await send_due(post.parts) == 1
    finally:
        failpoints.disarm()
        dead.addErrback(lambda failure: None)
    assert post.mailer.tried == ["a", "a"]
    assert len(post.files()) == 1
    row = await post.row("a")
    assert (row.state, row.attempts) == ("sent", 2)


async def test_a_crash_before_marking_sends_no_more_than_so_many_twice_and_each_of_them_once_more(
    post: Post, dead_renew_nothing: None
) -> None:
    """However long it hangs there: who marks nothing sends nothing more."""
    keys = [f"k{n:02d}" for n in range(BATCH)]
    await post.enqueue(keys)
    failpoints.arm("mail.before_mark=hang@1", {"HARVEST_TESTING": "1"})
    try:
        dead = Deferred.fromCoroutine(send_due(post.parts))
        await until(lambda: len(post.mailer.tried) >= MAX_MARK and post.mailer.at_once == 0)
        for _ in range(20):
            await sleep(reactor, 0.01)
        assert MAX_MARK <= len(post.mailer.tried) <= MAX_TWICE
        assert {(await post.row(key)).state for key in keys} == {"pending"}
        twice = list(post.mailer.tried)
        post.now += LEASE
        assert await send_due(post.parts) == BATCH
    finally:
        failpoints.disarm()
        dead.addErrback(lambda failure: None)
    assert sorted(post.mailer.tried) == sorted(keys + twice)
    assert len(post.files()) == BATCH
    assert {(await post.row(key)).state for key in keys} == {"sent"}


async def test_what_was_sent_is_marked_soon_though_the_next_mail_takes_long(post: Post) -> None:
    slow: Deferred[None] = Deferred()
    folder = post.mailer.folder

    async def send(mail: Mail) -> None:
        if mail.key == "slow":
            await slow
        await folder.send(mail)

    object.__setattr__(post.mailer, "send", send)
    await post.enqueue(["a", "slow", "b"])
    sending = Deferred.fromCoroutine(send_due(post.parts))
    await until(lambda: post.sent() == 2)
    assert [(await post.row(key)).state for key in ("a", "slow", "b")] == ["sent", "pending", "sent"]
    slow.callback(None)
    assert await sending == 3
    assert (await post.row("slow")).state == "sent"


async def test_if_nothing_can_be_marked_nothing_more_is_sent_and_why_is_raised(post: Post) -> None:
    """What was not tried costs no attempt, and comes soon; what was sent comes again when its claim runs out."""
    keys = [f"k{n:02d}" for n in range(BATCH)]
    await post.enqueue(keys)
    failpoints.arm("mail.before_mark=error@1", {"HARVEST_TESTING": "1"})
    try:
        with pytest.raises(failpoints.FailPointHit):
            await send_due(post.parts)
    finally:
        failpoints.disarm()
    tried = set(post.mailer.tried)
    assert 1 <= len(tried) <= MAX_TWICE
    assert {key for key in keys if (await post.row(key)).attempts == 1} == tried
    post.now += LEASE
    await deliver(post.parts)
    assert {(await post.row(key)).state for key in keys} == {"sent"}


async def test_who_comes_back_after_its_claim_ran_out_changes_nothing(post: Post) -> None:
    await post.enqueue(["a"])
    database: Database = post.parts.database
    (late,) = await database.transaction(lambda tx: mails.claim(tx, NOON, LEASE, 10))
    post.now += LEASE
    assert await send_due(post.parts) == 1
    await database.transaction(lambda tx: mails.later(tx, late, NOON, "late"))
    await database.transaction(lambda tx: mails.failed(tx, late, "late"))
    assert (await post.row("a")).state == "sent"


async def test_old_sent_mail_is_purged_and_what_failed_is_kept(post: Post) -> None:
    post.mailer.answer = lambda key: Refused("no") if key == "b" else None
    await post.enqueue(["a", "b"])
    await deliver(post.parts)
    await housekeeping.tidy(post.parts)
    assert (await post.row("a")).state == "sent"
    post.now += timedelta(seconds=post.parts.settings.outbox_keep + 1)
    await housekeeping.tidy(post.parts)
    assert await post.parts.database.row(ROW, key="a") is None
    assert (await post.row("b")).state == "failed"


async def until(true: Callable[[], bool]) -> None:
    """Let the reactor run until it is so, at most 5 seconds."""
    for _ in range(500):
        if true():
            return
        await sleep(reactor, 0.01)
    raise AssertionError("it never came true")
