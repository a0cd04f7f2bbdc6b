"""What can be wrong with a field or stand against an order, in one table: a fixed word for programs, what it means, and the names
of its parameters.

A shop words a code in its own language from ``params``. These are values as the contract has them elsewhere (numbers as decimals,
amounts of money in minor units beside ``currency``, days as ``MM-DD`` or ``YYYY-MM-DD``), or names that people gave (``title`` of a
product, ``farm``), never words. ``reason`` is a fixed word again, for one of several cases of a code.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Code:
    """``params`` are always there, ``more`` where they mean something."""

    meaning: str
    params: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


CODES: dict[str, Code] = {
    # Of any field.
    "required": Code("It is missing, or empty.", (), ("reason", "expected", "farms")),
    "not-accepted": Code("It is not taken here, or not together with what else is given.", (), ("reason", "meant")),
    "given-twice": Code("It is given already, in this request or at this farm.", (), ("reason",)),
    "wrong-type": Code("It is not the type of JSON value that is expected.", ("expected",)),
    "wrong-form": Code("It is text of another form than the one that the contract documents.", (), ("reason", "example")),
    "not-one-of": Code("It is none of the values that are possible (now), which `allowed` has, separated by commas.", ("allowed",), ("reason",)),
    "not-found": Code("It names something that is not there, or not part of this.", (), ("reason", "value", "farm")),
    "taken": Code("Somebody else has it already, and it must be unique."),
    # Of numbers.
    "not-a-number": Code("It is no number, no whole number where one is needed, or has far too many digits.", (), ("example", "minimum", "maximum")),
    "below-minimum": Code(
        "It is less than the least that is possible; with `farm_id`, the lines of that farm come to less than it takes orders of.",
        ("minimum",), ("farm_id", "currency", "unit", "farm"),
    ),
    "above-maximum": Code("It is more than the most that is possible.", ("maximum",)),
    "off-step": Code("It is no multiple of the step.", ("step",), ("unit",)),
    # Of texts and lists.
    "too-short": Code("It has fewer characters, or elements, than the least.", ("minimum",)),
    "too-long": Code("It has more characters, or elements, than the most.", ("maximum",)),
    "not-visible": Code("It has no character that can be seen."),
    "control-character": Code("It has a control character in it."),
    "common-password": Code("It is a password that attackers try first, or nearly."),
    # Of one form each.
    "not-a-date": Code("It is no day, or time, of the documented form.", (), ("example",)),
    "not-a-phone-number": Code("It is no telephone number."),
    "not-a-position": Code("It is no latitude and longitude in degrees.", (), ("minimum", "maximum")),
    "not-a-slug": Code("It is not words of a to z and digits joined by hyphens, or it looks like an id."),
    "not-a-username": Code("It is not 3 to 40 letters of A to Z, digits, dots, hyphens or underscores."),
    "not-an-email": Code("It is no e-mail address that mail can be sent to."),
    "not-an-id": Code("It is no UUID."),
    "bad-cursor": Code("It is not the `next` of a page of this list."),
    # Of things that belong together.
    "before-start": Code("It ends before it begins."),
    "below-itself": Code("A category cannot be below itself."),
    "other-currency": Code("The market trades in another currency.", ("currency",)),
    # Of products and orders.
    "below-reserved": Code("Placed orders hold more than would be left; what they hold is `reserved`.", ("reserved",)),
    "not-for-sale": Code("The product cannot be ordered; `reason` is `nobody-there` where its farm has nobody.", (), ("reason", "title", "farm")),
    "out-of-season": Code("The product is out of season.", ("from", "to"), ("title",)),
    "out-of-stock": Code("Less is left than was asked for.", ("available", "unit"), ("title",)),
    "changed": Code(
        "It is not what the buyer agreed to; `what` is the code of the cart's warning of it.",
        ("before", "after"), ("currency", "unit", "product_id", "what", "title"),
    ),
    # Of carts (warnings) alone.
    "price-changed": Code("The product's price is another one than when it was put in.", ("before", "after", "currency"), ("title",)),
    "price-per-changed": Code(
        "The product's price is for another quantity than when it was put in; `unit` is the present one.",
        ("before", "after", "unit"), ("title",),
    ),
    "unit-changed": Code("The product is sold in another unit than when it was put in.", ("before", "after"), ("title",)),
    "step-changed": Code(
        "The product is sold in other steps than when it was put in; `unit` is the present one.",
        ("before", "after", "unit"), ("title",),
    ),
    "minimum-changed": Code("The product's least quantity is another one than when it was put in.", ("before", "after", "unit"), ("title",)),
    "unavailable": Code("The product is no longer for sale.", (), ("title",)),
    "sold-out": Code("Nothing of the product is left.", ("available", "unit"), ("title",)),
    "short": Code("Less of the product is left than the cart holds.", ("available", "unit"), ("title",)),
    "quantity": Code(
        "The product cannot be ordered in this quantity; `reason` is the code of what is wrong with it, whose parameters are here, too.",
        ("reason",), ("minimum", "maximum", "step", "unit", "title"),
    ),
    "too-many-lines": Code("The cart has more products than an order may.", ("maximum", "count")),
    "order-minimum": Code(
        "What is in the cart of a farm comes to less than it takes orders of.",
        ("farm_id", "minimum", "missing", "currency"), ("farm",),
    ),
}  # fmt: skip
