"""``harvestctl create-admin``: the first admin of a market, or another one."""

from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from pathlib import Path

from harvestd.ctl.command import FINE, Command, Errand, Failed
from harvestd.market import accounts as market
from harvestd.market.errors import MarketError
from harvestd.parts import Parts
from harvestd.people import Person, add_person, promote
from harvestd.store import accounts


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("email", metavar="EMAIL", help="address that the admin signs in with")
    parser.add_argument("--username", help="[what stands before the @]")
    parser.add_argument("--name", help="name that others see [the username]")
    parser.add_argument(
        "--promote", action="store_true", help="make an account that exists an admin; its password stays"
    )
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read the password from a file; - is standard input"
    )
    password.add_argument("--generate", action="store_true", help="make up a password and print it")


async def _run(errand: Errand) -> int:
    arguments = errand.arguments
    email: str = arguments.email.strip()
    password = "" if arguments.promote else _password(errand)
    parts = await errand.parts()
    found = await accounts.by_email(parts.database, market.email_key(email))
    if arguments.promote:
        if found is None:
            raise Failed(f"there is no account {email}; leave --promote out to create it")
        await parts.database.transaction(lambda tx: promote(tx, found.id, parts.now()))
        errand.out.print(f"{email} is an admin", markup=False)
        return FINE
    if found is not None:
        raise Failed(f"there is an account {email} already; --promote makes it an admin")
    await _create(errand, parts, email, password)
    return FINE


async def _create(errand: Errand, parts: Parts, email: str, password: str) -> None:
    username = errand.arguments.username or email.partition("@")[0]
    person = Person(email, username, errand.arguments.name or username, "admin", password)
    try:
        await add_person(parts, person)
    except MarketError as error:
        raise Failed("; ".join(f"{e.field} {e.message}" for e in error.errors) or error.detail) from error
    errand.out.print(f"{email} is an admin", markup=False)
    if errand.arguments.generate:
        errand.out.print(f"password: {password}", markup=False)


def _password(errand: Errand) -> str:
    arguments = errand.arguments
    if arguments.generate:
        return secrets.token_urlsafe(18)
    try:
        if arguments.password_file is not None and str(arguments.password_file) != "-":
            text: str = arguments.password_file.read_text("utf-8")
            return text.rstrip("\r\n")
        if arguments.password_file is not None:
            return sys.stdin.readline().rstrip("\r\n")
    except OSError as error:
        raise Failed(f"{arguments.password_file}: {error.strerror}") from error
    if not sys.stdin.isatty():
        raise Failed("no terminal to ask for the password: give --password-file or --generate")
    password = getpass.getpass("password: ")
    if password != getpass.getpass("again: "):
        raise Failed("the two differ")
    return password


COMMAND = Command(
    "create-admin",
    "create an account that may do everything",
    "Creates an admin. The password is asked for, read from a file, or made up; it is never taken from the command line,\n"
    "which others can read.",
    _arguments,
    _run,
)
