"""docs/benchmarks.md and its plots, from the results that are kept; and the same page of the quick form, beside its results."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.cpu import SATURATED
from benchmarks.plots import described, draw, number
from benchmarks.results import FOLDER, QUICK, Figure, Target, kept

DOCS = Path(__file__).parents[1] / "docs"
#: What was changed, and what it gave: written by hand.
STEPS = Path(__file__).parent / "steps.md"

HEAD = """# Benchmarks

Made by `python -m benchmarks` from `benchmarks/results/`; what is written here by hand is in `benchmarks/steps.md`.

```
make install-bench   # once: what draws, and a virtualenv for each peer
make bench           # the quick form, under 3 minutes; its page is benchmarks/results/quick/benchmarks.md
make bench-full      # all of it, about 25 minutes: more and longer rounds, Vendure, and a million products
```

Contestants run side by side on one machine: in each round each of them in turn, in alternating order, and they are
compared round by round. A table shows the median of the rounds with the least and the most, and how many times as good
harvestd was, so that above 1 is better whatever the unit; a target is reached when the median is. Where there are two
cores or more, what is measured has the first for itself and who sends the requests the others. A shared machine has quiet
and busy minutes: compare within a table, not between tables.

Throughput depends on who has which core, and on whether the sender keeps up: on another machine it can be another contest. The
CPU that a request takes does not. So it stands beside throughput, in microseconds of user and system time by the operating
system's clocks, of the server's own processes and apart from it of PostgreSQL's and whatever else it leans on; and where it is
known of both, ratios and targets that are ratios are of it. A sender that used a whole core was the limit, and the
throughput beside it is what the sender could do.
"""


def write(folder: Path = DOCS, figures: Sequence[Figure] | None = None, steps: Path = STEPS) -> Path:
    """Write the page with a plot for each figure that is kept, and delete plots of what is not; answers the page's path."""
    figures = kept() if figures is None else figures
    plots = folder / "benchmarks"
    for figure in figures:
        draw(figure, plots / f"{figure.name}.svg")
    for old in set(plots.glob("*.svg")) - {plots / f"{figure.name}.svg" for figure in figures}:
        old.unlink()
    parts = [HEAD, *_machines(figures), "## Results\n", *(section(figure) for figure in figures)]
    if steps.exists():
        parts.append(steps.read_text())
    page = folder / "benchmarks.md"
    page.write_text("\n".join(part.rstrip("\n") + "\n" for part in parts))
    return page


def write_quick() -> Path:
    """The page of the quick form, which is kept out of the repository."""
    folder = FOLDER / QUICK
    (folder / "benchmarks").mkdir(parents=True, exist_ok=True)
    return write(folder, kept("quick"))


def section(figure: Figure) -> str:
    """One figure: its table, notes and plot."""
    rows = [_row(figure, name) for name in figure.rounds]
    lines = [
        f"### {figure.title}", "",
        f"{figure.unit}, {figure.better} is better. {figure.form.capitalize()} form, {figure.day}, revision {figure.revision}.", "",
        *_head(figure), *rows, "",
        *(f"- {note}" for note in figure.notes), *([""] if figure.notes else []),
        f"![{described(figure)}](benchmarks/{figure.name}.svg)", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _head(figure: Figure) -> list[str]:
    by = {"": "", "server": ", by the server's CPU", "all": ", by all CPU"}[figure.ratio_of if figure.cpu else ""]
    costs = [f"{part}, CPU µs each {figure.per}" for part in figure.parts] + ["sender's core"] * bool(figure.clients)
    cells = ["contestant", "median", "least–most", *costs, f"ours against it{by} (least–most)", "target"]
    return ["| " + " | ".join(cells) + " |", "|---|" + "---:|" * (len(cells) - 2) + "---|"]


def _costs(figure: Figure, name: str) -> list[str]:
    """The cells of what it took."""
    parts = figure.cpu.get(name, {})
    shown = [number(statistics.median(parts[part])) if part in parts else "" for part in figure.parts]
    if not figure.clients:
        return shown
    client = statistics.median(figure.clients[name]) if name in figure.clients else 0.0
    return [*shown, f"{client:.0%}: **the limit**" if client >= SATURATED else f"{client:.0%}" if client else ""]


def verdict(figure: Figure, target: Target) -> str:
    """A target, and whether it was reached."""
    reached = "reached" if figure.reached(target) else "**missed**"
    if target.theirs:
        return f"≥ {target.ratio:g}×: {reached}"
    return f"{'≥' if figure.better == 'more' else '≤'} {number(target.value)}: {reached}"


def _row(figure: Figure, name: str) -> str:
    rounds, ours = figure.rounds[name], next(iter(figure.rounds))
    against = [target for target in figure.targets if target.theirs == name]
    compared = [target.ours for target in against] or ([ours] if name != ours and ours.startswith("harvestd") else [])
    ratios = [_ratio(figure, us, name, compared != [ours]) for us in compared]
    alone = [target for target in figure.targets if not target.theirs and target.ours == name]
    verdicts = [verdict(figure, target) for target in against + alone]
    cells = [
        name, number(statistics.median(rounds)), f"{number(min(rounds))}–{number(max(rounds))}",
        *_costs(figure, name),
        "<br>".join(ratios), "<br>".join(verdicts),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _ratio(figure: Figure, ours: str, theirs: str, named: bool) -> str:
    if len(figure.rounds[ours]) != len(figure.rounds[theirs]) or not all(figure.rounds[ours] + figure.rounds[theirs]):
        return ""
    ratios = figure.ratios(ours, theirs)
    text = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    return f"{ours}: {text}" if named else text


def _machines(figures: Iterable[Figure]) -> list[str]:
    machines = list(dict.fromkeys(figure.machine for figure in figures if figure.machine))
    return ["## Machine\n", *(f"{machine}\n" for machine in machines)] if machines else []
