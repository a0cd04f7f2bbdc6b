"""What is done with carts, each in one function, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from harvestd.kernel.errors import Invalid
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as store
from harvestd.market.carts.rules import Item
from harvestd.market.carts.token import fresh
from harvestd.unit_of_work import UnitOfWork


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


#: Raises ``Stale`` unless the version of a cart is the one that the request is about; that of one which there is not yet is 0.
Check = Callable[[int], None]


async def put(unit: UnitOfWork, holder: Holder, items: Sequence[Item], field: str, check: Check) -> Changed:
    """Put products in, or set their quantities; other products stay. The first item of a guest creates the cart. Raises :class:`Invalid`
    for ``field`` if an order could not have as many products, and what ``check`` does."""
    cart, token = await _opened(unit, holder, check)
    most = unit.parts.settings.order_lines_most
    counted = await item_rows.count(unit.tx, cart.id, items)
    if counted.all < (filled := counted.others + len(items)) > most:
        message = f"the cart would have {filled} products, and an order has at most {most}"
        raise Invalid.of(field, message, "too-long", maximum=str(most), reason="elements")
    return Changed(await item_rows.put(unit.tx, cart.id, items, unit.now), counted.more, token)


async def _opened(unit: UnitOfWork, holder: Holder, check: Check) -> tuple[store.Found, str | None]:
    """The cart, locked, created if there is none; and the guest's token."""
    cart = await _locked(unit, holder, check)
    if cart is not None:
        return cart, holder.token
    if holder.user_id is not None:
        opened = await store.open(unit.tx, id := unit.new_id(), holder.user_id, None, unit.now)
        if opened.id != id:  # another device has opened it meanwhile
            check(opened.version)
        return opened, None
    token = fresh()
    return await store.open(unit.tx, unit.new_id(), None, secret_hash(token), unit.now), token


async def _locked(unit: UnitOfWork, holder: Holder, check: Check) -> store.Found | None:
    cart = await store.lock(unit.tx, *holder.key)
    check(0 if cart is None else cart.version)
    return cart


async def take_out(
    unit: UnitOfWork, holder: Holder, product_id: str, variant_id: str | None, check: Check
) -> store.Found | None:
    """Take a product, or a pack size of it, out, if it is in; returns the cart, if there is one. Raises what ``check`` does, as does :func:`empty`."""
    cart = await _locked(unit, holder, check)
    return None if cart is None else await item_rows.take_out(unit.tx, cart.id, product_id, variant_id, unit.now)


async def empty(unit: UnitOfWork, holder: Holder, check: Check) -> None:
    """Empty the cart, if there is one."""
    cart = await _locked(unit, holder, check)
    if cart is not None:
        store.delete(unit.tx, cart.id)
