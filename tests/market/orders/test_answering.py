"""What a buyer answers, and to what: a yes is to what they have read."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from harvestd.kernel.errors import IllegalTransition, NotFound, PriceChanged
from harvestd.kernel.languages import Status
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.orders.answering import Said, asked_of, waiting
from harvestd.market.orders.fulfilment import CHANGES, STEPS, Standing
from harvestd.market.orders.order import Line
from harvestd.market.orders.questions import ANSWERABLE, is_open
from harvestd.market.orders.weighing import Weighing, weigh
from tests.market.catalogue.shelves import NOW, TERMS, placed, product, standing_of
from tests.market.orders.changing import after, amended, answered, by, edit, lapsed, shorted, weighed

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
    assert waiting(given, NOW) == {} and waiting(given, NOW + TERMS.answer) == {"acres": [proposed.id]}
    change = lapsed(given, proposed.id)
    assert change is not None and change.removed == (proposed.id,)
    now = after(given, change)
    with pytest.raises(IllegalTransition, match="nobody asks about this line"):
        answered(now, given.lines[0].id, True, said=None)
    assert lapsed(now, given.lines[0].id, proposed.id) is None, "it ends once"
    with pytest.raises(NotFound):
        answered(now, proposed.id, True)


def test_a_yes_is_in_time_and_a_no_is_what_it_will_be_anyway() -> None:
    given, line = heavy("3")
    until = NOW + TERMS.answer
    assert line.answer_by == until
    assert answered(given, line.id, True, at=until - timedelta(microseconds=1)) is not None
    for late in (until, until + timedelta(hours=1)):
        with pytest.raises(
            IllegalTransition, match="could be answered until Jul 3, 2026, 8:00 PM; without an answer it is a no"
        ):
            answered(given, line.id, True, at=late, zone=ZoneInfo("Europe/Vienna"))
    no = answered(given, line.id, False, at=until)
    assert no is not None and no.totals.total == 1320


@pytest.mark.parametrize(
    ("end", "until"),
    [(None, 360), (30, 30), (359, 359), (360, 360), (361, 360), (0, 360), (-30, 360)],
)
def test_nobody_is_asked_for_longer_than_until_their_window_is_over(end: int | None, until: int) -> None:
    """In minutes. A window that is over is none."""
    by_then = None if end is None else NOW + timedelta(minutes=end)
    for given in (
        standing_of(placed([("ducks", "3")], DUCKS)),
        standing_of(placed([("carrots", "10"), ("leeks", "1")], CARROTS, LEEKS, wish=LineWish("ask"))),
    ):
        given = attrs.evolve(given, parts=tuple(attrs.evolve(part, handed_over_by=by_then) for part in given.parts))
        changes = [weighed(given, given.lines[0], "3")] if given.lines[0].each else [
            shorted(given, given.lines[0], "4", (LEEKS, "2")),
            amended(given, [edit(product_id="leeks", quantity="1")], CARROTS, LEEKS, who=by("farm", "acres", reason="more")),
        ]  # fmt: skip
        for change in changes:
            assert change is not None
            (asked,) = [line for line in after(given, change).lines if line.answer_by is not None]
            assert asked.answer_by == NOW + timedelta(minutes=until)
            assert change.events[-1].data["answer_by"] == asked.answer_by.isoformat()


@pytest.mark.parametrize("status", [status for status in STEPS if status not in ANSWERABLE])
def test_what_has_left_its_farm_is_weighed_and_asked_about_no_more(status: str) -> None:
    given, line = heavy()
    given = attrs.evolve(given, parts=tuple(attrs.evolve(part, status=status) for part in given.parts))
    if status not in CHANGES["weigh"]["farm"]:
        return
    change = weighed(given, line, "3")
    assert change is not None and change.totals.total == 1320 and "asked" not in change.events[-1].data
    assert [one.answer_by for one in after(given, change).lines] == [None]


def test_all_that_is_asked_of_a_farm_ends_in_one_change_which_says_what_it_was() -> None:
    given, proposed = asked()
    more = amended(
        given, [edit(product_id="carrots", quantity="1")], CARROTS, LEEKS, who=by("farm", "acres", reason="more")
    )
    assert more is not None
    given = after(given, more)
    ids = asked_of(given, "acres")
    assert len(ids) == 2 and proposed.id in ids and asked_of(given, "coop") == []
    change = lapsed(given, *ids, who=by("farm", "acres"))
    assert change is not None and set(change.removed) == set(ids) and change.totals == given.totals
    (told,) = [event.data for event in change.events if event.type == "order.amended"]
    assert (told["outcome"], told["by"], told["total"]) == ("declined", "farm", 2540)
    assert [(one["about"], one["total"], one["before"]) for one in told["settled"]] == [("substitute", 400, None), ("addition", 390, None)]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Said(True, "buyer", NOW), "you have answered already: yes, at Jul 3, 2026, 12:00 PM"),
        (Said(False, "buyer", NOW), "you have answered already: no, at Jul 3, 2026, 12:00 PM"),
        (Said(False, "clock", NOW), "this could be answered until Jul 3, 2026, 12:00 PM; without an answer it is a no"),
        (Said(False, "farm", NOW), "the goods left their farm before you answered, at Jul 3"),
        (Said(None, "farm", NOW), "nobody asks about this line any more, since Jul 3"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_another_answer_is_told_what_has_become_of_the_question(said: Said, told: str, there: bool) -> None:
    given, line = heavy()
    with pytest.raises(IllegalTransition, match=re.escape(told)):
        answered(given, line.id if there else "gone", not said.yes, said=said)
    if said.yes is not None:
        assert answered(given, line.id if there else "gone", said.yes, said=said) is None


def test_a_buyer_who_wants_all_of_what_it_weighs_pays_all_of_it() -> None:
    given, line = heavy("3")
    yes = answered(given, line.id, True)
    assert yes is not None and yes.totals.total == 1500
    no = lapsed(given, line.id)
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
    assert error.params == {"before": str(before), "after": "1500", "currency": "EUR", "reason": "line"}
    assert "this line comes to €15.00" in f"{error.message}"


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


@pytest.mark.parametrize("status", STEPS)
def test_when_a_buyer_can_answer_is_said_by_the_table(status: str) -> None:
    given, line = heavy("3")
    given = attrs.evolve(given, parts=tuple(attrs.evolve(part, status=status) for part in given.parts))
    can = is_open(line, given.parts[0], NOW)
    assert can == (status in CHANGES["answer"]["buyer"]) and not is_open(line, given.parts[0], NOW + TERMS.answer)
    if can:
        assert answered(given, line.id, True) is not None
    else:
        with pytest.raises(IllegalTransition):
            answered(given, line.id, False)
        over = attrs.evolve(line, answer_by=None)
        with pytest.raises(IllegalTransition, match=f"is already {Status(status)}"):
            answered(attrs.evolve(given, lines=(over,)), line.id, True)
    assert lapsed(given, line.id) is not None, "the clock ends what is left over from anywhere"


def test_a_question_ends_with_the_quantity_that_it_was_about() -> None:
    given, line = heavy("3")
    change = amended(given, [edit(line_id=line.id, quantity="2")], DUCKS)
    assert change is not None
    assert [one["about"] for one in change.events[-1].data["settled"]] == ["weight"]
    given = after(given, change)
    with pytest.raises(IllegalTransition, match="nobody asks"):
        answered(given, line.id, True)


@pytest.mark.parametrize(("again", "asks"), [("2.6", False), ("3.1", True)])
def test_a_weight_that_takes_a_question_back_says_so(again: str, asks: bool) -> None:
    given, line = heavy("3")
    change = weighed(given, line, again)
    assert change is not None
    told = change.events[-1].data
    assert ("asked" in told, told.get("outcome"), len(told.get("settled", ()))) == (
        asks,
        None if asks else "withdrawn",
        0 if asks else 1,
    )
    assert told["total"] == change.totals.total and told["parts"] == [
        {"farm_id": "acres", "total": change.totals.total, "estimated": False}
    ]


def test_the_last_of_several_events_of_a_weighing_has_all_that_was_weighed() -> None:
    given = standing_of(placed([("ducks", "3"), ("ducks", "1")], DUCKS, wish=LineWish("none")))
    assert len(given.lines) == 1, "the same goods are one line"
    geese = product(
        "geese",
        unit="each",
        price=500,
        each=Amount(Decimal("0.8"), "kg"),
        quantity_step="1",
        min_quantity="1",
        stock="9",
    )
    given = standing_of(placed([("ducks", "3"), ("geese", "1")], DUCKS, geese))
    change = weigh(
        given, "acres", {line.id: Amount(Decimal(weight), "kg") for line, weight in zip(given.lines, ("2.4", "0.8"), strict=True)},
        Weighing(by=by("farm", "acres"), terms=TERMS, now=NOW, placed_at=NOW),
    )  # fmt: skip
    assert change is not None
    first, last = [event.data for event in change.events if event.type == "order.line_weighed"]
    assert (first["last"], last["last"], "change" in first) == (False, True, False)
    assert [one["line_id"] for one in last["change"]] == [line.id for line in given.lines]
