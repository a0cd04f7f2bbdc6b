"""Pricing: what is charged beside the price of goods, and what is taken off: fees, taxes, coupons."""

from __future__ import annotations

from typing import Any

import msgspec

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.market.pricing import actions, routes, shapes
from harvestd.market.pricing.actions import Kind
from harvestd.market.subject import Subject
from harvestd.web.context import CountedPage
from harvestd.web.routes import Mode, Route, Section

_PRICING = Section("pricing", "Fees, taxes and coupons: what is charged beside goods, and what is taken off.", shapes.WORDS)  # fmt: skip
#: Who sees them, and who changes them.
_PRICE = Permission.SEE_PRICING, Permission.CHANGE_PRICING
_TAX = Permission.SEE_TAXES, Permission.CHANGE_TAXES
_GONE = (errors.NotFound,)
_PLACED = "Orders keep the rules by which they were billed when they were placed."


def _rows(
    kind: Kind[Any], path: str, named: str, words: str, rights: tuple[Permission, Permission], listed: Any, query: Any, of: tuple[type[msgspec.Struct], ...],
    description: str = "", taken: tuple[type[Exception], ...] = (), guarded: Any = None,
) -> tuple[Route, ...]:  # fmt: skip
    """The five routes of a kind: ``of`` are its shapes as it is shown, made and changed."""
    answer, new, change = of
    return (
        Route(method="GET", path=path, operation=f"list{named}s", handler=listed, permission=rights[0], mode=Mode.FRESH, section=_PRICING,
              summary=f"{words}s, newest first", query=query, answer=CountedPage[answer], limit="rate_read"),  # type: ignore[valid-type]
        Route(method="POST", path=path, operation=f"create{named}", handler=routes.create(kind), permission=rights[1], mode=Mode.WRITE, section=_PRICING,
              summary=f"Make a {words.lower()}", body=new, rules=routes.faults, answer=answer, status=201, key="optional", errors=taken, description=description, guarded=guarded),
        Route(method="GET", path=f"{path}/{{id}}", operation=f"get{named}", handler=routes.see(kind), permission=rights[0], mode=Mode.FRESH, section=_PRICING,
              summary=f"A {words.lower()}", answer=answer, limit="rate_read", errors=_GONE),
        Route(method="PATCH", path=f"{path}/{{id}}", operation=f"change{named}", handler=routes.change(kind), permission=rights[1], mode=Mode.WRITE, section=_PRICING,
              summary=f"Change a {words.lower()}", body=change, rules=routes.faults, answer=answer, may_match=True, errors=(*_GONE, *taken), description=_PLACED, guarded=guarded),
        Route(method="DELETE", path=f"{path}/{{id}}", operation=f"delete{named}", handler=routes.delete(kind), permission=rights[1], mode=Mode.WRITE, section=_PRICING,
              summary=f"Delete a {words.lower()}", status=204, may_match=True, errors=_GONE, description=_PLACED),
    )  # fmt: skip


SUBJECT = Subject(
    name="pricing",
    routes=(
        *_rows(actions.FEE, "/api/fees", "Fee", "Fee", _PRICE, routes.list_fees, shapes.ChargesQuery, (shapes.Fee, shapes.NewFee, shapes.ChangeFee),
               "It is charged from the next order on. What farms say in `delivery` of their own areas is charged without a fee here."),
        *_rows(actions.TAX_RATE, "/api/tax-rates", "TaxRate", "Tax rate", _TAX, routes.list_rates, shapes.RatesQuery, (shapes.TaxRate, shapes.NewTaxRate, shapes.ChangeTaxRate),
               "A product has the rate of its category, else of the nearest one above it that has one, else the one without a category, else none. Of two for the same the one that began last counts."),
        *_rows(actions.COUPON, "/api/coupons", "Coupon", "Coupon", _PRICE, routes.list_coupons, shapes.ChargesQuery, (shapes.Coupon, shapes.NewCoupon, shapes.ChangeCoupon),
               "Buyers give its code with an order; no list shows it to them. A code is one coupon's in the whole market; whoever does not see all coupons tries codes as often as with orders.", (errors.AlreadyTaken,), routes.guarded),
    ),
)  # fmt: skip
