"""``harvestctl blobs check``: compare the store of blobs with their rows."""

from __future__ import annotations

from argparse import ArgumentParser

import psycopg2

from harvestd.ctl.check import compared, show
from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, Failed
from harvestd.ctl.words import counted
from harvestd.kernel.errors import Unavailable
from harvestd.store.blobs.choosing import name_of


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=("check",), metavar="check", help="compare the store with the rows")
    parser.add_argument(
        "--content", action="store_true", help="also read every file, and compare it with what was put there"
    )


async def _run(errand: CommandContext) -> int:
    url, store = await errand.database(), name_of(errand.loaded.settings)
    try:
        found = await compared(errand, url, errand.arguments.content)
    except Unavailable as error:
        raise Failed(f"{error.detail}; run this as the daemon's account") from error
    except psycopg2.Error as error:
        raise Failed(f"the database: {str(error).splitlines()[0]}; run harvestctl doctor") from error
    for violation in found:
        show(errand.out, violation)
    if not found:
        errand.out.print(f"{store} and its rows agree", markup=False)
        return FINE
    errand.out.print(f"{counted(sum(one.count for one in found), 'blob')} differ", markup=False)
    return FOUND


COMMAND = Command(
    "Compares the store of blobs (pictures, documents; a folder, or S3) with their rows: files that have no row, and rows that have no file; with\n"
    "--content also files that are not what was put there. It reads both by pages, so its memory does not depend on how many there are.\n"
    "It changes nothing, and is safe to run while the market is up: what is under way is left out.",
    _arguments,
    _run,
)
