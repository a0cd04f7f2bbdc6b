"""How long the tests go on that could go on for ever: short in every run, and at length in ``make fuzz``."""

from __future__ import annotations

import os

#: Whether this run takes its time.
WHOLE = os.environ.get("HARVEST_FUZZ") == "1"


def length(short: float, whole: float) -> float:
    """The one of two that this run has."""
    return whole if WHOLE else short
