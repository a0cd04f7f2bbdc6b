"""A cart as its holder sees it, at current prices."""

from __future__ import annotations

import msgspec

from harvestd.kernel import languages
from harvestd.kernel.quantities import shown as quantity
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as store
from harvestd.market.carts import rules as market
from harvestd.market.carts.own_products import marked
from harvestd.market.carts.selling import terms
from harvestd.market.carts.shapes import Cart, CartLine, CartPart, CartWarning
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.image_shapes import Image
from harvestd.market.catalogue.measure_shapes import priced_by
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.catalogue.viewing import somebody
from harvestd.market.pricing.billing_rules import Billing
from harvestd.store.postgres.statements import Reader
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today
from harvestd.web.money import money
from harvestd.web.shapes import Named, PricePer
from harvestd.web.translated import other


async def priced_view(request: RequestContext, reader: Reader, cart: store.Found | None) -> Cart:
    """The cart, or an empty one where there is none."""
    items = await item_rows.items(reader, cart.id) if cart is not None else []
    ids = [item.product_id for item in items]
    shelf = await shelf_rows.see(reader, ids, somebody(request), other(request)) if items else {}
    shelf = await with_packs(reader, shelf, [(item.product_id, item.variant_id) for item in items])
    caller = None if request.caller is None else request.caller.user_id
    shelf = await marked(reader, request.parts.settings, caller, shelf)
    rules = terms(request.parts.settings)
    day, settings = today(request), request.parts.settings
    parts, warnings = market.price(items, shelf, day, rules)
    charges = await request.parts.pricing.now(reader)
    bill, pricing = market.billed(parts, Billing(charges=charges, day=day, tax_included=settings.tax_included))
    shown = [_part(part, rules.currency) for part in parts]
    return Cart(
        version=cart.version if cart is not None else 0, parts=shown, fees=money(bill.fee_total, rules.currency), tax=money(bill.tax, rules.currency),
        tax_included=pricing.tax_included, total=money(bill.total, rules.currency),
        estimated=any(part.estimated for part in shown), count=len(items),
        warnings=[
            CartWarning(
                product_id=w.product_id, variant_id=w.variant_id, code=w.code, params=dict(w.params),
                message=languages.message(w.code, w.params, w.message, request.language),
            )
            for w in warnings
        ],
    )  # fmt: skip


def _part(part: market.Part, currency: str) -> CartPart:
    farm, lines = part.farm, [_line(line, currency) for line in part.lines]
    return CartPart(
        farm=Named(id=farm.farm_id, slug=farm.farm_slug, name=farm.farm_name),
        lines=lines, subtotal=money(part.subtotal, currency), estimated=any(line.estimated for line in lines),
        order_minimum=money(farm.order_minimum, currency), missing_to_minimum=money(part.missing, currency),
    )  # fmt: skip


def _line(line: market.Priced, currency: str) -> CartLine:
    product = line.product
    return CartLine(
        product_id=product.id, variant_id=product.variant_id, slug=product.slug, title=product.title, quantity=quantity(line.quantity), unit=product.unit,
        price=money(product.price, currency),
        price_per=PricePer(quantity=quantity(product.price_per), unit=product.price_unit), total=money(line.total, currency),
        **priced_by(product.unit, product.each), quantity_step=quantity(product.quantity_step), min_quantity=quantity(product.min_quantity),
        available=quantity(product.available), image=msgspec.json.decode(product.image, type=Image) if product.image else None,
        substitution=line.wish.substitution, note=line.wish.note,
    )  # fmt: skip
