"""The cart: a guest's, by a token, until they sign in; then the buyer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import positive
from harvestd.market.carts import rows as store
from harvestd.market.carts import token as cart_token
from harvestd.market.carts.rules import Item
from harvestd.market.carts.selling import quantity_faults, too_much
from harvestd.market.carts.shapes import PutItem, PutItems
from harvestd.market.carts.views import priced_view
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import OnSale, takeable, withheld
from harvestd.web import sound
from harvestd.web.context import RequestContext, Result

Headers = tuple[tuple[str, str], ...]
#: Warnings depend on the requested language.
_TOLD: Headers = (("Vary", "Accept-Language"),)


@attrs.frozen
class _Wish:
    """A quantity of a product; ``path`` is its place in the request's body."""

    product_id: str
    quantity: Decimal
    path: str


def _with_cure(fault: FieldError) -> FieldError:
    """Adds the cure for a quantity of zero: the route that removes a product. (A product's own minimum has a ``unit``.)"""
    if fault.code != "below-minimum" or "unit" in fault.params:
        return fault
    message = "must be more than 0; DELETE /api/cart/items/{product_id} removes the product"
    return attrs.evolve(fault, message=message, params={**fault.params, "reason": "to-remove"})


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in quantities, whatever the products."""
    one = positive("quantity", given["quantity"]) if "quantity" in given else None
    several = quantity_faults(sound.elements(given, "items"), "items").values()
    return [_with_cure(fault) for fault in (*several, one) if isinstance(fault, FieldError)]


async def see(request: RequestContext) -> Result:
    """The cart, at current prices."""
    return Result(
        await priced_view(request, request.reader, await store.find(request.reader, *_whose(request))), headers=_TOLD
    )


async def put(request: RequestContext, body: PutItem) -> Result:
    """Put a product in, or set its quantity. A guest's first item creates the cart and its token."""
    wish = _Wish(request.id("product_id"), body.quantity, "")
    shelf = await stock.see(request.tx, [wish.product_id])
    if wish.product_id not in shelf or shelf[wish.product_id].status != "published":
        raise NotFound("no such product is for sale")
    return await _put(request, [wish], shelf)


async def put_many(request: RequestContext, body: PutItems) -> Result:
    """Put products in, or set their quantities, all or none; other products in the cart stay."""
    wishes = [_Wish(item.product_id, item.quantity, f"items[{i}].") for i, item in enumerate(body.items)]
    return await _put(request, wishes, await stock.see(request.tx, [wish.product_id for wish in wishes]))


async def _put(request: RequestContext, wishes: Sequence[_Wish], shelf: Mapping[str, OnSale]) -> Result:
    items = _items(wishes, shelf)
    cart, headers = await _opened(request)
    most = request.parts.settings.order_lines_most
    counted = await store.count(request.tx, cart.id, items)
    if counted.all < (filled := counted.others + len(items)) > most:
        message = f"the cart would have {filled} products, and an order has at most {most}"
        raise Invalid.of(f"{wishes[0].path}product_id", message, "too-long", maximum=str(most))
    changed = await store.put(request.tx, cart.id, items, request.now)
    view = await priced_view(request, request.tx, changed)
    beyond = too_much(f"{wishes[0].path}quantity", view.total.amount, view.total.currency)
    accept(*([beyond] if beyond and counted.more else []))  # prices may have risen since: a decrease is accepted
    return Result(view, headers=(*headers, *_TOLD))


def _items(wishes: Sequence[_Wish], shelf: Mapping[str, OnSale]) -> list[Item]:
    """The items to put into the cart; raises :class:`Invalid` with the fault of each wish."""
    items: list[Item] = []
    errors: list[FieldError] = []
    named: set[str] = set()
    for wish in wishes:
        product, field = shelf.get(wish.product_id), f"{wish.path}quantity"
        fault = withheld(f"{wish.path}product_id", product, None)
        amount = positive(field, wish.quantity) if product is None else takeable(field, wish.quantity, product)
        errors += [_with_cure(wrong) for wrong in (fault, amount) if isinstance(wrong, FieldError)]
        if wish.product_id in named:
            errors.append(FieldError(f"{wish.path}product_id", "is already given above", code="given-twice"))
        named.add(wish.product_id)
        if product is not None and not isinstance(amount, FieldError):
            items.append(Item(product.id, amount, product.agreed))
    if errors:
        raise Invalid("the quantity cannot be ordered", tuple(errors))
    return items


async def _opened(request: RequestContext) -> tuple[store.Found, Headers]:
    """The cart, locked, created if there is none; and the headers that issue, or renew, a guest's token."""
    user_id, token = _whose(request)
    cart = await store.lock(request.tx, user_id, token)
    if user_id is not None:
        return cart or await store.open(request.tx, request.new_id(), user_id, None, request.now), ()
    sent = cart_token.token_of(request)
    if cart is not None and sent is not None:
        return cart, cart_token.headers(request, sent)
    fresh = cart_token.fresh()
    cart = await store.open(request.tx, request.new_id(), None, cart_token.hash_of(fresh), request.now)
    return cart, cart_token.headers(request, fresh)


async def take_out(request: RequestContext) -> Result:
    """Take a product out; it is no error if it is not in."""
    product_id = request.id("product_id")
    cart = await store.lock(request.tx, *_whose(request))
    sent = cart_token.token_of(request) if request.caller is None else None
    if cart is not None:
        cart = await store.take_out(request.tx, cart.id, product_id, request.now)
    headers = cart_token.headers(request, sent) if cart is not None and sent is not None else ()
    return Result(await priced_view(request, request.tx, cart), headers=(*headers, *_TOLD))


async def empty(request: RequestContext) -> None:
    """Empty the cart."""
    cart = await store.lock(request.tx, *_whose(request))
    if cart is not None:
        store.delete(request.tx, cart.id)


def _whose(request: RequestContext) -> tuple[str | None, bytes | None]:
    """The signed-in user, or the hash of the guest's token."""
    if request.caller is not None:
        return request.caller.user_id, None
    token = cart_token.token_of(request)
    return None, cart_token.hash_of(token) if token else None
