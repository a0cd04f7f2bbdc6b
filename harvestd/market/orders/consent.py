"""Nobody owes more than they have said yes to: what others than its buyer may make of an order. Pure.

The rule is one, for a farm's amendment, a short with what comes in its place, and a weight:

- A line never comes to more than its ``agreed_total`` (:attr:`Line.owed`), and is charged no fee for a weight beyond that (:attr:`Line.charged_weight`). It goes up
  by the buyer's own act alone: their order, their amendment, their answer; or that of the market's staff who may order for them, with a reason.
- Others may lower it, and give back what they have lowered (:func:`kept`).
- What they would add, and what weighs more, the buyer is asked about (``questions.py``); silence is a no.
- Goods that come in the place of what is short may have other taxes and fees than these. As far as the order would come to more by that than with all that was
  ordered, they are refused (:func:`require_within`).
"""

from __future__ import annotations

from collections.abc import Iterable

from harvestd.kernel.errors import Conflict, FieldError
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Amount
from harvestd.market.carts.selling import Terms
from harvestd.market.orders.change_telling import Pair
from harvestd.market.orders.new_lines import agreed_total
from harvestd.market.orders.order import Line
from harvestd.market.pricing.shares import rounded


def kept(before: Line, after: Line, terms: Terms) -> int:
    """The most that may be owed for what is left of a line after somebody else than its buyer has said how much that is: in proportion to what was agreed on, whatever
    the market's tolerance is by now; and what it costs by its quantity at least."""
    most = agreed_total(after, terms)
    if before.agreed_total is None:
        return most
    share = rounded(before.agreed_total * int(after.left * 1000), int(before.left * 1000)) if before.left else 0
    return max(after.estimate, min(most, share))


def raised(pairs: Iterable[Pair]) -> bool:
    """Whether more is agreed on for any line than before."""
    return any(after is not None and after.counts and _agreed(after) > _agreed(before) for before, after in pairs)


def _agreed(line: Line | None) -> int:
    if line is None or not line.counts:
        return 0
    return line.owed if line.agreed_total is None else line.agreed_total


def require_within(total: int, most: int, terms: Terms) -> None:
    """Raise :class:`Conflict` if an order comes to more with what is to come in the place of something than it did with that."""
    if total <= most:
        return
    is_, was = Amount(total, terms.currency), Amount(most, terms.currency)
    message = f"is too much: with its fees and taxes the order comes to {is_}, and {was} was agreed on"
    params = {"maximum": str(most), "after": str(total), "currency": terms.currency, "reason": "agreed"}
    detail = worded(
        "with that in its place, and the fees and taxes on it, the order comes to {is_}, and {was} was agreed on; offer less of it, or something else", is_=is_, was=was
    )  # fmt: skip
    raise Conflict(detail, (FieldError("substitute.quantity", message, code="above-maximum", params=params),))
