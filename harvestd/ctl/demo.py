"""``harvestctl demo``: fill an empty market with something to look at."""

from __future__ import annotations

from argparse import ArgumentParser

from harvestd.ctl.command import FINE, FOUND, Command, Errand
from harvestd.ctl.reindex import with_bar
from harvestd.demo import PEOPLE, fill


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="even if the market has accounts already")


async def _run(errand: Errand) -> int:
    parts = await errand.parts()
    filled = await fill(parts, errand.arguments.force)
    if filled is None:
        errand.out.print("the market has accounts already; nothing was added (--force adds the demo all the same)")
        return FOUND
    await with_bar(errand, parts)
    await parts.cache.drop(())
    errand.out.print(f"{filled.farms} farms and {filled.products} products were added", markup=False)
    for email, _, _, role, _ in PEOPLE:
        errand.out.print(f"{role}: {email}, password {filled.password}", markup=False)
    return FINE


COMMAND = Command(
    "demo",
    "fill an empty market with demo farms, products and three accounts",
    "Adds forty farmers markets of the USDA's directory with their catalogues, and a buyer, a farmer with a farm, and an\n"
    "admin, whose password is made up, printed, and kept in the file demo-password of the data folder.",
    _arguments,
    _run,
)
