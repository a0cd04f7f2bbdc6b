"""What a benchmark found: one quantity of several contestants, measured in rounds, each round side by side."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.cpu import SERVER

FOLDER = Path(__file__).parent / "results"
#: What the quick form found: on no page but its own, so that it never stands in place of a full figure.
QUICK = "quick"


class Target(msgspec.Struct, frozen=True):
    """What is to be reached: ``ours`` is ``ratio`` times as good as ``theirs`` (by CPU, where that is known), or, without ``theirs``, at least (at most,
    where less is better) ``value``."""

    ours: str
    theirs: str = ""
    ratio: float = 0.0
    value: float = 0.0


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """``rounds`` has a list for each contestant, of the same length: round i of all of them ran one after the other, so
    the ratio of two contestants is taken round by round. ``notes`` say what differs, one sentence each.

    ``cpu`` has, for whom it was measured, microseconds of CPU of each ``per``, by what spent them: the ``server`` itself, and
    PostgreSQL, a worker or a broker beside it. Ratios are of the server's, or of ``all`` that was spent. ``clients`` has the
    share of a core that whoever sent the load used."""

    name: str  # of the files that keep it: letters, digits, hyphens
    title: str
    unit: str  # "requests/s", "ms", "MB"
    better: Literal["more", "less"] = "more"
    rounds: dict[str, list[float]]
    cpu: dict[str, dict[str, list[float]]] = {}
    clients: dict[str, list[float]] = {}
    per: str = "request"
    ratio_of: Literal["server", "all"] = "server"
    targets: list[Target] = []
    notes: list[str] = []
    machine: str = ""
    revision: str = ""
    day: str = ""
    form: Literal["quick", "full"] = "quick"

    def median(self, contestant: str) -> float:
        """Of its rounds."""
        return statistics.median(self.rounds[contestant])

    @property
    def parts(self) -> list[str]:
        """What CPU was spent by, the server first."""
        return sorted({part for parts in self.cpu.values() for part in parts}, key=lambda part: (part != SERVER, part))

    def spent(self, contestant: str) -> list[float]:
        """Its CPU, round by round, as ratios have it; empty where it was not measured."""
        parts = self.cpu.get(contestant, {})
        if self.ratio_of == "server":
            return parts.get(SERVER, [])
        return [sum(each) for each in zip(*parts.values(), strict=True)]

    def ratios(self, ours: str, theirs: str) -> list[float]:
        """How many times as good ``ours`` was, round by round: how many times less CPU it took, where that is known of both;
        above 1 is better."""
        mine, other = self.spent(ours), self.spent(theirs)
        if mine and other:
            return [b / a for a, b in zip(mine, other, strict=True)]
        pairs = zip(self.rounds[ours], self.rounds[theirs], strict=True)
        return [a / b if self.better == "more" else b / a for a, b in pairs]

    def reached(self, target: Target) -> bool:
        """Whether the median of the rounds (of the pairs) reaches it."""
        if target.theirs:
            return statistics.median(self.ratios(target.ours, target.theirs)) >= target.ratio
        found = self.median(target.ours)
        return found >= target.value if self.better == "more" else found <= target.value

    def keep(self) -> None:
        """Write it to the folder of its form's results, in place of an earlier one of the same name."""
        folder = FOLDER / QUICK if self.form == "quick" else FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def kept(form: Literal["quick", "full"] = "full") -> list[Figure]:
    """All figures in the form's folder, by name."""
    folder = FOLDER / QUICK if form == "quick" else FOLDER
    return [msgspec.json.decode(path.read_bytes(), type=Figure) for path in sorted(folder.glob("*.json"))]
