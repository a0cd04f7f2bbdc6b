"""``harvestctl demo``: fill an empty market with sample data."""

from __future__ import annotations

from argparse import ArgumentParser

import attrs

from harvestd.ctl.command import FINE, Command, CommandContext, Failed
from harvestd.ctl.reindex import engine_is_away, with_bar
from harvestd.ctl.words import counted
from harvestd.loading.demo.filling import fill
from harvestd.loading.demo.people import sign_in_lines


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="even if the market has accounts already")


async def _run(errand: CommandContext) -> int:
    parts = await errand.parts(making=True)
    filled = await fill(parts, errand.arguments.force)
    if filled is None:
        raise Failed("the market has accounts already; nothing was added (--force adds the demo anyway)")
    await with_bar(errand, parts)
    await engine_is_away(errand, parts)
    await parts.cache.drop(())
    if any(attrs.astuple(filled)):
        added = [counted(filled.farms, "farm"), counted(filled.products, "product"), counted(filled.people, "account")]
        errand.out.print(f"added: {', '.join(added)}", markup=False)
    else:
        errand.out.print("the demo is there already: nothing was added", markup=False)
    for line in sign_in_lines(parts.settings.data_dir):
        errand.out.print(line, markup=False)
    return FINE


COMMAND = Command(
    "Adds forty farmers markets from the USDA's directory with their catalogues, and four accounts: a buyer, a farmer with a\n"
    "farm of their own, a farmer who owns all the other farms, and an admin. Their password is generated, and kept in the file\n"
    "demo-password in the data folder.",
    _arguments,
    _run,
)
