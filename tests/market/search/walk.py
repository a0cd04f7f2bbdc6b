"""The operations of search, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import Step

STEPS: tuple[Step, ...] = (
    Step("search", parameters={"q": "heirlom tomatos", "limit": "1"}),
    Step("suggest", parameters={"q": "tom"}),
)  # fmt: skip
