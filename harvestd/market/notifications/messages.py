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
#: An order that somebody has placed, or changed, for its buyer.
FOR_ANOTHER = "for_another"
#: A market day that closes because it is full, and one with orders of the farm that is told.
FULL, WITH_ORDERS = "full", "with_orders"

#: What a buyer is told of a line that is short, whether they were asked about anything before or not.
_SHORT = (
    Message("buyer", "Order {number}: {farm} is short", "{farm} does not have all that you ordered in order {number}.{reason}\n\n{changes}\n\n{no_longer}\n\nTotal: {total}\n", mail=True),
    Message("farm", "Order {number} for {farm} has changed", "Order {number} of {buyer} for {farm} has been changed.{reason}\n\n{changes}\n\n{moot}\n\nTotal: {subtotal}\n", mail=True),
)  # fmt: skip

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
    ("order.amended", ""): (
        Message("buyer", "Order {number} has changed", "Your order {number} has been changed.{reason}\n\n{changes}\n\n{no_longer}\n\nTotal: {total}\n", mail=True),
        Message("farm", "Order {number} for {farm} has changed", "Order {number} of {buyer} for {farm} has been changed.{reason}\n\n{changes}\n\n{moot}\n\nTotal: {subtotal}\n", mail=True),
    ),
    ("order.amended", FOR_ANOTHER): (
        Message("buyer", "Order {number} was changed for you", "The market's staff has changed your order {number} for you.{reason}\n\n{changes}\n\n{no_longer}\n\nTotal: {total}\n\n"
                "If you did not ask for it, tell the market.\n", mail=True),
        Message("farm", "Order {number} for {farm} has changed", "Order {number} of {buyer} for {farm} has been changed.{reason}\n\n{changes}\n\n{moot}\n\nTotal: {subtotal}\n", mail=True),
    ),
    ("order.amended", "asked"): (
        Message("buyer", "Order {number}: {farm} asks whether you want more", "{farm} would add to your order {number}.{reason}\n\n{offer}\n\nPlease say in the order whether you want it, until {until}. "
                "Without an answer nothing is added.\n\n{changes}\n\n{no_longer}\n\nTotal without it: {total}\nTotal with it: {asked_total}\n", mail=True),
        Message("farm", "Order {number} for {farm} has changed", "Order {number} of {buyer} for {farm} has been changed.{reason}\n\n{changes}\n\n{moot}\n\nTotal: {subtotal}\n", mail=True),
    ),
    ("order.amended", "withdrawn"): (
        Message("buyer", "Order {number}: {farm} no longer asks", "{farm} no longer asks whether you want more in order {number}.{reason}\n\n{questions}\n\nTotal: {total}\n", mail=True),
    ),
    ("order.amended", "accepted"): (Message("farm", "Order {number} for {farm}: the buyer says yes", "{buyer} accepts what you asked about in order {number}:\n\n{changes}\n\nTotal: {subtotal}\n", mail=True),),
    ("order.amended", "declined"): (Message("farm", "Order {number} for {farm}: the buyer says no", "{buyer} does not want what you asked about in order {number}:\n\n{questions}\n\nTotal: {subtotal}\n", mail=True),),
    ("order.amended", "unanswered"): (
        Message("buyer", "Order {number}: you have not answered", "You have not answered until {until} what {farm} asked about in order {number}; without an answer it is a no:\n\n{questions}\n\nTotal: {total}\n", mail=False),
        Message("farm", "Order {number} for {farm}: no answer has come", "{buyer} has not answered until {until} what you asked about in order {number}; without an answer it is a no:\n\n{questions}\n\nTotal: {subtotal}\n", mail=True),
    ),
    ("order.amended", "left"): (
        Message("buyer", "Order {number}: {farm} no longer waits for your answer", "{farm} has sent off or handed over its part of order {number} before you answered; without an answer it is a no:\n\n{questions}\n\nTotal: {total}\n", mail=True),
        Message("farm", "Order {number} for {farm}: no answer has come", "The part of {farm} in order {number} was sent off or handed over before {buyer} answered what you asked about; without an answer it is a no:\n\n{questions}\n\n"
                "Total: {subtotal}\n", mail=False),
    ),
    ("order.line_short", ""): _SHORT,
    ("order.line_short", "withdrawn"): _SHORT,
    ("order.line_short", "asked"): (
        Message("buyer", "Order {number}: {farm} is short, and asks you", "{farm} does not have all that you ordered in order {number}.{reason}\n\n{changes}\n\nIn its place you can have:\n\n{offer}\n\n"
                "Please say in the order whether you want it, until {until}. Without an answer nothing comes in its place.\n\n{no_longer}\n\nTotal without it: {total}\nTotal with it: {asked_total}\n", mail=True),
    ),
    ("order.line_weighed", ""): (Message("buyer", "Order {number} is weighed", "{farm} has weighed what you ordered in order {number}:\n\n{changes}\n\nTotal: {total}\n", mail=False),),
    ("order.line_weighed", "withdrawn"): (
        Message("buyer", "Order {number}: you need not answer", "{farm} has weighed again what you ordered in order {number}, and no longer asks you about it:\n\n{questions}\n\nWhat it comes to now:\n\n{changes}\n\nTotal: {total}\n", mail=True),
    ),
    ("order.line_weighed", "asked"): (
        Message("buyer", "Order {number}: something weighs more than agreed", "{farm} has weighed what you ordered in order {number}, and it weighs more than was agreed on:\n\n{heavy}\n\n"
                "Please say in the order whether you want all of it, until {until}. Without an answer you pay no more than was agreed on.\n\n{no_longer}\n\nTotal without more: {total}\nTotal with all of it: {asked_total}\n", mail=True),
    ),
    ("order.moved", ""): (
        Message("buyer", "Order {number}: another time or place", "When or where you get what you ordered in order {number} has changed.\n\nNow:\n{after}\nBefore:\n{before}\n"
                "If that does not suit you, cancel the order while that is possible, or tell the market.\n", mail=True),
    ),
    ("order.completed", ""): (Message("buyer", "Order {number} is complete", "All of order {number} has been handed over by {farms}.\n", mail=False),),
    ("order.cancelled", ""): (Message("buyer", "Order {number} is cancelled", "Your order {number} from {farms} has been cancelled; nothing is owed for it.{reason}\n", mail=True),),
    ("order.expired", ""): (Message("buyer", "Order {number} has expired", "Order {number} was not confirmed in time by {farms}; nothing is owed for it.\n", mail=True),),
    ("market_day.closing_soon", ""): (
        Message("buyer", "{day} closes soon", "{day} takes orders until {until}. This is still in your cart, and not ordered:\n\n{goods}\n\nOrder it in time if you want it.\n", mail=True),
    ),
    ("market_day.closed", ""): (
        Message("farm", "{day} is closed: what to pick for {farm}", "{day} takes no more orders. Orders for {farm}: {orders}\n\nTo pick:\n\n{goods}\n", mail=True),
    ),
    ("market_day.closed", FULL): (
        Message("farm", "{day} is full: what to pick for {farm}", "{day} has no place left. If one comes back before {until}, it opens again; you get the list anew when it is closed for good.\n\n"
                "Orders for {farm}: {orders}\n\nTo pick:\n\n{goods}\n", mail=True),
    ),
    ("market_day.cancelled", ""): (Message("farm", "{day} is cancelled", "{day} has been cancelled.{reason}\n\nNothing is ordered of {farm} for that day.\n", mail=True),),
    ("market_day.cancelled", WITH_ORDERS): (
        Message("farm", "{day} is cancelled", "{day} has been cancelled.{reason}\n\nWhat was ordered of {farm} for that day is cancelled, too, and its stock is back on sale. The buyers are told.\n", mail=True),
    ),
    ("market_day.changed", ""): (
        Message("farm", "{day}: another time or place", "Orders of {farm} for {day} are handed over at another time or place:\n\n{windows}\n\nTheir buyers are told. Orders: {orders}\n", mail=True),
    ),
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
    """What tells the messages of an event of an order from others of its type: the step of a part, how what was asked has ended, that a buyer is asked, or that it was
    placed or changed for somebody else; nothing, if nothing does."""
    outcome, by = data.get("outcome"), data.get("by")
    if outcome == "declined" and by != "buyer":
        return "unanswered" if by == "clock" else "left"
    asked = "asked" if data.get("answer_by") else FOR_ANOTHER if data.get("placed_by") or data.get("for_buyer") else ""
    return str(data.get("to") or outcome or asked)


def kind(event: str, case: str = "") -> str:
    """The kind of a notice about an event, or about a step of a part."""
    return f"order.{case}" if event == "order.updated" else event


#: The event of a member of a farm who has another role.
MEMBER_CHANGED = "farm.member_changed"
#: The kinds of notices.
KINDS = tuple(sorted({kind(*told) for told in MESSAGES}))
#: The steps of a part that can end its order.
ENDS = frozenset({"completed", "cancelled", "expired"})


def is_told(whom: str, data: Mapping[str, Any], farm_id: str | None = None) -> bool:
    """Whether a party is told of an order's event: nobody is told of their own actions (of a change of lines, the farms that made it), nor the buyer of the step that
    ended the whole order, since the order's own event follows; and of several events of one change, only of the last. Of a change of its lines, a farm is
    told if they are its own."""
    to = data.get("to")
    if whom == "farm" and data.get("market_day_id"):
        return False  # that the day is cancelled, a farm is told once, whatever was ordered for it
    ended = whom == "buyer" and to in ENDS and data.get("order_status") == to
    if (to is not None and data.get("from") == to) or data.get("last") is False:
        return False
    if whom == "farm" and "lines" in data:
        own = {line["farm_id"] for line in data["lines"]} | {data.get("farm_id")}
        return farm_id in own and farm_id not in data["farms"]
    return data.get("actor", data.get("by")) != whom and not ended


def farm_of(own: str | None, data: Mapping[str, Any]) -> str | None:
    """The farm that a message is about: for a farm (``own``) its own, for the buyer that of the event; None if it is about the
    whole order."""
    return own or data.get("farm_id")


#: What stands in the texts above: the fulfilment of a part, what people wrote, where they did, and what is charged beside the lines, amounts that are estimates until pieces are weighed: of a
#: line, and of a total for the buyer and for the farm; what pieces come to that weigh more than was agreed on; and what a buyer
#: is asked about no more, to them and to the farm.
PIECES: dict[str, str] = {
    "delivery": "To be delivered to: {address}\n",
    "point": "To be picked up at: {name}, {address}\n",
    "pickup": "To be picked up.\n",
    "window": "Between {start} and {end}\n",
    "day_window": "{day}, between {start} and {end}\n",
    "from_to": "between {start} and {end}",
    "called_off": " {day} is cancelled.",
    "note": "Note: {text}\n",
    "fee": "{name}: {amount}",
    "fees": "Fees: {amount}",
    "coupon": "Coupon {name}: -{amount}",
    "discount": "Coupon: -{amount}",
    "tax": "Tax: {amount}",
    "tax_included": "Tax included: {amount}",
    "about": "about {amount}",
    "weighed": "about {amount}; the farm weighs it",
    "instead": "{amount} instead of {agreed}",
    "to_weigh": "about {amount}, until you have weighed it",
    "reason": " Reason: {text}",
    "no_longer": "You need no longer answer about:\n{lines}",
    "moot": "The buyer is no longer asked about:\n{lines}",
}

#: Roles in a farm, as they stand in a sentence.
ROLES = {"owner": "an owner", "manager": "a manager", "packer": "a packer", "driver": "a driver"}
