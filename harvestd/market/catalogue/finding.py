"""Which product a row of many is about: the farm's products that a request names, and what is wrong with how it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue import many_rows as store
from harvestd.market.catalogue.many_rules import Row
from harvestd.market.catalogue.rows import Product
from harvestd.market.catalogue.rules import Offer
from harvestd.store.postgres.transactions import Transaction


@attrs.define
class Shelf:
    """The products that rows name, locked; and which of them a row was about already."""

    _by_id: dict[str, Product] = attrs.field(factory=dict)
    _by_external_id: dict[str, Product] = attrs.field(factory=dict)
    _by_sku: dict[str, list[Product]] = attrs.field(factory=dict)
    _said: set[tuple[str, str]] = attrs.field(factory=set)

    async def look(self, tx: Transaction, farm_id: str, rows: Sequence[Row]) -> None:
        """Lock the products of the rows, and those whose own id they take."""
        ids = {row.id for row in rows if row.id is not None}
        skus = {row.sku for row in rows if row.sku and row.id is None and row.external_id is None}
        own = {own for row in rows for own in (row.external_id, row.given.get("external_id")) if own is not None}
        found = await store.lock(tx, farm_id, sorted(ids), sorted(own), sorted(skus)) if ids or own or skus else []
        for product in found:
            self._by_id[product.id] = product
            if product.external_id is not None:
                self._by_external_id[product.external_id] = product
        self._by_sku = {}
        for product in self._by_id.values():
            if product.sku:
                self._by_sku.setdefault(product.sku, []).append(product)

    def product(self, row: Row) -> Product | None:
        """The product of a row; None if there is none yet."""
        if row.id is not None:
            return self._by_id.get(row.id)
        if row.external_id is not None:
            return self._by_external_id.get(row.external_id)
        return next(iter(self._by_sku.get(row.sku, ())), None) if row.sku else None

    def check(self, row: Row) -> None:
        """Raise :class:`Invalid` if the row names no product of the farm, several, one that an earlier row has named, or an own id that another
        product has."""
        before = self.product(row)
        if row.id is not None and before is None:
            raise Invalid.of("id", "is no product of this farm", "not-found")
        by_sku = row.id is None and row.external_id is None and row.sku
        if by_sku and len(self._by_sku.get(row.sku or "", ())) > 1:
            message = "is the number of several products; name the one by its id or external_id"
            raise Invalid.of("sku", message, "not-accepted", reason="several")
        own = row.given.get("external_id", row.external_id)
        other = None if own is None else self._by_external_id.get(own)
        if other is not None and (before is None or other.id != before.id):
            message = "is another product's of this farm; PATCH that one, or choose another id"
            raise Invalid.of("external_id", message, "taken")
        self._say(row, before, own)

    def _say(self, row: Row, before: Product | None, own: str | None) -> None:
        names = {("id", before.id)} if before is not None else {("sku", row.sku)} if row.sku and own is None else set()
        names |= {("external_id", own)} if own is not None else set()
        if self._said & names:
            field = "id" if row.id is not None else "external_id" if own is not None else "sku"
            message = "is the product of an earlier row, too; give each product one row"
            raise Invalid.of(field, message, "given-twice", reason="row")
        self._said |= {(kind, name) for kind, name in names if name}

    def forget(self, rows: Iterable[Row]) -> None:
        """Let the rows be looked for again."""
        for row in rows:
            own = row.given.get("external_id", row.external_id)
            self._said -= {("external_id", own or ""), ("sku", row.sku or "")}


async def lacking_category(
    tx: Transaction, offers: Sequence[tuple[Offer, Product | None]]
) -> dict[str | None, FieldError]:
    """The categories that products are moved into and that do not exist, each with its error; the others stay until the end."""
    asked = {
        offer.category_id
        for offer, before in offers
        if offer.category_id is not None and (before is None or before.category_id != offer.category_id)
    }
    known = await store.categories(tx, sorted(asked)) if asked else set()
    message = "does not exist; GET /api/categories lists the categories"
    fault = FieldError("category_id", message, code="not-found", params={"list": "GET /api/categories"})
    return dict.fromkeys(asked - known, fault)
