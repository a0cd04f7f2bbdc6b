"""``harvestctl check``: verify the consistency of the books."""

from __future__ import annotations

from argparse import ArgumentParser

import psycopg2
from rich.console import Console
from twisted.internet.threads import deferToThread

from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, Failed
from harvestd.ctl.words import counted
from harvestd.store.blobs import comparing
from harvestd.store.blobs.folder import folder_of
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
    comparing.MISSING: "restore the folder of blobs, or mount it; does the setting blobs name the folder that the daemons use?",
    comparing.DAMAGED: "restore these files from a backup of the folder of blobs",
    "a message with an expired lease or overdue for over 60 s": "is a worker running, or an API process with workers on?",
}


async def _run(errand: CommandContext) -> int:
    url, folder = await errand.database(), folder_of(errand.loaded.settings)
    checked = rules() + (rules("at_rest.sql") if errand.arguments.at_rest else [])
    try:
        found = await deferToThread(lambda: list(violations(url, checked, errand.go_on)))
        found += await deferToThread(lambda: list(comparing.compared(url, folder)))
    except psycopg2.errors.UndefinedTable as error:
        raise Failed(
            f"the schema is not of this version ({str(error).splitlines()[0]}): run harvestctl migrate"
        ) from error
    except OSError as error:
        raise Failed(f"the folder of blobs {folder}: {error.strerror}; run this as the daemon's account") from error
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
    "Checks the invariants, one SQL query each, in one transaction, and the folder of blobs against their rows, and prints each broken rule\n"
    "with the rows that break it.\n"
    "It changes nothing, and is safe to run while the market is up.",
    _arguments,
    _run,
)
