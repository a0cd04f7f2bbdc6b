"""Rows of what is in carts: products or pack sizes with their quantities, and what each looked like when it was put in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from harvestd.kernel.units import Amount
from harvestd.market.accounts.export_rows import section
from harvestd.market.carts.line_wishes import LineWish, Substitution
from harvestd.market.carts.rows import CART, Found
from harvestd.market.carts.rules import Item
from harvestd.market.catalogue.on_sale import Agreed
from harvestd.market.catalogue.variant_rules import Pack
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Counted(msgspec.Struct, frozen=True):
    """How many products are in a cart; how many of them are not among those to be put in; and whether putting those in would increase
    any quantity."""

    all: int
    others: int
    more: bool


def _item(
    product_id: str, quantity: Decimal, unit: str, price: int, step: Decimal, least: Decimal, per: Decimal, variant_id: str | None,
    takes: Decimal | None, product_unit: str, weight: Decimal | None, weight_unit: str | None, substitution: Substitution, note: str,
    before: Decimal | None,
) -> Item:  # fmt: skip
    pack = Pack(variant_id, takes, product_unit) if variant_id is not None and takes is not None else None
    each = Amount(weight, weight_unit) if weight is not None and weight_unit is not None else None
    seen = Agreed(unit=unit, price=price, price_per=per, quantity_step=step, min_quantity=least, each=each, pack=pack)
    return Item(product_id, quantity, seen, variant_id, LineWish(substitution, note), before)


# A row names a product, or one of its pack sizes and then no product: ``coalesce(variant_id, product_id)`` is unique in a cart.
_ITEM = """product_id, variant_id, quantity, unit_seen, price_seen, step_seen, least_seen, per_seen, takes_seen, weight_seen,
           weight_unit_seen, substitution, note, quantity_before"""
_KEY = "coalesce(variant_id, product_id)"
_ITEMS_OF = """p.id, i.quantity, coalesce(i.unit_seen, p.unit), i.price_seen, coalesce(i.step_seen, p.quantity_step),
              coalesce(i.least_seen, p.min_quantity), coalesce(i.per_seen, p.price_per), i.variant_id, i.takes_seen, p.unit,
              i.weight_seen, i.weight_unit_seen, i.substitution, i.note, i.quantity_before
         from cart_items i left join product_variants v on v.id = i.variant_id
              join products p on p.id = coalesce(i.product_id, v.product_id)"""
_PUT_IN = "order by i.added_at, p.id, i.variant_id"
_ITEMS = Statement("carts.items", f"select {_ITEMS_OF} where i.cart_id = :cart_id {_PUT_IN}", _item)
_ITEMS_OF_ALL = Statement(
    "carts.items_of_all",
    f"select i.cart_id, {_ITEMS_OF} where i.cart_id = any(:cart_ids::uuid[]) {_PUT_IN}",
    lambda cart_id, *item: (cart_id, _item(*item)),
)
_COUNT = Statement(
    "carts.count",
    f"""select count(*), count(*) filter (where {_KEY} <> all(:keys::uuid[])), exists (
              select from unnest(:keys::uuid[], :quantities::numeric[]) as w(id, quantity)
               where w.quantity > coalesce((select i.quantity from cart_items i where i.cart_id = :cart_id and {_KEY} = w.id), 0))
         from cart_items where cart_id = :cart_id""",
    Counted,
)
# A change of the cart's items updates the cart too, since its retention depends on its last change.
_TOUCHED = f"""update carts set updated_at = greatest(:now::timestamptz, updated_at + interval '1 microsecond') where id = :cart_id
               returning {CART}"""
_PUT = Statement(
    "carts.put",
    f"""with touched (id, version) as ({_TOUCHED}), put as (
       insert into cart_items (cart_id, added_at, {_ITEM})
       select :cart_id, :now::timestamptz + (t.n - 1) * interval '1 microsecond', case when t.variant_id is null then t.id end, t.variant_id,
              t.quantity, t.unit, t.price, t.step, t.least, t.per, t.takes, t.weight, t.weight_unit,
              t.substitution, t.note, t.before
         from unnest(:product_ids::uuid[], :quantities::numeric[], :units::text[], :prices::bigint[], :steps::numeric[], :least::numeric[], :prices_per::numeric[],
                     :variant_ids::uuid[], :takes::numeric[], :weights::numeric[], :weight_units::text[],
                     :substitutions::text[], :notes::text[], :before::numeric[])
              with ordinality as t(id, quantity, unit, price, step, least, per, variant_id, takes, weight, weight_unit, substitution, note, before, n)
       on conflict (cart_id, (coalesce(variant_id, product_id))) do update
          set quantity = excluded.quantity, unit_seen = excluded.unit_seen, price_seen = excluded.price_seen,
              step_seen = excluded.step_seen, least_seen = excluded.least_seen, per_seen = excluded.per_seen,
              takes_seen = excluded.takes_seen, weight_seen = excluded.weight_seen, weight_unit_seen = excluded.weight_unit_seen,
              substitution = excluded.substitution, note = excluded.note, quantity_before = excluded.quantity_before)
       select id, version from touched""",
    Found,
)
_TAKE_OUT = Statement(
    "carts.take_out",
    f"""with touched (id, version) as ({_TOUCHED}), out as (
           delete from cart_items where cart_id = :cart_id and case when :variant_id::uuid is null then product_id = :product_id
                  else variant_id in (select id from product_variants where id = :variant_id and product_id = :product_id) end)
       select id, version from touched""",
    Found,
)
_LEAVE = Statement(
    "carts.leave", f"delete from cart_items where cart_id = :cart_id and {_KEY} <> all(:keys::uuid[])", nothing
)


#: Of a person who asks what is held on them.
HELD = section(
    "cart",
    (
        "p.id as product_id",
        "v.id as variant_id",
        "concat_ws(', ', p.title, v.title) as title",
        "i.quantity::text as quantity",
        "coalesce(v.unit, p.unit) as unit",
        "i.substitution",
        "i.note",
        "i.added_at",
    ),
    """carts c join cart_items i on i.cart_id = c.id left join product_variants v on v.id = i.variant_id
       join products p on p.id = coalesce(i.product_id, v.product_id) where c.user_id = :user_id""",
    "coalesce(v.id, p.id)",
)


async def items(reader: Reader, cart_id: str) -> list[Item]:
    """The items of a cart, in the order in which they were put in."""
    return await reader.rows(_ITEMS, cart_id=cart_id)


async def items_of_all(reader: Reader, cart_ids: Collection[str]) -> dict[str, list[Item]]:
    """The items of several carts, by cart, each as :func:`items` has them. Without carts it costs nothing."""
    found: dict[str, list[Item]] = {id: [] for id in cart_ids}
    for cart_id, item in await reader.rows(_ITEMS_OF_ALL, cart_ids=sorted(cart_ids)) if cart_ids else ():
        found[cart_id].append(item)
    return found


async def count(tx: Transaction, cart_id: str, items: Sequence[Item]) -> Counted:
    """Count a cart's products against those to be put in."""
    found = await tx.row(
        _COUNT,
        cart_id=cart_id,
        keys=[item.variant_id or item.product_id for item in items],
        quantities=[item.quantity for item in items],
    )
    assert found is not None
    return found


async def put(tx: Transaction, cart_id: str, items: Sequence[Item], now: datetime) -> Found | None:
    """Put products in, or set their quantities; returns the updated cart."""
    seen = [item.seen for item in items]
    return await tx.row(
        _PUT, cart_id=cart_id, now=now, product_ids=[item.product_id for item in items], quantities=[item.quantity for item in items], units=[a.unit for a in seen],
        prices=[a.price for a in seen], steps=[a.quantity_step for a in seen], least=[a.min_quantity for a in seen],
        prices_per=[a.price_per for a in seen], variant_ids=[item.variant_id for item in items], takes=[a.pack and a.pack.takes for a in seen],
        weights=[a.each and a.each.quantity for a in seen], weight_units=[a.each and a.each.unit for a in seen],
        substitutions=[item.wish.substitution for item in items], notes=[item.wish.note for item in items], before=[item.before for item in items],
    )  # fmt: skip


async def take_out(
    tx: Transaction, cart_id: str, product_id: str, variant_id: str | None, now: datetime
) -> Found | None:
    """Take a product, or a pack size of it, out, if it is in; returns the updated cart."""
    return await tx.row(_TAKE_OUT, cart_id=cart_id, now=now, product_id=product_id, variant_id=variant_id)


async def leave(tx: Transaction, cart_id: str, keys: Collection[str]) -> None:
    """Leave nothing in a cart but what is of these."""
    await tx.run(_LEAVE, cart_id=cart_id, keys=list(keys))
