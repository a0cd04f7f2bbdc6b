"""The limits of the market's rules, each from both sides: what is still taken, and the first that is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import msgspec
import pytest

from harvestd.kernel import events, families
from harvestd.kernel.errors import Invalid, OutOfStock, PriceChanged
from harvestd.kernel.units import UNITS, unfit
from harvestd.market.accounts import password_rules as passwords
from harvestd.market.accounts.rules import MAX_NAME, MAX_USERNAME, MIN_USERNAME, registered
from harvestd.market.carts.rules import Item, price
from harvestd.market.catalogue.product_events import Known, happened
from harvestd.market.catalogue.rules import checked, faults
from harvestd.market.catalogue.stock_level_rules import opening_stock
from harvestd.market.catalogue.stock_rules import give_back, settle
from harvestd.market.notifications.messages import MESSAGES
from harvestd.market.orders.buyers import Buyer
from harvestd.market.orders.delivery_rules import Farm, Way, chosen
from harvestd.market.orders.order import MAX_ADDRESS, MAX_NOTE, MAX_REASON, Totals
from harvestd.market.orders.placing import place
from harvestd.market.orders.stepping import cancel, expire, move
from harvestd.market.pricing.terms import Discount, FeeRule, Pricing
from harvestd.tables import TOPOLOGY
from tests.market.accounts.test_rules import registration
from tests.market.catalogue.shelves import NOW, TERMS, TODAY, placed, product, standing
from tests.market.catalogue.test_rules import OFFER
from tests.market.catalogue.test_stock_level_rules import level
from tests.market.catalogue.test_stock_rules import held

MAX = Decimal("9999999.999")
#: How errors name the product of a line.
CARROTS = {"product_id": "carrots", "title": "Carrots"}


def refused(call: Any, *args: Any, **kwargs: Any) -> list[tuple[str, str, dict[str, str]]]:
    """Field, code and parameters of each fault; none if it is taken."""
    try:
        call(*args, **kwargs)
    except (Invalid, OutOfStock, PriceChanged) as error:
        return [(e.field, e.code, dict(e.params)) for e in error.errors]
    return []


def test_the_limits_of_texts_are_those_of_the_contract() -> None:
    assert (MAX_NOTE, MAX_REASON, MAX_ADDRESS) == (2000, 500, 500)
    assert (MAX_NAME, MIN_USERNAME, MAX_USERNAME) == (200, 3, 40)


# --- what a farm offers ---


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({"title": "x"}, True), ({"title": ""}, False), ({"title": "x" * 200}, True), ({"title": "x" * 201}, False),
        ({"description": "x" * 10_000}, True), ({"description": "x" * 10_001}, False),
        ({"price": 0}, True), ({"price": -1}, False), ({"price": 100_000_000}, True), ({"price": 100_000_001}, False),
        ({"tags": tuple(f"t{i}" for i in range(20))}, True), ({"tags": tuple(f"t{i}" for i in range(21))}, False),
        ({"tags": ("x",)}, True), ({"tags": ("x" * 40,)}, True), ({"tags": ("x" * 41,)}, False), ({"tags": ()}, True),
        ({"quantity_step": Decimal("0.001"), "min_quantity": Decimal("0.001")}, True),
        ({"quantity_step": MAX, "min_quantity": MAX}, True),
        ({"min_quantity": Decimal("0.05")}, True), ({"min_quantity": Decimal("0.04")}, False),
    ],
)  # fmt: skip
def test_limits_of_an_offer(change: dict[str, Any], taken: bool) -> None:
    assert (refused(checked, attrs.evolve(OFFER, **change)) == []) is taken


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({}, []),
        ({"title": "x", "price": 0, "stock": Decimal(0), "unit": "each", "tags": ["a"]}, []),
        ({"title": "", "price": -1, "stock": Decimal(-1)}, [("title", "required"), ("price", "below-minimum"), ("stock", "below-minimum")]),
        ({"tags": ["", "a" * 41]}, [("tags[0]", "required"), ("tags[1]", "too-long")]),
        ({"unit": "each", "stock": Decimal("0.5")}, [("stock", "off-step")]),
        ({"stock": Decimal("0.5")}, []),
        ({"unit": "each", "quantity_step": Decimal("0.5")}, [("quantity_step", "off-step")]),
        ({"quantity_step": Decimal("0.5")}, []),
        ({"quantity_step": Decimal(0), "min_quantity": Decimal(-1)}, [("quantity_step", "below-minimum"), ("min_quantity", "below-minimum")]),
        ({"unit": "kg", "quantity_step": Decimal(2), "min_quantity": Decimal(3)}, [("min_quantity", "off-step")]),
        ({"unit": "kg", "quantity_step": None, "min_quantity": None}, []),
    ],
)  # fmt: skip
def test_what_can_be_said_of_some_fields_is_said_whatever_the_others_are(
    given: dict[str, Any], refused: list[tuple[str, str]]
) -> None:
    assert [(fault.field, fault.code) for fault in faults(given)] == refused


@pytest.mark.parametrize(
    ("stock", "reserved", "asked", "after"),
    [
        ("2", "0", {"set_to": "0"}, "0"), ("2", "0", {"set_to": "-0.001"}, None), ("2", "0", {"change": "-2"}, "0"),
        ("2", "0", {"change": "-2.001"}, None), ("2", "1", {"set_to": "1"}, "1"), ("2", "1", {"set_to": "0.999"}, None),
        ("2", "1", {"change": "-1"}, "1"), ("2", "1", {"change": "-1.001"}, None), ("2", "1", {"change": "0"}, "2"),
        ("2", "0", {"set_to": "9999999.999"}, "9999999.999"), ("2", "0", {"set_to": "10000000"}, None),
        ("2", "0", {"change": "9999997.999"}, "9999999.999"), ("2", "0", {"change": "9999998"}, None),
    ],
)  # fmt: skip
def test_limits_of_a_correction_of_the_stock(
    stock: str, reserved: str, asked: dict[str, str], after: str | None
) -> None:
    if after is None:
        with pytest.raises(Invalid):
            level(stock, reserved, **asked)
    else:
        assert level(stock, reserved, **asked) == Decimal(after)


def test_a_product_may_begin_with_nothing() -> None:
    assert opening_stock(Decimal(0), "kg") == 0 and opening_stock(MAX, "kg") == MAX
    assert refused(opening_stock, Decimal("-0.001"), "kg") == [("stock", "below-minimum", {"minimum": "0"})]


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_weighed_by_the_thousandth_or_counted_by_the_piece(unit: str) -> None:
    step = {"kg": "0.001", "lb": "0.001", "oz": "0.001", "litre": "0.001"}.get(unit, "1")
    assert UNITS[unit].step == Decimal(step)
    faults = [(e.field, e.code, dict(e.params)) for e in unfit(unit, Decimal("0.5"), Decimal("1.5"))]
    whole = ("off-step", {"step": "1.000", "unit": unit})
    pieces = (
        [("quantity_step", *whole), ("min_quantity", *whole)]
        if unit not in ("kg", "g", "lb", "oz", "litre", "ml")
        else []
    )
    assert faults == pieces


def test_a_step_that_is_its_own_least_is_spoken_of_once() -> None:
    assert [e.field for e in unfit("kg", Decimal(0), Decimal(0))] == ["quantity_step"]
    assert [e.field for e in unfit("kg", Decimal(0), Decimal(-1))] == ["quantity_step", "min_quantity"]
    assert [e.field for e in unfit("kg", Decimal("0.2"), Decimal("0.3"))] == ["min_quantity"]


@pytest.mark.parametrize("kind", ["created", "updated", "deleted"])
def test_only_an_update_says_which_lists_it_leaves_alone(kind: Any) -> None:
    stale = happened(kind, Known("p", "p-slug", "f", "f-slug"), 3, ["title"]).data["families"]
    own = ["product:p", "product:p-slug", "products:changed"]
    everywhere = ["products:all", "products:farmer:f", "products:farmer:f-slug", "products:category:any"]
    assert stale == own + ([] if kind == "updated" else everywhere)


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        (["title", "description", "harvested_on", "quantity_step", "min_quantity"], []),
        (["price"], ["products:prices"]), (["price_per"], ["products:prices"]), (["prices"], ["products:prices"]), (["markdown"], ["products:prices"]), (["prior_price"], []), (["stock"], ["products:amounts"]), (["available"], ["products:amounts"]),
        (["sales"], ["products:amounts"]), (["price", "stock"], ["products:prices", "products:amounts"]), ([], []),
        (["title", "tags"], ["products:all", "products:farmer:f", "products:farmer:f-slug", "products:category:any"]),
        (None, ["products:all", "products:farmer:f", "products:farmer:f-slug", "products:category:any"]),
    ],
)  # fmt: skip
def test_what_a_change_makes_stale(changed: list[str] | None, more: list[str]) -> None:
    found = families.product("p", "p-slug", "f", "f-slug", changed)
    assert list(found) == ["product:p", "product:p-slug", "products:changed", *more]


@pytest.mark.parametrize(
    ("within", "more"), [([], []), ([None, "c"], ["c"]), (["c", "d"], ["c", "d"]), (["c", "c"], ["c"])]
)
def test_a_product_that_moves_makes_the_lists_of_its_categories_stale(
    within: list[str | None], more: list[str]
) -> None:
    found = families.product("p", "p-slug", "f", "f-slug", ["category_id"], within)
    assert list(found[6:]) == [f"products:category:{one}" for one in more]
    assert families.product("p", "p-slug", "f", "f-slug", ["price"], within)[3:] == ("products:prices",)


def test_names_of_families() -> None:
    assert families.farm("f", "slug") == ("farm:f", "products:farmer:f", "farm:slug", "products:farmer:slug")
    assert families.merged([("b", "a"), ("a", "c")]) == ["b", "a", "c"]
    assert (families.sign_ins("u"), families.shown("p")) == ("session:u", "product:p")
    told = families.stale("category:c", 4, "x", "y")
    assert (told.type, told.aggregate, told.version, told.data) == (
        "cache.invalidate", "category:c", 4, {"families": ["x", "y"], "version": 4},
    )  # fmt: skip
    assert families.families_of(told) == ("x", "y") and families.families_of(attrs.evolve(told, data={})) == ()


# --- orders ---


@pytest.mark.parametrize(
    ("goods", "fees", "tax", "discount", "total"),
    [(1000, 0, 0, 0, 1000), (1000, 200, 0, 0, 1200), (1000, 0, 30, 0, 1030), (1000, 0, 0, 4, 996), (1000, 200, 30, 4, 1226)],
)  # fmt: skip
def test_fees_and_tax_are_added_and_a_discount_is_taken_off(
    goods: int, fees: int, tax: int, discount: int, total: int
) -> None:
    assert Totals(goods, fees, tax, discount).total == total
    assert Totals(goods, fees=fees, tax=tax, discount=discount).total == total


def test_the_last_of_a_product_can_be_had_and_not_a_thousandth_more() -> None:
    shelf = product(quantity_step="0.001", min_quantity="0.001")
    order = placed([("carrots", "2.5")], shelf)
    assert order.ran_out == {"carrots"} and order.taken == {"carrots": Decimal("2.5")}
    assert placed([("carrots", "2.499")], shelf).ran_out == frozenset()
    over = refused(placed, [("carrots", "2.501")], shelf)
    assert over == [("lines[0].quantity", "out-of-stock", {"available": "2.500", "unit": "kg", **CARROTS})]


@pytest.mark.parametrize(
    ("stock", "reserved", "left"), [("3", "3", "0.000"), ("1", "3", "0.000"), ("3", "2.95", "0.050")]
)
def test_what_is_left_is_never_less_than_nothing(stock: str, reserved: str, left: str) -> None:
    (fault,) = refused(placed, [("carrots", "1")], product(stock=stock, reserved=reserved))
    assert fault == ("lines[0].quantity", "out-of-stock", {"available": left, "unit": "kg", **CARROTS})


def test_short_lines_are_told_in_their_order() -> None:
    lines = [("a", "2"), ("b", "9"), ("a", "2"), ("c", "1")]
    assert [f for f, _, _ in refused(placed, lines, *map(product, "abc"))] == [
        f"lines[{i}].quantity" for i in (0, 1, 2)
    ]


@pytest.mark.parametrize(("minimum", "taken"), [(0, True), (1363, True), (1364, False)])
def test_a_farms_minimum_is_reached_by_all_that_is_ordered_of_it(minimum: int, taken: bool) -> None:
    """3.90 + 0.5 of 3.90 (1.95, twice) + 9.73 less what is of another farm."""
    shelf = [
        product("a", order_minimum=minimum), product("b", order_minimum=minimum, price=973, stock="9"),
        product("c", "coop", price=5000, stock="9"),
    ]  # fmt: skip
    found = refused(placed, [("a", "1"), ("c", "1"), ("b", "1")], *shelf)
    assert found == (
        []
        if taken
        else [
            (
                "lines",
                "below-minimum",
                {"farm_id": "acres", "farm": "Acres", "minimum": str(minimum), "missing": "1", "currency": "EUR"},
            )
        ]
    )


@pytest.mark.parametrize(("most", "taken"), [(2, True), (1, False), (3, True)])
def test_limits_of_the_lines_of_an_order(most: int, taken: bool) -> None:
    found = refused(
        placed,
        [("carrots", "1"), ("leeks", "1")],
        product(),
        product("leeks"),
        terms=attrs.evolve(TERMS, lines_most=most),
    )
    assert found == ([] if taken else [("lines", "too-long", {"maximum": str(most), "reason": "elements"})])
    assert refused(placed, []) == [("lines", "required", {"reason": "no-lines"})]
    assert refused(placed, [], of_cart=True) == [("lines", "required", {"reason": "cart-empty"})]
    given = {
        "order_id": "o",
        "number": "n",
        "buyer": Buyer(user_id="b"),
        "line_ids": [],
        "now": NOW,
        "today": TODAY,
        "expected_total": None,
    }
    assert refused(place, [], {}, TERMS, **given) == [("lines", "required", {"reason": "no-lines"})]


def test_lines_and_parts_are_numbered_from_nought_in_the_order_of_first_mention() -> None:
    order = placed(
        [("eggs", "2"), ("carrots", "1"), ("eggs", "1"), ("leeks", "1")],
        product("eggs", "coop", stock="9"), product(), product("leeks"),
    )  # fmt: skip
    assert [(line.id, line.position, line.product_id, line.quantity) for line in order.lines] == [
        ("line-0", 0, "eggs", 3), ("line-1", 1, "carrots", 1), ("line-2", 2, "leeks", 1),
    ]  # fmt: skip
    assert [(part.farm_id, part.position, part.status, part.subtotal) for part in order.parts] == [
        ("coop", 0, "placed", 1170), ("acres", 1, "placed", 780),
    ]  # fmt: skip
    created = order.events[0].data
    assert [[line["product_id"] for line in part["lines"]] for part in created["parts"]] == [
        ["eggs"],
        ["carrots", "leeks"],
    ]
    assert created["totals"] == {"goods": 1950, "fees": 0, "tax": 0, "discount": 0, "total": 1950}


def test_every_product_that_ran_out_is_told_once_by_its_next_revision() -> None:
    shelf = [product("b", revision=4), product("a", revision=9), product("c")]
    _, *told = placed([("b", "2.5"), ("a", "2.5"), ("c", "1")], *shelf).events
    assert [(e.aggregate, e.version) for e in told] == [("product:a", 10), ("product:b", 5)]


def test_a_moved_total_and_all_that_moved_are_told_at_once_the_total_first() -> None:
    now = [product("leeks", price=120), product(price=400)]
    found = refused(
        placed, [("leeks", "1"), ("carrots", "1")], *now, expected_total=510, seen={"carrots": product().agreed}
    )
    assert [field for field, _, _ in found] == ["expected_total", "lines[1]"]
    assert found[0][1:] == ("changed", {"before": "510", "after": "520", "currency": "EUR"})
    assert found[1][1:] == (
        "changed",
        {
            "product_id": "carrots",
            "what": "price-changed",
            "title": "Carrots",
            "before": "390",
            "after": "400",
            "currency": "EUR",
            "per_before": "1.000",
            "per_after": "1.000",
            "unit_before": "kg",
            "unit": "kg",
        },
    )
    assert refused(placed, [("leeks", "1"), ("carrots", "1")], *now, expected_total=520) == []
    for near in (519, 521):
        assert len(refused(placed, [("leeks", "1"), ("carrots", "1")], *now, expected_total=near)) == 1


# --- carts ---


@pytest.mark.parametrize(
    ("quantity", "stock", "reserved", "code", "left"),
    [
        ("1", "1", "0", None, ""), ("1.001", "1", "0", "short", "1.000"), ("0.999", "1", "0", None, ""),
        ("1", "1", "1", "sold-out", "0.000"), ("1", "1", "2", "sold-out", "0.000"), ("1", "1", "0.999", "short", "0.001"),
    ],
)  # fmt: skip
def test_a_cart_is_warned_of_what_is_left(
    quantity: str, stock: str, reserved: str, code: str | None, left: str
) -> None:
    shelf = product(stock=stock, reserved=reserved, quantity_step="0.001", min_quantity="0.001")
    _, found = price([Item("carrots", Decimal(quantity), shelf.agreed)], {"carrots": shelf}, TODAY, TERMS)
    assert [(w.code, dict(w.params)) for w in found] == (
        [(code, {"available": left, "unit": "kg", "title": "Carrots"})] if code else []
    )


@pytest.mark.parametrize(("minimum", "missing"), [(0, 0), (389, 0), (390, 0), (391, 1), (1000, 610)])
def test_a_cart_says_what_is_missing_to_a_farms_minimum(minimum: int, missing: int) -> None:
    shelf = product(order_minimum=minimum)
    parts, found = price([Item("carrots", Decimal(1), shelf.agreed)], {"carrots": shelf}, TODAY, TERMS)
    assert (parts[0].missing, parts[0].subtotal) == (missing, 390)
    assert [w.params["missing"] for w in found] == ([str(missing)] if missing else [])


@pytest.mark.parametrize(("most", "warned"), [(2, False), (1, True)])
def test_a_cart_says_that_it_has_too_many_products(most: int, warned: bool) -> None:
    shelf = {p.id: p for p in (product(), product("leeks"))}
    items = [Item(p.id, Decimal(1), p.agreed) for p in shelf.values()]
    _, found = price(items, shelf, TODAY, attrs.evolve(TERMS, lines_most=most))
    assert [(w.product_id, w.code, dict(w.params)) for w in found] == (
        [(None, "too-many-lines", {"maximum": "1", "count": "2"})] if warned else []
    )


def test_what_is_not_for_sale_any_more_does_not_keep_the_rest_from_being_priced() -> None:
    shelf = {"leeks": product("leeks", status="draft"), "carrots": product()}
    items = [Item("leeks", Decimal(1), product().agreed), Item("carrots", Decimal(1), product().agreed)]
    parts, found = price(items, shelf, TODAY, TERMS)
    assert [part.subtotal for part in parts] == [390] and [(w.product_id, w.code) for w in found] == [
        ("leeks", "unavailable")
    ]


# --- stock ---


@pytest.mark.parametrize(("reserved", "told"), [("2.5", True), ("2.6", True), ("2.499", False)])
def test_it_is_told_that_a_product_can_be_had_again_only_where_it_could_not(reserved: str, told: bool) -> None:
    effect = give_back([held("live")], {"carrots": product(reserved=reserved)})
    assert ([e.version for e in effect.events], bool(effect.revised)) == ([8] if told else [], told)


def test_what_several_lines_do_to_one_product_adds_up() -> None:
    shelf = {"carrots": product(stock="9", reserved="3")}
    sold = settle([held("live", "1", "a"), held("live", "2", "b")], shelf)
    assert sold.products == {"carrots": (Decimal(-3), Decimal(-3), 2)}
    back = give_back([held("sold", "1", "a"), held("sold", "2", "b"), held("live", "3", "c")], shelf)
    assert back.products == {"carrots": (Decimal(3), Decimal(-3), -2)}
    assert [(e.kind, e.change, e.level, e.line_id) for e in back.entries] == [
        ("return", 1, 10, "a"), ("return", 2, 12, "b"),
    ]  # fmt: skip
    gone = give_back([held("live", "1", "a")], shelf, expired=True)
    assert (gone.products, gone.entries) == ({"carrots": (Decimal(0), Decimal(-1), 0)}, ())


# --- what becomes of an order ---


def test_a_step_says_what_it_was_and_what_the_order_is_now() -> None:
    moved = move(standing("placed", "ready", version=6), "farm-0", "confirmed", "farm", "soon")
    (event,) = moved.events
    assert (moved.version, event.version, moved.status, moved.totals.total) == (7, 7, "confirmed", 2000)
    assert event.aggregate == "order:order"
    assert event.data == {
        "order_id": "order", "number": "H000001", "buyer_id": "buyer", "actor": "farm", "reason": "soon",
        "farm_id": "farm-0", "from": "placed", "to": "confirmed", "order_status": "confirmed",
    }  # fmt: skip


def test_an_order_that_stays_as_far_as_it_was_is_not_told_of_itself() -> None:
    assert len(cancel(standing("cancelled", "cancelled", "placed", "ready"), ["farm-2"], "farm", "").events) == 1
    moved = cancel(standing("cancelled", "placed"), None, "buyer", "")
    assert [e.type for e in moved.events] == ["order.updated", "order.cancelled"] and moved.farms == ("farm-1",)
    gone = expire(standing("cancelled", "placed", "placed"))
    assert gone is not None and gone.farms == ("farm-1", "farm-2") and gone.status == "cancelled"
    assert (gone.actor, gone.reason, gone.to) == ("clock", "no farm confirmed it in time", "expired")


def test_fees_and_a_discount_are_counted_anew_when_goods_go() -> None:
    fee = FeeRule(id="f", name="Crate", basis="farm", amount=50)
    coupon = Discount(coupon_id="c", code="TENTH", kind="percent", value=10_000, minimum=2000)
    order = standing("placed", "placed", "placed", pricing=Pricing(fees=(fee,), discount=coupon))
    by_farm = cancel(order, ["farm-0", "farm-1"], "farm", "hail")
    assert by_farm.totals == Totals(1000, fees=50, discount=100), "what the buyer had reached stays reached"
    assert by_farm.amounts.pricing.discount is not None and by_farm.amounts.pricing.discount.minimum == 1000
    agreed = attrs.evolve(order, totals=Totals(3000, 5, 7, 2))
    assert cancel(agreed, None, "buyer", "").totals == Totals(3000, 5, 7, 2), "for the books"


# --- accounts and passwords ---


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({"name": "x" * 200}, True), ({"name": "x" * 201}, False), ({"name": "x"}, True),
        ({"role": "farmer", "farm_name": "x" * 200}, True), ({"role": "farmer", "farm_name": "x" * 201}, False),
        ({"username": "a.b"}, True), ({"username": "ab"}, False), ({"username": "a" * 40}, True), ({"username": "a" * 41}, False),
    ],
)  # fmt: skip
def test_limits_of_a_registration(change: dict[str, Any], taken: bool) -> None:
    assert (refused(registration, **change) == []) is taken


def test_a_registration_is_told_once_with_whom_to_greet() -> None:
    event = registered("u", "buyer", "a@b.example", "Ada")
    assert (event.type, event.aggregate, event.version) == ("account.registered", "user:u", 1)
    assert event.data == {"user_id": "u", "role": "buyer", "email": "a@b.example", "name": "Ada"}


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("zx7Kq9!mWp2", "too-short"), ("zx7Kq9!mWp2v", None), ("zx7Kq9!mWp2vT", None),
        ("zx7 Kq9!" * 128 + "x", "too-long"), ("zx7 Kq9!" * 127 + "mWp2vT4u", None),
        # one common word, and so many characters round it
        ("market12345678", "common-password"), ("market482719350", None), ("1!market234567", "common-password"),
        ("market dragon", None),
        # one's own words, and so many letters left
        ("adalovelacexyz", "common-password"), ("adalovelacewxyz", None), ("lovelace48271935", "common-password"),
        ("lovelace482719350", None),
        # runs and repetitions
        ("abcdefghijklm", "common-password"), ("mlkjihgfedcba", "common-password"), ("0123456789012", "common-password"),
        ("acegikmoqsuw", None), ("xyzwxyzwxyzw", "common-password"), ("qkzwvjpqkzwvjp", "common-password"),
        ("qkzwvjpxqkzwvjpx", None), ("xxyyxyxxyyxy", "common-password"), ("ab1234567890", None),
        ("xxyxyyyxxyxx", "common-password"), ("2026m4rket!!", "common-password"), ("2026m4rketx!", None),
    ],
)  # fmt: skip
def test_limits_of_a_password(password: str, code: str | None) -> None:
    common = frozenset({"market", "dragon"})
    found = passwords.fault(password, 12, common, ("Ada Lovelace",))
    assert (found and found.code) == code
    if found and code == "too-short":
        assert found.params == {"minimum": "12"}
    if found and code == "too-long":
        assert found.params == {"maximum": "1024"}


@pytest.mark.parametrize(("name", "code"), [("Al Bo Cy", "common-password"), ("Al", None), ("", None)])
def test_a_name_of_short_words_is_known_as_one_word(name: str, code: str | None) -> None:
    found = passwords.fault("albocy482719", 12, frozenset(), (name,))
    assert (found and found.code) == code


@pytest.mark.parametrize(
    ("password", "code"), [("cat12345", None), ("cats1234", "common-password"), ("ada48271", "common-password")]
)
def test_words_of_three_letters_are_in_everything_but_a_persons_own_count(password: str, code: str | None) -> None:
    found = passwords.fault(password, 8, frozenset({"cat", "cats"}), ("Ada",))
    assert (found and found.code) == code


@pytest.mark.parametrize(
    ("after", "code"), [("zeta", "common-password"), ("zetaq", "common-password"), (" zeta", None)]
)
def test_so_much_of_a_name_is_looked_at(after: str, code: str | None) -> None:
    """Its first 256 characters, of which 252 stand before this."""
    found = passwords.fault("zeta1zeta2zeta3zeta4", 12, frozenset(), ("ab " * 84 + after,))
    assert (found and found.code) == code


# --- events ---


def test_an_event_is_of_a_type_that_there_is_and_its_data_is_of_that_type() -> None:
    told = registered("u", "buyer", "a@b.example", "Ada")
    assert TOPOLOGY.fault("order.eaten", {}) == "no subject has events of type 'order.eaten'"
    assert "user_id" in TOPOLOGY.fault(told.type, told.data)
    assert TOPOLOGY.fault(told.type, told.data | {"user_id": "0197f0a0-7c1e-7abc-8def-0123456789ab"}) == ""


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        (events.Whole, 2**63 - 1, True), (events.Whole, 2**63, False), (events.Whole, -(2**63), True),
        (events.Whole, -(2**63) - 1, False), (events.Count, 0, True), (events.Count, -1, False),
        (events.Count, 2**63 - 1, True), (events.Count, 2**63, False),
        (events.Instant, "2026-07-03T12:00:00Z", True), (events.Instant, "2026-07-03T12:00:00", False),
    ],
)  # fmt: skip
def test_limits_of_what_an_event_holds(kind: Any, value: Any, taken: bool) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        assert not taken
    else:
        assert taken


# --- ways ---

GATE = {"id": "gate", "name": "Gate", "address": "1 Lane"}
FARMS = {"acres": Farm("Acres", (GATE,)), "coop": Farm("Coop")}


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ([Way(path="w")], []), ([], []), ([Way(path="w", farm_id="acres"), Way(path="v", farm_id="coop")], []),
        ([Way(path="w", farm_id="acres")], [("fulfilments", "required")]),
        ([Way(path="w", farm_id="acres"), Way(path="v", farm_id="acres")], [("v.farm_id", "given-twice")]),
        ([Way(path="w", farm_id="nobody"), Way(path="v")], [("w.farm_id", "not-found")]),
        ([Way(path="w", method="delivery", address="1 Lane")], []),
        ([Way(path="w", method="delivery")], [("w.address", "required")]),
        ([Way(path="w", address="1 Lane")], []),
        ([Way(path="w", method="delivery", address="x", pickup_point_id="gate")], [("w.pickup_point_id", "not-accepted")]),
        ([Way(path="w", market_day_id="d")], [("w.market_day_id", "not-accepted")]),
        ([Way(path="w", farm_id="acres", pickup_point_id="gate"), Way(path="v", farm_id="coop")], []),
        ([Way(path="w", pickup_point_id="gate")], [("w.pickup_point_id", "not-found")]),
        ([Way(path="w", farm_id="acres", pickup_point_id="else"), Way(path="v", farm_id="coop")], [("w.pickup_point_id", "not-found")]),
    ],
)  # fmt: skip
def test_which_ways_there_are(asked: list[Way], faults: list[tuple[str, str]]) -> None:
    assert [(field, code) for field, code, _ in refused(chosen, FARMS, asked)] == faults


def test_the_first_of_several_faults_is_the_summary() -> None:
    with pytest.raises(
        Invalid, match=r"^w\.market_day_id: is of no use, since window_id says which day it is; leave it out$"
    ) as raised:
        chosen(FARMS, [Way(path="w", market_day_id="d", method="delivery")])
    assert [e.code for e in raised.value.errors] == ["not-accepted", "required"]


def test_the_way_of_each_part_is_stored_with_its_point_or_its_address() -> None:
    assert chosen(FARMS, []) == {"acres": {"method": "pickup"}, "coop": {"method": "pickup"}}
    each = chosen(FARMS, [Way(path="w", farm_id="acres", pickup_point_id="gate"), Way(path="v", farm_id="coop", method="delivery", address="x")])  # fmt: skip
    assert each == {"acres": {"method": "pickup", "pickup_point": GATE}, "coop": {"method": "delivery", "address": "x"}}
    assert set(chosen(FARMS, [Way(path="w", method="delivery", address="x")])) == set(FARMS)


# --- messages ---

#: By event and step: who is told by a notice alone (n), by mail, too (b).
TOLD = {
    ("order.created", ""): {"buyer": "b", "farm": "b"}, ("order.created", "for_another"): {"buyer": "b", "farm": "b"}, ("order.updated", "confirmed"): {"buyer": "b"}, ("order.updated", "ready"): {"buyer": "b"},
    ("order.updated", "out_for_delivery"): {"buyer": "b"}, ("order.updated", "completed"): {"buyer": "n"},
    ("order.updated", "cancelled"): {"buyer": "b", "farm": "b"}, ("order.updated", "expired"): {"buyer": "b", "farm": "b"},
    ("order.amended", ""): {"buyer": "b", "farm": "b"}, ("order.amended", "for_another"): {"buyer": "b", "farm": "b"},
    ("order.amended", "asked"): {"buyer": "b", "farm": "b"}, ("order.amended", "withdrawn"): {"buyer": "b"}, ("order.amended", "unanswered"): {"buyer": "n", "farm": "b"}, ("order.amended", "left"): {"buyer": "b", "farm": "n"}, ("order.amended", "accepted"): {"farm": "b"}, ("order.amended", "declined"): {"farm": "b"},
    ("order.line_short", ""): {"buyer": "b", "farm": "b"}, ("order.line_short", "asked"): {"buyer": "b"}, ("order.line_short", "withdrawn"): {"buyer": "b", "farm": "b"},
    ("order.line_weighed", ""): {"buyer": "n"}, ("order.line_weighed", "asked"): {"buyer": "b"}, ("order.line_weighed", "withdrawn"): {"buyer": "b"},
    ("order.completed", ""): {"buyer": "n"}, ("order.cancelled", ""): {"buyer": "b"}, ("order.expired", ""): {"buyer": "b"},
    ("order.moved", ""): {"buyer": "b"}, ("market_day.closing_soon", ""): {"buyer": "b"}, ("market_day.closed", ""): {"farm": "b"},
    ("market_day.closed", "full"): {"farm": "b"}, ("market_day.cancelled", ""): {"farm": "b"}, ("market_day.cancelled", "with_orders"): {"farm": "b"}, ("market_day.changed", ""): {"farm": "b"},
    ("farm.member_joined", ""): {"owner": "b"}, ("farm.member_left", ""): {"owner": "b"},
    ("farm.member_closed", ""): {"owner": "b"}, ("farm.member_removed", ""): {"owner": "b", "member": "b"}, ("farm.member_changed", ""): {"member": "b"},
}  # fmt: skip


def test_who_is_told_how() -> None:
    told = {key: {m.whom: "b" if m.mail else "n" for m in messages} for key, messages in MESSAGES.items()}
    assert told == TOLD
