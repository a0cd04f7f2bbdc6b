"""The operations of orders, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.daemons import request
from tests.openapi.steps import BUYER, FARMER, SUNNY_ACRES, TOMATOES, Step


def _ducks(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """An order of what is weighed."""
    if "ducks" in known:
        return {}
    weight, per = {"quantity": "2.5", "unit": "kg"}, {"quantity": "1", "unit": "kg"}
    body = {
        "title": "Muscovy duck",
        "unit": "each",
        "price": 1490,
        "stock": 9,
        "priced_by": "weight",
        "price_per": per,
        "estimated_weight": weight,
    }
    made = ask("POST", "/api/products", body, known["tokens"][FARMER])
    headers = {"Authorization": f"Bearer {known['tokens'][BUYER]}", "Idempotency-Key": "example-ducks"}
    port, lines = ask.args[0], [{"product_id": made["id"], "quantity": 1}]  # type: ignore[attr-defined]
    return {"ducks": request(port, "POST", "/api/orders", {"lines": lines}, headers)[1]}


STEPS: tuple[Step, ...] = (
    Step("askQuote", BUYER, body={"lines": [{"product_id": TOMATOES, "quantity": "1.25"}], "hold": True}),
    Step("placeOrder", BUYER, body={"lines": [{"product_id": TOMATOES, "quantity": "1.25"}],
         "fulfilment": {"method": "pickup"}, "note": "I come at ten."}),
    Step("listOrders", BUYER, {"limit": "1"}),
    Step("getOrder", BUYER, {"id": "{placeOrder.id}"}),
    Step("changeOrder", BUYER, {"id": "{placeOrder.id}"}, {"lines": [{"line_id": "{placeOrder.lines.0.id}", "quantity": "1.5"}]}),
    Step("listOrderChanges", BUYER, {"id": "{placeOrder.id}"}),
    Step("moveOrderPart", FARMER, {"id": "{placeOrder.id}", "farm_id": SUNNY_ACRES}, {"to": "confirmed"}),
    Step("shortOrderLine", FARMER, {"id": "{placeOrder.id}", "farm_id": SUNNY_ACRES, "line_id": "{placeOrder.lines.0.id}"}, {"quantity": "0.25", "reason": "Hail."}),
    Step("weighOrderLine", FARMER, {"id": "{ducks.id}", "farm_id": SUNNY_ACRES, "line_id": "{ducks.lines.0.id}"}, {"quantity": "2.9", "unit": "kg"}, prepare=_ducks),
    Step("answerOrderLine", BUYER, {"id": "{ducks.id}", "line_id": "{ducks.lines.0.id}"}, {"accept": True}, prepare=_ducks),
    Step("weighOrderLines", FARMER, {"id": SUNNY_ACRES}, {"weighings": [{"line_id": "{ducks.lines.0.id}", "quantity": "2.88"}]}, prepare=_ducks),
    Step("cancelOrder", BUYER, {"id": "{placeOrder.id}"}, {"reason": "We are away this week."}),
)  # fmt: skip
