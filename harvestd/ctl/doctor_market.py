"""Doctor's checks of what a market has still to do, according to its tables.

Each function blocks, and yields findings: one line each, with a cure if something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten

from harvestd.ctl.check_result import CheckResult
from harvestd.ctl.doctor_database import query
from harvestd.ctl.words import counted
from harvestd.kernel.told_values import Duration

#: Age, in seconds, at which unsent events and mails are overdue.
MAX_BACKLOG, MAX_MAIL = 60, 3600


def market(url: str) -> Iterator[CheckResult]:
    """Queues, outbox, mails and search, according to the tables."""
    yield _dead_letters(url)
    yield _outbox(url)
    yield _queues(url)
    yield _mails(url)
    yield _search(url)


def _dead_letters(url: str) -> CheckResult:
    dead = query(url, "select queue, count(*), max(cause) from queue_dead group by queue order by queue")
    words = ", ".join(f"{queue} {count} (such as: {_short(cause)})" for queue, count, cause in dead) or "none"
    return CheckResult("dead letters", not dead, words, "mend the causes, then harvestctl replay")


def _outbox(url: str) -> CheckResult:
    unsent, age = query(
        url,
        "select count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::int from outbox where sent_at is null",
    )[0]
    cure = "no relay publishes them: is a daemon running, and is its broker there?"
    return CheckResult(
        "outbox", age < MAX_BACKLOG, f"{counted(unsent, 'event')} unsent, the oldest for {Duration(age)}", cure
    )


def _queues(url: str) -> CheckResult:
    waiting, age = query(
        url,
        """select count(*), coalesce(extract(epoch from now() - min(available_at)), 0)::int from queue_messages
            where available_at <= now()""",
    )[0]
    cure = "nobody consumes them: is a worker running, or an API process with workers on?"
    words = f"{counted(waiting, 'message')} due, the oldest for {Duration(age)}"
    return CheckResult("queues", age < MAX_BACKLOG, words, cure)


def _mails(url: str) -> CheckResult:
    late, overdue, since, failed, cause = query(
        url,
        f"""select count(*) filter (where state = 'pending' and created_at < now() - interval '{MAX_MAIL} s'),
                   count(*) filter (where state = 'pending' and due_at < now() - interval '{MAX_BACKLOG} s'),
                   coalesce(extract(epoch from now() - min(due_at) filter (where state = 'pending')), 0)::int,
                   count(*) filter (where state = 'failed'), max(cause) filter (where cause <> '') from mails
             where state <> 'sent'""",
    )[0]
    words = f"{late} wait for over an hour, {failed} were given up"
    words += f"; some could not be handed over: {_short(cause)}" if cause else ""
    words += (
        f"; {overdue} are due, the oldest for {Duration(since)}, and nobody sends them: is a worker running, and not frozen?"
        if overdue
        else ""
    )
    return CheckResult("mails", not (late or overdue or failed), words, "mend what the cause names")


def _search(url: str) -> CheckResult:
    missing = query(
        url,
        """select count(*) from products p left join search_documents d on d.kind = 'product' and d.id = p.id
            where p.status = 'published' and (d.id is null or d.removed <> (p.visible_to is not null) or d.version < p.revision)""",
    )[0][0]
    cure = "wait until the queues are empty; if it stays, harvestctl reindex"
    return CheckResult("search", not missing, f"{counted(missing, 'product')} not found as now offered", cure)


def _short(cause: str) -> str:
    return shorten(cause, 120, placeholder=" …")
