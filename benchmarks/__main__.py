"""``python -m benchmarks``: measure, keep the results, and write docs/benchmarks.md (of the quick form: a page beside them)."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from contextlib import ExitStack
from datetime import date

import msgspec
import pytest

from benchmarks import machine, report
from benchmarks.earlier import worktree
from benchmarks.ground import Ground
from benchmarks.results import Figure
from benchmarks.served import ROOT, Absent
from benchmarks.stage import SAID, Stage

#: What the tests' servers raise where a program is not installed; no Exception.
MISSING = (Absent, pytest.skip.Exception, pytest.fail.Exception)

#: Each benchmark by its name: a module with ``run(ground: Ground) -> list[Figure]``, and what it measures.
TABLE: dict[str, tuple[str, str]] = {
    "cached": ("benchmarks.cached", "a listing and a product page from the near cache, and from Nginx's"),
    "catalogue": (
        "benchmarks.catalogue",
        "pages of each sort and filter, and searches, in a small and a large market (--rows)",
    ),
    "pictures": ("benchmarks.pictures", "pictures of products in three sizes, beside Pillow"),
    "uncached": ("benchmarks.uncached", "a listing from the database, its first page and page 10,000"),
    "orders": ("benchmarks.orders", "orders of three lines, beside pgbench and Vendure, and who gets the last five"),
    "vendure": ("benchmarks.vendure", "a listing of 24 with prices and stock, nothing cached, beside Vendure's"),
    "steady": ("benchmarks.steady", "listings and orders at half of the peak, with a worker beside"),
    "mix": ("benchmarks.mix", "readers and writers over three processes: what the cache answers, and how old it is"),
    "events": ("benchmarks.events", "events of a worker on both brokers, end to end and by halves, and how soon"),
    "search": ("benchmarks.search", "searches and suggestions in PostgreSQL and in Elasticsearch"),
    "search_cost": ("benchmarks.search_cost", "what a search costs PostgreSQL in a small and a large market (--rows)"),
    "search_quality": (
        "benchmarks.search_quality",
        "how good the hits are: judged queries in PostgreSQL, Elasticsearch, OpenSearch and plain BM25",
    ),
    "sign-ins": (
        "benchmarks.sign_ins",
        "sign-ins a core, whether their time tells who has an account, and the reactor meanwhile",
    ),
    "memory": ("benchmarks.memory", "memory of a process: idle, warm, with 5,000 idle connections"),
    "starting": ("benchmarks.starting", "from the start of a process to its first answer"),
}


def main() -> int:
    """0 unless something broke; a target that is missed is shown."""
    options = _arguments()
    if options.list:
        for name, (_, what) in TABLE.items():
            print(f"{name:12} {what}")
        return 0
    broken: list[str] = []
    if not options.report:
        with ExitStack() as stack:
            against = stack.enter_context(worktree(options.against)) if options.against else None
            stage = stack.enter_context(Stage(not options.full, against, options.rows))
            broken = measured(stage, options.names or list(TABLE))
    written = report.write() if options.full or options.report else report.write_quick()
    print(f"written: {written.relative_to(ROOT)}")
    if broken:
        print(f"broke: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run [all]; see --list")
    parser.add_argument("--full", action="store_true", help="more and longer rounds, and the large market")
    parser.add_argument("--rows", type=int, metavar="N", help="products of the large market in catalogue [30000, with --full 1000000]")  # fmt: skip
    parser.add_argument("--against", metavar="REV", help='an earlier revision takes part as "harvestd before"')
    parser.add_argument("--report", action="store_true", help="only write docs/benchmarks.md from what is kept")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    options = parser.parse_args()
    unknown = set(options.names) - set(TABLE)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(TABLE)}")
    return options


def measured(stage: Stage, names: list[str]) -> list[str]:
    """Run them one after the other; answers the names of those that broke, which keep no result."""
    version = str(stage.postgres.query("postgres", "show server_version")[0][0]).split()[0]
    about = f"{machine.machine()}. {machine.versions(version)}. {SAID}."
    revision, broken = machine.revision(ROOT), []
    for name in names:
        steal, began = machine.Steal(), time.monotonic()
        stage.say(f"{name}: {TABLE[name][1]}")
        try:
            figures = _run(name, stage)
        except MISSING as absent:
            stage.say(f"{name}: left out: {absent}")
            continue
        except Exception:
            traceback.print_exc()
            stage.say(f"{name}: BROKE after {time.monotonic() - began:.0f} s; the others go on")
            broken.append(name)
            continue
        told = [f"The host gave {steal.percent():.1f} % of this machine's time to others meanwhile."]
        if stage.against is not None:
            told.append(f'What is called "before" is revision {machine.revision(stage.against)}.')
        for found in figures:
            figure = msgspec.structs.replace(
                found, machine=about, revision=revision, day=date.today().isoformat(),
                form="quick" if stage.quick else "full", notes=[*found.notes, *told],
            )  # fmt: skip
            figure.keep()
            _show(figure)
        stage.say(f"{name}: {time.monotonic() - began:.0f} s")
    return broken


def _run(name: str, ground: Ground) -> list[Figure]:
    figures: list[Figure] = importlib.import_module(TABLE[name][0]).run(ground)
    return figures


def _show(figure: Figure) -> None:
    print(report.section(figure).rsplit("\n![", 1)[0], flush=True)


if __name__ == "__main__":
    sys.exit(main())
