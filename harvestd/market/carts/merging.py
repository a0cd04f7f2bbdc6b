"""A guest's cart at sign-in: it becomes the buyer's, in the transaction of the sign-in, so that neither is ever emptied by a failure."""

from __future__ import annotations

from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts.actions import SignedIn
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as store
from harvestd.market.carts.merging_rules import merged
from harvestd.market.carts.token import token_of
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.group_rules import Buyer
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.unit_of_work import UnitOfWork


async def adopt(unit: UnitOfWork, signed_in: SignedIn) -> None:
    """Merge the guest's cart into the cart of the user who signs in."""
    token = token_of(signed_in.request)
    if token is not None:
        await merge(unit, secret_hash(token), signed_in.user_id, unit.parts.settings.order_lines_most)


async def merge(unit: UnitOfWork, token_hash: bytes, user_id: str, most: int) -> None:
    """The guest's cart, then the buyer's, both locked, so that what is put into either meanwhile waits; ``most`` products go into the buyer's."""
    guests = await store.lock(unit.tx, None, token_hash)
    theirs = [] if guests is None else await item_rows.items(unit.tx, guests.id)
    if guests is None or not theirs:
        return
    own = await store.open(unit.tx, unit.new_id(), user_id, None, unit.now)
    mine = await item_rows.items(unit.tx, own.id)
    shelf = await shelf_rows.see(unit.tx, [item.product_id for item in theirs], Buyer(viewer=user_id))
    shelf = await with_packs(unit.tx, shelf, [(item.product_id, item.variant_id) for item in theirs])
    found = merged(mine, theirs, shelf, most)
    if found.put:
        await item_rows.put(unit.tx, own.id, found.put, unit.now)
    if found.left:
        await item_rows.leave(unit.tx, guests.id, found.left)
    else:
        store.delete(unit.tx, guests.id)
