"""The demo's fictitious farm: its products and its pick-up points, as if its farmer had entered them."""

from __future__ import annotations

from decimal import Decimal

from harvestd.kernel.units import default_step
from harvestd.loading.demo.facts import OF_PRODUCTS
from harvestd.loading.demo.ids import demo_ids
from harvestd.market.catalogue import category_rows as categories
from harvestd.market.catalogue.actions import Farm, offer
from harvestd.market.catalogue.rules import Offer
from harvestd.market.farms import rows as farms
from harvestd.parts import Parts
from harvestd.unit_of_work import UnitOfWork, change

#: The pick-up points of Sunny Acres.
POINTS = (
    ("At the gate", "1 Orchard Lane, Riverside"),
    ("Station square", "Station Square, Riverside, Saturdays 9 to 12"),
)


#: The farmer's products: title, category, unit, price in minor units, the quantity of the unit that it is for, stock, tags.
OFFERS = (
    ("Heirloom tomatoes", "vegetables", "kg", 480, 1, 60, ("vegetables", "organic")),
    ("New potatoes", "vegetables", "kg", 240, 1, 150, ("vegetables", "organic")),
    ("Rainbow carrots", "vegetables", "bunch", 290, 1, 40, ("vegetables", "organic")),
    ("Gala apples", "fruit", "kg", 360, 1, 120, ("fruit",)),
    ("Raspberries", "fruit", "box", 550, 1, 24, ("fruit",)),
    ("Brown eggs", "dairy-eggs", "box", 490, 1, 80, ("eggs",)),
    ("Raw milk cheese", "dairy-eggs", "kg", 2650, 1, 12, ("dairy",)),
    ("Linden honey", "pantry", "each", 890, 1, 36, ("honey",)),
    ("Dried porcini", "vegetables", "g", 640, 100, 3000, ("mushrooms",)),
)


async def put_on_sale(parts: Parts, farm_id: str) -> None:
    """Create the farmer's own products, as if she had entered them."""

    async def offered(work: UnitOfWork) -> None:
        ids = {category.slug: category.id for category in await categories.every(work.tx)}
        own = await farms.find(work.tx, farm_id)
        assert own is not None
        for title, category, unit, price, per, level, tags in OFFERS:
            step = default_step(unit)
            begun = Offer(
                title=title, description=f"{title} from Sunny Acres.", category_id=ids.get(category), unit=unit, price=price,
                price_per=Decimal(per), quantity_step=step, min_quantity=step, tags=tags, **OF_PRODUCTS[title],
            )  # fmt: skip
            await offer(work, Farm(own.id, own.slug), begun, Decimal(level), next(demo_ids(title)))

    await change(parts, offered)
