"""The log lines of a process that is ready: the market's address, and how to try it."""

from __future__ import annotations

from collections.abc import Iterator

from harvestd.application import Role
from harvestd.loading.demo.people import demo_password, sign_in_lines
from harvestd.settings.table import Settings


def welcome(settings: Settings, role: Role) -> Iterator[str]:
    """Lines for the log. ``settings`` are those in effect."""
    if not role.first:
        yield f"ready, process of harvest-{role.name}"
        return
    yield f"ready: the API is at {settings.public_url}/api, its documentation at {settings.public_url}/docs"
    if settings.demo and demo_password(settings.data_dir) is not None:
        yield from sign_in_lines(settings.data_dir)
