"""What a load other than ``rate.py``'s took, in the same form."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.cpu import Spent
from benchmarks.rate import Paced


def summed_up(milliseconds: Iterable[float], seconds: float, spent: Spent) -> Paced:
    """Of good answers that came within so many seconds. ValueError when there is none."""
    taken = sorted(milliseconds)
    if not taken:
        raise ValueError("nothing was answered in the time that was measured")
    p50, p90, p99 = (taken[min(len(taken) - 1, int(share * len(taken)))] for share in (0.5, 0.9, 0.99))
    return Paced(len(taken) / seconds, p50, p90, p99, taken[-1], {200: len(taken)}, 0, client=spent.client, spent=spent)
