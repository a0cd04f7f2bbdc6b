"""What a step of the walk is, and whom and what of the demo the steps name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from harvestd.loading.demo.ids import demo_ids
from harvestd.loading.demo.sunny_acres import OFFERS

TOMATOES, POTATOES = (next(demo_ids(offer[0])) for offer in OFFERS[:2])
BUYER, FARMER, ADMIN = "buyer@example.org", "farmer@example.org", "admin@example.org"
_FAY = demo_ids(FARMER)
FAY, SUNNY_ACRES = next(_FAY), next(_FAY)


@attrs.frozen
class Step:
    """One operation: who asks for it, with which parameters and body."""

    operation: str
    who: str = ""
    parameters: dict[str, str] = attrs.field(factory=dict)
    body: Any = None
    #: Whether an answer shows what the steps before it caused; the market's workers take their time.
    there: Callable[[Any], bool] = lambda answer: True
    #: Whether it is taken after all the others.
    last: bool = False
    #: Instead of ``who``: the access token of somebody else.
    token: str = ""
    #: Whether the browser asks that signed in before (``beginSession``).
    browser: bool = False
    #: Instead of that browser's cookie: another.
    cookie: str = ""
    #: What is asked beforehand, by (method, path, body, token), knowing the answers so far and, as ``tokens``, those of who has signed in:
    #: further answers, by names that the step may use.
    prepare: Callable[[Callable[..., Any], dict[str, Any]], dict[str, Any]] = lambda ask, known: {}


def newest(kind: str) -> Callable[[Any], bool]:
    """Whether the newest notice is of this kind."""
    return lambda answer: [one["kind"] for one in answer["items"]] == [kind]
