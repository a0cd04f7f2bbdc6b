"""Faults of the rules of selling that a review could miss, each in one line: what the machine (``tests/market/orders/test_machine.py``) is to notice.

A row is one trial of ``selling_trials.py``. They are tried by hand, since what happens at random is noticed sooner or later.
"""

from __future__ import annotations

from tests.mutations.locks import Lock

MACHINE = "tests/market/orders/test_machine.py::test_a_market_is_at_each_step_what_a_plain_one_is"


def _fault(path: str, what: str, was: str, became: str) -> Lock:
    return Lock(path, what, ((was, became),), (MACHINE,))


FAULTS: tuple[Lock, ...] = (
    # --- completed parts beside open ones ---
    _fault("pricing/amounts.py", "what completed parts had of a coupon is had again", "left = max(0, off - sum(good.settled or 0 for good in goods))", "left = off"),
    _fault("pricing/amounts.py", "what completed parts had of a fee is charged again", "shared(max(0, rule.amount - settled), worth)", "shared(rule.amount, worth)"),
    _fault("orders/recomputing.py", "a completed part is billed again", 'settled=line.discount if standing[line.farm_id].status == "completed" else None,', "settled=None,"),
    # --- coupons ---
    _fault("orders/stepping.py", "a coupon comes back for what was on its way", "status in OVER and not order.left", "status in OVER"),
    _fault("orders/changes.py", "who is short of goods loses the minimum that they had reached", 'lost = None if by.actor == "buyer" else goods_of(order.parts, order.lines)', "lost = None"),
    # --- amounts ---
    _fault("pricing/amounts.py", "tax on what a coupon takes off", "tax(good.total - off, good.rate, pricing.tax_included)", "tax(good.total, good.rate, pricing.tax_included)"),
    _fault("pricing/shares.py", "amounts are rounded down", "return (2 * amount + of) // (2 * of)", "return amount // of"),
    _fault("orders/recomputing.py", "a farm's fee for lines of which all is short", "if line.counts and line.left and line.farm_id in standing", "if line.counts and line.farm_id in standing"),
    # --- least orders ---
    _fault("orders/minimum_rules.py", "a farm that is new in an order takes any", "if farm_id in opened or _owed(lines, farm_id) < _owed(order.lines, farm_id)", "if _owed(lines, farm_id) < _owed(order.lines, farm_id)"),
    _fault("orders/minimum_rules.py", "an order may be amended to less than a farm takes", "if farm_id in opened or _owed(lines, farm_id) < _owed(order.lines, farm_id)", "if farm_id in opened"),
    # --- what is agreed on ---
    _fault("orders/consent.py", "who is short pays what they did not agree to", "return max(after.estimate, min(most, share))", "return most"),
    _fault("orders/shortage.py", "what comes instead costs more than what is missing", "agreed_total=min(found.agreed_total or 0, freed)", "agreed_total=found.agreed_total or 0"),
    _fault("orders/shortage.py", "an order gets dearer by what comes instead", "if change is not None and any(one.counts for one in new):", "if False:"),
    _fault("orders/fulfilment.py", "a buyer cancels what is weighed", 'return actor != "buyer" or not weighed or open_days.get(part.farm_id, False)', "return True"),
    # --- stock, holds and places ---
    _fault("orders/changing.py", "what is short is on sale again", "written_off=concerned.written_off", "written_off=False"),
    _fault("orders/placing_actions.py", "the place that is held is taken again", "await windows.take(unit, bound.booking, order, bound.held)", "await windows.take(unit, bound.booking, order)"),
    _fault("orders/placing_actions.py", "the cart stays full", "carts.delete(unit.tx, cart_id)", "None"),
    _fault("orders/changing.py", "places stay taken by what is taken out", "if any(part.window_id is not None for part in order.parts):", "if False:"),
    _fault("days/load_rules.py", "crates are rounded down", "- (-loose // terms.crate)", "+ loose // terms.crate"),
    _fault("days/full_rows.py", "a day is full by places that are only held", "w.taken_orders - held.orders < w.max_orders", "w.taken_orders < w.max_orders"),
    _fault("orders/windowed_rules.py", "a full day takes no changes", 'replace(hours, status="open") if full else hours, now)', "replace(hours), now)"),
)  # fmt: skip
