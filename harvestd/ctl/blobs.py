"""``harvestctl blobs check``: compare the folder of blobs with their rows."""

from __future__ import annotations

from argparse import ArgumentParser

import psycopg2
from twisted.internet.threads import deferToThread

from harvestd.ctl.check import show
from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, Failed
from harvestd.ctl.words import counted
from harvestd.store.blobs import comparing
from harvestd.store.blobs.folder import folder_of


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=("check",), metavar="check", help="compare the folder with the rows")
    parser.add_argument(
        "--content", action="store_true", help="also read every file, and compare it with what was put there"
    )


async def _run(errand: CommandContext) -> int:
    url, folder = await errand.database(), folder_of(errand.loaded.settings)
    content = errand.arguments.content
    try:
        found = await deferToThread(lambda: list(comparing.compared(url, folder, content)))
    except OSError as error:
        raise Failed(f"the folder of blobs {folder}: {error.strerror}; run this as the daemon's account") from error
    except psycopg2.Error as error:
        raise Failed(f"the database: {str(error).splitlines()[0]}; run harvestctl doctor") from error
    for violation in found:
        show(errand.out, violation)
    if not found:
        errand.out.print(f"the folder {folder} and its rows agree", markup=False)
        return FINE
    errand.out.print(f"{counted(sum(one.count for one in found), 'blob')} differ", markup=False)
    return FOUND


COMMAND = Command(
    "Compares the folder of blobs (pictures, documents) with their rows: files that have no row, and rows that have no file; with --content\n"
    "also files that are not what was put there.\n"
    "It changes nothing, and is safe to run while the market is up: what is under way is left out.",
    _arguments,
    _run,
)
