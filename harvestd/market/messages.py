"""What people are told, and how: one table of kinds, each with who hears it, through what, and the words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from harvestd.market.quantities import amount_shown


@attrs.frozen
class Message:
    """One kind of message. ``whom`` is buyer or farm; ``mail`` whether it is also mailed (a notice it always is, unless
    ``notice`` is off). Words are ``str.format`` templates over the values of :func:`values`."""

    whom: str
    title: str
    body: str
    mail: bool
    notice: bool = True


#: By event type and, for a step, ``to`` and whether the hearer took it themselves is left out by the worker.
MESSAGES: dict[tuple[str, str], tuple[Message, ...]] = {
    ("order.created", ""): (
        Message(
            "buyer",
            "Your order {number}",
            "Thank you, {name}. Your order {number} has been placed:\n\n{lines}\n\nTotal: {total}\n\n{way}\n",
            mail=True,
            notice=False,
        ),
        Message(
            "farm",
            "New order {number} for {farm}",
            "A new order {number} has come in for {farm}:\n\n{lines}\n\nTotal: {subtotal}\n\n{way}{note}\nPlease confirm it.\n",
            mail=True,
        ),
    ),
    ("order.updated", "confirmed"): (Message("buyer", "{farm} confirmed order {number}", "{farm} has confirmed your order {number}.\n", mail=True),),
    ("order.updated", "ready"): (Message("buyer", "Order {number} is ready", "What you ordered from {farm} in order {number} is ready.\n\n{way}", mail=True),),
    ("order.updated", "out_for_delivery"): (Message("buyer", "Order {number} is on its way", "{farm} is on the way to you with order {number}.\n", mail=True),),
    ("order.updated", "completed"): (Message("buyer", "Order {number} is complete", "{farm} has handed over your order {number}.\n", mail=False),),
    ("order.updated", "cancelled"): (
        Message("buyer", "Order {number}: {farm} is cancelled", "The part of {farm} in order {number} has been cancelled.{reason}\n", mail=True),
        Message("farm", "Order {number} is cancelled", "Order {number} for {farm} has been cancelled; its stock is back on sale.{reason}\n", mail=True),
    ),
    ("order.updated", "expired"): (
        Message("buyer", "Order {number} has expired", "{farm} did not confirm order {number} in time; nothing is owed for it.\n", mail=True),
        Message("farm", "Order {number} has expired", "Order {number} for {farm} was not confirmed in time; its stock is back on sale.\n", mail=True),
    ),
}  # fmt: skip


def lines_shown(lines: list[Mapping[str, Any]], currency: str) -> str:
    """An order's lines, for a text mail."""
    return "\n".join(
        f"  {line['quantity']} {line['unit']}  {line['title']}  {amount_shown(line['total'], currency)}"
        for line in lines
    )


def way_shown(way: Mapping[str, Any]) -> str:
    """How the goods reach the buyer, as a sentence."""
    if way.get("method") == "delivery":
        return f"To be delivered to: {one_line(way.get('address', ''))}\n"
    point = way.get("pickup_point")
    return (
        f"To be picked up at: {one_line(point['name'])}, {one_line(point['address'])}\n"
        if point
        else "To be picked up.\n"
    )


def one_line(text: str) -> str:
    """Text of a person within a sentence of ours: no line breaks, so that it cannot pose as another part of a mail."""
    return " ".join(text.split())
