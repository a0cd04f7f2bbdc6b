"""Writing products by the farm's own ids, and many at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs
import msgspec
from msgspec import UNSET

from harvestd.kernel import languages
from harvestd.kernel.errors import FieldError, Invalid, NotFound, Stale
from harvestd.kernel.names import accept
from harvestd.kernel.permissions import Permission
from harvestd.market.catalogue import many_actions, product_routes
from harvestd.market.catalogue.actions import Farm
from harvestd.market.catalogue.farm_choice import farm_of
from harvestd.market.catalogue.many_actions import Outcome, Writing
from harvestd.market.catalogue.many_rules import PACKS, Row
from harvestd.market.catalogue.many_shapes import BulkProducts, BulkQuery, BulkResults, PutProduct, RowError, RowResult
from harvestd.market.catalogue.row_reading import row_of
from harvestd.market.catalogue.rows import Product
from harvestd.market.catalogue.sent import read
from harvestd.market.farms import rows as farms
from harvestd.market.farms.actions import refusal, require
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import idempotency
from harvestd.web.context import Caller, RequestContext, Result
from harvestd.web.translated import languages_of

#: Rows that are written, and so products that are locked, in one transaction.
AT_ONCE = 100


async def put(request: RequestContext, body: PutProduct) -> Result:
    """Create the product that the farm knows by this id, or make it what the body says."""
    farm, own = await _farm(request), request.path["external_id"]
    said = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    sent = {name: value for name, value in said.items() if name not in ("farm_id", "stock")}
    known, _ = read(product_routes.currency_of(request), sent, languages_of(request.parts.settings))
    accept(
        *product_routes.faults(request, said | {"external_id": own}),
        *_elsewhere(body, farm, own),
        message="the product cannot be accepted",
    )
    packs = known.pop(PACKS, None)
    row = Row(index=0, external_id=own, given=known | {"external_id": own}, stock=body.stock, packs=packs, whole=True)

    def look(row: Row, before: Product | None) -> None:
        if before is not None:
            request.check_version(before.version)
        elif request.headers.get("if-match"):
            raise Stale("there is no such product yet; send it without If-Match to create it")

    writing = Writing(farm=farm, may_restock=may_restock(request.user), look=look)
    (outcome,) = await many_actions.write(request.work, writing, [row])
    if outcome.status == "failed":
        faults = tuple(attrs.evolve(e, field=e.field.removeprefix("rows[0].")) for e in outcome.errors)
        raise Invalid("the product cannot be accepted", faults)
    assert outcome.id is not None
    found = await product_routes.now(request, outcome.id)
    if outcome.status != "created":
        return found
    return attrs.evolve(found, status=201, headers=(("Location", f"/api/products/{outcome.id}"),))


async def bulk(request: RequestContext, body: BulkProducts, query: BulkQuery) -> Result:
    """Create and change products, each by its row: a hundred in a transaction, or all in one and all or none."""
    farm = await farm_of(request.reader, request.user, body.farm_id)
    sent: list[Any] = body.rows
    size = max(len(sent), 1) if query.atomic else AT_ONCE
    results: list[RowResult] = []
    replayed = bool(sent)
    for number, first in enumerate(range(0, len(sent), size)):
        work = partial(_chunk, request, farm, sent[first : first + size], first, query.atomic)
        answer, again = await idempotency.part(request.parts, request.key, number, request.now, work)
        results += msgspec.json.decode(answer, type=list[RowResult])
        replayed = replayed and again
    headers = (("Idempotent-Replayed", "true"),) if replayed else ()
    return Result(BulkResults(results=results), headers=headers)


async def _chunk(
    request: RequestContext, farm: Farm, sent: list[Any], first: int, atomic: bool, unit: UnitOfWork
) -> bytes:
    currency = product_routes.currency_of(request)
    spoken = languages_of(request.parts.settings)
    rows = [row_of(currency, first + i, one, languages=spoken) for i, one in enumerate(sent)]
    outcomes = await many_actions.write(unit, Writing(farm=farm, may_restock=may_restock(request.user)), rows)
    refused = tuple(error for outcome in outcomes for error in outcome.errors)
    if atomic and refused:
        raise Invalid("some rows cannot be accepted, so none was written", refused)
    await request.tell_acting(unit)
    return msgspec.json.encode([_result(request, outcome) for outcome in outcomes])


def _result(request: RequestContext, outcome: Outcome) -> RowResult:
    errors = [_error(request, error) for error in outcome.errors]
    return RowResult(index=outcome.index, status=outcome.status, id=outcome.id, errors=errors)


def _error(request: RequestContext, error: FieldError) -> RowError:
    params = dict(error.params)
    message = languages.message(error.code, params, error.message, request.language)
    return RowError(field=error.field, code=error.code, message=message, params=params)


def may_restock(caller: Caller) -> bool:
    """Whether the caller's API key, if that is who calls, may change the stock."""
    return caller.has_scope(Permission.CHANGE_STOCK)


async def _farm(request: RequestContext) -> Farm:
    found = await farms.find(request.tx, request.path["id"])
    if found is None:
        raise await refusal(request.tx, request.user, NotFound("there is no such farm"))
    await require(request.tx, request.user, Permission.CHANGE_PRODUCTS, found.id)
    return Farm(found.id, found.slug)


def _elsewhere(body: PutProduct, farm: Farm, own: str) -> Iterator[FieldError]:
    """What the body says otherwise than the address."""
    for field, said, meant in (("external_id", body.external_id, own), ("farm_id", body.farm_id, farm.id)):
        if said is not None and said != meant:
            message = "must be that of the address, or left out"
            yield FieldError(field, message, code="not-accepted", params={"reason": "of-the-address"})
