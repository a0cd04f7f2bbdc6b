"""An order's body as it is asked for: what is wrong with it by itself, and the request that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import told
from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.kernel.quantities import MAX_TOTAL
from harvestd.market.carts.line_wishes import NO_WISH, wish
from harvestd.market.carts.selling import quantity_faults, terms
from harvestd.market.orders import buying, placing_actions
from harvestd.market.orders import delivery as ways
from harvestd.market.orders.buyers import Buyer, guest_faults
from harvestd.market.orders.order import MAX_NOTE
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.orders.placing_shapes import OrderBody, OrderLineIn, PlaceOrder
from harvestd.market.pricing.rules import code
from harvestd.web import sound
from harvestd.web import type_structure as structure
from harvestd.web.context import RequestContext
from harvestd.web.money import given_faults
from harvestd.web.translated import other

#: What a quote says already.
_QUOTED = ("lines", "fulfilment", "fulfilments", "coupon")


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in an order's fields that can be found without its products, cart or farms."""
    note = errors.faults(lambda: told("note", given.get("note", ""), MAX_NOTE))
    total = given_faults("expected_total", given, terms(request.parts.settings).currency, MAX_TOTAL)
    lines = sound.elements(given, "lines")
    coupon = code("coupon", given["coupon"]) if given.get("coupon") else None
    twice = [
        FieldError(name, "is what the quote says; leave it out", code="given-twice", params={"reason": "quote"})
        for name in (_QUOTED if given.get("quote_id") else ())
        if given.get(name)
    ]
    wrong = [coupon] if isinstance(coupon, FieldError) else []
    guest = guest_faults(sound.members(given, "guest"))
    return [
        *note,
        *total,
        *quantity_faults(lines).values(),
        *wish_faults(lines),
        *ways.faults(given),
        *wrong,
        *twice,
        *guest,
    ]


def wish_faults(lines: Mapping[int, Mapping[str, Any]]) -> list[FieldError]:
    """Faults in what is said of lines besides their quantities."""
    found = [wish(f"lines[{i}].", line) for i, line in lines.items()]
    return [fault for fault in found if isinstance(fault, FieldError)]


def guarded(request: RequestContext) -> list[str]:
    """The limits of a body with a coupon, so that nobody guesses codes."""
    return ["rate_coupon"] if request.body.coupon else []


def asked_for(request: RequestContext, body: OrderBody) -> placing_actions.Ordering:
    """The request of whoever asks what an order would be."""
    buyer = Buyer(user_id=request.caller.user_id if request.caller is not None else None)
    return _ordering(request, body, buyer, other(request), _faults(request, body))


async def placed_for(request: RequestContext, body: PlaceOrder) -> placing_actions.Ordering:
    """The request to place an order, with whose it is to be."""
    buyer, language, wrong = await buying.of(request, body, _faults(request, body))
    return _ordering(request, body, buyer, language, wrong)


def _faults(request: RequestContext, body: OrderBody) -> list[FieldError]:
    given = {
        field.encode_name: getattr(body, field.name)
        for field in structure.fields_of(type(body))
        if field.name != "lines"
    }
    quoted = isinstance(body, PlaceOrder) and body.quote_id is not None
    wrong = faults(request, {**given, **({"lines": body.lines} if quoted else {})})
    return wrong if quoted else [*wrong, *wish_faults(sound.elements({"lines": body.lines}, "lines"))]


def _ordering(
    request: RequestContext, body: OrderBody, buyer: Buyer, language: str, wrong: Sequence[FieldError]
) -> placing_actions.Ordering:
    """The request; its lines are validated later with the products, everything else is by now."""
    caller, expected = request.caller, body.expected_total
    runs = caller is not None and buyer.placed_by is None and may_everywhere(caller.role, Permission.CHANGE_PRODUCTS)
    return placing_actions.Ordering(
        buyer=buyer, holder=buying.holder_of(request),
        lines=None if body.lines is None else _wanted(body.lines),
        ways=[] if wrong else ways.asked(body), note="" if wrong else told("note", body.note, MAX_NOTE),
        expected_total=expected if expected is None or isinstance(expected, int) else expected.amount, wrong=wrong, language=language,
        coupon=body.coupon, quote_id=body.quote_id if isinstance(body, PlaceOrder) else None,
        staff=runs and request.user.has_scope(Permission.CHANGE_PRODUCTS),
    )  # fmt: skip


def _wanted(lines: Sequence[OrderLineIn]) -> list[Wanted]:
    """The lines of a body; a note that is none is refused elsewhere."""
    wishes = [wish("", {"substitution": line.substitution, "note": line.note}) for line in lines]
    return [
        Wanted(line.product_id, line.quantity, line.variant_id, NO_WISH if isinstance(one, FieldError) else one)
        for line, one in zip(lines, wishes, strict=True)
    ]
