"""The table of error codes of fields and orders: a fixed word for programs, its meaning, and the names of its parameters.

A client words a code in its own language from ``params``. These are values in the contract's formats (numbers as decimals,
amounts of money in minor units beside ``currency``, days as ``MM-DD`` or ``YYYY-MM-DD``), or names given by people (``title`` of a
product, ``farm``), never wording. ``reason`` is a fixed word, too, for one of several cases of a code.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Code:
    """``params`` are always present, ``more`` only where they apply."""

    meaning: str
    params: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


CODES: dict[str, Code] = {
    # Any field.
    "required": Code("It is missing, or empty.", (), ("reason", "expected", "farms")),
    "not-accepted": Code("It is not accepted here, or not together with the other values.", (), ("reason", "meant", "possible", "available", "unit", "value", "farm")),
    "given-twice": Code("It is given already, in this request or at this farm.", (), ("reason", "value")),
    "wrong-type": Code("It is not of the type of JSON value that is expected.", ("expected",), ("reason",)),
    "wrong-form": Code("It is text, but not in the documented form.", (), ("reason", "example")),
    "not-one-of": Code("It is not one of the values that are possible (now); `allowed` lists these, separated by commas.", ("allowed",), ("reason",)),
    "not-found": Code("It names something that does not exist, or does not belong here.", (), ("reason", "value", "farm", "list")),
    "expired": Code("It was good once, or until a time that has passed.", (), ("reason", "farm", "value")),
    "failed": Code("The work came to an end by an error of the server."),
    "taken": Code("Somebody else has it already, and it must be unique.", (), ("reason",)),
    # Numbers.
    "not-a-number": Code("It is not a number, not a whole number where one is needed, or has far too many digits.", (), ("reason", "example", "minimum", "maximum")),
    "below-minimum": Code(
        "It is less than the minimum; with `farm_id`, the lines of that farm come to less than its minimum order.",
        ("minimum",), ("reason", "farm_id", "currency", "unit", "farm", "missing", "available", "product_id", "variant_id", "title"),
    ),
    "above-maximum": Code("It is more than the maximum; with `after`, it would come to that.", ("maximum",), ("product_id", "variant_id", "title", "currency", "reason", "unit", "after", "percent")),
    "off-step": Code("It is not a multiple of the step.", ("step",), ("unit", "product_id", "variant_id", "title")),
    # Texts and lists.
    "too-short": Code("It has fewer characters, or elements, than the minimum; `reason` is `elements` for a list.", ("minimum",), ("reason",)),
    "too-long": Code("It has more characters, or elements, than the maximum; `reason` is `elements` for a list.", ("maximum",), ("reason",)),
    "not-visible": Code("It has no visible character."),
    "control-character": Code("It contains a control character."),
    "common-password": Code("It is among the passwords that attackers try first, or close to one."),
    # Formats.
    "not-a-date": Code("It is not a day, or a time, in the documented form.", (), ("reason", "example")),
    "not-a-phone-number": Code("It is not a telephone number."),
    "not-a-position": Code("It is not a latitude and longitude in degrees.", (), ("minimum", "maximum")),
    "not-a-slug": Code("It is not made of words of a to z and digits joined by hyphens, or it looks like an id."),
    "not-a-username": Code("It is not 3 to 40 letters of A to Z, digits, dots, hyphens or underscores."),
    "not-an-email": Code("It is not an e-mail address that mail can be sent to."),
    "not-an-id": Code("It is not a UUID; `list` names the request that answers those that there are.", (), ("list",)),
    "bad-cursor": Code("It is not the `next` of a page of this list."),
    # Files.
    "too-many-pixels": Code("The picture has more pixels than the maximum.", ("maximum",)),
    "damaged": Code("The file is damaged, or not whole."),
    # Related fields.
    "before-start": Code("It ends before it begins."),
    "below-itself": Code("A category cannot be below itself."),
    "too-deep": Code("More categories than the maximum would be one below the other.", ("maximum",)),
    "other-currency": Code("The market trades in another currency.", ("currency",)),
    # Products and orders.
    "below-reserved": Code("Placed orders have reserved more than would be left; `reserved` says how much.", ("reserved",), ("reason", "unit")),
    "not-for-sale": Code("The product cannot be ordered; `reason` is `nobody-there` where its farm has nobody to take orders, `own-farm` where it is the buyer's own.", (), ("reason", "product_id", "variant_id", "title", "farm")),
    "farm-away": Code("Its farm is away, and sells nothing until the day after `until`.", ("until",), ("product_id", "variant_id", "title", "farm")),
    "past-use-by": Code("It may not be eaten after `until`, which is over, so it is not sold.", ("until",), ("product_id", "variant_id", "title")),
    "out-of-season": Code("The product is out of season.", ("from", "to"), ("product_id", "variant_id", "title")),
    "out-of-stock": Code(
        "Less is left than was requested; `reason` is `together` where there is enough for the line, and not for all lines of the product.",
        ("available", "unit"), ("product_id", "variant_id", "title", "reason"),
    ),
    "has-orders": Code("Orders stand on it, or quotes that are held (`holds`, for `minutes` at most), so it stays as it is; `orders` says how many orders.", ("orders",), ("farm", "holds", "minutes", "reason")),
    "window-full": Code("The window has less left than the order takes; `next` is the id of the next that takes as much, which begins at `from` (`zone` is the market's). Quotes that are held have some of it, for `minutes` at most.", (), ("next", "from", "zone", "minutes")),
    "changed": Code(
        "It is not what the buyer agreed to; `what` is the code of the cart's warning of it.",
        ("before", "after"), ("currency", "unit", "unit_before", "per_before", "per_after", "product_id", "variant_id", "what", "title"),
    ),
    # Carts (warnings) only.
    "price-changed": Code(
        "The price of the product has changed since it was put in: it was `before` for `per_before` of `unit_before`, and is `after` for "
        "`per_after` of `unit`.",
        ("before", "after", "currency", "per_before", "per_after", "unit_before", "unit"), ("title",),
    ),
    "unit-changed": Code(
        "The unit of the product has changed since it was put in; it cannot be ordered until its quantity is set anew.",
        ("before", "after"), ("title",),
    ),
    "step-changed": Code(
        "The step of the product's quantities has changed since it was put in: `before` of `unit_before`, now `after` of `unit`.",
        ("before", "after", "unit_before", "unit"), ("title",),
    ),
    "minimum-changed": Code(
        "The minimum quantity of the product has changed since it was put in: `before` of `unit_before`, now `after` of `unit`.",
        ("before", "after", "unit_before", "unit"), ("title",),
    ),
    "weight-changed": Code(
        "The estimated weight of a piece has changed since it was put in: `before` of `unit_before`, now `after` of `unit`.",
        ("before", "after", "unit_before", "unit"), ("title",),
    ),
    "content-changed": Code(
        "What is in a pack has changed since it was put in: `before` of `unit_before`, now `after` of `unit`; it cannot be ordered until its quantity is set anew.",
        ("before", "after", "unit_before", "unit"), ("title",),
    ),
    "unavailable": Code("The product is no longer for sale.", (), ("title",)),
    "sold-out": Code("The product is sold out.", ("available", "unit"), ("title",)),
    "short": Code(
        "Less of the product is left than the cart holds; `reason` is `together` where there is enough for the line, and not for all lines of the product.",
        ("available", "unit"), ("title", "reason"),
    ),
    "quantity": Code(
        "The product cannot be ordered in this quantity; `reason` is the code of what is wrong with it, and the parameters of that code are here, too.",
        ("reason",), ("minimum", "maximum", "step", "unit", "title"),
    ),
    "merged": Code(
        "The cart had `before` of the product; since its buyer has signed in with one that had more, it has `after`, which is as much of that as there is.",
        ("before", "after", "unit"), ("title",),
    ),
    "too-many-lines": Code("The cart has more products than an order may have.", ("maximum", "count")),
    "too-much": Code("The cart comes to more than an order can.", ("maximum", "currency")),
    "order-minimum": Code(
        "What the cart has from a farm comes to less than its minimum order.",
        ("farm_id", "minimum", "missing", "currency"), ("farm",),
    ),
}  # fmt: skip
