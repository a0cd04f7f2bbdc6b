"""The quote that an order is of: it is used up by it, and by no other."""

from __future__ import annotations

from datetime import date, datetime

import attrs

from harvestd.kernel.errors import Invalid
from harvestd.market.carts import rows as carts
from harvestd.market.carts.rows import Found
from harvestd.market.orders import quote_rows, quote_rules
from harvestd.market.orders.quote_rows import Quote
from harvestd.market.orders.quote_rules import Content, Held
from harvestd.unit_of_work import UnitOfWork


@attrs.frozen
class Holder:
    """Who asks: an account, or a guest by the hash of their cart's token; who has signed in may still have the token."""

    user_id: str | None
    token_hash: bytes | None

    @property
    def cart(self) -> tuple[str | None, bytes | None]:
        """Whose cart theirs is: the account's, else the token's."""
        return (self.user_id, None) if self.user_id is not None else (None, self.token_hash)

    def holds(self, quote: Quote) -> bool:
        """Whether a quote is theirs."""
        return quote.user_id == self.user_id if quote.user_id is not None else quote.token_hash == self.token_hash


@attrs.frozen(kw_only=True)
class Used:
    """A quote that is ordered, what it holds, and the cart that it was of, if that is still what it was."""

    id: str
    day: date
    content: Content
    held: Held
    cart_id: str | None


async def lock(unit: UnitOfWork, quote_id: str, holder: Holder) -> Used:
    """The quote, locked, and its cart. Raises ``Invalid`` for one that is over, ordered, or somebody else's."""
    cart = await carts.lock(unit.tx, *holder.cart)
    found = await quote_rows.lock(unit.tx, quote_id)
    if found is None or not usable(found, holder, unit.now):
        raise over()
    return used(found, cart, await quote_rows.held(unit.tx, [found.id]))


def usable(quote: Quote, holder: Holder, now: datetime) -> bool:
    """Whether it is the holder's, and can be ordered still."""
    return holder.holds(quote) and quote.expires_at > now


def over() -> Invalid:
    """The refusal of an order of a quote that cannot be ordered, or that there is not."""
    message = (
        "is over, ordered already (GET /api/orders lists it), replaced by a newer one, or not yours; ask for a new one"
    )
    return Invalid.of("quote_id", message, "expired", reason="quote")


def used(found: Quote, cart: Found | None, held: Held) -> Used:
    """A locked quote as it is ordered; ``cart`` is the holder's, locked."""
    content = quote_rules.read(found.content)
    same = cart is not None and (cart.id, cart.version) == (content.cart_id, content.cart_version)
    return Used(id=found.id, day=found.day, content=content, held=held, cart_id=cart.id if cart and same else None)
