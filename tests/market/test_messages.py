"""What people are told."""

from __future__ import annotations

from harvestd.market.fulfilment import STEPS
from harvestd.market.messages import MESSAGES, lines_shown, one_line, way_shown


def test_the_buyer_hears_of_every_step_of_an_order() -> None:
    for status in STEPS:
        key = ("order.created", "") if status == "placed" else ("order.updated", status)
        assert any(message.whom == "buyer" for message in MESSAGES[key]), status


def test_every_text_can_be_filled_from_the_values_there_are() -> None:
    names = ("number", "name", "farm", "lines", "total", "subtotal", "way", "note", "reason")
    for messages in MESSAGES.values():
        for message in messages:
            filled = (message.title + message.body).format(**dict.fromkeys(names, "{x}"))
            assert "{x}" in filled  # and what people wrote is not filled in again


def test_what_people_write_cannot_pose_as_another_line_of_a_mail() -> None:
    assert one_line("Acres\r\nTotal: 0.00") == "Acres Total: 0.00"
    assert way_shown({"method": "delivery", "address": "1 Lane\nBcc: x"}) == "To be delivered to: 1 Lane Bcc: x\n"


def test_lines_and_ways_are_shown_plainly() -> None:
    line = {"quantity": "1.250", "unit": "kg", "title": "Carrots", "total": 488}
    assert lines_shown([line], "EUR") == "  1.250 kg  Carrots  4.88 EUR"
    assert (
        way_shown({"method": "pickup", "pickup_point": {"name": "Gate", "address": "1 Lane"}})
        == "To be picked up at: Gate, 1 Lane\n"
    )
