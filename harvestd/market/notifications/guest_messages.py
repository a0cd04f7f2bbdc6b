"""Texts of the mails to guests about their orders, in English. Pure.

A guest's address may be a stranger's, since nobody has proven it: there is no word in these mails that anybody but the market has written: no title of goods, and no name of a farm. What
is asked is told by its numbers. The link shows the rest.
"""

from __future__ import annotations

#: The subject, and the text round what has happened.
GUEST_MAIL = (
    "Order {number} at {market}",
    "{what}\n\nTo see your order, and to cancel it while that is possible, follow this link:\n\n{link}\n\n"
    "Whoever has the link can do so: give it to nobody.\nIf you have ordered nothing at {market}, ignore this mail.\n",
)
#: What has happened, by event type and step.
GUEST_TOLD: dict[tuple[str, str], str] = {
    ("order.created", ""): "Thank you: your order {number} has been placed. It comes to {total}.",
    ("order.updated", "confirmed"): "A farm has confirmed its part of your order {number}.",
    ("order.updated", "ready"): "What you ordered from a farm in order {number} is ready.",
    ("order.updated", "out_for_delivery"): "A farm is on its way to you with its part of order {number}.",
    ("order.updated", "cancelled"): "A farm's part of your order {number} has been cancelled; nothing is owed for it.",
    ("order.updated", "expired"): "A farm did not confirm its part of order {number} in time; nothing is owed for it.",
    ("order.amended", ""): "Your order {number} has been changed. It comes to {total} now.",
    (
        "order.amended",
        "for_another",
    ): "The market's staff has changed your order {number} for you. It comes to {total} now.",
    ("order.amended", "asked"): "A farm asks whether you want more in order {number}:\n\n{questions}\n\nPlease follow the link, and answer until {until}; without an answer nothing is added. "
    "Without it the order comes to {total}, and to {asked_total} with it.",
    ("order.amended", "withdrawn"): "A farm no longer asks whether you want more in order {number}. You need not answer. The order comes to {total}.",
    ("order.amended", "left"): "A farm has sent off or handed over its part of order {number} before you answered what it asked; without an answer it is a no. The order comes to {total}.",
    ("order.line_short", ""): "A farm does not have all that you ordered in order {number}. It comes to {total} now.",
    ("order.line_short", "withdrawn"): "A farm does not have all that you ordered in order {number}, and no longer asks you about it. You need not answer. It comes to {total} now.",
    ("order.line_short", "asked"): "A farm does not have all that you ordered in order {number}. It asks whether you want something else instead:\n\n{questions}\n\nPlease follow the link, and answer until {until}; "
    "without an answer nothing comes in its place. Without it the order comes to {total}, and to {asked_total} with it.",
    ("order.line_weighed", "withdrawn"): "A farm has weighed again what you ordered in order {number}, and no longer asks you about it. You need not answer. The order comes to {total}.",
    ("order.line_weighed", "asked"): "A farm has weighed what you ordered in order {number}. It weighs more than was agreed on:\n\n{questions}\n\nPlease follow the link, and say until {until} whether you want all of it; "
    "without an answer you pay no more than was agreed on. Without more the order comes to {total}, and to {asked_total} with all of it.",
    (
        "order.moved",
        "",
    ): "When or where you get what you ordered in order {number} has changed. Please follow the link.",
    ("order.cancelled", ""): "Your order {number} has been cancelled; nothing is owed for it.",
    ("order.expired", ""): "Your order {number} was not confirmed in time; nothing is owed for it.",
}  # fmt: skip
