"""What stands in the contract before anything feeds it is marked there, and is what its mark says."""

from __future__ import annotations

from typing import Any

from harvestd.tables import ROUTES
from harvestd.web.pages import glossary
from tests.people import Market

MARK = "Not implemented yet: always "
NOTHING: tuple[Any, ...] = (0, [], None)


def marked() -> dict[str, str]:
    return {name: text.partition(MARK)[2] for name, text in glossary.of(ROUTES).items() if MARK in text}


def values(found: Any, name: str) -> list[Any]:
    """Of every member of a name, however deep."""
    if isinstance(found, list):
        return [value for one in found for value in values(one, name)]
    if not isinstance(found, dict):
        return []
    own = [found[name]] if name in found else []
    return own + [value for one in found.values() for value in values(one, name)]


async def test_what_is_marked_as_unfed_is_there_and_empty(market: Market) -> None:
    """Once something feeds it this fails: then the mark goes. Fields are kept, since clients are written against them."""
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], "1"))).json()
    page = (await market.stranger.get(f"/api/products/{product['id']}")).json()
    await market.work()
    suggested = (await market.stranger.get(f"/api/search/suggest?q={product['title'][:4]}")).json()
    me = (await buyer.get("/api/users/me")).json()
    cart = (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": "1"})).json()
    assert marked().keys() >= {"upvote_count", "rating"}
    for name in marked():
        shown = values([page, order, suggested, me, cart], name.rpartition(".")[2])
        assert shown, name
        for value in shown:
            inner = [v for key, v in value.items() if key != "currency"] if isinstance(value, dict) else [value]
            assert all(one in NOTHING for one in inner), (name, value)
