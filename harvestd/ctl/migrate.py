"""``harvestctl migrate``: upgrade the schema to this version."""

from __future__ import annotations

from argparse import ArgumentParser

from twisted.internet.threads import deferToThread

from harvestd.ctl.command import FINE, FOUND, Command, CommandContext
from harvestd.store.postgres import migrations


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if migrations are pending")


async def _run(errand: CommandContext) -> int:
    url = await errand.database(making=not errand.arguments.check)
    if errand.arguments.check:
        waiting = await deferToThread(migrations.pending, url)
        _print(errand, "to be applied", waiting)
        return FOUND if waiting else FINE
    _print(errand, "applied", await deferToThread(migrations.migrate, url))
    return FINE


def _print(errand: CommandContext, what: str, titles: list[str]) -> None:
    for title in titles:
        errand.out.print(f"{what}: {title}", markup=False)
    if not titles:
        errand.out.print("the schema is of this version", markup=False)


COMMAND = Command(
    "Applies the pending migrations, each in its own transaction, under a lock: concurrent runs take turns.\n"
    "With the embedded database the daemon does this when it starts. With database_url it is up to you, whether the daemon\n"
    "of the old version is running or not; the daemon of the new version does not start until then.",
    _arguments,
    _run,
)
