"""The cart: anyone's, by a token, until its holder signs in; then the buyer's."""

from __future__ import annotations

from harvestd.market import carts as market
from harvestd.market.errors import FieldError, Invalid, NotFound
from harvestd.market.quantities import orderable
from harvestd.market.quantities import shown as quantity
from harvestd.store import carts as store
from harvestd.store import stock
from harvestd.store.database import Reader
from harvestd.web import cart_token
from harvestd.web.call import Answer, Call
from harvestd.web.days import today
from harvestd.web.money import money
from harvestd.web.shapes.carts import Cart, CartLine, CartPart, CartWarning, PutItem
from harvestd.web.shapes.values import Named


async def see(call: Call) -> Cart:
    """The cart, priced now."""
    user_id, token = _whose(call)
    cart_id = await store.find(call.reader, user_id, token)
    return await _priced(call, call.reader, cart_id)


async def put(call: Call, body: PutItem) -> Answer:
    """Put a product in, or set its quantity. A stranger's first item makes the cart, and its token."""
    product_id = call.id("product_id")
    product = (await stock.see(call.tx, [product_id])).get(product_id)
    if product is None or product.status != "published":
        raise NotFound("there is no such product for sale")
    value = orderable("quantity", body.quantity, product.quantity_step, product.min_quantity, product.unit)
    if isinstance(value, FieldError):
        raise Invalid("the quantity cannot be ordered", (value,))
    user_id, token = _whose(call)
    cart_id = await store.lock(call.tx, user_id, token)
    headers: tuple[tuple[str, str], ...] = ()
    if cart_id is None:
        if user_id is None:
            fresh = cart_token.fresh()
            token, headers = cart_token.hash_of(fresh), cart_token.headers(call, fresh)
        cart_id = await store.open(call.tx, call.new_id(), user_id, token, call.now)
    most = call.parts.settings.order_lines_most
    if await store.others(call.tx, cart_id, product_id) >= most:
        raise Invalid.of("product_id", f"the cart is full: an order has at most {most} lines")
    await store.put(call.tx, cart_id, product_id, value, product.price, call.now)
    return Answer(await _priced(call, call.tx, cart_id), headers=headers)


async def take_out(call: Call) -> Cart:
    """Take a product out; it is no error when it is not in."""
    cart_id = await store.lock(call.tx, *_whose(call))
    if cart_id is not None:
        await store.take_out(call.tx, cart_id, call.id("product_id"))
    return await _priced(call, call.tx, cart_id)


async def empty(call: Call) -> None:
    """Empty the cart."""
    cart_id = await store.lock(call.tx, *_whose(call))
    if cart_id is not None:
        store.delete(call.tx, cart_id)


def _whose(call: Call) -> tuple[str | None, bytes | None]:
    """The signed-in user, or the hash of the stranger's token."""
    if call.caller is not None:
        return call.caller.user_id, None
    token = cart_token.token_of(call)
    return None, cart_token.hash_of(token) if token else None


async def _priced(call: Call, reader: Reader, cart_id: str | None) -> Cart:
    rows = await store.items(reader, cart_id) if cart_id is not None else []
    items = [market.Item(row.product_id, row.quantity, row.price_seen) for row in rows]
    shelf = await stock.see(reader, [item.product_id for item in items]) if items else {}
    currency = call.parts.settings.market_currency
    farms, warnings = market.price(items, shelf, today(call), currency)
    parts = [_part(lines, currency) for lines in farms.values()]
    return Cart(
        parts=parts, total=money(sum(part.subtotal.amount for part in parts), currency),
        warnings=[CartWarning(product_id=w.product_id, code=w.code, message=w.message) for w in warnings],
    )  # fmt: skip


def _part(lines: list[market.Priced], currency: str) -> CartPart:
    first = lines[0].product
    return CartPart(
        farm=Named(id=first.farm_id, slug=first.farm_slug, name=first.farm_name),
        lines=[
            CartLine(
                product_id=line.product.id, title=line.product.title, quantity=quantity(line.quantity),
                unit=line.product.unit, price=money(line.product.price, currency), total=money(line.total, currency),
            )
            for line in lines
        ],
        subtotal=money(sum(line.total for line in lines), currency),
    )  # fmt: skip
