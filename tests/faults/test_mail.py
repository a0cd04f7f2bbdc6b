"""A process that dies with mail in hand, in front of a real SMTP server: all of it arrives, and little of it twice."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from harvestd.market.notifications.mail_batch import MAX_TWICE
from harvestd.market.notifications.mail_sender import BATCH
from servers import PostgresServer, wait_until
from tests.daemons import Daemon
from tests.partners.test_smtp import Running, serve

WAITING = """
    insert into mails (id, recipient, subject, body, dedupe_key, due_at, created_at)
    select gen_random_uuid(), 'p' || n || '@example.org', 'Order ' || n, 'Thank you.', 'k' || n, now(), now()
      from generate_series(1, %s) as n"""


@pytest.fixture
def server() -> Iterator[Running]:
    yield from serve()


def arrived(server: Running) -> Counter[str]:
    """How often each mail did, by its Message-ID."""
    return Counter(str(message_from_bytes(content)["Message-ID"]) for content in server.inbox.arrived)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["mail.before_mark=kill@1", "mail.before_mark=kill@3", "mail.after_send=kill@12"])
def test_a_death_has_at_most_so_many_mails_sent_again(
    postgres: PostgresServer, tmp_path: Path, server: Running, point: str
) -> None:
    database = postgres.clone()
    worker = Daemon(
        "harvest-worker", tmp_path, database_url=postgres.url(database), smtp_url=f"smtp://127.0.0.1:{server.port}",
        queue_retry_scale=0.01,
    )  # fmt: skip
    number = 2 * BATCH
    try:
        postgres.query(database, WAITING, number)
        worker.begin(fail_points=point)
        assert worker.process is not None and worker.process.wait(60) == -signal.SIGKILL
        wait_until("what the dead had sent is read", lambda: not server.open, 10)
        before = arrived(server)
        worker.begin()
        left = "select 1 from mails where state <> 'sent'"
        wait_until("all are sent", lambda: not postgres.query(database, left), 60)
        worker.stop()
    finally:
        worker.kill()
        postgres.drop(database)
    found = arrived(server)
    twice = [key for key, times in found.items() if times == 2]
    assert len(found) == number and set(found.values()) <= {1, 2}
    assert 1 <= len(twice) <= MAX_TWICE and set(twice) <= set(before)
