"""What holds when several do things at once: each lock and conditional update of what is sold, and the test that notices when it is taken away.

A row is one trial of ``make mutations`` (``lock_trials.py``): the source without it, and the named tests alone. A lock that has no row fails ``tests/test_mutations.py``. Constraints, the last
defence behind them, are taken away one at a time by ``tests/market/orders/test_last_defences.py`` itself.
"""

from __future__ import annotations

import attrs

#: Where locks have to have a row: modules and folders of the market.
ROOMS = ("orders", "days", "carts", "pricing", "catalogue/shelf_rows.py", "catalogue/stock_rows.py")

_ORDERS, _DAYS, _CARTS = "tests/market/orders/", "tests/market/days/", "tests/market/carts/"
_MEETINGS = _ORDERS + "test_meetings.py::"
_RACES = _ORDERS + "test_change_races.py::"


@attrs.frozen
class Lock:
    """``taken_away`` of a module of the market: each text, which is there once, and what it becomes."""

    path: str
    what: str
    taken_away: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


def _lock(path: str, what: str, was: str, became: str, *tests: str) -> Lock:
    return Lock(path, what, ((was, became),), tests)


LOCKS: tuple[Lock, ...] = (
    # --- products and what is reserved of them ---
    _lock(
        "catalogue/shelf_rows.py", "the products of an order", "{_shelf(sight.PAID, sight.SEES)} for no key update of p", "{_shelf(sight.PAID, sight.SEES)}",
        _MEETINGS + "test_the_last_one_is_for_the_first_who_waits_for_it",
    ),
    _lock(
        "catalogue/shelf_rows.py", "the products of a change, a hold, or a sale", "{_shelf('p.price', 'true')} for no key update of p", "{_shelf('p.price', 'true')}",
        _RACES + "test_two_orders_that_grow_never_have_more_than_there_is", _ORDERS + "test_quotes.py::test_two_holds_for_one_stock_that_meet_are_one",
    ),
    Lock(
        "catalogue/shelf_rows.py", "the order of the products: as they are asked for",
        (("order by p.id\"\"\"", "order by array_position(:product_ids::uuid[], p.id)\"\"\""),
         ("    ids = sorted(set(product_ids))", "    ids = list(dict.fromkeys(product_ids))")),
        (_MEETINGS + "test_carts_of_the_same_in_opposite_orders_do_not_wait_for_each_other",),
    ),
    _lock(
        "catalogue/shelf_rows.py", "the groups of a buyer", "order by group_id for key share", "order by group_id",
        "tests/market/catalogue/test_sight.py::test_an_order_beside_the_end_of_a_membership_is_wholly_before_or_after_it",
    ),
    _lock(
        "catalogue/stock_rows.py", "reservations", "order by r.line_id for no key update of r", "order by r.line_id",
        _MEETINGS + "test_a_sale_and_a_cancel_of_it_give_back_what_was_taken",
    ),
    _lock(
        "catalogue/rows.py", "a product that its farm changes", "{SELECT} where p.id = :product_id for no key update of p", "{SELECT} where p.id = :product_id",
        _MEETINGS + "test_two_who_restock_at_once_both_have",
    ),
    _lock(
        "catalogue/shelf_rows.py", "the products of orders that are placed together",
        "select from products where id = any(:product_ids::uuid[]) order by id for no key update", "select from products where id = any(:product_ids::uuid[]) order by id",
        _ORDERS + "test_placing_together.py::test_a_group_is_decided_by_what_those_it_waited_for_have_left",
    ),
    _lock(
        "catalogue/shelf_rows.py", "the groups of buyers whose orders are placed together", "order by user_id, group_id for key share", "order by user_id, group_id",
        _ORDERS + "test_placing_together.py::test_a_group_beside_the_end_of_a_membership_is_at_the_price_of_everybody",
    ),
    # --- orders ---
    _lock(
        "orders/fulfilment_rows.py", "an order", "where o.id = :order_id for no key update of o", "where o.id = :order_id",
        _MEETINGS + "test_a_cancel_and_a_confirmation_are_one_after_the_other", _RACES + "test_a_weighing_after_a_cancel_is_refused_and_nothing_is_given_back_twice",
        _RACES + "test_an_amendment_after_a_step_that_closes_the_part_is_refused",
    ),
    _lock(
        "orders/buying.py", "the account that something is ordered for", "and active for share", "and active",
        _MEETINGS + "test_nothing_is_ordered_for_an_account_that_is_being_closed",
    ),
    _lock(
        "orders/order_keys.py", "an order that a key is made to", "and erased_at is null for share", "and erased_at is null",
        _ORDERS + "test_guests.py::test_a_guest_s_details_that_somebody_has_locked_wait_and_no_key_is_made_while_they_are_erased",
    ),
    Lock(
        "orders/retention.py", "orders that are erased",
        (("""where erased_at is null and status in ('completed', 'cancelled', 'expired') and updated_at < :before
        order by updated_at limit :limit for no key update skip locked""",
          """where erased_at is null and status in ('completed', 'cancelled', 'expired') and updated_at < :before
        order by updated_at limit :limit"""),),
        (_ORDERS + "test_retention.py::test_what_somebody_has_locked_just_now_waits_for_the_next_run",),
    ),
    Lock(
        "orders/retention.py", "guests' orders that are erased",
        (("""where guest is not null and erased_at is null and status in ('completed', 'cancelled', 'expired') and updated_at < :before
        order by updated_at limit :limit for no key update skip locked""",
          """where guest is not null and erased_at is null and status in ('completed', 'cancelled', 'expired') and updated_at < :before
        order by updated_at limit :limit"""),),
        (_ORDERS + "test_guests.py::test_a_guest_s_details_that_somebody_has_locked_wait_and_no_key_is_made_while_they_are_erased",),
    ),
    _lock(
        "orders/moved_rows.py", "orders whose windows move", "select id from orders where id = any(:ids::uuid[]) order by id for no key update", "select id from orders where id = any(:ids::uuid[])",
        _DAYS + "test_standing.py::test_an_order_that_is_cancelled_before_it_follows_its_day_is_left_as_it_was",
    ),
    # --- quotes ---
    _lock(
        "orders/quote_rows.py", "who holds", "select pg_advisory_xact_lock(hashtextextended(:holder, 1363496052))", "select :holder::text",
        _MEETINGS + "test_two_holds_of_one_person_that_meet_leave_the_second",
    ),
    _lock(
        "orders/quote_rows.py", "what somebody holds", "token_hash = :token_hash::bytea order by id for update", "token_hash = :token_hash::bytea order by id",
        _MEETINGS + "test_a_hold_is_ordered_or_replaced_and_what_it_kept_is_given_back_once",
    ),
    _lock(
        "orders/quote_rows.py", "a quote that is ordered or over", "where id = :quote_id for update", "where id = :quote_id",
        _MEETINGS + "test_a_hold_is_ordered_or_replaced_and_what_it_kept_is_given_back_once",
        _ORDERS + "test_quotes.py::test_a_hold_that_ends_and_the_order_of_it_are_one_or_the_other",
    ),
    _lock(
        "orders/quote_rows.py", "the quotes of orders that are placed together",
        "where id = any(:quotes::uuid[]) order by id for update", "where id = any(:quotes::uuid[]) order by id",
        _ORDERS + "test_carts_together.py::test_quotes_are_locked_before_they_are_read",
    ),
    # --- market days and their windows ---
    _lock(
        "days/slot_rows.py", "the day of an order", "order by d.id, w.id for share of d", "order by d.id, w.id",
        _MEETINGS + "test_the_cut_off_comes_after_whatever_was_decided_before_it",
    ),
    *(
        _lock(
            "days/slot_rows.py", f"whether a window has so much left: {name}",
            f"or w.max_{name} is null or w.taken_{name}", f"or true or w.taken_{name}",
            _ORDERS + f"test_windows.py::test_one_after_the_other_as_many_get_a_place_as_there_are[{measure}]",
        )
        for name, measure in (("orders", "orders"), ("crates", "crates"), ("grams", "weight"))
    ),
    _lock(
        "days/window_rows.py", "the windows of a day that is changed", "where day_id = :day_id order by id for update", "where day_id = :day_id order by id",
        _MEETINGS + "test_a_window_is_not_made_smaller_than_what_is_taken_of_it_meanwhile",
    ),
    _lock(
        "days/day_rows.py", "a market day", "where id = :id for no key update", "where id = :id",
        _DAYS + "test_meetings.py::test_of_two_who_change_the_same_version_the_second_is_told[day]",
    ),
    _lock(
        "days/schedule_rows.py", "a schedule", "where id = :id for no key update", "where id = :id",
        _DAYS + "test_meetings.py::test_of_two_who_change_the_same_version_the_second_is_told[schedule]",
    ),
    _lock(
        "days/point_rows.py", "a pick-up point", ' for update",', '",',
        _DAYS + "test_meetings.py::test_of_two_who_change_the_same_version_the_second_is_told[point]",
        _DAYS + "test_meetings.py::test_a_point_is_deleted_or_has_a_window",
    ),
    _lock(
        "days/point_rows.py", "the points of windows", "order by id for key share", "order by id",
        _DAYS + "test_meetings.py::test_a_point_is_deleted_or_has_a_window",
    ),
    _lock(
        "days/slot_rows.py", "the windows that are asked for what is left", "where id = any(:ids::uuid[])\n        order by id for no key update", "where id = any(:ids::uuid[])",
        _ORDERS + "test_held_places.py::test_of_two_holds_that_meet_at_the_last_place_one_has_it",
    ),
    _lock(
        "days/point_rows.py", "the farms with points of windows", "order by id for share", "order by id",
        _DAYS + "test_meetings.py::test_a_farm_s_point_that_is_deleted_first_has_no_window",
    ),
    # --- what is charged ---
    _lock(
        "pricing/rows.py", "a fee, tax rate or coupon", "from {name} where id = :id for update", "from {name} where id = :id",
        _MEETINGS + "test_a_coupon_is_not_limited_to_less_than_it_is_used_meanwhile",
    ),
    _lock(
        "pricing/rows.py", "whoever makes one", "select pg_advisory_xact_lock(x'50524943494e47'::bigint)", "select 1",
        _DAYS + "test_meetings.py::test_one_code_is_one_coupon_s_though_two_are_made_at_once",
    ),
    _lock(
        "pricing/coupon_rows.py", "whether a coupon has a use left", "\n              and (uses_most is null or taken < uses_most)", "",
        _ORDERS + "test_billing.py::test_simultaneous_orders_use_a_coupon_as_often_as_it_allows",
    ),
    _lock(
        "pricing/coupon_rows.py", "whether a person has a use left", "where p.taken < coalesce((select each_most from coupon), 2147483647)", "where true",
        _ORDERS + "test_billing.py::test_simultaneous_orders_use_a_coupon_as_often_as_it_allows",
    ),
    _lock(
        "pricing/coupon_rows.py", "whether a use was given back", "where order_id = :order_id and returned_at is null", "where order_id = :order_id",
        _MEETINGS + "test_a_use_of_a_coupon_is_given_back_once_whoever_gives_it_back",
    ),
    # --- carts ---
    _lock(
        "carts/rows.py", "a buyer's cart", "where user_id = :user_id for update", "where user_id = :user_id",
        _MEETINGS + "test_what_is_put_into_a_cart_while_it_is_ordered_is_in_the_next",
    ),
    _lock(
        "carts/rows.py", "a guest's cart", "where token_hash = :token_hash for update", "where token_hash = :token_hash",
        _MEETINGS + "test_what_is_put_into_a_cart_while_it_is_ordered_is_in_the_next",
    ),
    _lock(
        "carts/rows.py", "the carts of orders that are placed together",
        "order by user_id is not null, id for update", "order by user_id is not null, id",
        _ORDERS + "test_carts_together.py::test_carts_are_locked_before_they_are_read",
    ),
    _lock(
        "carts/rows.py", "whether a cart is still old", "delete from carts where updated_at < :before and id in", "delete from carts where id in",
        _CARTS + "test_routes.py::test_a_cart_that_is_touched_while_the_old_ones_are_deleted_stays",
    ),
    _lock(
        "orders/quote_rows.py", "the holds of a day that is cancelled", "where w.day_id = :day_id)\n            order by id for no key update", "where w.day_id = :day_id)",
        _ORDERS + "test_held_places.py::test_the_holds_of_a_cancelled_day_are_locked_by_id_however_they_lie",
    ),
)  # fmt: skip

#: Locks that no test can tell from none, by module and text, and why they are kept.
KEPT: dict[tuple[str, str], str] = {
    (
        "days/slot_rows.py",
        "select id from windows where id = any(:ids::uuid[]) order by id for no key update",
    ): "ids come sorted and are looked up one by one, which is in this order, too; that PostgreSQL plans it so nobody has promised",
}

#: Locks that nobody has tried yet, by module and text: each is owed a row above, with the test that notices. A text that is not there any more is left out.
OWED: dict[tuple[str, str], str] = {
    ("days/standing_rows.py", "select id from market_days where id = any(:ids::uuid[]) order by id for no key update"): "days whose points change",
}  # fmt: skip
