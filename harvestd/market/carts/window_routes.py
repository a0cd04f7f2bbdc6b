"""The windows of market days that can take a cart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as store
from harvestd.market.carts import rules as market
from harvestd.market.carts.routes import holder
from harvestd.market.carts.selling import terms
from harvestd.market.carts.window_rules import Offer, offers
from harvestd.market.carts.window_shapes import CartWindow, CartWindowFarm, CartWindows, WindowDay, WindowLeft
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.catalogue.viewing import somebody
from harvestd.market.days import load_rules, showing, slot_rows
from harvestd.market.days.load_rules import Load
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today

#: Windows that are looked at: more than a buyer chooses from.
MANY = 500


async def windows(request: RequestContext) -> CartWindows:
    """The windows that can take the cart as it is now, the earliest that takes all of it first."""
    parts = await _parts(request)
    counted = terms(request.parts.settings).load
    loads = {part.farm.farm_id: [*_loads(part.lines, counted)] for part in parts}
    names = {part.farm.farm_id: part.farm.farm_name for part in parts}
    slots = await slot_rows.of_open_days(request.reader, request.now, MANY)
    return CartWindows(items=[_shown(one, names) for one in offers(slots, loads, counted, request.now)])


async def _parts(request: RequestContext) -> Sequence[market.Part]:
    cart = await store.find(request.reader, *holder(request).key)
    items = await item_rows.items(request.reader, cart.id) if cart is not None else []
    ids = [item.product_id for item in items]
    shelf = await shelf_rows.see(request.reader, ids, somebody(request), "") if items else {}
    shelf = await with_packs(request.reader, shelf, [(item.product_id, item.variant_id) for item in items])
    return market.price(items, shelf, today(request), terms(request.parts.settings))[0]


def _loads(lines: Iterable[market.Priced], counted: load_rules.Terms) -> Iterable[Load]:
    for line in lines:
        product = line.product
        content = product.pack.content if product.pack is not None else None
        yield load_rules.load(line.quantity, product.unit, product.each, content, counted)


def _shown(one: Offer, names: dict[str, str]) -> CartWindow:
    slot, left = one.slot, one.left
    grams = left.get("grams")
    return CartWindow(
        id=slot.id, market_day=WindowDay(id=slot.day_id, name=slot.day_name, closes_at=one.closes_at), method=slot.method, pickup_point=showing.point(slot.point),
        area=showing.area(slot.area), from_=slot.starts_at, to=slot.ends_at, common=one.common,
        farms=[CartWindowFarm(id=farm_id, name=names[farm_id]) for farm_id in one.farms],
        left=WindowLeft(
            orders=left.get("orders"), crates=left.get("crates"), weight_kg=None if grams is None else showing.kilograms(grams)
        ),
    )  # fmt: skip
