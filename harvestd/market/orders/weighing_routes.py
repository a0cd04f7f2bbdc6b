"""Weighing many lines at once, of any number of a farm's orders: a result for each, and one change for each order."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import msgspec
from msgspec import UNSET

from harvestd.kernel import languages
from harvestd.kernel.errors import FieldError, Invalid, MarketError, NotFound
from harvestd.kernel.names import accept
from harvestd.kernel.permissions import Permission
from harvestd.kernel.units import Amount
from harvestd.market.carts.selling import Terms, terms
from harvestd.market.farms import rows as farms
from harvestd.market.farms.actions import refusal
from harvestd.market.orders import change_rows, line_actions, routes
from harvestd.market.orders.change_shapes import (
    WeighingError,
    WeighingIn,
    WeighingResult,
    WeighingResults,
    Weighings,
)
from harvestd.market.orders.parties import Party
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import idempotency, sound
from harvestd.web.context import RequestContext, Result

_NOT_THERE = FieldError("line_id", "is no line of an order of this farm", code="not-found", params={"reason": "line"})

_OTHER_DAY = FieldError(
    "line_id", "is of no order for this market day; leave market_day_id out, or weigh it apart", code="not-found", params={"reason": "line-of-day"}
)  # fmt: skip


@attrs.frozen
class _Row:
    index: int
    line_id: str
    scale: Amount


async def weigh(request: RequestContext, body: Weighings) -> Result:
    """Note what lines weigh: those of an order in one transaction, each with its own result."""
    farm = await farms.find(request.reader, request.path["id"])
    members = await routes.farms_of(request)
    party = routes.party_of(request, members, Permission.FULFIL_ORDERS)
    if farm is None or not (party.staff or farm.id in party.farms):
        raise await refusal(request.reader, request.user, NotFound("there is no such farm"))
    rows, results = _read(request, list(body.weighings))
    places = await change_rows.places(request.reader, [row.line_id for row in rows])
    orders: dict[str, list[_Row]] = {}
    for row in rows:
        place = places.get(row.line_id)
        if place is None or place.farm_id != farm.id:
            results.append(_result(request, row, None, (_NOT_THERE,)))
        elif body.market_day_id not in (None, place.market_day_id):
            results.append(_result(request, row, place.order_id, (_OTHER_DAY,)))
        else:
            orders.setdefault(place.order_id, []).append(row)
    replayed = bool(orders)
    for number, (order_id, own) in enumerate(orders.items()):
        work = partial(_of_order, request, party, farm.id, order_id, own, terms(request.parts.settings))
        answer, again = await idempotency.part(request.parts, request.key, number, request.now, work)
        results += msgspec.json.decode(answer, type=list[WeighingResult])
        replayed = replayed and again
    headers = (("Idempotent-Replayed", "true"),) if replayed else ()
    return Result(WeighingResults(results=sorted(results, key=lambda one: one.index)), headers=headers)


def _read(request: RequestContext, sent: list[Any]) -> tuple[list[_Row], list[WeighingResult]]:
    """The rows that can be read, each line once; and the results of the others."""
    rows: list[_Row] = []
    failed: list[WeighingResult] = []
    named: set[str] = set()
    for index, one in enumerate(sent):
        try:
            row = _row(index, sound.convert(one, WeighingIn, None))
        except Invalid as refused:
            failed.append(_failed(request, index, None, None, refused.errors))
            continue
        if row.line_id in named:
            twice = FieldError("line_id", "is already given above", code="given-twice")
            failed.append(_result(request, row, None, (twice,)))
            continue
        named.add(row.line_id)
        rows.append(row)
    return rows, failed


def _row(index: int, sent: WeighingIn) -> _Row:
    """The row; raises :class:`Invalid` if it does not say which line, or what it weighs."""
    missing = [name for name in ("line_id", "quantity") if getattr(sent, name) is UNSET]
    accept(*(FieldError(name, "is missing", code="required") for name in missing))
    assert sent.line_id is not UNSET and sent.quantity is not UNSET
    return _Row(index, sent.line_id, Amount(sent.quantity, sent.unit))


async def _of_order(
    request: RequestContext, party: Party, farm_id: str, order_id: str, rows: list[_Row], rules: Terms, unit: UnitOfWork
) -> bytes:
    weights = [(row.line_id, row.scale) for row in rows]
    found = await line_actions.weigh_some(unit, party, order_id, farm_id, weights, rules)
    await request.tell_acting(unit)
    results = []
    for row, one in zip(rows, found, strict=True):
        if one.refused is not None:
            results.append(_result(request, row, order_id, _errors(one.refused)))
            continue
        status = "weighed" if one.changed else "unchanged"
        results.append(
            WeighingResult(index=row.index, status=status, order_id=order_id, line_id=row.line_id, errors=[])
        )
    return msgspec.json.encode(results)


def _errors(refused: MarketError) -> tuple[FieldError, ...]:
    """Why a row was refused; what is no fault of a field is one of the line, as it stands."""
    return refused.errors or (
        FieldError("line_id", str(refused.detail), code="not-accepted", params={"reason": "state"}),
    )


def _result(request: RequestContext, row: _Row, order_id: str | None, errors: tuple[FieldError, ...]) -> WeighingResult:
    return _failed(request, row.index, order_id, row.line_id, errors)


def _failed(
    request: RequestContext, index: int, order_id: str | None, line_id: str | None, errors: tuple[FieldError, ...]
) -> WeighingResult:
    told = [_told(request, index, error) for error in errors]
    return WeighingResult(index=index, status="failed", order_id=order_id, line_id=line_id, errors=told)


def _told(request: RequestContext, index: int, error: FieldError) -> WeighingError:
    params = dict(error.params)
    message = languages.message(error.code, params, error.message, request.language)
    return WeighingError(
        field=f"weighings[{index}].{error.field}".rstrip("."), code=error.code, message=message, params=params
    )
