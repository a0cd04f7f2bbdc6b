"""The pack sizes of a product, for those who run its farm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue import actions, cards, variant_actions, variant_reading
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue.product_shapes import Product
from harvestd.market.catalogue.variant_shapes import PutVariants, Variants
from harvestd.market.catalogue.viewing import own_view
from harvestd.market.farms.actions import refusal
from harvestd.store.postgres.statements import Reader
from harvestd.web.context import RequestContext, Result


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given pack sizes, whatever the product."""
    return variant_reading.faults(request.parts.settings.market_currency, given, "items")


async def listed(request: RequestContext) -> Result:
    """The pack sizes of a product, in order."""
    token = request.path["id"]
    found = token if is_id(token) else await store.id_of(request.reader, token)
    product = next(iter(await store.by_ids(request.reader, [found])), None) if found else None
    if product is None:
        raise await refusal(request.reader, request.user, NotFound("there is no such product"))
    assert request.route.permission is not None
    await actions.permitted(request.reader, request.user, request.route.permission, product)
    return await _shown(request, request.reader, product.id)


async def put(request: RequestContext, body: PutVariants) -> Result:
    """Set the pack sizes of a product, all of them."""
    assert request.route.permission is not None
    before = await actions.locked(request.work, request.user, request.route.permission, request.path["id"])
    request.check_version(before.version)
    currency = request.parts.settings.market_currency
    await variant_actions.put(request.work, before, variant_reading.read(currency, "items", body.items))
    return await _shown(request, request.tx, before.id)


async def _shown(request: RequestContext, reader: Reader, product_id: str) -> Result:
    """The pack sizes as the product shows them."""
    card = await cards.find(reader, product_id, own_view(request))
    assert card is not None
    shown = msgspec.json.decode(card.text, type=Product).variants
    return Result(Variants(items=shown, version=card.version), version=card.version)
