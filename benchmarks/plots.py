"""A figure as an SVG: a bar for each contestant's median, and a line from its least to its most round; beside it, where it was
measured, the CPU that each took.

Text stays text, in colours that can be read on white and on black; what it shows is also in words, for those who hear it.
"""

from __future__ import annotations

import io
import itertools
import statistics
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas

from benchmarks.results import Figure

SVG = "http://www.w3.org/2000/svg"
#: A grey that stands out by more than 4:1 from white and from black; ours, and all others.
INK, OURS, OTHERS = "#767676", "#2e9e5b", "#7c8fd1"
#: What spent CPU, the server first.
PARTS = ("#b5772c", "#7c8fd1", "#a86fb0", "#4f9da6")
STYLE: Any = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "svg.hashsalt": "harvestd"}
BAR, REST = 0.34, 0.9  # inches


def draw(figure: Figure, path: Path) -> None:
    """Write the SVG of a figure."""
    names = list(figure.rounds)
    medians = [figure.median(name) for name in names]
    with rc_context(STYLE):
        canvas = Canvas(figsize=(7.5, REST + BAR * len(names)), layout="constrained")
        axes, *costs = canvas.subplots(1, 1 + bool(figure.cpu), sharey=True, squeeze=False)[0]
        bars = axes.barh(names, medians, color=[OURS if name.startswith("harvestd") else OTHERS for name in names])
        spread = [
            [median - min(figure.rounds[name]) for name, median in zip(names, medians, strict=True)],
            [max(figure.rounds[name]) - median for name, median in zip(names, medians, strict=True)],
        ]
        axes.errorbar(medians, names, xerr=spread, fmt="none", ecolor=INK, elinewidth=1.2, capsize=3)
        most = max(max(rounds) for rounds in figure.rounds.values()) or 1.0
        for bar, name in zip(bars, names, strict=True):
            axes.annotate(
                number(figure.median(name)), (max(figure.rounds[name]), bar.get_y() + bar.get_height() / 2),
                xytext=(6, 0), textcoords="offset points", va="center", color=INK,
            )  # fmt: skip
        axes.set_xlim(0, most * 1.15)
        axes.invert_yaxis()
        axes.set_xlabel(f"{figure.unit} ({figure.better} is better)", color=INK)
        for beside in costs:
            _costs(beside, figure, names)
        for each in (axes, *costs):
            each.tick_params(colors=INK)
            each.spines[["top", "right"]].set_visible(False)
            each.spines[["left", "bottom"]].set_color(INK)
        drawn = io.StringIO()
        canvas.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    path.parent.mkdir(exist_ok=True)
    path.write_text(_told(drawn.getvalue(), figure))


def _costs(axes: Any, figure: Figure, names: list[str]) -> None:
    """Bars of what each part spent, one after the other."""
    reached = [0.0] * len(names)
    for part, colour in zip(figure.parts, itertools.cycle(PARTS), strict=False):
        spent = [statistics.median(figure.cpu.get(name, {}).get(part, [0.0])) for name in names]
        axes.barh(names, spent, left=reached, color=colour, label=part)
        reached = [a + b for a, b in zip(reached, spent, strict=True)]
    axes.set_xlabel(f"CPU µs each {figure.per} (less is better)", color=INK)
    axes.tick_params(labelleft=False)
    if len(figure.parts) > 1:
        axes.legend(fontsize=7, labelcolor=INK, frameon=False)


def described(figure: Figure) -> str:
    """What the plot shows, in words."""
    shown = [
        f"{name} {number(statistics.median(rounds))} ({number(min(rounds))} to {number(max(rounds))})"
        for name, rounds in figure.rounds.items()
    ]
    text = (
        f"Median and range of {_count(figure)} rounds in {figure.unit}, {figure.better} is better: {'; '.join(shown)}."
    )
    costs = [
        f"{name} " + ", ".join(f"{part} {number(statistics.median(all_))}" for part, all_ in parts.items())
        for name, parts in figure.cpu.items()
    ]
    return f"{text} CPU µs each {figure.per}: {'; '.join(costs)}." if costs else text


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def _count(figure: Figure) -> int:
    return max(len(rounds) for rounds in figure.rounds.values())


def _told(svg: str, figure: Figure) -> str:
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(svg)
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    for at, (tag, text) in enumerate((("title", figure.title), ("desc", described(figure)))):
        element = ElementTree.Element(f"{{{SVG}}}{tag}", id=f"{figure.name}-{tag}")
        element.text = text
        root.insert(at, element)
    root.set("role", "img")
    root.set("aria-labelledby", f"{figure.name}-title {figure.name}-desc")
    return ElementTree.tostring(root, encoding="unicode") + "\n"
