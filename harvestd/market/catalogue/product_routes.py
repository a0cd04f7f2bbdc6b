"""Products: the listing, the page, and offering, changing and restocking them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from harvestd.kernel import errors, families
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import accept, told
from harvestd.kernel.permissions import Permission, may
from harvestd.kernel.quantities import shown as quantity
from harvestd.market.accounts import rows as accounts
from harvestd.market.catalogue import actions, cards, filters, listing_terms, listings
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue import rules as market
from harvestd.market.catalogue.farm_choice import farm_of
from harvestd.market.catalogue.group_choice import look
from harvestd.market.catalogue.listing_shapes import ProductsQuery
from harvestd.market.catalogue.product_body_shapes import ChangeProduct, NewProduct
from harvestd.market.catalogue.sent import faults as faults_of
from harvestd.market.catalogue.sent import read
from harvestd.market.catalogue.stock_level_rules import MAX_REASON, level_faults, opening_stock
from harvestd.market.catalogue.stock_shapes import ChangeStock, StockLevel
from harvestd.market.catalogue.viewing import own_view, view
from harvestd.market.farms.actions import allowed
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import given
from harvestd.web.translated import languages_of

#: Categories that a listing's entry in the cache names one by one.
MAX_WITHIN = 50


def shown(card: cards.Card) -> msgspec.Raw:
    """A product as the contract shows it: a :class:`~harvestd.market.catalogue.product_shapes.Product`, already encoded."""
    return msgspec.Raw(card.text)


async def listed(request: RequestContext, query: ProductsQuery) -> Result:
    """Published products by filter and sort; or, with ``mine``, those of the caller's farms, of any status."""
    _only_of_ones_own(query)
    sort = query.sort if query.updated_since is None else listing_terms.CHANGED
    types = tuple(type_ for _, _, type_ in listing_terms.ORDERS[sort].key)
    order = Keyset(query, sort, types, lambda row: row.key)
    after = order.after
    asked = await filters.asked(request, query)
    if query.near is not None and query.radius_km is None:
        message = "goes with radius_km here; GET /api/search?near= ranks by distance"
        raise Invalid.of("near", message, "not-accepted", reason="with-radius")
    # what others follow is read where it is written: a replica may be behind
    reader = request.reader if query.updated_since is None else request.parts.database
    own = await _own(request, query)
    ids = None if query.ids is None else list(dict.fromkeys(query.ids.split(",")))
    more: dict[str, Any] = {"status": query.status, "ids": ids, "updated_since": query.updated_since}
    wanted = listing_terms.Filters.of(**asked.listing(), **own, **more)
    seen = own_view(request) if query.mine else await view(request, brief=True)
    rows = await listings.products(reader, wanted, sort, after, order.ask, seen)
    total = await listings.count(reader, wanted, seen) if query.count else None
    page, following = order.page(rows)
    of = [families.of_farm(id) for id, *_ in asked.values.get("farm", ())]  # asked for by a former slug, perhaps
    of += _within(asked.values.get("category", ()))
    shows = (*[families.shown(row.id) for row in page], *of)
    ended = page[0].ended if page else None
    shown_now = CountedPage([msgspec.Raw(row.text) for row in page], following, total)
    return Result(shown_now, version=ended, families=shows, spoken=not query.mine, **cards.states(page))


def _within(categories: Sequence[tuple[str, ...]]) -> list[str]:
    """The families of what enters or leaves these categories, all below them among them; of so many, what enters or leaves any."""
    if len(categories) > MAX_WITHIN:
        return [families.PRODUCTS]
    return [families.of_category(id) for id, *_ in categories]


def _only_of_ones_own(query: ProductsQuery) -> None:
    """Raise :class:`Invalid` for what is asked of others' products and goes with one's own alone, or has an order of its own."""
    if query.mine:
        if query.updated_since is not None and query.sort != "newest":
            raise Invalid.of(
                "sort",
                "does not go with updated_since, which lists the oldest change first",
                "not-accepted",
                reason="oldest-first",
            )
        return
    if query.status is not None:
        raise Invalid.of(
            "status",
            "goes with mine=true; the products of others are always published",
            "not-accepted",
            reason="with-mine",
        )
    if query.updated_since is not None:
        raise Invalid.of(
            "updated_since", "goes with mine=true; it follows one's own products", "not-accepted", reason="own-changes"
        )


async def _own(request: RequestContext, query: ProductsQuery) -> dict[str, str]:
    """The filter of the caller's own products. Changes of one farm are read in their order; of several, they are sorted."""
    if not query.mine:
        return {}
    if query.updated_since is not None:
        own = await accounts.farms_of(request.parts.database, request.user.user_id)
        if len(own) == 1:
            return {"own_farm_id": own[0].farm_id}
    return {"member_id": request.user.user_id}


async def page(request: RequestContext) -> Result:
    """One product, by id or slug; only its farm sees a draft or archived one, and all that is kept of it."""
    card = await cards.find(request.reader, request.path["id"], await view(request))
    own = card is not None and await _may_change(request, card)
    if card is not None and own:
        card = await cards.find(request.reader, card.id, own_view(request))
    if card is None or card.status == cards.HIDDEN or not (own or card.status == "published"):
        raise NotFound("there is no such product")
    if own:
        return Result(shown(card), version=card.version, spoken=False)
    return Result(shown(card), version=card.version, families=(families.shown(card.id),), **cards.states([card]))


async def _may_change(request: RequestContext, card: cards.Card) -> bool:
    caller = request.caller
    return (
        caller is not None
        and may(caller.role, Permission.CHANGE_PRODUCTS)
        and await allowed(request.reader, caller, Permission.CHANGE_PRODUCTS, card.farm_id)
    )


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a product, independent of the others."""
    return faults_of(currency_of(request), given, languages_of(request.parts.settings))


def currency_of(request: RequestContext) -> str:
    """The market's currency."""
    return request.parts.settings.market_currency


async def add(request: RequestContext, body: NewProduct) -> Result:
    """Offer a product."""
    sent = msgspec.structs.asdict(body)
    wrong, farm = faults(request, sent), None
    try:
        farm = await farm_of(request.tx, request.user, body.farm_id)
    except Invalid as refused:
        wrong += refused.errors
    accept(*wrong, message="the product cannot be accepted")
    assert farm is not None
    known, _ = read(currency_of(request), sent, languages_of(request.parts.settings))
    level = opening_stock(body.stock, body.unit)
    known, unknown = (await look(request.tx, [known])).named(known, None)
    accept(*unknown, message="the product cannot be accepted")
    product_id = await actions.offer(request.work, farm, market.begun(known), level)
    location = ("Location", f"/api/products/{product_id}")
    return attrs.evolve(await now(request, product_id), headers=(location,))


async def now(request: RequestContext, product_id: str) -> Result:
    """The product, as this transaction has written it."""
    card = await cards.find(request.tx, product_id, own_view(request))
    assert card is not None
    return Result(shown(card), version=card.version)


async def _locked(request: RequestContext) -> store.Product:
    """The product of the path, locked, if the caller has the route's permission for it."""
    assert request.route.permission is not None
    row = await actions.locked(request.work, request.user, request.route.permission, request.path["id"])
    request.check_version(row.version)
    return row


async def change(request: RequestContext, body: ChangeProduct) -> Result:
    """Change the fields of a product that a farm edits."""
    before = await _locked(request)
    changes, wrong = read(currency_of(request), given(body), languages_of(request.parts.settings))
    await actions.change(request.work, before, changes, wrong)
    return await now(request, before.id)


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
