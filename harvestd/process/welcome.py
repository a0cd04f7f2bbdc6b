"""What a process says of itself once it is ready: where the market is, and how to try it."""

from __future__ import annotations

from collections.abc import Iterator

from harvestd.application import Role
from harvestd.demo import PEOPLE, demo_password
from harvestd.settings import Settings


def welcome(settings: Settings, role: Role) -> Iterator[str]:
    """Lines for the log. ``settings`` are those in effect."""
    if not role.first:
        yield f"ready, process of harvest-{role.name}"
        return
    yield f"ready: the API is at {settings.public_url}/api, its documentation at {settings.public_url}/docs"
    password = demo_password(settings.data_dir) if settings.demo else None
    if password is not None:
        for email, _, _, role_of, _ in PEOPLE:
            yield f"sign in as {role_of}: {email}, password {password}"
