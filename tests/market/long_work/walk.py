"""The operations of long work, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.openapi.steps import FARMER, Step


def _begun(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Fay asks what is held on her."""
    return {"begun": ask("POST", "/api/users/me/export", None, known["tokens"][FARMER])}


def _done(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("status") == "succeeded"


STEPS: tuple[Step, ...] = (
    Step("listOperations", FARMER, prepare=_begun),
    Step("getOperation", FARMER, {"id": "{begun.id}"}, there=_done),
    Step("getOperationFile", FARMER, {"id": "{begun.id}"}),
    Step(
        "cancelOperation",
        FARMER,
        {"id": "{again.id}"},
        prepare=lambda ask, known: {"again": _begun(ask, known)["begun"]},
    ),
)
