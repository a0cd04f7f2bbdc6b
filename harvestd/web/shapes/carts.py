"""The cart."""

from __future__ import annotations

from harvestd.web.shapes.values import (
    In,
    Money,
    Named,
    Out,
    Quantity,
)


class PutItem(In, kw_only=True, frozen=True):
    """How much of the product the cart shall hold."""

    quantity: Quantity


class CartLine(Out, kw_only=True, frozen=True):
    """A product in the cart, at its price now."""

    product_id: str
    title: str
    quantity: str
    unit: str
    price: Money
    total: Money


class CartPart(Out, kw_only=True, frozen=True):
    """What comes from one farm."""

    farm: Named
    lines: list[CartLine]
    subtotal: Money


class CartWarning(Out, kw_only=True, frozen=True):
    """What moved since it was put in: ``price-changed``, ``short``, ``sold-out``, ``unavailable``, ``out-of-season``,
    ``quantity``."""

    product_id: str
    code: str
    message: str


class Cart(Out, kw_only=True, frozen=True):
    """A cart, priced now and grouped by farm."""

    parts: list[CartPart]
    total: Money
    warnings: list[CartWarning]
