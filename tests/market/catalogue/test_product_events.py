"""What is told of a change of a product."""

from __future__ import annotations

from harvestd.market.catalogue.product_events import Known, happened


def test_an_event_names_the_product_what_changed_and_what_is_stale() -> None:
    event = happened("updated", Known("p", "p-slug", "f", "f-slug"), 3, ["price"])
    assert (event.type, event.aggregate, event.version) == ("product.updated", "product:p", 3)
    assert event.data["changed"] == ["price"] and "product:p-slug" in event.data["families"]
