"""One example for each body and answer, taken from a market with the demo's data (``examples.json``); the tests ask that market
each of them again."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Literal

from harvestd.web.routes import Route


def of(route: Route, part: Literal["body", "answer"]) -> dict[str, Any]:
    """``{"example": …}`` of an operation, or nothing."""
    found = RECORDED.get(route.operation_id, {})
    return {"example": found[part]} if part in found else {}


#: Read at the start: later there may be no descriptor left to open a file with.
RECORDED: dict[str, dict[str, Any]] = json.loads(
    resources.files("harvestd.web.pages").joinpath("examples.json").read_text("utf-8")
)


def inputs(operation_id: str) -> dict[str, str]:
    """The path and query of the example of an operation, by the names of its parameters."""
    found: dict[str, str] = RECORDED.get(operation_id, {}).get("parameters", {})
    return found
