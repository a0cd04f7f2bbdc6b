"""The cart: a guest's, by a token, until they sign in; then the buyer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import positive
from harvestd.market.carts import actions
from harvestd.market.carts import rows as store
from harvestd.market.carts import token as cart_token
from harvestd.market.carts.line_wishes import wish as line_wish
from harvestd.market.carts.own_products import marked
from harvestd.market.carts.selling import quantity_faults, too_much
from harvestd.market.carts.shapes import CartItemQuery, PutItem, PutItems
from harvestd.market.carts.views import priced_view
from harvestd.market.carts.wishes_rules import Wish, items, with_cure
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.catalogue.viewing import somebody
from harvestd.web import sound
from harvestd.web.context import RequestContext, Result
from harvestd.web.translated import other

Headers = tuple[tuple[str, str], ...]


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in quantities and notes, whatever the products."""
    one = positive("quantity", given["quantity"]) if "quantity" in given else None
    elements = sound.elements(given, "items")
    several = quantity_faults(elements, "items").values()
    said = [line_wish("", given), *(line_wish(f"items[{i}].", element) for i, element in elements.items())]
    return [with_cure(fault) for fault in (*several, one, *said) if isinstance(fault, FieldError)]


async def see(request: RequestContext) -> Result:
    """The cart, at current prices."""
    view = await priced_view(request, request.reader, await store.find(request.reader, *holder(request).key))
    return Result(view, version=view.version)


async def put(request: RequestContext, body: PutItem, query: CartItemQuery) -> Result:
    """Put a product, or a pack size of it, in, or set its quantity. A guest's first item creates the cart and its token."""
    said = line_wish("", msgspec.structs.asdict(body))
    wish = Wish(request.id("product_id"), body.quantity, "", query.variant_id, said)
    shelf = await _shelf(request, [wish])
    if wish.key not in shelf or shelf[wish.key].status != "published":
        raise NotFound("no such product is for sale")
    return await _put(request, [wish], shelf)


async def put_many(request: RequestContext, body: PutItems) -> Result:
    """Put products in, or set their quantities, all or none; other products in the cart stay."""
    wishes = [
        Wish(item.product_id, item.quantity, path, item.variant_id, line_wish(path, msgspec.structs.asdict(item)))
        for path, item in ((f"items[{i}].", item) for i, item in enumerate(body.items))
    ]
    return await _put(request, wishes, await _shelf(request, wishes))


async def _shelf(request: RequestContext, wishes: Sequence[Wish]) -> Mapping[str, OnSale]:
    """What is wished for, as it is on sale now."""
    shelf = await shelf_rows.see(request.tx, [wish.product_id for wish in wishes], somebody(request), other(request))
    shelf = await with_packs(request.tx, shelf, [(wish.product_id, wish.variant_id) for wish in wishes])
    return await marked(request.tx, request.parts.settings, holder(request).user_id, shelf)


async def _put(request: RequestContext, wishes: Sequence[Wish], shelf: Mapping[str, OnSale]) -> Result:
    whose = holder(request)
    changed = await actions.put(
        request.work, whose, items(wishes, shelf), f"{wishes[0].path}product_id", request.check_version
    )
    view = await priced_view(request, request.tx, changed.cart)
    beyond = too_much(f"{wishes[0].path}quantity", view.total.amount, view.total.currency)
    accept(*([beyond] if beyond and changed.more else []))  # prices may have risen since: a decrease is accepted
    return Result(view, version=view.version, headers=_headers(request, changed.token))


async def take_out(request: RequestContext, query: CartItemQuery) -> Result:
    """Take a product, or a pack size of it, out; it is no error if it is not in."""
    whose, product_id = holder(request), request.id("product_id")
    cart = await actions.take_out(request.work, whose, product_id, query.variant_id, request.check_version)
    headers = _headers(request, whose.token if cart is not None else None)
    view = await priced_view(request, request.tx, cart)
    return Result(view, version=view.version, headers=headers)


async def empty(request: RequestContext) -> None:
    """Empty the cart."""
    await actions.empty(request.work, holder(request), request.check_version)


def holder(request: RequestContext) -> actions.Holder:
    """Whose cart the request is about."""
    if request.caller is not None:
        return actions.Holder(request.caller.user_id, None)
    return actions.Holder(None, cart_token.token_of(request))


def _headers(request: RequestContext, token: str | None) -> Headers:
    """The headers that issue, or renew, a guest's token."""
    return cart_token.headers(request, token) if token is not None else ()
