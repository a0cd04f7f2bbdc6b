"""Products: the listing, the page, and offering, changing and restocking them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import msgspec

from harvestd.kernel import claims, errors, families
from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import FieldError, Forbidden, Invalid, NotFound
from harvestd.kernel.names import accept, told
from harvestd.kernel.permissions import FARMER, Permission, may_for_farm
from harvestd.kernel.quantities import shown as quantity
from harvestd.kernel.seasons import Season as MarketSeason
from harvestd.kernel.seasons import checked as checked_season
from harvestd.kernel.seasons import faults as season_faults
from harvestd.kernel.units import Amount
from harvestd.market.accounts import rows as accounts
from harvestd.market.catalogue import actions, cards, filters, listings
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue import rules as market
from harvestd.market.catalogue.fact_rules import Durability
from harvestd.market.catalogue.listing_shapes import ProductsQuery
from harvestd.market.catalogue.price_rules import per_faults
from harvestd.market.catalogue.product_shapes import ChangeProduct, NewProduct, PricePerIn
from harvestd.market.catalogue.stock_level_rules import MAX_REASON, level_faults, opening_stock
from harvestd.market.catalogue.stock_shapes import ChangeStock, StockLevel
from harvestd.market.catalogue.tag_rules import tag_faults
from harvestd.market.catalogue.viewing import view
from harvestd.market.farms import rows as farms
from harvestd.market.farms.actions import allowed, no_farm, require
from harvestd.web import sound
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.money import given_faults, minor_units
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Money, SeasonIn, given

#: Why a request that names no farm must name one, by role and by whether the caller has any; and the messages.
_WHICH_FARM = {("admin", False): "staff-name-farm", ("manager", False): "staff-name-farm"}
_REASONS = {
    "one-of-yours": "name one of your farms",
    "staff-name-farm": "name the farm that offers the product",
}


def shown(card: cards.Card) -> msgspec.Raw:
    """A product as the contract shows it: a :class:`~harvestd.market.catalogue.product_shapes.Product`, already encoded."""
    return msgspec.Raw(card.text)


async def listed(request: RequestContext, query: ProductsQuery) -> Result:
    """Published products by filter and sort; or, with ``mine``, those of the caller's farms, of any status."""
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
    asked = await filters.asked(request, query)
    member_id = request.user.user_id if query.mine else None
    wanted = listings.Filters.of(**asked.listing(), member_id=member_id, status=query.status)
    rows = await listings.products(request.reader, wanted, query.sort, after, order.ask, view(request))
    total = await listings.count(request.reader, wanted) if query.count else None
    page, following = order.page(rows)
    of = [families.of_farm(id) for id, _ in asked.values.get("farm", ())]  # asked for by a former slug, perhaps
    shows = (*[families.shown(row.key[-1]) for row in page], *of)
    ended = page[0].ended if page else None
    shown_now = CountedPage([msgspec.Raw(row.text) for row in page], following, total)
    return Result(shown_now, version=ended, families=shows)


async def page(request: RequestContext) -> Result:
    """One product, by id or slug; only its farm sees a draft or archived one."""
    card = await cards.find(request.reader, request.path["id"], view(request))
    if card is None or (card.status != "published" and not await _may_see(request, card)):
        raise NotFound("there is no such product")
    return Result(shown(card), version=card.version)


async def _may_see(request: RequestContext, card: cards.Card) -> bool:
    return request.caller is not None and await allowed(
        request.reader, request.caller, Permission.CHANGE_PRODUCTS, card.farm_id
    )


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a product, independent of the others."""
    read, wrong = _read(request, sent)
    return [*wrong, *_faults_in_part(request, sent), *market.faults(read)]


def _faults_in_part(request: RequestContext, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the fields that could only be read in part."""
    if "price" not in given:
        yield from given_faults("price", given, request.parts.settings.market_currency)
    if "price_per" not in given:
        yield from per_faults(sound.members(given, "price_per"))
    if "season" not in given:
        yield from season_faults(sound.members(given, "season"))
    if "tags" not in given:
        yield from tag_faults(sound.elements(given, "tags"))
    if "certifications" not in given:
        yield from claims.faults_in_part("certifications", sound.elements(given, "certifications"))


def _read(request: RequestContext, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The fields converted for the rules; those that cannot be converted are left out, with their faults."""
    found = dict(given)
    wrong: list[FieldError] = []
    for name, read in _READ.items():
        if name in given:
            del found[name]
            wrong += errors.faults(lambda: found.update({name: read(request, given[name])}))  # noqa: B023  (called at once)
    return found, wrong


async def add(request: RequestContext, body: NewProduct) -> Result:
    """Offer a product."""
    sent = msgspec.structs.asdict(body)
    wrong, farm = faults(request, sent), None
    try:
        farm = await _farm_of(request, body.farm_id)
    except Invalid as refused:
        wrong += refused.errors
    accept(*wrong, message="the product cannot be accepted")
    assert farm is not None
    read, _ = _read(request, sent)
    level = opening_stock(body.stock, body.unit)
    product_id = await actions.offer(request.work, farm, market.begun(read), level)
    location = ("Location", f"/api/products/{product_id}")
    return attrs.evolve(await _now(request, product_id), headers=(location,))


async def _now(request: RequestContext, product_id: str) -> Result:
    """The product, as this transaction has written it."""
    card = await cards.find(request.tx, product_id, view(request))
    assert card is not None
    return Result(shown(card), version=card.version)


async def _farm_of(request: RequestContext, farm_id: str | None) -> actions.Farm:
    """The farm that offers the product; without ``farm_id`` the caller's own, if they have exactly one."""
    memberships = await accounts.farms_of(request.tx, request.user.user_id)
    if not memberships and request.user.role == FARMER:
        raise no_farm()
    own = [f for f in memberships if may_for_farm(request.user.role, f.role, Permission.CHANGE_PRODUCTS)]
    if farm_id is None:
        if len(own) == 1:
            return actions.Farm(own[0].farm_id, own[0].slug)
        if memberships and not own:
            raise Forbidden("your role in the farm does not offer products; ask its owner")
        reason = _WHICH_FARM.get((request.user.role, bool(own)), "one-of-yours")
        raise Invalid.of("farm_id", _REASONS[reason], "required", reason=reason)
    for farm in own:
        if farm.farm_id == farm_id:
            return actions.Farm(farm.farm_id, farm.slug)
    await require(request.tx, request.user, Permission.CHANGE_PRODUCTS, farm_id)
    found = await farms.find(request.tx, farm_id)
    if found is None:
        raise Invalid.of(
            "farm_id", "does not exist; GET /api/farms lists the farms", "not-found", list="GET /api/farms"
        )
    return actions.Farm(found.id, found.slug)


def _price(request: RequestContext, price: Money | int) -> int:
    return minor_units("price", price, request.parts.settings.market_currency)


def _season(season: SeasonIn | None) -> MarketSeason | None:
    return None if season is None else checked_season(season.from_, season.to)


def _per(per: PricePerIn | None) -> Amount | None:
    return None if per is None else Amount(per.quantity, per.unit)


#: The conversions of a body's fields for the rules, where they are not used as they are.
_READ: dict[str, Callable[[RequestContext, Any], Any]] = {
    "price": _price,
    "price_per": lambda request, per: _per(per),
    "season": lambda request, season: _season(season),
    "tags": lambda request, tags: tuple(tags),
    "durability": lambda request, day: None if day is None else Durability(day.kind, day.date),
    "certifications": lambda request, claims: tuple(Certification(**msgspec.structs.asdict(one)) for one in claims),
}  # fmt: skip


async def _locked(request: RequestContext) -> store.Product:
    """The product of the path, locked, if the caller has the route's permission for it."""
    assert request.route.permission is not None
    row = await actions.locked(request.work, request.user, request.route.permission, request.path["id"])
    request.check_version(row.version)
    return row


async def change(request: RequestContext, body: ChangeProduct) -> Result:
    """Change the fields of a product that a farm edits."""
    before = await _locked(request)
    changes, wrong = _read(request, given(body))
    await actions.change(request.work, before, changes, wrong)
    return await _now(request, before.id)


async def archive(request: RequestContext) -> None:
    """Archive a product; orders that contain it keep it."""
    await actions.archive(request.work, await _locked(request))


def stock_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults of a stock change, whatever the current stock."""
    reason = errors.faults(lambda: told("reason", given.get("reason", ""), MAX_REASON))
    return [*reason, *level_faults(given.get("set"), given.get("change"))]


async def restock(request: RequestContext, body: ChangeStock) -> StockLevel:
    """Set or change the stock; every change is a row of the ledger."""
    before = await _locked(request)
    level = await actions.restock(request.work, before, set_to=body.set, change=body.change, reason=body.reason)
    reserved = before.reserved
    return StockLevel(
        product_id=before.id, stock=quantity(level), reserved=quantity(reserved), available=quantity(level - reserved)
    )
