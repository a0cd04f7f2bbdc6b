"""The operations of operations, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import Step

STEPS: tuple[Step, ...] = (
    Step("getKeys"),
    Step("getHealth"),
    Step("getReadiness"),
    Step("getMetrics"),
    Step("getContract"),
    Step("listProblems"),
    Step("getProblem", parameters={"slug": "out-of-stock"}),
    Step("getMarket"),
)  # fmt: skip
