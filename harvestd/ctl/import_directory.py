"""``harvestctl import-directory``: farms and catalogues from the USDA's farmers market directory."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import psycopg2
from twisted.internet.threads import deferToThread

from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, Failed, Misused, asking, progress_bar, whole
from harvestd.ctl.reindex import engine_is_away, with_bar
from harvestd.ctl.words import counted
from harvestd.kernel import email_addresses
from harvestd.kernel.errors import FieldError
from harvestd.kernel.permissions import Permission, may
from harvestd.loading.usda.reading import BadRow, Market, NotTheDirectory, read
from harvestd.loading.usda.storing import Stored, Storing
from harvestd.market.accounts import rows as accounts
from harvestd.market.search.actions import current
from harvestd.parts import Parts

#: Bad rows that are printed; all of them are counted.
SHOWN = 50


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the directory, as CSV, JSON or a workbook; - for standard input"
    )
    parser.add_argument("--limit", type=whole, metavar="N", help="import only the first N rows")
    parser.add_argument("--owner", metavar="EMAIL", help="account that becomes the owner of imported farms without one")
    parser.add_argument("--dry-run", action="store_true", help="read and report, but store nothing")


async def _run(errand: CommandContext) -> int:
    arguments = errand.arguments
    if arguments.limit is not None and arguments.limit < 1:
        raise Misused("--limit is the number of rows to import: 1 or more")
    owned = email_addresses.checked("--owner", arguments.owner) if arguments.owner is not None else None
    if isinstance(owned, FieldError):
        raise Misused(f"--owner {owned.message}")
    rows = list(islice(_rows(arguments.file), arguments.limit))
    if arguments.dry_run:
        stored = Stored(rows=len(rows), bad=[row for row in rows if isinstance(row, BadRow)])
        return _report(errand, stored, "would be stored")
    parts = await errand.parts(making=True)
    owner = await _owner(parts, arguments.owner) if arguments.owner else None
    with progress_bar(errand.err) as bar:
        task = bar.add_task("rows", total=len(rows))

        def advance(stored: Stored) -> None:
            bar.update(task, completed=stored.rows)
            errand.go_on()

        stored = await deferToThread(_store, parts, rows, owner, advance)
    if stored.changed or not await current(parts):
        await with_bar(errand, parts)
        await engine_is_away(errand, parts)
        await parts.cache.drop(())
    return _report(errand, stored, "stored")


def _rows(file: Path) -> Iterator[Market | BadRow]:
    try:
        with asking() if str(file) == "-" else nullcontext():
            content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        yield from read(content)
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from error
    except NotTheDirectory as error:
        raise Failed(f"{file}: {error}") from error


async def _owner(parts: Parts, email: str) -> str:
    found = await accounts.by_email(parts.database, email_addresses.key(email))
    if found is None:
        raise Failed(f"--owner: there is no account {email}; register it first, or leave --owner out")
    if not may(found.role, Permission.CHANGE_FARM):
        raise Failed(f"--owner: {email} is a {found.role}, who cannot own a farm; name a farmer or an admin")
    return found.id


def _store(parts: Parts, rows: list[Market | BadRow], owner: str | None, advance: object) -> Stored:
    connection = psycopg2.connect(parts.settings.database_url, application_name="harvestctl-import")
    try:
        storing = Storing(connection, parts.new_id, parts.now(), owner)
        return storing.store(rows, advance)  # type: ignore[arg-type]
    except psycopg2.OperationalError as error:
        raise Failed(
            f"the database went away ({str(error).splitlines()[0]}); run the import again, it goes on"
        ) from error
    finally:
        connection.close()


def _report(errand: CommandContext, stored: Stored, verb: str) -> int:
    for bad in stored.bad[:SHOWN]:
        errand.err.print(f"{bad.at} {bad.line}: {bad.why}", markup=False)
    if len(stored.bad) > SHOWN:
        errand.err.print(f"and {len(stored.bad) - SHOWN} more", markup=False)
    good = stored.rows - len(stored.bad)
    errand.out.print(f"{good} of {counted(stored.rows, 'row')} {verb}, {len(stored.bad)} bad", markup=False)
    if verb == "stored":
        errand.out.print(
            f"{counted(stored.farms_new, 'farm')} new, {stored.farms_changed} changed; {counted(stored.products_new, 'product')} new",
            markup=False,
        )
        if stored.farms_new and not errand.arguments.owner:
            errand.out.print(
                "nobody belongs to these farms, so their products are shown but cannot be ordered; run it again with --owner "
                "EMAIL to give them to somebody",
                markup=False,
            )
        if stored.seasons_unread:
            have = "has" if stored.seasons_unread == 1 else "have"
            farms = counted(stored.seasons_unread, "farm")
            errand.out.print(f"{farms} {have} a season that cannot be read: open all year", markup=False)
    return FOUND if stored.bad else FINE


COMMAND = Command(
    "FILE is the USDA's directory in any of its forms: the former CSV, which has a column for each kind of goods; the listings of\n"
    "the Local Food Portal, as a workbook, CSV or JSON; or an answer of its API. Each row becomes a farm with its position, address, season and\n"
    "benefit programmes, and a product for each kind of goods that it has.\n"
    "The directory has no prices or stock: they come from a table. The farms have no owner unless --owner names an\n"
    "account, and products of a farm without one cannot be ordered. A second run resumes where the first was interrupted and\n"
    "changes nothing that exists, except that farms without an owner follow the directory. Rows that cannot be stored are\n"
    "reported by line; the exit code is 1 if there are any.",
    _arguments,
    _run,
)
