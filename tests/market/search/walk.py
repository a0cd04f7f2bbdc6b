"""The operations of search, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import ADMIN, Step

STEPS: tuple[Step, ...] = (
    Step("search", parameters={"q": "heirlom tomatos", "limit": "1"}),
    Step("suggest", parameters={"q": "tom"}),
    Step("createSearchRule", ADMIN, body={"kind": "synonym", "queries": ["courgette", "zucchini"], "note": "British and American."}),
    Step("listSearchRules", ADMIN, parameters={"kind": "synonym"}),
    Step("getSearchRule", ADMIN, {"id": "{createSearchRule.id}"}),
    Step("changeSearchRule", ADMIN, {"id": "{createSearchRule.id}"}, {"queries": ["courgette", "zucchini", "zucchetti"]}),
    Step("listSearchMisses", ADMIN, parameters={"from": "2026-01-01"}),
    Step("deleteSearchRule", ADMIN, {"id": "{createSearchRule.id}"}),
)  # fmt: skip
