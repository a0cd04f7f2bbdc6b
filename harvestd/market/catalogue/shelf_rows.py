"""Products as whoever orders them finds them: locked for an order, or several, or only seen, at the prices and with the titles that are for the buyer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from harvestd.kernel.units import Amount
from harvestd.market.catalogue import sight
from harvestd.market.catalogue.cards import FIRST_IMAGE, said
from harvestd.market.catalogue.group_rules import Buyer
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


def _on_sale(*c: object) -> OnSale:
    names = (
        "id", "slug", "farm_id", "farm_slug", "farm_name", "order_minimum", "staffed", "title", "unit", "price", "price_per", "stock",
        "reserved", "quantity_step", "min_quantity", "season_from", "season_to", "status", "revision", "facts", "away", "own_title", "restricted", "category_id",
    )  # fmt: skip
    *c, weight, unit = c  # type: ignore[assignment]
    each = Amount(weight, unit) if weight is not None else None  # type: ignore[arg-type]
    return OnSale(**dict(zip(names, c, strict=True)), each=each)  # type: ignore[arg-type]


def _numbered(number: int, *columns: object) -> tuple[int, OnSale]:
    return number, _on_sale(*columns)


def _pictured(image: str | None, *columns: object) -> OnSale:
    return attrs.evolve(_on_sale(*columns), image=image)


def _columns(price: str) -> str:
    """What is read of a product ``p`` and its farm ``f``, at this price."""
    return f"""p.id, p.slug, p.farm_id, f.slug, f.name, f.order_minimum, f.staffed, {said("p", "title")}, p.unit, {price}, p.price_per, p.stock,
       p.reserved, p.quantity_step, p.min_quantity, p.season_from, p.season_to, p.status, p.revision,
       jsonb_build_object('lot', p.lot, 'allergens', p.allergens, 'ingredients', p.ingredients, 'origin', p.origin, 'storage', p.storage,
                          'certifications', p.certifications, 'durability', case when p.durability_kind is not null then
                          jsonb_build_object('kind', p.durability_kind, 'date', p.durability_date) end), f.away, p.title, p.visible_to is not null, p.category_id,
       case when p.priced_by is not null then p.estimated_weight end, p.weight_unit"""


def _shelf(price: str, which: str) -> str:
    """The products that are asked for, at this price, as far as they are ``which``."""
    return f"""{_columns(price)}
  from products p join farms f on f.id = p.farm_id
 where p.id = any(:product_ids::uuid[]) and {which} order by p.id"""


# Every transaction locks products in id order, so two orders never deadlock.
_LOCK = Statement("stock.lock", f"select {_shelf('p.price', 'true')} for no key update of p", _on_sale)
# The order number is fetched in the same round trip; a refused order leaves a gap. The buyer's groups are those of this moment, and stay theirs until
# the order is placed: who takes them out of one waits, and an order after that is at the price of everybody.
_LOCK_NUMBERED = Statement(
    "stock.lock_numbered",
    f"""with own as materialized (
            select array_agg(m.group_id) as groups
              from (select group_id from group_members where user_id = :viewer::uuid order by group_id for key share) m)
        select (select nextval('order_numbers')), {_shelf(sight.PAID, sight.SEES)} for no key update of p""".replace(
        ":groups::uuid[]", "(select groups from own)"
    ),
    _numbered,
)
# For several orders the locks come first, in one order for everybody, and what each buyer is shown after them: what is locked does not change meanwhile.
_LOCK_MEMBERSHIPS = Statement(
    "stock.lock_memberships",
    "select from group_members where user_id = any(:viewers::uuid[]) order by user_id, group_id for key share",
    nothing,
)
_LOCK_PRODUCTS = Statement(
    "stock.lock_products",
    "select from products where id = any(:product_ids::uuid[]) order by id for no key update",
    nothing,
)
_SEE_NUMBERED = Statement(
    "stock.see_numbered",
    f"""with o as materialized (
            select t.n, t.viewer, t.language, nextval('order_numbers') as number,
                   (select array_agg(m.group_id) from group_members m where m.user_id = t.viewer) as groups
              from unnest(:viewers::uuid[], :languages::text[]) with ordinality as t(viewer, language, n))
        select o.n - 1, o.number, {_columns(sight.PAID)}
          from unnest(:orders::integer[], :product_ids::uuid[]) as a(n, product_id) join o on o.n = a.n + 1
               join products p on p.id = a.product_id join farms f on f.id = p.farm_id
         where {sight.SEES}""".replace(":groups::uuid[]", "o.groups")
    .replace(":viewer::uuid", "o.viewer")
    .replace(":staff::boolean", "false")
    .replace(":language::text", "o.language"),
    lambda order, *columns: (order, *_numbered(*columns)),
)
_SEE = Statement(
    "stock.see",
    f"select {FIRST_IMAGE}, {_shelf(sight.PAID, sight.SEES)}".replace(
        ":groups::uuid[]", "array(select group_id from group_members where user_id = :viewer::uuid)"
    ),
    _pictured,
)


async def lock(tx: Transaction, product_ids: Sequence[str]) -> dict[str, OnSale]:
    """The products, locked in id order, at the price of everybody."""
    rows = await tx.rows(_LOCK, product_ids=sorted(set(product_ids)), language="")
    return {product.id: product for product in rows}


async def lock_for_order(
    tx: Transaction, product_ids: Sequence[str], buyer_id: str | None, staff: bool = False, language: str = ""
) -> tuple[str, dict[str, OnSale]]:
    """An order number, and the products locked in id order, at the buyer's prices, their titles in a language; what they may not see is as if it were
    not there. Without any products the number is empty."""
    ids = sorted(set(product_ids))
    rows = await tx.rows(_LOCK_NUMBERED, product_ids=ids, viewer=buyer_id, staff=staff, language=language)
    return _number(rows[0][0]) if rows else "", {product.id: product for _, product in rows}


def _number(number: int) -> str:
    return f"H{number:06d}"


@attrs.frozen
class Shelves:
    """What one of several orders asks for: the products, and the buyer and the language for whom they are shown."""

    product_ids: Sequence[str]
    buyer_id: str | None
    language: str


async def lock_for_orders(tx: Transaction, asked: Sequence[Shelves]) -> list[tuple[str, dict[str, OnSale]]]:
    """What :func:`lock_for_order` returns, for each of several orders that nobody of the staff places; they are numbered in their order."""
    lines = [(n, id) for n, one in enumerate(asked) for id in sorted(set(one.product_ids))]
    viewers = [one.buyer_id for one in asked]
    tx.later(_LOCK_MEMBERSHIPS, viewers=viewers)
    tx.later(_LOCK_PRODUCTS, product_ids=sorted({id for _, id in lines}))
    rows = await tx.rows(
        _SEE_NUMBERED, viewers=viewers, languages=[one.language for one in asked],
        orders=[n for n, _ in lines], product_ids=[id for _, id in lines],
    )  # fmt: skip
    found: list[tuple[str, dict[str, OnSale]]] = [("", {}) for _ in asked]
    for n, number, product in rows:
        found[n] = (_number(number), found[n][1])
        found[n][1][product.id] = product
    return found


async def see(reader: Reader, product_ids: Sequence[str], buyer: Buyer, language: str = "") -> Mapping[str, OnSale]:
    """The products in their current state, not locked, for pricing a cart: those that the buyer may see, at their prices, their titles in a language.
    Their groups are those of the database, not of ``buyer``."""
    found = await reader.rows(
        _SEE, product_ids=list(product_ids), viewer=buyer.viewer, staff=buyer.staff, language=language
    )
    return {product.id: product for product in found}
