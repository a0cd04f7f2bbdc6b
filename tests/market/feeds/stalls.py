"""A market for feeds: what may be shown, and what may not."""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.parts import Parts
from tests.market.farms.test_states import judged
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market

HERE = "https://market.example.org"


def public(parts: Parts, **settings: Any) -> Market:
    """A market at an address of its own."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, public_url=HERE, **settings)))


async def read(market: Market, path: str, status: int = 200, **headers: str) -> Response:
    """An answer to a stranger."""
    answer = await market.stranger.get(path, headers={n.replace("_", "-"): v for n, v in headers.items()})
    assert answer.status == status, answer.text
    return answer


async def hidden(market: Market, farmer: Person) -> None:
    """A draft, an archived product, and products of farms that are suspended or were not verified yet."""
    await market.product(farmer, title="Hidden draft", status="draft")
    await market.product(farmer, title="Hidden archived", status="archived")
    for state in ("suspended", "pending"):
        other = await market.farmer(f"Hidden {state}")
        await market.product(other, title=f"Hidden of a {state} farm")
        assert (await judged(market, other.farm_id, state)).status == 200
