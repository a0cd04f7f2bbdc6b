"""Whom the market tells of what."""

from __future__ import annotations

from harvestd.market.notifications.messages import ENDS, KINDS, MESSAGES, farm_of, is_told, kind
from harvestd.market.orders.fulfilment import STEPS


def test_the_buyer_hears_of_every_step_of_a_part_by_the_farms_name() -> None:
    for status in STEPS:
        key = ("order.created", "") if status == "placed" else ("order.updated", status)
        (message,) = [message for message in MESSAGES[key] if message.whom == "buyer"]
        assert status == "placed" or ("{farm}" in message.title and "{farm}" in message.body), status


def test_what_becomes_of_the_order_itself_is_told_once_when_all_of_it_is_there() -> None:
    for end in ENDS:
        assert [message.whom for message in MESSAGES[f"order.{end}", ""]] == ["buyer"]
        assert is_told("buyer", {"to": end, "order_status": "placed", "actor": "farm"})
        assert not is_told("buyer", {"to": end, "order_status": end, "actor": "farm"}), "the order's own event follows"
        assert is_told("farm", {"to": end, "order_status": end, "actor": "buyer"})
    assert is_told("buyer", {"to": "cancelled", "order_status": "completed", "actor": "farm"})
    assert is_told("buyer", {"to": "ready", "order_status": "ready", "actor": "farm"})
    assert not is_told("buyer", {"actor": "buyer"}) and not is_told("farm", {"to": "cancelled", "actor": "farm"})
    assert is_told("farm", {"to": "cancelled", "actor": "admin"})


def test_a_message_is_about_its_farm_the_farm_of_the_event_or_the_whole_order() -> None:
    assert [farm_of(own, data) for own in ("f", None) for data in ({}, {"farm_id": "f"})] == ["f", "f", None, "f"]


def test_of_a_change_of_lines_those_are_told_who_did_not_make_it_and_whose_lines_they_are() -> None:
    lines = [{"farm_id": "f"}, {"farm_id": "g"}]
    by_farm = {"by": "farm", "farms": ["f"], "lines": lines, "farm_id": "f"}
    assert [is_told("farm", by_farm, farm) for farm in ("f", "g", "h")] == [False, True, False] and is_told(
        "buyer", by_farm
    )
    by_buyer = {"by": "buyer", "farms": [], "lines": lines}
    assert [is_told("farm", by_buyer, farm) for farm in ("f", "g", "h")] == [True, True, False] and not is_told(
        "buyer", by_buyer
    )
    assert not is_told("buyer", by_farm | {"last": False}) and is_told("buyer", by_farm | {"last": True}), (
        "one mail for one thing"
    )
    assert not is_told(
        "buyer", {"from": "confirmed", "to": "confirmed", "order_status": "confirmed", "actor": "farm"}
    ), "its lines' event follows"


def test_a_notice_is_about_an_order_s_event_or_a_step_of_a_part() -> None:
    assert KINDS == (
        "farm.member_changed", "farm.member_closed", "farm.member_joined", "farm.member_left", "farm.member_removed",
        "market_day.cancelled", "market_day.changed", "market_day.closed", "market_day.closing_soon",
        "order.amended", "order.cancelled", "order.completed", "order.confirmed", "order.created", "order.expired", "order.line_short", "order.line_weighed", "order.moved",
        "order.out_for_delivery", "order.ready",
    )  # fmt: skip
    assert (kind("order.created"), kind("order.updated", "ready")) == ("order.created", "order.ready")
