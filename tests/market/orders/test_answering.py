"""What a buyer answers, and to what: a yes is to what they have read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import IllegalTransition, NotFound, PriceChanged
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.orders.answering import waiting
from harvestd.market.orders.fulfilment import CHANGES, STEPS, Standing
from harvestd.market.orders.order import Line
from tests.market.catalogue.shelves import NOW, TERMS, placed, product, standing_of
from tests.market.orders.changing import after, amended, answered, by, edit, shorted, weighed

CARROTS, LEEKS = product(stock="90"), product("leeks", price=200)
#: At 5.00 a kilogram, some 800 g each.
DUCKS = product(
    "ducks", unit="each", price=500, each=Amount(Decimal("0.8"), "kg"), quantity_step="1", min_quantity="1", stock="9"
)


def asked(instead: Any = (LEEKS, "2")) -> tuple[Standing, Line]:
    """Ten kilograms of carrots of which four are short, and what is proposed in their place."""
    given = standing_of(placed([("carrots", "10"), ("leeks", "1")], CARROTS, LEEKS, wish=LineWish("ask")))
    change = shorted(given, given.lines[0], "4", instead)
    assert change is not None
    given = after(given, change)
    return given, given.lines[-1]


def heavy(*weights: str) -> tuple[Standing, Line]:
    """Three ducks, for 13.20 at most, weighed one time after the other."""
    given = standing_of(placed([("ducks", "3")], DUCKS))
    for weight in weights:
        change = weighed(given, given.lines[0], weight)
        assert change is not None
        given = after(given, change)
    return given, given.lines[0]


def test_a_buyer_who_wants_to_be_asked_owes_nothing_for_it_before_they_answer() -> None:
    given, proposed = asked()
    assert (proposed.proposed, proposed.answer_by, proposed.counts) == (True, NOW + TERMS.answer, False)
    assert given.totals.total == 2340 + 200
    yes = answered(given, proposed.id, True)
    assert yes is not None and yes.totals.total == 2340 + 200 + 400
    assert yes.events[-1].data["outcome"] == "accepted" and yes.events[-1].data["lines"][0]["after"] == {
        "quantity": "2.000",
        "total": 400,
    }
    no = answered(given, proposed.id, False)
    assert no is not None and (no.removed, no.totals.total) == ((proposed.id,), 2540)
    assert no.events[-1].data["lines"] == []


def test_silence_is_a_no() -> None:
    given, proposed = asked()
    assert waiting(given, NOW) == [] and waiting(given, NOW + TERMS.answer) == [proposed.id]
    change = answered(given, proposed.id, False, by("clock"))
    assert change is not None and change.removed == (proposed.id,)
    with pytest.raises(IllegalTransition, match="nobody asks about this line"):
        answered(after(given, change), given.lines[0].id, True)
    assert answered(after(given, change), given.lines[0].id, False, by("clock")) is None
    with pytest.raises(NotFound):
        answered(after(given, change), proposed.id, True)


def test_a_buyer_who_wants_all_of_what_it_weighs_pays_all_of_it() -> None:
    given, line = heavy("3")
    yes = answered(given, line.id, True)
    assert yes is not None and yes.totals.total == 1500
    no = answered(given, line.id, False, by("clock"))
    assert no is not None and no.totals.total == 1320 and not no.removed
    assert after(given, no).lines[0].answer_by is None
    again = after(given, yes)
    more = weighed(again, again.lines[0], "3.1")
    assert more is not None and after(again, more).lines[0].total == 1500


def test_what_is_asked_says_what_it_weighs_and_what_everything_comes_to_with_a_yes() -> None:
    given = standing_of(placed([("ducks", "3"), ("leeks", "1")], DUCKS, LEEKS))
    change = weighed(given, given.lines[0], "3")
    assert change is not None
    told = change.events[-1].data
    assert (told["answer_by"], told["asked_total"]) == ((NOW + TERMS.answer).isoformat(), 1500 + 200)
    (one,) = told["asked"]
    assert (one["about"], one["weight"], one["weight_unit"], one["before"], one["total"]) == ("weight", "3.000", "kg", 1320, 1500)  # fmt: skip
    assert [entry["asked"] for entry in change.after["lines"]] == [1500]
    given, proposed = asked()
    assert (given.lines[-1].id, given.totals.total) == (proposed.id, 2540)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"expected_total": 1500}, True), ({"expected_total": 1501}, False), ({"expected_total": 1499}, False), ({"expected_total": 0}, False),
        ({"named": True}, True), ({"named": True, "expected_total": 1400}, False), ({}, True),
        ({"first_asked": 1500}, True), ({"first_asked": 1501}, True), ({"first_asked": 1499}, False),
        ({"first_asked": 1499, "named": True}, True), ({"first_asked": 1499, "expected_total": 1500}, True),
    ],
)  # fmt: skip
def test_a_yes_is_to_what_it_names_or_to_no_more_than_was_asked_first(said: dict[str, Any], taken: bool) -> None:
    given, line = heavy("2.7", "3")
    if taken:
        yes = answered(given, line.id, True, **said)
        assert yes is not None and yes.totals.total == 1500
        return
    with pytest.raises(PriceChanged) as refused:
        answered(given, line.id, True, **said)
    (error,) = refused.value.errors
    before = said.get("expected_total", said.get("first_asked"))
    assert (error.field, error.code) == ("expected_total", "changed")
    assert error.params == {"before": str(before), "after": "1500", "currency": "EUR"}


@pytest.mark.parametrize("said", [{"expected_total": 1}, {"first_asked": 1}])
def test_a_no_costs_nothing_whatever_its_sender_has_read(said: dict[str, Any]) -> None:
    given, line = heavy("2.7", "3")
    no = answered(given, line.id, False, **said)
    assert no is not None and no.totals.total == 1320


def test_a_yes_to_goods_may_name_what_they_come_to() -> None:
    given, proposed = asked()
    assert answered(given, proposed.id, True, expected_total=400, first_asked=1) is not None
    with pytest.raises(PriceChanged):
        answered(given, proposed.id, True, expected_total=401)


@pytest.mark.parametrize("actor", ["buyer", "farm", "admin", "clock"])
@pytest.mark.parametrize("status", STEPS)
def test_who_answers_is_said_by_the_table(actor: Any, status: str) -> None:
    given, line = heavy("3")
    given = attrs.evolve(given, parts=tuple(attrs.evolve(part, status=status) for part in given.parts))
    if status in CHANGES["answer"].get(actor, ()):
        assert answered(given, line.id, actor == "buyer", by(actor)) is not None
    else:
        with pytest.raises(IllegalTransition):
            answered(given, line.id, False, by(actor))


def test_a_question_ends_with_the_quantity_that_it_was_about() -> None:
    given, line = heavy("3")
    change = amended(given, [edit(line_id=line.id, quantity="2")], DUCKS)
    assert change is not None
    given = after(given, change)
    with pytest.raises(IllegalTransition, match="nobody asks"):
        answered(given, line.id, True)
