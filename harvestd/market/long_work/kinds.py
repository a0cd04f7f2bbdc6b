"""Kinds of long work. Each is a row of its subject's screen (``Subject.long_work``); ``tables.LONG_WORK`` has all, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.kernel.permissions import Permission
from harvestd.unit_of_work import UnitOfWork


class Operation(msgspec.Struct, frozen=True):
    """One piece of long work. ``given`` is what was asked for, ``state`` where its next step begins, ``errors`` field errors as in problems;
    ``user_name`` is that of whoever began it; ``claims`` and ``tries`` are the worker's."""

    id: str
    kind: str
    user_id: str
    status: str
    done: int
    total: int | None
    given: dict[str, Any]
    state: dict[str, Any]
    result: dict[str, Any] | None
    errors: list[dict[str, Any]]
    claims: int
    tries: int
    created_at: datetime
    finished_at: datetime | None
    user_name: str


@attrs.frozen
class Step:
    """What a step came to: ``done`` of ``total`` so far; ``state`` is where the next one begins, None after the last, whose ``result`` the
    operation has."""

    done: int
    total: int | None
    state: Mapping[str, Any] | None = None
    result: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class File:
    """The file that a kind of work makes (``actions.append``)."""

    name: str
    media_type: str


@attrs.frozen(kw_only=True)
class LongWork:
    """A kind. ``step`` does a bounded part of it (some hundred rows, a second at most), in a unit of work that also keeps its progress: so it
    takes effect once, however often it is tried. A ``MarketError`` of it ends the operation as failed, with its errors; anything else is
    tried again. ``permission`` is needed to begin it. ``alone``: its owner has one at a time. ``personal``: nobody but its owner, signed in
    themselves, gets its file."""

    name: str
    step: Callable[[UnitOfWork, Operation], Awaitable[Step]]
    permission: Permission
    alone: bool = False
    file: File | None = None
    personal: bool = False
