"""``harvestctl reindex``: rebuild the search index."""

from __future__ import annotations

from argparse import ArgumentParser

from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, progress_bar
from harvestd.ctl.words import counted
from harvestd.market.search.actions import count, reindex
from harvestd.parts import Parts


def _arguments(parser: ArgumentParser) -> None:
    """Takes no arguments."""


async def _run(errand: CommandContext) -> int:
    parts = await errand.parts()
    indexed = await with_bar(errand, parts)
    errand.out.print(f"in the search index: {counted(indexed, 'product')}", markup=False)
    return FOUND if await engine_is_away(errand, parts) else FINE


async def engine_is_away(errand: CommandContext, parts: Parts) -> bool:
    """Whether the search server could not be reached, which is told: then PostgreSQL's index alone was built."""
    if not parts.settings.elasticsearch_url:
        return False
    condition = await parts.health.of("elasticsearch")
    if condition.state == "ok":
        return False
    words = f"{condition.detail}; a worker rebuilds the server's index once it is back"
    errand.err.print(f"harvestctl {errand.arguments.command_name}: {words}", markup=False)
    return True


async def with_bar(errand: CommandContext, parts: Parts) -> int:
    """Index every product, with a progress bar; returns how many."""
    total = await count(parts)
    with progress_bar(errand.err) as bar:
        task = bar.add_task("search index", total=total)

        def progress(done: int) -> None:
            errand.go_on()
            bar.update(task, completed=done)

        return await reindex(parts, progress)


COMMAND = Command(
    "Rebuilds the search index from the database, the source of truth. Searches are answered meanwhile. Run it after the\n"
    "database was restored, or changed by other means.",
    _arguments,
    _run,
)
