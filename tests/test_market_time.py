"""Which time is meant: the market's, which a sandbox moves, or the machine's, by which nobody is signed out and nothing is sent twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "harvestd"
#: Where the machine's time is meant, and why: a folder, or a module.
MACHINE = {
    "market/accounts": "tokens, sign-ins, keys, challenges, and the audit log",
    "market/farms/member_actions": "invitations are mailed tokens",
    "market/farms/member_routes": "invitations are mailed tokens",
    "market/long_work": "claims of workers",
    "market/notifications/outgoing": "mails are sent by a queue",
    "market/notifications/mail_batch": "mails are sent by a queue",
    "market/notifications/mail_sender": "mails are sent by a queue",
    "market/operations": "outbox, blobs, keys: all that is swept but carts",
    "queue": "the outbox",
    "web/authentication": "tokens",
    "web/blobs": "the sweep of blobs",
    "web/idempotency": "keys",
    "ctl/create_admin": "accounts",
}
#: Modules with both: what people mean by time, and rows of blobs or keys beside it; and where the two come from.
BOTH = {
    "web/sharing",
    "market/operations/housekeeping",
    "market/pictures/actions",
    "market/farms/document_routes",
    "loading/picturing",
}
SOURCES = {"parts", "unit_of_work", "web/context"}
#: Whose ``now`` is the market's.
OWNERS = {"unit", "request", "parts", "_parts", "context"}


def _read(path: Path) -> Iterator[str]:
    """The times that a module reads: ``now`` and ``machine_now`` of a unit of work, of a request and of the parts."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("now", "machine_now"):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if name in OWNERS:
                yield node.attr


def _modules() -> list[str]:
    found = (path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))
    return sorted(name for name in found if name not in SOURCES)


def _is_machine(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}/") for one in MACHINE)


@pytest.mark.parametrize("module", [name for name in _modules() if set(_read(PACKAGE / f"{name}.py"))])
def test_a_module_goes_by_the_time_that_is_meant(module: str) -> None:
    times = set(_read(PACKAGE / f"{module}.py"))
    if module in BOTH:
        assert times == {"now", "machine_now"}
    elif _is_machine(module):
        assert times == {"machine_now"}, MACHINE
    else:
        assert times == {"now"}, f"{module} goes by the machine's time: say why in MACHINE, if it has to"


def test_each_row_of_the_table_is_of_something() -> None:
    read = [name for name in _modules() if "machine_now" in set(_read(PACKAGE / f"{name}.py"))]
    for one in MACHINE:
        assert any(name == one or name.startswith(f"{one}/") for name in read), one
