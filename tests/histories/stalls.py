"""Where things are few: a market with stalls, each of a few products, windows and buyers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from tests.daemons import connect, exchange, register
from tests.faults.market import Market
from tests.histories.pools import Load
from tests.market.days.calendar import body, delivery

#: Of each stall: its products and how much there is of each, its windows with what they hold (the last holds everything, so that its day is never full), its buyers.
PRODUCTS, STOCK, BUYERS = 2, 5, 3
CAPACITIES: tuple[dict[str, Any], ...] = (
    {"orders": 3},
    {"crates": 4},
    {"weight_kg": "7"},
    {"orders": 4, "weight_kg": "9"},
)
#: What a piece weighs and what fills a crate, in grams.
SETTINGS: dict[str, Any] = {"piece_weight": 1000, "crate_weight": 2000, "stop_grace": 0.2}
#: More than anybody takes.
ENOUGH = 10**9


@attrs.frozen
class Window:
    """``holds`` is what there is of it in each measure."""

    id: str
    holds: Load


@attrs.define
class Stall:
    """Where things are few. The ``asker`` only asks what things cost; ``orders`` are known to all, with their buyers, windows and lines; ``quotes`` are held, with their buyers, windows and pieces."""

    farmer: str
    products: Sequence[str]
    windows: Sequence[Window]
    buyers: Sequence[str]
    asker: str
    orders: dict[str, tuple[str, str, dict[str, str]]] = attrs.field(factory=dict)
    quotes: dict[str, tuple[str, str, dict[str, int]]] = attrs.field(factory=dict)


def stalls(shop: Market, number: int) -> list[Stall]:
    """So many stalls of a market, each with a day of its own."""
    farmer, farm = register(shop.api.port, "farmer0", "farmer", "Farm 0")[0], connect(shop.api.port)
    manager = register(shop.api.port, "manager0")[0]
    shop.query("update users set role = 'manager' where username = 'manager0'")
    shop.populate((), farms=0, buyers=number * (BUYERS + 1))
    buyers, now = iter(shop.buyers), datetime.now(UTC)

    def made(who: str, path: str, given: Any) -> Any:
        status, answer, _ = exchange(farm, "POST", path, given, {"Authorization": f"Bearer {who}"})
        assert status == 201, answer
        return answer

    found = []
    for n in range(number):
        products = [
            made(farmer, "/api/products", {"title": f"Good {n} {i}", "unit": "each", "price": 100, "stock": STOCK})[
                "id"
            ]
            for i in range(PRODUCTS)
        ]
        capacities = [CAPACITIES[(2 * n + i) % len(CAPACITIES)] for i in range(2)]
        windows = [delivery(now, capacity=one) for one in capacities] + [delivery(now)]
        day = made(manager, "/api/market-days", body(now - timedelta(hours=2), windows=windows))
        given = zip(day["windows"], [*capacities, {}], strict=True)
        own = [Window(one["id"], _holds(capacity)) for one, capacity in given]
        found.append(Stall(farmer, products, own, [next(buyers) for _ in range(BUYERS)], next(buyers)))
    farm.close()
    return found


def _holds(capacity: Mapping[str, Any]) -> Load:
    grams = 1000 * int(capacity.get("weight_kg", ENOUGH // 1000))
    return capacity.get("orders", ENOUGH), capacity.get("crates", ENOUGH), grams


def load(pieces: int) -> Load:
    """What an order of so many pieces takes of a window."""
    return 1, -(-pieces // 2), 1000 * pieces
