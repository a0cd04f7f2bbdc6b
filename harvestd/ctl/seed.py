"""``harvestctl seed``: fill a market with a synthetic catalogue of any size."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

import psycopg2
from twisted.internet.threads import deferToThread

from harvestd.ctl.command import FINE, Command, CommandContext, Failed, Misused, progress_bar, whole
from harvestd.ctl.reindex import engine_is_away
from harvestd.ctl.words import counted
from harvestd.loading.demo.people import PEOPLE
from harvestd.loading.picturing import of_best
from harvestd.loading.synthetic.bulk_load import AlreadyLoaded, bulk_load, settle
from harvestd.loading.synthetic.catalogue import Plan, farm_source, vocabulary
from harvestd.market.accounts.staff import others
from harvestd.market.search.fallback import SearchWithFallback
from harvestd.market.search.postgres import rows as search_rows
from harvestd.market.search.postgres.engine import configuration
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, scalar

#: Limits that catch typing errors; and the number of products for each farm if no number of farms is given.
MAX_PRODUCTS, MAX_FARMS, MAX_SEED = 10_000_000, 100_000, 1_000_000_000
PRODUCTS_PER_FARM = 100
#: Products with a picture, unless told otherwise, and the most: each has six files.
PICTURES, MAX_PICTURES = 24, 100_000

_ORDERED = Statement("seed.ordered", "select exists (select from orders)", scalar)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--products", type=whole, metavar="N", required=True, help="number of products")
    parser.add_argument(
        "--farms", type=whole, metavar="M", help=f"number of farms [one per {PRODUCTS_PER_FARM} products]"
    )
    parser.add_argument(
        "--seed",
        type=whole,
        metavar="S",
        default=1,
        help="seed of the generator; another number gives another catalogue [1]",
    )
    parser.add_argument(
        "--no-search", action="store_true", help="skip the search documents; harvestctl reindex makes them"
    )
    parser.add_argument(
        "--pictures",
        type=whole,
        metavar="P",
        default=PICTURES,
        help=f"number of products, those that sell best, that get a drawn picture [{PICTURES}]",
    )
    parser.add_argument("--force", action="store_true", help="even if the market has accounts or orders already")


async def _run(errand: CommandContext) -> int:
    products, farms, seed = numbers(errand.arguments)
    parts = await errand.parts(making=True)
    if not errand.arguments.force:
        await _refuse_a_real_market(parts)
    plan = Plan(products, farms, seed, parts.now(), parts.new_id, parts.settings.market_languages[1:])
    language = None if errand.arguments.no_search else configuration(parts.settings.search_language)
    took = await _with_bar(errand, parts, plan, language)
    pictured = await _pictures(errand, parts, plan)
    if language is not None:
        await engine_is_away(errand, parts)
    await parts.cache.drop(())
    search = "without search documents" if language is None else "with their search documents"
    rate = f"{took:.1f} s, {products / took:,.0f} a second"
    errand.out.print(f"{counted(products, 'product')} of {counted(farms, 'farm')} added {search}: {rate}", markup=False)
    if pictured:
        errand.out.print(f"{counted(pictured, 'picture')} drawn, of those that sell best", markup=False)
    return FINE


async def _with_bar(errand: CommandContext, parts: Parts, plan: Plan, language: str | None) -> float:
    """Store the catalogue, with a progress bar; returns the seconds that it took."""
    began = time.monotonic()
    if language is not None:
        words = vocabulary()
        await parts.database.transaction(lambda tx: search_rows.learn(tx, language, words))
    with progress_bar(errand.err) as bar:
        task = bar.add_task("farms", total=plan.products)

        def progress(what: str, done: int) -> None:
            rate = f", {done / (time.monotonic() - began):,.0f}/s" if what == "products" else ""
            bar.update(task, description=what + rate, completed=done)
            errand.go_on()

        await deferToThread(_bulk_load, parts, plan, language, progress)
        if language is not None and isinstance(parts.search, SearchWithFallback):
            await parts.search.refill(plan.products, lambda done: progress("Elasticsearch", done))
    return time.monotonic() - began


async def _pictures(errand: CommandContext, parts: Parts, plan: Plan) -> int:
    """Draw the pictures; one that is interrupted leaves those that were drawn."""
    with progress_bar(errand.err) as bar:
        task = bar.add_task("pictures", total=errand.arguments.pictures)

        def progress(done: int) -> None:
            bar.update(task, completed=done)
            errand.go_on()

        return await of_best(parts, farm_source(plan.seed, 0)[:-1] + "%", errand.arguments.pictures, progress)


def numbers(arguments: Namespace) -> tuple[int, int, int]:
    """The numbers of products and farms, and the seed; raises :class:`Misused`."""
    farms = arguments.farms
    if farms is None:
        farms = max(1, min(MAX_FARMS, arguments.products // PRODUCTS_PER_FARM))
    for option, value, least, most in (
        ("--products", arguments.products, 1, MAX_PRODUCTS),
        ("--farms", farms, 1, MAX_FARMS),
        ("--seed", arguments.seed, 0, MAX_SEED),
        ("--pictures", arguments.pictures, 0, MAX_PICTURES),
    ):
        if not least <= value <= most:
            raise Misused(f"{option} {value}: must be {least} to {most}")
    return arguments.products, farms, arguments.seed


async def _refuse_a_real_market(parts: Parts) -> None:
    accounts, orders = await others(parts, [email for email, *_ in PEOPLE]), await parts.database.row(_ORDERED)
    if accounts or orders:
        found = "accounts and orders" if accounts and orders else "accounts" if accounts else "orders"
        raise Failed(
            f"the market has {found} already: synthetic products would mix with real ones; nothing was added (--force adds them "
            "anyway)"
        )


def _bulk_load(parts: Parts, plan: Plan, language: str | None, progress: Callable[[str, int], None]) -> None:
    connection = psycopg2.connect(parts.settings.database_url, application_name="harvestctl-seed")
    try:
        bulk_load(connection, plan, language, progress)
    except AlreadyLoaded as error:
        raise Failed(
            f"the market has the catalogue of --seed {plan.seed} already; another number adds another one"
        ) from error
    except psycopg2.errors.LockNotAvailable as error:
        raise Failed("the market's tables are locked: stop the daemon, and try again; nothing was added") from error
    except psycopg2.Error as error:
        raise Failed(f"the database: {str(error).splitlines()[0]}; nothing was added") from error
    else:
        settle(connection)
    finally:
        connection.close()


COMMAND = Command(
    "Loads farms (with certificates, delivery, days away and pick-up points), categories in four languages, products with stock and what\n"
    "the law has shown of food, rules for searches, and what search needs, by COPY: a million products take minutes; then pictures of\n"
    "those that sell best, drawn by code. Popularity\n"
    "follows Zipf's law: a few products sell a lot, most hardly at all. The same --seed makes the same catalogue, except for\n"
    "ids and times. It is all or nothing, but for the pictures. An empty catalogue is locked meanwhile: stop the daemon, or let it answer 503.\n"
    "The farms have no owner, so their products cannot be ordered.",
    _arguments,
    _run,
)
