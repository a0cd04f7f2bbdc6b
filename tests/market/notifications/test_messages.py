"""What people are told."""

from __future__ import annotations

from decimal import Decimal

from harvestd.market.notifications.messages import (
    ENDS,
    KINDS,
    MESSAGES,
    buyer_shown,
    farm_of,
    is_told,
    kind,
    lines_shown,
    more_shown,
    one_line,
    way_shown,
    ways_shown,
)
from harvestd.market.orders.fulfilment import STEPS


def test_who_gets_no_more_mails_for_now_is_told_where_to_look() -> None:
    title, body = more_shown("Market\nof Ada", 60)
    assert title == "More has happened at Market of Ada"
    assert "60 mails from us within an hour" in body and "notices and orders" in body


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


def test_each_farms_way_is_told_unless_it_is_the_same_for_all() -> None:
    gate = {"method": "pickup", "pickup_point": {"name": "Gate", "address": "1 Lane"}}
    assert ways_shown([("One", gate), ("Two", gate)]) == ways_shown([("One", gate)]) == way_shown(gate)
    told = ways_shown([("One", gate), ("Two", {"method": "pickup"})])
    assert told == "One: To be picked up at: Gate, 1 Lane\nTwo: To be picked up.\n"


def test_who_ordered_is_told_with_the_telephone_if_there_is_one() -> None:
    assert buyer_shown("Bo\nB", None) == "Bo B" and buyer_shown("Bo", "+436641234567") == "Bo (+436641234567)"


def test_every_text_can_be_filled_from_the_values_there_are() -> None:
    names = ("number", "name", "farm", "lines", "total", "subtotal", "way", "note", "reason", "farms", "buyer")
    for messages in MESSAGES.values():
        for message in messages:
            filled = (message.title + message.body).format(**dict.fromkeys(names, "{x}"))
            assert "{x}" in filled  # and what people wrote is not filled in again


def test_what_people_write_cannot_pose_as_another_line_of_a_mail() -> None:
    assert one_line("Acres\r\nTotal: 0.00") == "Acres Total: 0.00"
    assert way_shown({"method": "delivery", "address": "1 Lane\nBcc: x"}) == "To be delivered to: 1 Lane Bcc: x\n"


def test_lines_and_ways_are_shown_plainly() -> None:
    line = {"quantity": Decimal("1.250"), "unit": "kg", "title": "Carrots", "total": 488}
    assert lines_shown([line], "EUR") == "  1.25 kg  Carrots  €4.88"
    assert (
        way_shown({"method": "pickup", "pickup_point": {"name": "Gate", "address": "1 Lane"}})
        == "To be picked up at: Gate, 1 Lane\n"
    )


def test_a_notice_is_about_an_order_s_event_or_a_step_of_a_part() -> None:
    assert KINDS == (
        "order.cancelled", "order.completed", "order.confirmed", "order.created", "order.expired", "order.out_for_delivery", "order.ready",
    )  # fmt: skip
    assert (kind("order.created"), kind("order.updated", "ready")) == ("order.created", "order.ready")
