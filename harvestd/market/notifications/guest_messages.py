"""Texts of the mails to guests about their orders, in English. Pure.

A guest's address may be a stranger's, since nobody has proven it: there is no word in these mails that anybody but the market has written. The link shows
the rest.
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
    (
        "order.amended",
        "asked",
    ): "A farm asks whether you want more in order {number}: it comes to {total}, and to {asked_total} with it. Please follow the link, and answer.",
    ("order.amended", "withdrawn"): "A farm no longer asks whether you want more in order {number}.",
    ("order.line_short", ""): "A farm does not have all that you ordered in order {number}. It comes to {total} now.",
    (
        "order.line_short",
        "asked",
    ): "A farm does not have all that you ordered in order {number}, and asks whether you want something else: it comes to {total}, and to {asked_total} with that. Please follow the link, and answer.",
    (
        "order.line_weighed",
        "asked",
    ): "Something that you ordered in order {number} weighs more than was agreed on: it comes to {total}, and to {asked_total} with all of it. Please follow the link, and say whether you want that.",
    (
        "order.moved",
        "",
    ): "When or where you get what you ordered in order {number} has changed. Please follow the link.",
    ("order.cancelled", ""): "Your order {number} has been cancelled; nothing is owed for it.",
    ("order.expired", ""): "Your order {number} was not confirmed in time; nothing is owed for it.",
}
