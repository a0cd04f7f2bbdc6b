"""The operations of notifications, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import FARMER, Step, newest

STEPS: tuple[Step, ...] = (
    Step("listNotifications", FARMER, {"limit": "1"}, there=newest("order.cancelled")),
    Step("markNotificationsRead", FARMER, body={}),
)  # fmt: skip
