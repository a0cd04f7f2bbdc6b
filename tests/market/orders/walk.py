"""The operations of orders, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import BUYER, FARMER, SUNNY_ACRES, TOMATOES, Step

STEPS: tuple[Step, ...] = (
    Step("askQuote", BUYER, body={"lines": [{"product_id": TOMATOES, "quantity": "1.25"}], "hold": True}),
    Step("placeOrder", BUYER, body={"lines": [{"product_id": TOMATOES, "quantity": "1.25"}],
         "fulfilment": {"method": "pickup"}, "note": "I come at ten."}),
    Step("listOrders", BUYER, {"limit": "1"}),
    Step("getOrder", BUYER, {"id": "{placeOrder.id}"}),
    Step("moveOrderPart", FARMER, {"id": "{placeOrder.id}", "farm_id": SUNNY_ACRES}, {"to": "confirmed"}),
    Step("cancelOrder", BUYER, {"id": "{placeOrder.id}"}, {"reason": "We are away this week."}),
)  # fmt: skip
