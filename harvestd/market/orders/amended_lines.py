"""The lines of an order as an amendment makes them, edit by edit. Pure.

A line keeps the price at which it was ordered. What is added of it costs what it costs today: at the same terms its quantity grows; at others, what is added is
a line of its own. Less of it can always be had, whatever has become of the product. What somebody adds who does not speak for the buyer is a line of its own that the
buyer is asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import not_negative, orderable
from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.withheld import named_by, takeable, withheld
from harvestd.market.orders import questions
from harvestd.market.orders.consent import kept
from harvestd.market.orders.edits import Amending, Edit
from harvestd.market.orders.fulfilment import WITHDRAWABLE, Standing, require
from harvestd.market.orders.new_lines import line_of, of_quantity, same_terms
from harvestd.market.orders.order import OVER, Line, Part
from harvestd.market.orders.placing_rules import of


class AmendedLines:
    """The lines as they become, edit by edit."""

    def __init__(self, order: Standing, amending: Amending, line_ids: Iterator[str]) -> None:
        self._order = order
        self._amending = amending
        self._ids = line_ids
        self._named: set[str] = set()
        self.lines: dict[str, Line] = {line.id: line for line in order.lines}
        self.opened: dict[str, Part] = {}

    def edit(self, edit: Edit) -> list[FieldError]:
        """Apply an edit, or say why it cannot be."""
        if wrong := self._consents(edit):
            return wrong
        if edit.line_id is None:
            return self._add(edit)
        line = self.lines.get(edit.line_id)
        if line is None or not self._mine(line.farm_id) or not (line.counts or self._takes_back(line, edit)):
            return [
                FieldError(
                    f"{edit.path}.line_id", "is no line of this order", code="not-found", params={"reason": "line"}
                )
            ]
        if line.id in self._named:
            return [FieldError(f"{edit.path}.line_id", "is already given above", code="given-twice")]
        self._named.add(line.id)
        require(self._order, line.farm_id, "amend", self._amending.by.actor, self._amending.open_days)
        if line.proposed:
            del self.lines[line.id]
            return []
        self.lines[line.id] = line = attrs.evolve(line, wish=edit.wish(line.wish))
        if edit.quantity is None or edit.quantity == line.quantity:
            return []
        return self._set(edit, line, edit.quantity)

    def _takes_back(self, line: Line, edit: Edit) -> bool:
        """Whether somebody takes back what the buyer is asked about, which is no substitute: that is another short."""
        return self._amending.by.actor != "buyer" and line.replaces is None and edit.quantity == 0

    def _consents(self, edit: Edit) -> list[FieldError]:
        """What only the buyer says: what may come in a line's place, and their note."""
        if self._amending.by.actor == "buyer":
            return []
        given = {"substitution": edit.substitution, "note": edit.note}
        return [
            FieldError(f"{edit.path}.{name}", "is only for the buyer of the order", code="not-accepted", params={"reason": "buyers-own"})
            for name, value in given.items()
            if value is not None
        ]  # fmt: skip

    def _mine(self, farm_id: str) -> bool:
        return self._amending.whose is None or farm_id in self._amending.whose

    def _set(self, edit: Edit, line: Line, quantity: Decimal) -> list[FieldError]:
        """Another quantity of a line; with it goes what came in its place."""
        product, field = self._amending.shelf.get(line.key), f"{edit.path}.quantity"
        fault = not_negative(field, quantity)
        if isinstance(fault, FieldError):
            return [of(line, product, fault)]
        if quantity > line.quantity and self._amending.asks:
            return self._more(edit, line, quantity)
        for other in self._order.in_place_of(line.id):
            self.lines.pop(other.id, None)
        if not quantity:
            del self.lines[line.id]
            return []
        if quantity > line.quantity:
            return self._more(edit, line, quantity)
        # of a product that is measured otherwise by now, its step says nothing
        steps = None if product is None or product.unit != line.unit else product
        value: Decimal | FieldError = quantity
        if steps is not None:
            value = orderable(field, quantity, steps.quantity_step, steps.min_quantity, steps.unit)
        return self._keep(line, value, product)

    def _more(self, edit: Edit, line: Line, quantity: Decimal) -> list[FieldError]:
        """More of a line: as long as it costs what it did, the line grows."""
        product, asks = self._amending.shelf.get(line.key), self._amending.asks
        unfit = withheld(f"{edit.path}.line_id", product, self._amending.today)
        if product is None or unfit is not None:
            return [of(line, product, unfit)] if unfit else []
        if same_terms(line, product) and line.replaces is None and not asks:
            return self._keep(line, takeable(f"{edit.path}.quantity", quantity, product), product)
        added = attrs.evolve(edit, product_id=line.product_id, variant_id=line.variant_id)
        return self._new(added, product, quantity - line.quantity, NO_WISH if asks else line.wish, quantity)

    def _keep(self, line: Line, quantity: Decimal | FieldError, product: OnSale | None) -> list[FieldError]:
        if isinstance(quantity, FieldError):
            return [of(line, product, quantity)]
        before, line = line, of_quantity(line, quantity, self._amending.terms)
        if self._amending.asks:
            line = attrs.evolve(line, agreed_total=kept(before, line, self._amending.terms))
        most = before.agreed_total
        if line.replaces is not None and most is not None and line.agreed_total is not None:
            line = attrs.evolve(
                line, agreed_total=min(line.agreed_total, most)
            )  # what comes in the place of something costs no more than that
        self.lines[line.id] = line
        return []

    def _add(self, edit: Edit) -> list[FieldError]:
        """So much more of a product: of the line that has it at the same terms, or as a line of its own."""
        shelf, quantity = self._amending.shelf, edit.quantity or Decimal(0)
        product = shelf.get(edit.key)
        shown = {one: each for one, each in shelf.items() if each.status == "published"}
        fault = withheld(
            f"{edit.path}.{named_by(edit.key, shown, edit.product_id)}", shown.get(edit.key), self._amending.today
        )
        if product is None or fault is not None:
            return [of(edit, shown.get(edit.key), fault)] if fault else []
        if refused := self._of_others(edit, product):
            return [refused]
        same = next(
            (x for x in self.lines.values() if x.key == edit.key and _as_ordered(x) and same_terms(x, product)), None
        )
        if same is None or self._amending.asks:
            return self._new(edit, product, quantity, edit.wish(NO_WISH), quantity)
        require(self._order, product.farm_id, "amend", self._amending.by.actor, self._amending.open_days)
        same = attrs.evolve(same, wish=edit.wish(same.wish))
        return self._keep(same, takeable(f"{edit.path}.quantity", same.quantity + quantity, product), product)

    def _of_others(self, edit: Edit, product: OnSale) -> FieldError | None:
        """The fault of goods that whoever amends cannot add: of another farm or, of what the buyer is asked about, of one that the order is not of."""
        new = all(part.farm_id != product.farm_id for part in self._order.parts)
        if self._mine(product.farm_id) and not (self._amending.asks and new):
            return None
        message = f"is not of your farm; {product.farm_name} adds it, or the market's staff"
        if self._mine(product.farm_id):
            message = f"is of {product.farm_name}, which this order is not of; the buyer adds it, or the market's staff who order for others"
        params = {"reason": "another-farm", "farm": product.farm_name}
        return FieldError(f"{edit.path}.product_id", message, code="not-accepted", params=params)

    def _new(self, edit: Edit, product: OnSale, quantity: Decimal, wish: LineWish, asked: Decimal) -> list[FieldError]:
        """A line of its own; ``asked`` is what there is of it then in all, which the product's least quantity is about."""
        self._open(product)
        value = takeable(f"{edit.path}.quantity", asked, product)
        if isinstance(value, FieldError):
            return [of(edit, product, value)]
        position = 1 + max((line.position for line in (*self._order.lines, *self.lines.values())), default=-1)
        line = line_of(
            position, product, quantity, next(self._ids), self._amending.today, wish, self._amending.terms, rate=self._amending.billing.rate(product)
        )  # fmt: skip
        if self._amending.asks:
            until = questions.until(self._order.part(product.farm_id), self._amending.now, self._amending.terms)
            line = attrs.evolve(line, proposed=True, answer_by=until)
        self.lines[line.id] = line
        return []

    def _open(self, product: OnSale) -> None:
        """The part that a new line belongs to: one that may be changed, or one that is new."""
        order, actor = self._order, self._amending.by.actor
        if product.farm_id in self.opened:
            return
        if any(part.farm_id == product.farm_id for part in order.parts):
            require(order, product.farm_id, "amend", actor, self._amending.open_days)
            return
        standing = [part for part in order.parts if part.status not in OVER]
        first = next((part for part in standing if part.status in WITHDRAWABLE), (standing or order.parts)[0])
        require(order, first.farm_id, "extend", actor, self._amending.open_days)
        place = len(order.parts) + len(self.opened)
        self.opened[product.farm_id] = Part(product.farm_id, product.farm_name, place, "placed", 0, method=first.method)


def _as_ordered(line: Line) -> bool:
    """Whether nothing has become of a line yet that another quantity of it would undo."""
    return line.counts and not line.short_of and line.weighed is None and line.replaces is None
