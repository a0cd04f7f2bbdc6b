"""Products: the listing, the page, and what a farm offers, changes and restocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import msgspec

from harvestd.kernel import errors, families
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import accept, told
from harvestd.kernel.permissions import Permission
from harvestd.kernel.quantities import shown as quantity
from harvestd.kernel.seasons import Season as MarketSeason
from harvestd.kernel.seasons import checked as checked_season
from harvestd.kernel.seasons import faults as season_faults
from harvestd.kernel.units import Amount
from harvestd.market.accounts import rows as accounts
from harvestd.market.catalogue import actions, cards, filters, listings
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue import rules as market
from harvestd.market.catalogue.product_shapes import (
    ChangeProduct,
    ChangeStock,
    NewProduct,
    PricePerIn,
    ProductsQuery,
    StockLevel,
)
from harvestd.market.farms import rows as farms
from harvestd.market.farms.actions import allowed, require
from harvestd.web import sound
from harvestd.web.context import Answer, Call, CountedPage
from harvestd.web.money import given_faults, minor_units
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Money, SeasonIn, given

#: Why those are asked for a farm who name none, by role and by whether they have one; and what they are told.
_WHICH_FARM = {("admin", False): "staff-name-farm", ("farmer", False): "no-farm"}
_REASONS = {
    "one-of-yours": "name one of your farms",
    "staff-name-farm": "name the farm that offers the product",
    "no-farm": "you do not belong to a farm; ask the market's staff to offer it for one",
}


def shown(card: cards.Card) -> msgspec.Raw:
    """A product as the contract shows it: a :class:`~harvestd.market.catalogue.product_shapes.Product`, already encoded."""
    return msgspec.Raw(card.text)


async def listed(call: Call, query: ProductsQuery) -> Answer:
    """Published products by filter and sort; or, with ``mine``, those of the caller's farms, whatever their status."""
    if query.status is not None and not query.mine:
        raise Invalid.of(
            "status",
            "goes with mine=true; the products of others are always published",
            "not-accepted",
            reason="with-mine",
        )
    types = tuple(type_ for _, _, type_ in listings.SORTS[query.sort].key)
    order = Keyset(query, query.sort, types, lambda row: row.key)
    after = order.after
    asked = await filters.asked(call, query)
    wanted = listings.Filters.of(
        (id for id, _ in asked.categories), (id for id, _ in asked.farms), tags=asked.tags, units=asked.units,
        min_price=query.min_price, max_price=query.max_price, in_stock=query.in_stock, in_season=asked.season,
        within=listings.within(*asked.near, asked.radius) if asked.near and asked.radius else None,
        member_id=call.user.user_id if query.mine else None, status=query.status,
    )  # fmt: skip
    currency = call.parts.settings.market_currency
    rows = await listings.products(call.reader, wanted, query.sort, after, order.ask, currency)
    total = await listings.count(call.reader, wanted) if query.count else None
    page, following = order.page(rows)
    shows = tuple([families.shown(row.key[-1]) for row in page])
    ended = page[0].ended if page else None
    shown_now = CountedPage([msgspec.Raw(row.text) for row in page], following, total)
    return Answer(shown_now, version=ended, families=shows)


async def page(call: Call) -> Answer:
    """One product, by id or slug; a draft or archived one is for its farm alone."""
    card = await cards.find(call.reader, call.path["id"], call.parts.settings.market_currency)
    if card is None or (card.status != "published" and not await _may_see(call, card)):
        raise NotFound("there is no such product")
    return Answer(shown(card), version=card.version)


async def _may_see(call: Call, card: cards.Card) -> bool:
    return call.caller is not None and await allowed(call.reader, call.caller, Permission.CHANGE_PRODUCTS, card.farm_id)


def faults(call: Call, sent: Mapping[str, Any]) -> list[FieldError]:
    """What the market has against fields of a product, whatever the others are."""
    read, wrong = _read(call, sent)
    return [*wrong, *_faults_in_part(call, sent), *market.faults(read)]


def _faults_in_part(call: Call, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Of the fields that could not be read as a whole."""
    if "price" not in given:
        yield from given_faults("price", given, call.parts.settings.market_currency)
    if "price_per" not in given:
        yield from market.per_faults(sound.members(given, "price_per"))
    if "season" not in given:
        yield from season_faults(sound.members(given, "season"))
    if "tags" not in given:
        yield from market.tag_faults(sound.elements(given, "tags"))


def _read(call: Call, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The fields as the market has them; those that it cannot have are left out, with what is wrong with them."""
    found = dict(given)
    wrong: list[FieldError] = []
    for name, read in _READ.items():
        if name in given:
            del found[name]
            wrong += errors.faults(lambda: found.update({name: read(call, given[name])}))  # noqa: B023  (called at once)
    return found, wrong


async def add(call: Call, body: NewProduct) -> Answer:
    """Offer a product."""
    sent = msgspec.structs.asdict(body)
    wrong, farm = faults(call, sent), None
    try:
        farm = await _farm_of(call, body.farm_id)
    except Invalid as refused:
        wrong += refused.errors
    accept(*wrong, message="the product cannot be accepted")
    assert farm is not None
    read, _ = _read(call, sent)
    level = market.opening_stock(body.stock, body.unit)
    product_id = await actions.offer(call.work, farm, market.begun(read), level)
    location = ("Location", f"/api/products/{product_id}")
    return attrs.evolve(await _now(call, product_id), headers=(location,))


async def _now(call: Call, product_id: str) -> Answer:
    """A product that is there, as this transaction has made it."""
    card = await cards.find(call.tx, product_id, call.parts.settings.market_currency)
    assert card is not None
    return Answer(shown(card), version=card.version)


async def _farm_of(call: Call, farm_id: str | None) -> actions.Farm:
    """The farm that offers it; without ``farm_id`` the caller's own, if they have one."""
    own = await accounts.farms_of(call.tx, call.user.user_id)
    if farm_id is None:
        if len(own) == 1:
            return actions.Farm(own[0].farm_id, own[0].slug)
        reason = _WHICH_FARM.get((call.user.role, bool(own)), "one-of-yours")
        raise Invalid.of("farm_id", _REASONS[reason], "required", reason=reason)
    for farm in own:
        if farm.farm_id == farm_id:
            return actions.Farm(farm.farm_id, farm.slug)
    await require(call.tx, call.user, Permission.CHANGE_PRODUCTS, farm_id)
    found = await farms.find(call.tx, farm_id)
    if found is None:
        raise Invalid.of(
            "farm_id", "does not exist; GET /api/farms lists the farms", "not-found", list="GET /api/farms"
        )
    return actions.Farm(found.id, found.slug)


def _price(call: Call, price: Money | int) -> int:
    return minor_units("price", price, call.parts.settings.market_currency)


def _season(season: SeasonIn | None) -> MarketSeason | None:
    return None if season is None else checked_season(season.from_, season.to)


def _per(per: PricePerIn | None) -> Amount | None:
    return None if per is None else Amount(per.quantity, per.unit)


#: How the fields of a body become the market's, where they do not stay as they are.
_READ: dict[str, Callable[[Call, Any], Any]] = {
    "price": _price,
    "price_per": lambda call, per: _per(per),
    "season": lambda call, season: _season(season),
    "tags": lambda call, tags: tuple(tags),
}  # fmt: skip


async def _locked(call: Call) -> store.Product:
    """The product of the path, locked, if the caller may do to it what the route does."""
    assert call.route.permission is not None
    row = await actions.locked(call.work, call.user, call.route.permission, call.path["id"])
    call.check_version(row.version)
    return row


async def change(call: Call, body: ChangeProduct) -> Answer:
    """Change what a farm says of a product."""
    before = await _locked(call)
    changes, wrong = _read(call, given(body))
    await actions.change(call.work, before, changes, wrong)
    return await _now(call, before.id)


async def archive(call: Call) -> None:
    """Take a product off the market; orders that have it keep it."""
    await actions.archive(call.work, await _locked(call))


def stock_faults(call: Call, given: Mapping[str, Any]) -> list[FieldError]:
    """What the market has against a change of stock, whatever the stock is."""
    reason = errors.faults(lambda: told("reason", given.get("reason", ""), market.REASON_MOST))
    return [*reason, *market.level_faults(given.get("set"), given.get("change"))]


async def restock(call: Call, body: ChangeStock) -> StockLevel:
    """Set or change the stock; every change is a row of the ledger."""
    before = await _locked(call)
    level = await actions.restock(call.work, before, set_to=body.set, change=body.change, reason=body.reason)
    reserved = before.reserved
    return StockLevel(
        product_id=before.id, stock=quantity(level), reserved=quantity(reserved), available=quantity(level - reserved)
    )
