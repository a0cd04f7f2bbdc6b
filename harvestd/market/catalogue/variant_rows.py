"""Rows of products' pack sizes, and the packs that are on sale. What a list shows of them is in ``cards.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import attrs
import msgspec

from harvestd.kernel.quantities import ONE
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import Pack, Variant, key
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Kept(msgspec.Struct, frozen=True):
    """A pack size as it is kept; ``price`` in minor units, ``takes`` in the product's unit. One that is not ``active`` is not offered any more."""

    id: str
    product_id: str
    title: str
    unit: str
    price: int
    takes: Decimal
    sku: str
    external_id: str | None
    active: bool

    @property
    def variant(self) -> Variant:
        """It as its farm edits it."""
        names = ("id", "title", "unit", "price", "takes", "sku", "external_id")
        return Variant(**{name: getattr(self, name) for name in names})


_KEPT = ", ".join(f"v.{name}" for name in Kept.__struct_fields__)
_OF_PRODUCT = Statement(
    "variants.of_product",
    f"select {_KEPT} from product_variants v where v.product_id = :product_id order by not v.active, v.position, v.id",
    Kept,
)
_OF_PRODUCTS = Statement(
    "variants.of_products",
    f"""select {_KEPT} from product_variants v where v.product_id = any(:product_ids::uuid[])
         order by v.product_id, not v.active, v.position, v.id""",
    Kept,
)
_BY_IDS = Statement("variants.by_ids", f"select {_KEPT} from product_variants v where v.id = any(:ids::uuid[])", Kept)
#: The whole lists of locked products: those that are not in them are not offered any more, and stay for the orders that name them.
_PUT = Statement(
    "variants.put",
    """with gone as (
           update product_variants set active = false, changed_at = :now
            where product_id = any(:product_ids::uuid[]) and active and id <> all(:ids::uuid[])
       ), put as (
           insert into product_variants (id, product_id, title, unit, price, takes, position, sku, external_id, active, created_at, changed_at)
           select t.id, t.product_id, t.title, t.unit, t.price, t.takes, t.position, t.sku, t.external_id, true, :now, :now
             from unnest(:ids::uuid[], :of::uuid[], :titles::text[], :units::text[], :prices::bigint[], :takes::numeric[], :positions::smallint[],
                         :skus::text[], :external_ids::text[]) as t(id, product_id, title, unit, price, takes, position, sku, external_id)
           on conflict (id) do update
              set title = excluded.title, unit = excluded.unit, price = excluded.price, takes = excluded.takes, position = excluded.position,
                  sku = excluded.sku, external_id = excluded.external_id, active = true, changed_at = excluded.changed_at
            where product_variants.product_id = excluded.product_id
       )
       update products p set variants = n.variants, version = version + :edited, revision = revision + :edited, updated_at = :now
         from unnest(:product_ids::uuid[], :numbers::smallint[]) as n(id, variants) where p.id = n.id""",
    nothing,
)


async def of_product(reader: Reader, product_id: str) -> list[Kept]:
    """A product's pack sizes: those that are offered in order, then the others."""
    return await reader.rows(_OF_PRODUCT, product_id=product_id)


async def of_products(reader: Reader, product_ids: Sequence[str]) -> dict[str, list[Kept]]:
    """The pack sizes of products, by product, each product's as :func:`of_product` has them. Without products it costs nothing."""
    found: dict[str, list[Kept]] = {}
    for one in await reader.rows(_OF_PRODUCTS, product_ids=list(product_ids)) if product_ids else ():
        found.setdefault(one.product_id, []).append(one)
    return found


async def put(
    tx: Transaction, packs: Mapping[str, Sequence[Variant]], now: datetime, *, edited: bool = True
) -> None:  # fmt: skip
    """Store the pack sizes that locked products are offered in, each with its id, as the next version of each product; unless it is ``edited`` by
    another statement."""
    each = [(product_id, i, one) for product_id, variants in packs.items() for i, one in enumerate(variants)]
    await tx.run(
        _PUT, product_ids=list(packs), numbers=[len(variants) for variants in packs.values()], edited=int(edited), now=now,
        of=[product_id for product_id, _, _ in each], positions=[i for _, i, _ in each], ids=[one.id for *_, one in each],
        titles=[one.title for *_, one in each], units=[one.unit for *_, one in each], prices=[one.price for *_, one in each],
        takes=[one.takes for *_, one in each], skus=[one.sku for *_, one in each], external_ids=[one.external_id for *_, one in each],
    )  # fmt: skip


async def with_packs(
    reader: Reader, shelf: Mapping[str, OnSale], wanted: Iterable[tuple[str, str | None]]
) -> Mapping[str, OnSale]:
    """The products of a shelf, and the packs among what is wanted (products' ids, and variants' where a pack is), by :func:`variant_rules.key`. A pack
    that is not offered any more is as archived as its product would be. Without packs it costs nothing; with locked products, no pack changes
    until the transaction ends."""
    named = list(wanted)
    return beside_packs(shelf, await kept_of(reader, named), named)


async def kept_of(reader: Reader, wanted: Iterable[tuple[str, str | None]]) -> list[Kept]:
    """The packs that are named among what is wanted, whatever products they are of."""
    ids = sorted({variant_id for _, variant_id in wanted if variant_id is not None})
    return await reader.rows(_BY_IDS, ids=ids) if ids else []


def beside_packs(
    shelf: Mapping[str, OnSale], kept: Sequence[Kept], wanted: Iterable[tuple[str, str | None]]
) -> Mapping[str, OnSale]:
    """A shelf with those packs that are wanted of its products, as :func:`with_packs` has them."""
    named = set(wanted)
    there = [one for one in kept if (one.product_id, one.id) in named and one.product_id in shelf]
    if not there:
        return shelf
    return {**shelf, **{key(one.product_id, one.id): packed(shelf[one.product_id], one) for one in there}}


def packed(product: OnSale, kept: Kept) -> OnSale:
    """A pack size of a product as it is on sale: counted, at its own price, out of the product's stock."""
    return attrs.evolve(
        product, title=f"{product.title}, {kept.title}", own_title=product.own_title and f"{product.own_title}, {kept.title}", unit=kept.unit, price=kept.price, price_per=ONE, quantity_step=ONE,
        min_quantity=ONE, each=None, pack=Pack(kept.id, kept.takes, product.unit),
        status=product.status if kept.active else "archived",
    )  # fmt: skip
