"""The key that signs access tokens: from the settings, or generated once and kept in the data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from harvestd.settings.table import Settings

MIN = 32


class SecretError(Exception):
    """The stored secret cannot be used; the text says why, and the remedy."""


def token_secret(settings: Settings, making: bool = True) -> str:
    """The setting, or the content of ``<data_dir>/secret``. If that is missing it is created, readable by this account
    alone; or unless ``making``, a throwaway secret is returned."""
    path = Path(settings.data_dir) / "secret"
    if not (settings.token_secret or making or path.exists()):
        return secrets.token_urlsafe(48)
    return settings.token_secret or kept(path)


def kept(path: Path) -> str:
    """The secret in a file, created if it is missing. Concurrent processes that both find it missing agree on one."""
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # fails if another process was first
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _read(path)


def _read(path: Path) -> str:
    text = path.read_text("utf-8").strip()
    if len(text) < MIN:
        raise SecretError(
            f"{path} has no key of {MIN} characters: remove it, and a new one is made (everybody signs in again)"
        )
    if path.stat().st_mode & 0o077:
        raise SecretError(f"{path} can be read by others: chmod 600 {path}")
    return text
