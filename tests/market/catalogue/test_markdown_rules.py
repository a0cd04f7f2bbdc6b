"""Reduced prices, decided without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.catalogue import markdown_rules
from harvestd.market.catalogue.group_rules import GroupPrice
from harvestd.market.catalogue.markdown_rules import Markdown, Was
from harvestd.market.catalogue.rules import Offer, amended

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
STEP = Decimal("0.05")
OFFER = Offer(title="Carrots", unit="kg", price=500, quantity_step=STEP, min_quantity=STEP)
REDUCED = attrs.evolve(OFFER, markdown=Markdown(400, 450, LATER, "Plenty."), prices=(GroupPrice("g", 300),))


def was(price: int, per: str = "1", unit: str = "kg", on_sale: bool = True) -> Was:
    return Was(price, Decimal(per), unit, on_sale)


def test_a_markdown_shows_the_lowest_price_before_it() -> None:
    after = markdown_rules.announced(OFFER, 400, LATER, " Plenty. ", NOW, [was(600), was(450), was(500)])
    assert after == attrs.evolve(OFFER, markdown=Markdown(400, 450, LATER, "Plenty."))


@pytest.mark.parametrize(
    ("history", "lowest"),
    [
        ([was(600), was(500)], 500), ([was(500)], 500), ([], 500), ([was(1, on_sale=False), was(500)], 500),
        ([was(1, unit="bunch"), was(500)], 500), ([was(30, per="100", unit="g"), was(500)], 300), ([was(333, per="0.7"), was(500)], 475),
        ([was(2000, per="4"), was(501)], 500), ([was(0), was(500)], 0), ([was(450, unit="bunch")], 500),
    ],
)  # fmt: skip
def test_prices_compare_by_the_quantity_that_they_are_for_and_are_rounded_down(history: list[Was], lowest: int) -> None:
    assert markdown_rules.lowest(history, "kg", Decimal(1), 500) == lowest


def test_a_further_reduction_has_a_prior_price_of_its_own_and_a_longer_one_keeps_it() -> None:
    history = [was(500), was(400)]
    longer = markdown_rules.announced(REDUCED, 400, LATER + timedelta(days=1), "", NOW, history)
    assert longer.markdown == Markdown(400, 450, LATER + timedelta(days=1), "")
    further = markdown_rules.announced(REDUCED, 350, LATER, "", NOW, history)
    assert (further.price, further.markdown) == (500, Markdown(350, 400, LATER, ""))


@pytest.mark.parametrize(
    ("price", "until", "wrong"),
    [
        (500, LATER, {"price": "above-maximum"}), (501, LATER, {"price": "above-maximum"}), (-1, LATER, {"price": "below-minimum"}),
        (400, NOW, {"until": "expired"}), (400, NOW - timedelta(days=1), {"until": "expired"}),
        (500, NOW, {"price": "above-maximum", "until": "expired"}),
    ],
)  # fmt: skip
def test_what_is_no_reduction_or_is_over_already_is_refused(price: int, until: datetime, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        markdown_rules.announced(OFFER, price, until, "", NOW, [])
    assert {error.field: error.code for error in refused.value.errors} == wrong
    given = {"until": until} | ({"price": price} if price < 0 else {})
    named = {error.field for error in markdown_rules.faults(given, NOW)}
    assert named == {field for field, code in wrong.items() if code != "above-maximum"}


def test_the_least_reductions_are_taken() -> None:
    for price, until in ((499, LATER), (0, LATER), (400, NOW + timedelta(microseconds=1))):
        assert markdown_rules.announced(OFFER, price, until, "", NOW, []).markdown == Markdown(price, 500, until, "")


@pytest.mark.parametrize(
    ("changes", "price", "markdown", "prices"),
    [
        ({"title": "Red carrots"}, 500, True, True), ({"price": 400}, 500, True, True), ({"price": 500}, 500, True, True),
        ({"price": 600}, 600, True, True), ({"price": 401}, 401, True, True), ({"price": 399}, 399, False, True),
        ({"price_per": Decimal(2)}, 500, False, False), ({"price_per": Decimal(2), "price": 400}, 400, False, False),
        ({"price_per": Decimal(1)}, 500, True, True), ({"unit": "kg"}, 500, True, True), ({"unit": "each"}, 500, False, False),
    ],
)  # fmt: skip
def test_who_changes_a_reduced_price_changes_the_regular_one(
    changes: dict[str, Any], price: int, markdown: bool, prices: bool
) -> None:
    found = attrs.evolve(REDUCED, **markdown_rules.follows(REDUCED, changes))
    assert (found.price, found.markdown is not None, bool(found.prices)) == (price, markdown, prices)


def test_prices_of_groups_that_are_given_with_another_unit_stay() -> None:
    after = amended(REDUCED, {"unit": "each", "prices": (GroupPrice("g", 100),)})
    assert (after.unit, after.prices, after.markdown) == ("each", (GroupPrice("g", 100),), None)


def test_what_is_kept_of_an_offer_is_its_reduced_price_and_what_it_returns_to() -> None:
    none = dict.fromkeys(("regular_price", "prior_price", "markdown_until", "markdown_reason"))
    assert markdown_rules.columns(None, 500) == none
    kept = markdown_rules.columns(REDUCED.markdown, REDUCED.price)
    assert kept == {
        "price": 400, "regular_price": 500, "prior_price": 450, "markdown_until": LATER, "markdown_reason": "Plenty.",
    }  # fmt: skip
