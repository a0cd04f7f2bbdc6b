"""One example for each body and response, recorded from a market with demo data (``examples.json``); the tests replay each of
them."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Literal

from harvestd.web.routes import Route


def of(route: Route, part: Literal["body", "answer"]) -> dict[str, Any]:
    """``{"example": …}`` of an operation, or empty."""
    found = RECORDED.get(route.operation_id, {})
    return {"example": found[part]} if part in found else {}


#: Read at startup: later there may be no file descriptor left.
RECORDED: dict[str, dict[str, Any]] = json.loads(
    resources.files("harvestd.web.pages").joinpath("examples.json").read_text("utf-8")
)


def inputs(operation_id: str) -> dict[str, str]:
    """The path and query parameters of an operation's example, by name."""
    found: dict[str, str] = RECORDED.get(operation_id, {}).get("parameters", {})
    return found
