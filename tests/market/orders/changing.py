"""Orders that change, for the tests of decisions: requests, and the stock that answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.units import Amount
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.stock_rules import Held, Reshaping, demand, reshape
from harvestd.market.orders.amending import amend
from harvestd.market.orders.answering import Answer, answer, unanswered
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.changes import Changed
from harvestd.market.orders.edits import Amending, Edit
from harvestd.market.orders.fulfilment import OVER, Actor, Standing
from harvestd.market.orders.order import Line
from harvestd.market.orders.shortage import Shorting, Substitute, short
from harvestd.market.orders.weighing import Weighing, weigh
from tests.market.catalogue.shelves import NOW, TERMS, TODAY


def by(actor: Actor, *farms: str, reason: str = "") -> By:
    """Somebody who changes an order."""
    return By(actor=actor, farms=farms, reason=reason)


def amended(
    order: Standing, edits: Sequence[Edit], *shelf: OnSale, who: By | None = None, whose: Sequence[str] | None = None,
    terms: Terms = TERMS, open_days: Mapping[str, bool] | None = None, ids: str = "new", for_buyer: bool = False,
) -> Changed | None:  # fmt: skip
    """The decision on edits, by the buyer unless told otherwise."""
    amending = Amending(
        by=who or by("buyer"), whose=whose, shelf={one.id: one for one in shelf}, terms=terms, now=NOW, today=TODAY, placed_at=NOW,
        open_days=open_days or {}, for_buyer=for_buyer,
    )  # fmt: skip
    return amend(order, edits, amending, [f"{ids}-{i}" for i in range(len(edits))])


def edit(**fields: Any) -> Edit:
    """A change of a line, at ``lines[0]``."""
    quantity = fields.pop("quantity", None)
    return Edit(path="lines[0]", quantity=None if quantity is None else Decimal(quantity), **fields)


def shorted(
    order: Standing, line: Line, quantity: str, instead: tuple[OnSale | None, str] | None = None, *, who: By | None = None, terms: Terms = TERMS, id: str = "sub",
) -> Changed | None:  # fmt: skip
    """The decision on a short, by the line's farm unless told otherwise."""
    shorting = Shorting(by=who or by("farm", line.farm_id), terms=terms, now=NOW, today=TODAY, placed_at=NOW)
    substitute = None if instead is None else Substitute(instead[0], Decimal(instead[1]), id)
    return short(order, line.farm_id, line.id, Decimal(quantity), substitute, shorting)


def weighed(
    order: Standing, line: Line, quantity: str, unit: str = "kg", *, who: By | None = None, terms: Terms = TERMS
) -> Changed | None:
    """The decision on a weight."""
    weighing = Weighing(by=who or by("farm", line.farm_id), terms=terms, now=NOW, placed_at=NOW)
    return weigh(order, line.farm_id, {line.id: Amount(Decimal(quantity), unit)}, weighing)


def answered(order: Standing, line_id: str, yes: bool, **said: Any) -> Changed | None:
    """The decision on an answer of the buyer."""
    return answer(order, line_id, Answer(**{"yes": yes, "at": NOW, **said}), NOW, TERMS)


def lapsed(order: Standing, *line_ids: str, who: By | None = None) -> Changed | None:
    """The decision on what nobody has answered: by the clock unless told otherwise."""
    return unanswered(order, line_ids, who or by("clock"), NOW)


def after(order: Standing, change: Changed) -> Standing:
    """The order as its rows have it after a change."""
    gone = set(change.removed)
    kept = {line.id: line for line in order.lines if line.id not in gone}
    kept |= {line.id: line for _, line in change.pairs if line is not None}
    return attrs.evolve(
        order, version=change.version, status=change.status, parts=change.parts, totals=change.totals, pricing=change.pricing,
        lines=tuple(sorted(kept.values(), key=lambda line: line.position)),
    )  # fmt: skip


@attrs.define
class Shop:
    """The stock of a market's products, and what one order's reservations hold of it."""

    goods: dict[str, OnSale]
    held: dict[str, Held]

    def takes(self, change: Changed, *, written_off: bool = False) -> bool:
        """Apply a change to the stock if there is enough; returns whether there is."""
        over = {part.farm_id for part in change.parts if part.status in OVER}
        ended = {*change.removed, *(h.line_id for h in self.held.values() if h.farm_id in over)}
        added: dict[str, Decimal] = {}
        for line in change.added:
            added[line.product_id] = added.get(line.product_id, Decimal(0)) + line.taken
        to = Reshaping(wants=change.wants, ended=ended, added=added, written_off=written_off)
        held = list(self.held.values())
        if any(more > 0 and more > self.goods[p].pool for p, more in demand(held, to).items()):
            return False
        effect = reshape(held, to, self.goods)
        for product_id, (stock, reserved, _) in effect.products.items():
            before = self.goods[product_id]
            self.goods[product_id] = attrs.evolve(
                before, stock=before.stock + stock, reserved=before.reserved + reserved
            )
        for line_id, state in effect.states.items():
            quantity = effect.quantities.get(line_id, self.held[line_id].quantity)
            self.held[line_id] = attrs.evolve(self.held[line_id], state=state, quantity=quantity)
        for line in change.added:
            self.held[line.id] = Held(
                line_id=line.id,
                order_id="order",
                farm_id=line.farm_id,
                product_id=line.product_id,
                quantity=line.taken,
                state="live",
            )
        return True
