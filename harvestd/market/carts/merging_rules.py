"""What becomes of a guest's cart when they sign in and have one already. Pure.

Of a product in both, the larger wish counts, as far as there is stock, and the cart says so; what is in one of them alone is in the buyer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import attrs

from harvestd.market.carts.rules import Item
from harvestd.market.catalogue.on_sale import OnSale


@attrs.frozen
class Merged:
    """``put`` is what goes into the buyer's cart, in the order of the guest's; ``left`` are the keys of what stays in the guest's, as an order could not
    have it, too."""

    put: tuple[Item, ...]
    left: frozenset[str]


def merged(own: Sequence[Item], theirs: Sequence[Item], shelf: Mapping[str, OnSale], most: int) -> Merged:
    """Decide it for the items of the buyer's ``own`` cart and ``theirs``, of the guest that they were; an order has at most ``most`` products."""
    there, room = {item.key: item for item in own}, most - len(own)
    put: list[Item] = []
    left: set[str] = set()
    for item in theirs:
        before = there.get(item.key)
        if before is not None:
            put += [larger] if (larger := _larger(before, item, shelf.get(item.key))) else []
        elif room > 0:
            put.append(item)
            room -= 1
        else:
            left.add(item.key)
    return Merged(tuple(put), frozenset(left))


def _larger(own: Item, theirs: Item, product: OnSale | None) -> Item | None:
    """The guest's wish where it is for more, and as much of that as there is; None where the buyer's stays. Quantities of different things (kilograms
    and grams, packs of other contents) are not compared."""
    alike = (own.seen.unit, own.seen.content) == (theirs.seen.unit, theirs.seen.content)
    quantity = min(theirs.quantity, _left(product, theirs.quantity)) if alike else own.quantity
    if quantity <= own.quantity:
        return None
    return attrs.evolve(theirs, quantity=quantity, wish=theirs.wish.over(own.wish), before=own.quantity)


def _left(product: OnSale | None, otherwise: Decimal) -> Decimal:
    """How much there is of a product, in its steps; of one that is not on sale, whatever is wished for."""
    if product is None or product.status != "published":
        return otherwise
    return max(product.available, Decimal(0)) // product.quantity_step * product.quantity_step
