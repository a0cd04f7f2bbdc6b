"""Notification texts, in English: one table of kinds, each with its audience, its channels, and the words; ``wording.py`` fills them, in any
language. Those of mails beside it are in ``account_messages.py`` and ``farm_messages.py``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class Message:
    """One kind of message. ``whom`` is buyer or farm, of a farm's staff owner (each other one) or member (the one that it is about); ``mail`` whether it is also mailed. It is always a notice, so an
    undelivered mail loses no information. Texts are ``str.format`` templates over the facts of the worker, and keys of the catalogues."""

    whom: str
    title: str
    body: str
    mail: bool


_NEW_ORDER = Message(
    "farm",
    "New order {number} for {farm}",
    "A new order {number} of {buyer} has come in for {farm}:\n\n{lines}\n\nTotal: {subtotal}\n\n{way}{note}\nPlease confirm it.\n",
    mail=True,
)
#: An order that somebody has placed for its buyer.
FOR_ANOTHER = "for_another"

#: By event type and its case (:func:`case_of`): for a step of a part, ``to``. A part's step names its farm; the end of the whole order is reported once,
#: by its own event, and then the buyer is not told of the step that caused it.
MESSAGES: dict[tuple[str, str], tuple[Message, ...]] = {
    ("order.created", ""): (
        Message(
            "buyer",
            "Your order {number}",
            "Thank you, {name}. Your order {number} has been placed:\n\n{lines}\n\nTotal: {total}\n\n{way}\n",
            mail=True,
        ),
        _NEW_ORDER,
    ),
    ("order.created", FOR_ANOTHER): (
        Message(
            "buyer",
            "Order {number} was placed for you",
            "{by}, of the market's staff, has placed order {number} for you:\n\n{lines}\n\nTotal: {total}\n\n{way}\n"
            "If you did not ask for it, cancel it, or tell the market.\n",
            mail=True,
        ),
        _NEW_ORDER,
    ),
    ("order.updated", "confirmed"): (Message("buyer", "{farm} confirmed order {number}", "{farm} has confirmed its part of your order {number}.\n", mail=True),),
    ("order.updated", "ready"): (Message("buyer", "{farm}: order {number} is ready", "What you ordered from {farm} in order {number} is ready.\n\n{way}", mail=True),),
    ("order.updated", "out_for_delivery"): (Message("buyer", "{farm} is on its way with order {number}", "{farm} is on the way to you with its part of order {number}.\n", mail=True),),
    ("order.updated", "completed"): (Message("buyer", "{farm} has handed over its part of order {number}", "{farm} has handed over its part of your order {number}.\n", mail=False),),
    ("order.updated", "cancelled"): (
        Message("buyer", "Order {number}: the part of {farm} is cancelled", "The part of {farm} in order {number} has been cancelled; nothing is owed for it.{reason}\n", mail=True),
        Message("farm", "Order {number} for {farm} is cancelled", "Order {number} of {buyer} for {farm} has been cancelled; its stock is back on sale.{reason}\n", mail=True),
    ),
    ("order.updated", "expired"): (
        Message("buyer", "Order {number}: the part of {farm} has expired", "{farm} did not confirm its part of order {number} in time; nothing is owed for it.\n", mail=True),
        Message("farm", "Order {number} for {farm} has expired", "Order {number} of {buyer} for {farm} was not confirmed in time; its stock is back on sale.\n", mail=True),
    ),
    ("order.completed", ""): (Message("buyer", "Order {number} is complete", "All of order {number} has been handed over by {farms}.\n", mail=False),),
    ("order.cancelled", ""): (Message("buyer", "Order {number} is cancelled", "Your order {number} from {farms} has been cancelled; nothing is owed for it.{reason}\n", mail=True),),
    ("order.expired", ""): (Message("buyer", "Order {number} has expired", "Order {number} was not confirmed in time by {farms}; nothing is owed for it.\n", mail=True),),
    ("farm.member_joined", ""): (
        Message("owner", "{member} has joined {farm}", "{member} has accepted an invitation to {farm}, and works for it as {role} from now on.\n\n"
                "If you do not know them, ask the other owners, or take them out of the farm.\n", mail=True),
    ),
    ("farm.member_left", ""): (Message("owner", "{member} has left {farm}", "{member} has left {farm}, and can no longer act for it.\n", mail=True),),
    ("farm.member_closed", ""): (
        Message("owner", "A member of {farm} has closed their account", "Somebody who worked for {farm} as {role} has closed their account with the market, and can no longer act "
                "for it. Who it was is erased: the list of the farm's members shows who is left.\n", mail=True),
    ),
    ("farm.member_removed", ""): (
        Message("owner", "{member} no longer belongs to {farm}", "{member} was taken out of {farm}, by another owner or by the market's staff, and can no longer act for it.\n", mail=True),
        Message("member", "You no longer belong to {farm}", "You were taken out of {farm}, by one of its owners or by the market's staff, and can no longer act for it.\n\n"
                "If you think that this is a mistake, ask its owners.\n", mail=True),
    ),
    ("farm.member_changed", ""): (
        Message("member", "Your role in {farm} has changed", "Your role in {farm} has changed: you work for it as {role} from now on.\n\n"
                "If you think that this is a mistake, ask its owners.\n", mail=True),
    ),
}  # fmt: skip


def case_of(data: Mapping[str, Any]) -> str:
    """What tells the messages of an event of an order from others of its type; nothing, if nothing does."""
    return data.get("to", FOR_ANOTHER if data.get("placed_by") else "")


def kind(event: str, case: str = "") -> str:
    """The kind of a notice about an event, or about a step of a part."""
    return f"order.{case}" if event == "order.updated" else event


#: The event of a member of a farm who has another role.
MEMBER_CHANGED = "farm.member_changed"
#: The kinds of notices.
KINDS = tuple(sorted({kind(*told) for told in MESSAGES}))
#: The steps of a part that can end its order.
ENDS = frozenset({"completed", "cancelled", "expired"})


def is_told(whom: str, data: Mapping[str, Any]) -> bool:
    """Whether a party is told of an order's event: nobody is told of their own actions, nor the buyer of the step that
    ended the whole order, since the order's own event follows."""
    to = data.get("to")
    ended = whom == "buyer" and to in ENDS and data.get("order_status") == to
    return data.get("actor") != whom and not ended


def farm_of(own: str | None, data: Mapping[str, Any]) -> str | None:
    """The farm that a message is about: for a farm (``own``) its own, for the buyer that of the event; None if it is about the
    whole order."""
    return own or data.get("farm_id")


#: What stands in the texts above: the fulfilment of a part, what people wrote, where they did, and what is charged beside the lines, amounts that are estimates until pieces are weighed: of a
#: line, and of a total for the buyer and for the farm.
PIECES: dict[str, str] = {
    "delivery": "To be delivered to: {address}\n",
    "point": "To be picked up at: {name}, {address}\n",
    "pickup": "To be picked up.\n",
    "note": "Note: {text}\n",
    "fees": "Fees: {amount}",
    "discount": "Coupon: -{amount}",
    "tax": "Tax: {amount}",
    "tax_included": "Tax included: {amount}",
    "about": "about {amount}",
    "weighed": "about {amount}; the farm weighs it",
    "to_weigh": "about {amount}, until you have weighed it",
    "reason": " Reason: {text}",
}

#: Roles in a farm, as they stand in a sentence.
ROLES = {"owner": "an owner", "manager": "a manager", "packer": "a packer", "driver": "a driver"}
