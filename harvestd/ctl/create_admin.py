"""``harvestctl create-admin``: create the first admin of a market, or another one."""

from __future__ import annotations

import getpass
import re
import secrets
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from anyascii import anyascii

from harvestd.ctl.command import FINE, Command, CommandContext, Failed, Misused, asking
from harvestd.kernel import email_addresses, readers
from harvestd.kernel.errors import AlreadyTaken, FieldError, MarketError
from harvestd.kernel.names import clean_name
from harvestd.kernel.patterns import USERNAME
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.rules import MAX_NAME, USERNAME_RULE
from harvestd.market.accounts.staff import Person, add_person, promote
from harvestd.parts import Parts
from harvestd.unit_of_work import change


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("email", metavar="EMAIL", help="e-mail address that the admin signs in with")
    parser.add_argument("--username", help="username [derived from the part before the @]")
    parser.add_argument("--name", help="name that others see [the username]")
    parser.add_argument(
        "--promote", action="store_true", help="make an existing account an admin; it keeps its password"
    )
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read the password from a file; - for standard input"
    )
    password.add_argument("--generate", action="store_true", help="generate a password and print it")


async def _run(errand: CommandContext) -> int:
    arguments = errand.arguments
    email: str = arguments.email.strip()
    if arguments.promote and (arguments.generate or arguments.username or arguments.name):
        raise Misused("--promote changes an account that is there: --generate, --username and --name are for a new one")
    if not arguments.promote:
        _check(email, arguments.username, arguments.name)
    password = "" if arguments.promote else _password(errand)
    parts = await errand.parts(making=not arguments.promote)
    found = await accounts.by_email(parts.database, email_addresses.key(email))
    if arguments.promote:
        if found is None:
            raise Failed(f"there is no account {email}; leave --promote out to create it")
        await change(parts, lambda unit: promote(unit.tx, found.id, unit.machine_now))
        errand.out.print(f"{email} is an admin", markup=False)
        return FINE
    if found is not None:
        raise Failed(f"there is an account {email} already; --promote makes it an admin")
    await _create(errand, parts, email, password)
    return FINE


async def _create(errand: CommandContext, parts: Parts, email: str, password: str) -> None:
    given = errand.arguments.username
    for username in [given] if given else usernames(email):
        person = Person(email, username, errand.arguments.name or username, "admin", password)
        try:
            await add_person(parts, person)
            break
        except AlreadyTaken as error:
            if given or {e.field for e in error.errors} != {"username"}:
                raise Failed(_words(error)) from error
        except MarketError as error:
            raise Failed(_words(error)) from error
    else:
        raise Failed("every username like this address is taken: choose one with --username")
    errand.out.print(f"{email} is an admin", markup=False)
    if errand.arguments.generate:
        errand.out.print(f"password: {password}", markup=False)


def _check(email: str, username: str | None, name: str | None) -> None:
    """Validate the arguments before any prompt or change; raises :class:`Misused`."""
    wrong = email_addresses.checked("EMAIL", email)
    if isinstance(wrong, FieldError):
        raise Misused(f"EMAIL {wrong.message}")
    if username is not None and not USERNAME.fullmatch(username.strip()):
        raise Misused(f"--username {USERNAME_RULE}")
    named = clean_name("--name", name, MAX_NAME) if name is not None else None
    if isinstance(named, FieldError):
        raise Misused(f"--name {named.message}")


def usernames(email: str) -> Iterator[str]:
    """Candidate usernames for an account that was given only an address: names that the market accepts, one of which
    is likely to be free."""
    stem = re.sub(r"[^A-Za-z0-9]+", ".", anyascii(email.partition("@")[0].partition("+")[0])).strip(".")[:30].strip(".")
    stem = stem if len(stem) >= 3 else f"{stem}.admin".strip(".")
    yield stem
    yield from (f"{stem}.{number}" for number in range(2, 100))


def _words(error: MarketError) -> str:
    return "; ".join(f"{e.field}: {e.message}" for e in error.errors) or error.detail


def _password(errand: CommandContext) -> str:
    arguments = errand.arguments
    if arguments.generate:
        return secrets.token_urlsafe(18)
    if arguments.password_file is not None:
        return _in_file(arguments.password_file)
    if not sys.stdin.isatty():
        raise Failed("no terminal to ask for the password: give --password-file or --generate")
    with asking():
        password = getpass.getpass("password: ")
        if password != getpass.getpass("again: "):
            raise Failed("the two differ")
    if not readers.is_utf8(password):
        raise Misused("the password is not UTF-8 text; type it in a terminal of UTF-8")
    return password


def _in_file(file: Path) -> str:
    """The password in a file of one line; ``-`` is standard input, on a terminal the text typed before Return."""
    try:
        if str(file) == "-":
            with asking():
                stream = sys.stdin.buffer
                content = stream.readline() if stream.isatty() else stream.read()
        else:
            content = file.read_bytes()
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise Misused(f"--password-file {file}: it is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    if "\n" in text or "\r" in text:
        raise Misused(f"--password-file {file}: it has more than one line; leave the password in it alone")
    return text


COMMAND = Command(
    "Creates an admin. The password is prompted for, read from a file, or generated; it is never taken from the command line,\n"
    "which others can read.",
    _arguments,
    _run,
)
