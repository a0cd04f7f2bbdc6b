"""The demo's people, their password, and how to sign in as them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from harvestd.parts import Parts

#: Address, username, name, role, farm.
PEOPLE = (
    ("buyer@example.org", "buyer", "Bea Buyer", "buyer", None),
    ("admin@example.org", "admin", "Ada Admin", "admin", None),
    ("farmer@example.org", "farmer", "Fay Farmer", "farmer", "Sunny Acres"),
    ("markets@example.org", "markets", "Mo Markets", "farmer", None),  # belongs to every farm of the directory
)


def password_file(data_dir: str) -> Path:
    """The file that holds the demo accounts' password, readable by its owner only."""
    return Path(data_dir) / "demo-password"


def demo_password(data_dir: str) -> str | None:
    """The password of the demo accounts, if this data folder's market has them."""
    try:
        return password_file(data_dir).read_text("utf-8").strip() or None
    except OSError:
        return None


def sign_in_lines(data_dir: str) -> Iterator[str]:
    """How to sign in, for a log or a terminal: the accounts, and the file that holds the password, which is not printed itself."""
    for email, _, _, role, _ in PEOPLE:
        yield f"sign in as {role}: {email}"
    if demo_password(data_dir) is not None:
        yield f"the password of them all is in {password_file(data_dir)}"
    else:
        yield "the password of them all is in demo-password of the data folder that they were made with"


def kept_password(parts: Parts) -> str:
    """The password of the demo accounts; a new one where there is none yet."""
    known = demo_password(parts.settings.data_dir)
    if known is not None:
        return known
    password = secrets.token_urlsafe(max(12, parts.settings.password_least))
    path = password_file(parts.settings.data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(password + "\n")
    return password
