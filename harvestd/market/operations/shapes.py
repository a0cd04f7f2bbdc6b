"""Reports of the daemon about itself and its market."""

from __future__ import annotations

from typing import Annotated, Literal

from harvestd.web.shapes import Out, UnitOut
from harvestd.web.vocabulary import closed

ConditionOut = Annotated[str, closed("Condition", ("ok", "degraded", "down"), "How a thing is.")]


class Alive(Out, kw_only=True, frozen=True):
    """The process answers."""

    status: Literal["ok"]


class ReadyPart(Out, kw_only=True, frozen=True):
    """One component that the process depends on; ``degraded`` means that its work is done in another way, or late."""

    state: ConditionOut
    detail: str


class Ready(Out, kw_only=True, frozen=True):
    """The health of the process; ``down`` means that requests should go elsewhere."""

    status: ConditionOut
    parts: dict[str, ReadyPart]
    stopping: bool


class ProblemText(Out, kw_only=True, frozen=True):
    """The meaning of a problem."""

    type: str
    status: int
    title: str
    cause: str
    cure: str


class CodeText(Out, kw_only=True, frozen=True):
    """The meaning of a code in ``errors`` or in a cart's ``warnings``; ``params`` are always present, ``optional_params`` where they
    apply."""

    code: str
    meaning: str
    params: list[str]
    optional_params: list[str]


class Problems(Out, kw_only=True, frozen=True):
    """All problems, and all codes."""

    items: list[ProblemText]
    codes: list[CodeText]


class Market(Out, kw_only=True, frozen=True):
    """The settings that a front end needs; money is in ``currency``, days begin in ``timezone``."""

    name: str
    currency: str
    timezone: str
    languages: list[str]
    units: list[UnitOut]
    tax_included: bool
    password_min_length: int


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "cause": "Why it happens.",
    "CodeText.code": "The word.",
    "CodeText.params": "Names of the parameters that are always with it.",
    "optional_params": "Names of parameters that are with it where they apply.",
    "codes": "What can be wrong with a field, or with a cart.",
    "meaning": "What it says.",
    "cure": "What to do about it.",
    "ReadyPart.detail": "More about the state; may be empty.",
    "Problems.items": "The problems.",
    "languages": "BCP 47 tags of the languages of the market.",
    "Ready.parts": "Each thing that the process depends on, by name.",
    "password_min_length": "The fewest characters of a password that is chosen here.",
    "state": "How it is.",
    "ProblemText.status": "The HTTP status.",
    "Alive.status": "Always `ok`.",
    "stopping": "True once the process has been asked to stop.",
    "tax_included": "Whether prices have their tax in them.",
    "timezone": "IANA name; days begin and end there.",
    "ProblemText.title": "What happened, in words for a buyer.",
    "units": "The units that products are sold in.",
}  # fmt: skip
