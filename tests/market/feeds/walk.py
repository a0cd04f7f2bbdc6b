"""The operations of feeds, each once, as a program of somebody else would ask for them."""

from __future__ import annotations

from tests.openapi.steps import SUNNY_ACRES, Step

STEPS: tuple[Step, ...] = (
    Step("getFeed", parameters={"farm": SUNNY_ACRES}),
    Step("getSitemap"),
    Step("getFarmCatalogue", parameters={"id": SUNNY_ACRES, "limit": "1"}),
)
