"""The operations of farms, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import FARMER, SUNNY_ACRES, Step

STEPS: tuple[Step, ...] = (
    Step("listFarms", parameters={"q": "Sunny", "limit": "1"}),
    Step("getFarm", parameters={"id": SUNNY_ACRES}),
    Step("updateFarm", FARMER, {"id": SUNNY_ACRES}, {"description": "Vegetables and fruit, grown without sprays.",
         "pickup_points": [{"name": "At the gate", "address": "1 Orchard Lane"}], "order_minimum": 500}),
)  # fmt: skip
