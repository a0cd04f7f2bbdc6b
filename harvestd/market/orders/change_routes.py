"""Changes of an order's lines: amending it, shorts, weights, and what its buyer answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import UNSET, Struct

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept, told
from harvestd.kernel.permissions import FARMER, Permission, may_everywhere
from harvestd.kernel.quantities import MAX_TOTAL, not_negative, positive
from harvestd.kernel.units import Amount
from harvestd.market.accounts import audit
from harvestd.market.accounts import rows as accounts
from harvestd.market.carts.line_wishes import LineWish, wish
from harvestd.market.carts.selling import terms
from harvestd.market.farms.actions import no_farm
from harvestd.market.orders import amend_actions, answer_actions, line_actions, routes
from harvestd.market.orders.change_shapes import AnswerLine, ChangeOrder, LineChange, ShortLine, WeighLine
from harvestd.market.orders.edits import Edit
from harvestd.market.orders.order import MAX_REASON
from harvestd.market.orders.parties import Party
from harvestd.market.orders.placing_shapes import OrderKeyQuery
from harvestd.web import sound
from harvestd.web.context import RequestContext, Result
from harvestd.web.market_day import today
from harvestd.web.money import given_faults
from harvestd.web.shapes import Money
from harvestd.web.translated import other


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults of a change of an order that can be found without the order."""
    total = given_faults("expected_total", given, terms(request.parts.settings).currency, MAX_TOTAL)
    lines = sound.elements(given, "lines")
    return [
        *routes.reason_faults(request, given),
        *total,
        *(fault for i, line in lines.items() for fault in _line_faults(f"lines[{i}]", line)),
    ]


def short_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults of a short that can be found without its line."""
    found: list[Any] = [not_negative("quantity", given["quantity"])] if "quantity" in given else []
    instead = sound.members(given, "substitute")
    found += [positive("substitute.quantity", instead["quantity"])] if "quantity" in instead else []
    return [*routes.reason_faults(request, given), *(one for one in found if isinstance(one, FieldError))]


def weigh_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults of a weight that can be found without its line."""
    value = positive("quantity", given["quantity"]) if "quantity" in given else None
    return [value] if isinstance(value, FieldError) else []


def _line_faults(path: str, line: Mapping[str, Any]) -> Iterator[FieldError]:
    sent = {name: value for name, value in line.items() if value is not UNSET}
    said = wish(f"{path}.", sent)
    if isinstance(said, FieldError):
        yield said
    quantity = sent.get("quantity")
    added = "product_id" in sent
    if quantity is not None:
        value = (positive if added else not_negative)(f"{path}.quantity", quantity)
        if isinstance(value, FieldError):
            yield value


def _shape_faults(path: str, line: LineChange) -> Iterator[FieldError]:
    """What does not go together in a change of a line."""
    if line.product_id is UNSET and line.line_id is UNSET:
        message = "is missing: name a line of the order or, in product_id, what is added"
        yield FieldError(f"{path}.line_id", message, code="required", params={"reason": "line-or-product"})
    elif line.product_id is not UNSET and line.line_id is not UNSET:
        message = "goes without line_id: it names what is added"
        yield FieldError(f"{path}.product_id", message, code="not-accepted", params={"reason": "line-or-product"})
    elif line.line_id is not UNSET and line.variant_id is not None:
        message = "goes with product_id: a line stays of the same pack size"
        yield FieldError(f"{path}.variant_id", message, code="not-accepted", params={"reason": "with-product"})
    elif line.product_id is not UNSET and (line.quantity is UNSET or line.quantity is None):
        message = "is missing: say how much is added"
        yield FieldError(f"{path}.quantity", message, code="required", params={"reason": "added"})


async def amend(request: RequestContext, body: ChangeOrder, query: OrderKeyQuery) -> Result:
    """Add, change and take out lines of an order; whoever has its key is its buyer."""
    party, farms = await _asking(request, query, Permission.AMEND_ORDERS)
    rules = terms(request.parts.settings)
    wrong = [fault for i, line in enumerate(body.lines) for fault in _shape_faults(f"lines[{i}]", line)]
    if not body.lines and not body.cart:
        message = "is missing: say what becomes of which line, or cart, to add what is in it"
        wrong.append(FieldError("lines", message, code="required", params={"reason": "no-change"}))
    accept(*faults(request, _given(body)), *wrong)
    wanted = amend_actions.Amendment(
        edits=[_edit(f"lines[{i}]", line) for i, line in enumerate(body.lines)], of_cart=body.cart,
        expected_total=_amount(body.expected_total),
        reason=told("reason", body.reason, MAX_REASON), language=other(request), check=request.check_version,
        staff_sight=_may(request, party, Permission.CHANGE_PRODUCTS), for_others=_may(request, party, Permission.ORDER_FOR_OTHERS),
    )  # fmt: skip
    raised = await amend_actions.amend_order(request.work, party, request.id("id"), wanted, rules, today(request))
    answer = await routes.stepped(request, farms, party.key_to)
    if raised is not None:
        before, after = {"total": raised.before}, {"total": raised.after}
        about = f"order:{request.id('id')}"
        await audit.note(request, request.work, "order.changed_for_another", raised.buyer_id, about, before, after)
    return answer


def _may(request: RequestContext, party: Party, permission: Permission) -> bool:
    """Whether the caller has a permission for everybody's, by their role and by what their key is for; whoever comes with an order's key is nobody."""
    if party.key_to is not None:
        return False
    return may_everywhere(request.user.role, permission) and request.user.has_scope(permission)


async def _asking(
    request: RequestContext, query: OrderKeyQuery, permission: Permission
) -> tuple[Party, list[accounts.Membership]]:
    """Who asks: whoever has the order's key, or the caller, and their farms."""
    key_to = await routes.key_of(request, query.token)
    if key_to is not None:
        return Party(None, key_to=key_to), []
    farms = await routes.farms_of(request)
    return routes.party_of(request, farms, permission), farms


def _given(body: Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def _edit(path: str, line: LineChange) -> Edit:
    said = wish(f"{path}.", {"note": line.note} if line.note is not UNSET else {})
    assert isinstance(said, LineWish), "its faults are found before"
    quantity = None if line.quantity is UNSET else line.quantity or Decimal(0)
    return Edit(
        path=path, line_id=None if line.line_id is UNSET else line.line_id, product_id="" if line.product_id is UNSET else line.product_id,
        variant_id=line.variant_id, quantity=quantity,
        substitution=None if line.substitution is UNSET else line.substitution, note=None if line.note is UNSET else said.note,
    )  # fmt: skip


async def short(request: RequestContext, body: ShortLine) -> Result:
    """Note how much of a line is short, and what comes in its place."""
    farms = await _farms_of_farmer(request)
    accept(*short_faults(request, _given(body)))
    one = body.substitute
    said = line_actions.Short(
        quantity=body.quantity, substitute=None if one is None else (one.product_id, one.variant_id, one.quantity),
        reason=told("reason", body.reason, MAX_REASON),
    )  # fmt: skip
    party, (order_id, farm_id, line_id) = routes.party_of(request, farms, Permission.FULFIL_ORDERS), _place(request)
    rules = terms(request.parts.settings)
    await line_actions.short(request.work, party, order_id, farm_id, line_id, said, rules, today(request))
    return await routes.stepped(request, farms)


async def weigh(request: RequestContext, body: WeighLine) -> Result:
    """Note what a line weighs."""
    farms = await _farms_of_farmer(request)
    accept(*weigh_faults(request, _given(body)))
    party, (order_id, farm_id, line_id) = routes.party_of(request, farms, Permission.FULFIL_ORDERS), _place(request)
    weights = {line_id: Amount(body.quantity, body.unit)}
    await line_actions.weigh(request.work, party, order_id, farm_id, weights, terms(request.parts.settings))
    return await routes.stepped(request, farms)


async def answer(request: RequestContext, body: AnswerLine, query: OrderKeyQuery) -> Result:
    """Settle what the caller is asked about a line, or a guest who has the order's key."""
    party, farms = await _asking(request, query, Permission.PLACE_ORDERS)
    line_id, rules = request.id("line_id"), terms(request.parts.settings)
    accept(*answer_faults(request, _given(body)))
    given = answer_actions.Given(
        yes=body.accept, expected_total=_amount(body.expected_total), named=request.if_match is not None, check=request.check_version
    )  # fmt: skip
    await answer_actions.answer(request.work, party, request.id("id"), line_id, given, rules)
    return await routes.stepped(request, farms, party.key_to)


def answer_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults of an answer that can be found without its line."""
    return given_faults("expected_total", given, terms(request.parts.settings).currency, MAX_TOTAL)


def _amount(given: Money | int | None) -> int | None:
    """An amount of money, as it may be given, in minor units."""
    return given if given is None or isinstance(given, int) else given.amount


def _place(request: RequestContext) -> tuple[str, str, str]:
    return request.id("id"), request.path["farm_id"], request.id("line_id")


async def _farms_of_farmer(request: RequestContext) -> list[Any]:
    farms = await routes.farms_of(request)
    if not farms and request.user.role == FARMER:
        raise no_farm()
    return farms
