"""What is done with carts, each in one function, whoever asks for it; and the fate of a guest's cart at sign-in."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from harvestd.kernel.errors import Invalid
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts.actions import SignedIn
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as store
from harvestd.market.carts.rules import Item
from harvestd.market.carts.token import fresh, token_of
from harvestd.unit_of_work import UnitOfWork


async def adopt(unit: UnitOfWork, signed_in: SignedIn) -> None:
    """Merge the guest's cart into the cart of the user who signs in."""
    token = token_of(signed_in.request)
    if token is not None:
        most = unit.parts.settings.order_lines_most
        await item_rows.merge(unit.tx, secret_hash(token), signed_in.user_id, unit.new_id(), most, unit.now)


async def drop(unit: UnitOfWork, closed: Closed) -> None:
    """Delete the cart of an account that is closed."""
    await store.delete_of(unit.tx, closed.user_id)


async def export(unit: UnitOfWork, exported: Exported) -> None:
    """What is in the cart of somebody who asks what is held on them."""
    exported.sections.append(item_rows.HELD)


@attrs.frozen
class Holder:
    """Whose cart it is: the user's, or that of the guest with this token; a guest without one has none yet."""

    user_id: str | None
    token: str | None

    @property
    def key(self) -> tuple[str | None, bytes | None]:
        """The user's id, or the hash of the token."""
        return self.user_id, secret_hash(self.token) if self.token else None


@attrs.frozen
class Changed:
    """The cart after a change; whether it holds ``more`` of anything than before; and the guest's ``token``, a new one if it was created."""

    cart: store.Found | None
    more: bool
    token: str | None


async def put(unit: UnitOfWork, holder: Holder, items: Sequence[Item], field: str) -> Changed:
    """Put products in, or set their quantities; other products stay. The first item of a guest creates the cart. Raises :class:`Invalid`
    for ``field`` if an order could not have as many products."""
    cart, token = await _opened(unit, holder)
    most = unit.parts.settings.order_lines_most
    counted = await item_rows.count(unit.tx, cart.id, items)
    if counted.all < (filled := counted.others + len(items)) > most:
        message = f"the cart would have {filled} products, and an order has at most {most}"
        raise Invalid.of(field, message, "too-long", maximum=str(most), reason="elements")
    return Changed(await item_rows.put(unit.tx, cart.id, items, unit.now), counted.more, token)


async def _opened(unit: UnitOfWork, holder: Holder) -> tuple[store.Found, str | None]:
    """The cart, locked, created if there is none; and the guest's token."""
    cart = await store.lock(unit.tx, *holder.key)
    if cart is not None:
        return cart, holder.token
    if holder.user_id is not None:
        return await store.open(unit.tx, unit.new_id(), holder.user_id, None, unit.now), None
    token = fresh()
    return await store.open(unit.tx, unit.new_id(), None, secret_hash(token), unit.now), token


async def take_out(
    unit: UnitOfWork, holder: Holder, product_id: str, variant_id: str | None = None
) -> store.Found | None:
    """Take a product, or a pack size of it, out, if it is in; returns the cart, if there is one."""
    cart = await store.lock(unit.tx, *holder.key)
    return None if cart is None else await item_rows.take_out(unit.tx, cart.id, product_id, variant_id, unit.now)


async def empty(unit: UnitOfWork, holder: Holder) -> None:
    """Empty the cart, if there is one."""
    cart = await store.lock(unit.tx, *holder.key)
    if cart is not None:
        store.delete(unit.tx, cart.id)
