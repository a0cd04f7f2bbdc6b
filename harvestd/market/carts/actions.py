"""The fate of a guest's cart at sign-in."""

from __future__ import annotations

from harvestd.market.accounts.actions import SignedIn
from harvestd.market.carts import rows as store
from harvestd.market.carts.token import hash_of, token_of
from harvestd.unit_of_work import UnitOfWork


async def adopt(unit: UnitOfWork, signed_in: SignedIn) -> None:
    """Merge the guest's cart into the cart of the user who signs in."""
    token = token_of(signed_in.request)
    if token is not None:
        most = unit.parts.settings.order_lines_most
        await store.merge(unit.tx, hash_of(token), signed_in.user_id, unit.new_id(), most, unit.now)
