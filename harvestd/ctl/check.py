"""``harvestctl check``: verify the consistency of the books."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime

import psycopg2
from rich.console import Console
from twisted.internet.threads import deferToThread

from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, Failed
from harvestd.ctl.words import counted
from harvestd.kernel.errors import Unavailable
from harvestd.runtime.metrics import Metrics
from harvestd.store.blobs import comparing
from harvestd.store.blobs.choosing import store_of
from harvestd.store.postgres.invariants import Violation, rules, violations


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--at-rest", action="store_true", help="also check what holds only while no order or event is in progress"
    )


#: Rules that are also broken while nobody does the work, and what to do then.
_CURES = {
    "an event unsent for over 60 s": "is a daemon running, and is its broker there? Nothing is lost: it is sent once they are",
    "a blob that is lost, or one dropped and not swept for three hours": "restore the folder of blobs, or mount it; or is no worker running? "
    "The sweep, once an hour, marks what is there again",
    comparing.STRAY: "uploads that failed leave such files; is no worker running? The sweep, once an hour, deletes them",
    comparing.MISSING: "restore the store of blobs, or mount its folder; do the settings blobs and s3_url name what the daemons use?",
    comparing.DAMAGED: "restore these files from a backup of the store of blobs",
    "a message with an expired lease or overdue for over 60 s": "is a worker running, or an API process with workers on?",
}


async def _run(errand: CommandContext) -> int:
    url = await errand.database()
    checked = rules() + (rules("at_rest.sql") if errand.arguments.at_rest else [])
    try:
        found = await deferToThread(lambda: list(violations(url, checked, errand.go_on)))
        found += await compared(errand, url)
    except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedFunction) as error:
        raise Failed(
            f"the schema is not of this version ({str(error).splitlines()[0]}): run harvestctl migrate"
        ) from error
    except Unavailable as error:
        raise Failed(f"{error.detail}; run this as the daemon's account") from error
    except psycopg2.Error as error:
        raise Failed(f"the database: {str(error).splitlines()[0]}") from error
    number = len(checked) + len(comparing.RULES)
    for violation in found:
        show(errand.out, violation)
    broken = (
        f"{len(found)} of {counted(number, 'rule')} {'is' if len(found) == 1 else 'are'} broken"
        if found
        else f"all {number} rules hold"
    )
    errand.out.print(broken, markup=False)
    return FOUND if found else FINE


async def compared(errand: CommandContext, url: str, content: bool = False) -> list[Violation]:
    """The store of blobs against their rows. Raises ``Unavailable`` and ``psycopg2.Error``."""
    blobs, s3 = store_of(errand.reactor, errand.loaded.settings, Metrics().shortages, lambda: datetime.now(UTC))
    try:
        return await comparing.compared(url, blobs, content)
    finally:
        if s3 is not None:
            await s3.stop()


def show(out: Console, violation: Violation) -> None:
    """Print a rule that is broken, with the rows that break it, and the cure."""
    out.print(f"BROKEN: {violation.rule}: {counted(violation.count, 'row')}", markup=False)
    for row in violation.rows:
        cells = (f"{name}={value}" for name, value in zip(violation.columns, row, strict=True))
        out.print("    " + ", ".join(cells), markup=False)
    if violation.rule in _CURES:
        out.print(f"    -> {_CURES[violation.rule]}", markup=False)
    if violation.count > len(violation.rows):
        out.print(f"    and {violation.count - len(violation.rows)} more", markup=False)


COMMAND = Command(
    "Checks the invariants, one SQL query each, in one transaction, and the store of blobs against their rows, and prints each broken rule\n"
    "with the rows that break it.\n"
    "It changes nothing, and is safe to run while the market is up.",
    _arguments,
    _run,
)
