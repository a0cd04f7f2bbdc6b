"""Products: the listing, the page, and what a farm offers, changes and restocks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
from msgspec import UNSET

from harvestd.market import products as market
from harvestd.market import slugs
from harvestd.market.errors import Forbidden, Invalid, NotFound
from harvestd.market.products import DEFAULT_STEP, Known, Offer, happened
from harvestd.market.quantities import shown as quantity
from harvestd.market.seasons import Season as MarketSeason
from harvestd.market.seasons import checked as checked_season
from harvestd.store import accounts, listings, outbox
from harvestd.store import products as store
from harvestd.store import stock as stock_store
from harvestd.web import cursors
from harvestd.web.call import Answer, Call, Page
from harvestd.web.days import today
from harvestd.web.farms import owned
from harvestd.web.money import minor_units, money, unit_price
from harvestd.web.shapes.products import (
    ChangeProduct,
    ChangeStock,
    NewProduct,
    Product,
    ProductsQuery,
    Rating,
    StockLevel,
)
from harvestd.web.shapes.values import Named, Season, SeasonIn


def fields(row: store.Product, currency: str) -> dict[str, Any]:
    """The fields of a product as the contract shows them."""
    category = None
    if row.category_id is not None:
        category = Named(id=row.category_id, slug=row.category_slug or "", name=row.category_name or "")
    season = Season(from_=row.season_from, to=row.season_to) if row.season_from and row.season_to else None
    return {
        "id": row.id, "slug": row.slug, "title": row.title, "description": row.description,
        "farm": Named(id=row.farm_id, slug=row.farm_slug, name=row.farm_name), "category": category, "unit": row.unit,
        "price": money(row.price, currency), "unit_price": unit_price(row.price, row.unit, currency),
        "stock": quantity(row.stock), "available": quantity(row.stock - row.reserved),
        "quantity_step": quantity(row.quantity_step), "min_quantity": quantity(row.min_quantity), "season": season,
        "harvested_on": row.harvested_on, "tags": row.tags, "status": row.status, "images": [],
        "upvote_count": row.upvote_count, "view_count": row.view_count,
        "rating": Rating(average=float(row.rating_average) if row.rating_count else None, count=row.rating_count),
        "version": row.version, "created_at": row.created_at, "updated_at": row.updated_at,
    }  # fmt: skip


def shown(row: store.Product, currency: str) -> Product:
    """A product as the contract shows it."""
    return Product(**fields(row, currency))


async def listed(call: Call, query: ProductsQuery) -> Page[Product]:
    """Published products by filter and sort."""
    types = [type_ for _, _, type_ in listings.SORTS[query.sort].key]
    after = cursors.decode(query.after, query.sort, *types) if query.after else None
    by = {
        f"{name}_{'id' if slugs.is_id(token) else 'slug'}": token
        for name, token in (("category", query.category), ("farm", query.farm))
        if token is not None
    }
    filters = listings.Filters(
        **by, tag=query.tag.strip().lower() if query.tag else None, min_price=query.min_price, max_price=query.max_price,
        in_stock=query.in_stock, in_season=today(call).isoformat() if query.in_season else None,
    )  # fmt: skip
    rows = await listings.products(call.reader, filters, query.sort, after, query.limit + 1)
    page = rows[: query.limit]
    more = len(rows) > query.limit
    following = cursors.encode(query.sort, *listings.key(page[-1], query.sort)) if more else None
    currency = call.parts.settings.market_currency
    return Page(items=[shown(row, currency) for row in page], next=following)


async def page(call: Call) -> Answer:
    """One product, by id or slug; a draft or archived one is for its farm alone."""
    row = await store.find(call.reader, call.path["id"])
    if row is None or (row.status != "published" and not await _may_see(call, row)):
        raise NotFound("there is no such product")
    return Answer(shown(row, call.parts.settings.market_currency), version=row.version)


async def _may_see(call: Call, row: store.Product) -> bool:
    if call.caller is None:
        return False
    if call.caller.role == "admin":
        return True
    return any(f.farm_id == row.farm_id for f in await accounts.farms_of(call.reader, call.caller.user_id))


async def add(call: Call, body: NewProduct) -> Answer:
    """Offer a product."""
    farm = await _farm_of(call, body.farm_id)
    step = DEFAULT_STEP[body.unit] if body.quantity_step is None else body.quantity_step
    offer = market.checked(
        Offer(
            title=body.title, description=body.description, category_id=body.category_id, unit=body.unit,
            price=minor_units("price", body.price, call.parts.settings.market_currency), quantity_step=step,
            min_quantity=step if body.min_quantity is None else body.min_quantity, season=_season(body.season),
            harvested_on=body.harvested_on, tags=tuple(body.tags), status=body.status,
        )
    )  # fmt: skip
    level = market.opening_stock(body.stock)
    product_id = call.new_id()
    slug = slugs.slug(offer.title, product_id[-6:])
    await store.insert(call.tx, product_id, slug, farm.farm_id, offer, level, call.now)
    await stock_store.enter(call.tx, call.new_id(), product_id, "initial", level, level, "", call.now)
    event = happened("created", Known(product_id, slug, farm.farm_id, farm.slug), 1, [])
    await outbox.record(call.tx, [event], call.new_id, call.now)
    row = await store.find(call.tx, product_id)
    assert row is not None
    location = ("Location", f"/api/products/{product_id}")
    return Answer(shown(row, call.parts.settings.market_currency), headers=(location,), version=1)


async def _farm_of(call: Call, farm_id: str | None) -> accounts.Membership:
    own = await accounts.farms_of(call.tx, call.user.user_id)
    if farm_id is None:
        if len(own) == 1:
            return own[0]
        raise Invalid.of("farm_id", "name one of your farms" if own else "you have no farm yet")
    for farm in own:
        if farm.farm_id == farm_id:
            return farm
    raise Forbidden("this farm is not yours")


def _season(season: SeasonIn | None) -> MarketSeason | None:
    return None if season is None else checked_season(season.from_, season.to)


async def _locked(call: Call) -> store.Product:
    """The product of the path, locked, if it is the caller's: another farm's is not there for them."""
    found = await store.find(call.tx, call.path["id"])
    row = await store.lock(call.tx, found.id) if found else None
    if row is None:
        raise NotFound("there is no such product")
    try:
        await owned(call, call.tx, row.farm_id)
    except Forbidden as error:
        raise NotFound("there is no such product of yours") from error
    call.check_version(row.version)
    return row


async def change(call: Call, body: ChangeProduct) -> Answer:
    """Change what a farm says of a product."""
    before = await _locked(call)
    given = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    changes = dict(given)
    if "price" in given:
        changes["price"] = minor_units("price", given["price"], call.parts.settings.market_currency)
    if "season" in given:
        changes["season"] = _season(given["season"])
    if "tags" in given:
        changes["tags"] = tuple(given["tags"])
    offer = market.checked(attrs.evolve(_offer(before), **changes))
    return await _store(call, before, offer, list(given))


def _offer(row: store.Product) -> Offer:
    """What a farm says of a product now."""
    season = MarketSeason(row.season_from, row.season_to) if row.season_from and row.season_to else None
    return Offer(
        title=row.title, description=row.description, category_id=row.category_id, unit=row.unit, price=row.price,
        quantity_step=row.quantity_step, min_quantity=row.min_quantity, season=season, harvested_on=row.harvested_on,
        tags=tuple(row.tags), status=row.status,
    )  # fmt: skip


async def archive(call: Call) -> None:
    """Take a product off the market; orders that have it keep it."""
    before = await _locked(call)
    await _store(call, before, attrs.evolve(_offer(before), status="archived"), ["status"])


async def _store(call: Call, before: store.Product, offer: Offer, changed: list[str]) -> Answer:
    await store.update(call.tx, before.id, offer, call.now)
    kind: Any = "deleted" if offer.status == "archived" and before.status != "archived" else "updated"
    await outbox.record(call.tx, [happened(kind, before.known, before.revision + 1, changed)], call.new_id, call.now)
    row = await store.find(call.tx, before.id)
    assert row is not None
    return Answer(shown(row, call.parts.settings.market_currency), version=row.version)


async def restock(call: Call, body: ChangeStock) -> StockLevel:
    """Set or change the stock; every change is a row of the ledger."""
    before = await _locked(call)
    level = market.new_level(before.stock, before.reserved, set_to=body.set, change=body.change)
    kind = "restock" if level > before.stock else "correction"
    await stock_store.set_level(call.tx, before.id, level, call.now)
    await stock_store.enter(call.tx, call.new_id(), before.id, kind, level - before.stock, level, body.reason, call.now)
    event = happened("updated", before.known, before.revision + 1, ["stock"])
    await outbox.record(call.tx, [event], call.new_id, call.now)
    reserved: Decimal = before.reserved
    return StockLevel(
        product_id=before.id, stock=quantity(level), reserved=quantity(reserved), available=quantity(level - reserved)
    )
