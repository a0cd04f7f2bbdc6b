"""The operations of carts, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import BUYER, POTATOES, TOMATOES, Step

STEPS: tuple[Step, ...] = (
    Step("getCart", BUYER),
    Step("putCartItems", BUYER, body={"items": [{"product_id": TOMATOES, "quantity": "1.5"}, {"product_id": POTATOES, "quantity": "2"}]}),
    Step("putCartItem", BUYER, {"product_id": POTATOES}, {"quantity": "2.5"}),
    Step("removeCartItem", BUYER, {"product_id": POTATOES}),
    Step("emptyCart", BUYER),
)  # fmt: skip
