"""What the daemon says of itself and of its market."""

from __future__ import annotations

from typing import Literal

from harvestd.web.shapes.values import Out


class Alive(Out, kw_only=True, frozen=True):
    """The process answers."""

    status: Literal["ok"]


class ReadyPart(Out, kw_only=True, frozen=True):
    """One thing that it depends on; ``degraded`` means that its work is done in another way, or late."""

    state: Literal["ok", "degraded", "down"]
    detail: str


class Ready(Out, kw_only=True, frozen=True):
    """``down`` means that requests should go elsewhere."""

    status: Literal["ok", "degraded", "down"]
    parts: dict[str, ReadyPart]
    stopping: bool


class ProblemText(Out, kw_only=True, frozen=True):
    """What an error means."""

    type: str
    status: int
    title: str
    cause: str
    cure: str


class Problems(Out, kw_only=True, frozen=True):
    """All of them."""

    items: list[ProblemText]


class Market(Out, kw_only=True, frozen=True):
    """What a front end needs to know; money is in ``currency``, days begin in ``timezone``."""

    name: str
    currency: str
    timezone: str
    languages: list[str]
    units: list[str]
    tax_included: bool
