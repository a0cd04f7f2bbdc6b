"""Buyers, farms, staff and the clock, acting at random, in a real market and a plain one (``plain/``): what one refuses the other does, and after every step they agree on all stock,
places, uses of coupons, amounts and statuses. At the end of each run the workers have done what there is to do, and all invariants hold.

``make fuzz`` has 200 runs of 50 steps; ``HARVEST_SEED=n`` has those of a seed again, ``HARVEST_RUNS=n`` so many. ``python -m tests.mutations.selling_trials`` says what they notice.
"""

from __future__ import annotations

import copy
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread

from harvestd.settings.table import Settings
from servers.lent import LentDatabases
from tests.lengths import WHOLE, length
from tests.market.orders.plain import beside, changes
from tests.market.orders.plain.beside import BUYERS, FARMS, RealMarket, differences, said, state_of
from tests.market.orders.plain.market import PlainMarket, Refused
from tests.market.orders.plain.things import AT_FARM, PROGRESS, Line, Order
from tests.web.client import Response

SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
RUNS, STEPS = int(os.environ.get("HARVEST_RUNS", length(15, 200))), int(length(12, 50))
#: Hypothesis's own, by another name: what has its name begins with dozens of runs that are as short and simple as can be, which would be all of the short form.
AT_LENGTH = "at-length"
AVAILABLE_PROVIDERS[AT_LENGTH] = "hypothesis.internal.conjecture.providers.HypothesisProvider"
#: Statuses of what is done, and of what is refused.
DONE, REFUSED = (200, 201, 204), (403, 404, 409, 412, 422)

WHO, FARM = st.sampled_from(BUYERS), st.integers(0, 7)
PRODUCT = st.sampled_from(("Carrots", "Apples", "Eggs", "Ducks"))
WINDOW = st.sampled_from(("early", "late", "next", "lone"))
CODE = st.sampled_from(("", "", "TENTH", "FIVER"))
CONSENT = st.sampled_from(("none", "same_farm", "any_farm", "ask"))
#: One of so many, counted from the last; how much of something (:func:`amount`).
ONE, MUCH = st.integers(0, 20), st.integers(1, 60)
WANTED = st.lists(st.tuples(PRODUCT, MUCH, CONSENT), min_size=1, max_size=3)
EDITS = st.lists(st.tuples(st.one_of(st.integers(0, 5), PRODUCT), st.integers(0, 60)), min_size=1, max_size=2)
#: Something of each farm, so that what they share of fees and coupons is worked out anew with every change.
BOTH = st.tuples(
    st.tuples(st.sampled_from(("Carrots", "Apples")), st.integers(20, 59), CONSENT),
    st.tuples(st.sampled_from(("Eggs", "Ducks")), MUCH, CONSENT),
)
#: What else the same farm sells, and what the other does.
BESIDE = {"Carrots": "Apples", "Apples": "Carrots", "Eggs": "Ducks", "Ducks": "Eggs"}
ELSEWHERE = {"Carrots": "Eggs", "Apples": "Ducks", "Eggs": "Carrots", "Ducks": "Apples"}
#: Which are no divisors of what lasts in this market, so nothing is ever due at the very end of them.
MINUTES = st.sampled_from((7, 47, 293, 787))


def amount(product: str, much: int) -> Fraction:
    """Up to 3 kg by 50 g or up to four pieces, or what nobody sells: 13 g, or half a piece."""
    if not much:
        return Fraction(0)
    if much == 60:
        return Fraction(13, 1000) if product == "Carrots" else Fraction(1, 2)
    return Fraction(much, 20) if product == "Carrots" else Fraction(1 + much % 4)


class Markets(RuleBasedStateMachine):
    """Both markets; a step is done in a copy of the plain one, which takes its place if the step is not refused."""

    databases: LentDatabases
    settings: Settings
    #: How many steps were done, and refused, of each kind, in all runs.
    counted: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.plain: PlainMarket
        self.real: RealMarket | None = None
        self.told: list[str] = []
        self.counted["runs"] += 1
        self.agree = False

    @initialize(
        included=st.booleans(), by_farm=st.booleans(), who=WHO, wanted=BOTH, window=st.sampled_from(("early", "late", "lone")), coupon=CODE,
        first=st.sampled_from(("hand over", "hand over", "ask", "fill", "weigh", "extend")), much=MUCH, one=st.integers(0, 17),
    )  # fmt: skip
    def founded(
        self, included: bool, by_farm: bool, who: str, wanted: Any, window: str, coupon: str, first: str, much: int, one: int
    ) -> None:  # fmt: skip
        """Begin with something that hardly ever happens by itself."""
        self.plain = beside.plain(included, by_farm)
        self.real = self.wait(RealMarket.founded(self.databases, self.settings, self.plain))
        self.compare()
        if first == "hand over":
            to, then = (
                ("completed", "completed", "out_for_delivery")[one % 3],
                ("short", "amend", "cancel")[one // 3 % 3],
            )
            self.hand_over_one_of_two(who, wanted, window, coupon or "TENTH", one % 2, to, then, much)
        elif first == "ask":
            self.ask(who, wanted, window, ("short", "add", "weigh")[one % 3], much, (True, False, None)[one // 3 % 3])
        elif first == "fill":
            self.fill(who, wanted, window, one % 3, ("order", "end", "cancel")[one // 3 % 3])
        elif first == "weigh":
            self.cancel_what_is_weighed(who, window, much, one % 2 == 0)
        else:
            self.extend(who, wanted, window, much)

    def teardown(self) -> None:
        if self.real is None:
            return
        try:
            if self.agree:
                self.work()
                assert self.real.market.broken(at_rest=True) == [], self.story()
        finally:
            self.wait(self.real.close())

    # how a step is made

    def wait(self, work: Awaitable[Any]) -> Any:
        from twisted.internet import reactor

        async def done() -> Any:
            return await work

        return blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(done()))

    def step(self, said: str, plain: Callable[[PlainMarket], Any], real: Awaitable[Response], ok: Callable[[Response], bool] | None = None) -> Response:  # fmt: skip
        """Do the same in both; ``ok`` says of the real one's answer whether it was done."""
        trial, why = copy.deepcopy(self.plain), ""
        try:
            plain(trial)
        except Refused as refused:
            why = str(refused)
        self.agree = False
        answer: Response = self.wait(real)
        self.told.append(f"{said}: {answer.status} ({why or 'done'})")
        assert answer.status in (*DONE, *REFUSED), f"{answer.text}\n{self.story()}"
        done = answer.status in DONE if ok is None else ok(answer)
        assert done is not bool(why), f"{why or 'it can be done'}, but {answer.text}\n{self.story()}"
        self.counted["done" if done else "refused"] += 1
        if done:
            self.plain = trial
        self.compare()
        return answer

    def compare(self) -> None:
        assert self.real is not None
        found = differences(state_of(self.plain), self.wait(self.real.state()))
        assert found == [], "\n".join(found) + f"\n{self.story()}"
        self.agree = True

    def story(self) -> str:
        return f"seed {SEED}, run {self.counted['runs']}:\n" + "\n".join(self.told)

    @property
    def shop(self) -> RealMarket:
        assert self.real is not None
        return self.real

    def order(self, one: int) -> Order:
        """An order, mostly one that is not over."""
        orders = [*self.plain.orders.values()]
        going_on = [order for order in orders if order.status in PROGRESS[:-1]]
        found = going_on if going_on and one < 18 else orders
        return found[-1 - one % len(found)]

    def at_farm(self, order: Order, at: int) -> Line:
        """A line of an order, of those that its farm still has if there are any."""
        there = [
            line
            for line in order.lines
            if not line.proposed and any(p.farm == line.farm and p.status in AT_FARM for p in order.parts)
        ]
        found = there if there and at < 5 else order.lines
        return found[at % len(found)]

    def last(self, placed: str) -> Order | None:
        """The order of that name, if it was placed."""
        return self.plain.orders.get(placed)

    def new(self) -> str:
        return f"order {len(self.plain.orders) + 1}"

    # buyers

    @rule(who=WHO, product=PRODUCT, much=st.integers(1, 59), consent=CONSENT)
    def put(self, who: str, product: str, much: int, consent: str) -> None:
        wanted = product, amount(product, much), consent
        item = {"quantity": said(wanted[1]), "substitution": consent}
        path = f"/api/cart/items/{self.shop.ids[product]}"
        asked = self.shop.buyers[who].request("PUT", path, item)
        self.step(f"{who} puts {wanted}", lambda market: market.put(who, wanted), asked)

    @rule(who=WHO, wanted=WANTED, window=WINDOW, code=CODE)
    def place(self, who: str, wanted: list[Any], window: str, code: str) -> None:
        name, lines = self.new(), [(product, amount(product, much), consent) for product, much, consent in wanted]
        asked = self.shop.place(name, who, self.shop.body(lines, window, code))
        said = f"{who} orders {name}, {lines}, {window}, {code}"
        self.step(said, lambda market: market.place(name, who, lines, window, code), asked)

    @precondition(lambda self: any(self.plain.carts.values()))
    @rule(one=ONE, window=WINDOW, code=CODE)
    def place_cart(self, one: int, window: str, code: str) -> None:
        full = [who for who, wanted in self.plain.carts.items() if wanted]
        name, who = self.new(), full[one % len(full)]
        asked = self.shop.place(name, who, self.shop.body([], window, code))
        said = f"{who} orders the cart as {name}, {window}, {code}"
        self.step(said, lambda market: market.place_cart(name, who, window, code), asked)

    @precondition(lambda self: self.real is not None)
    @rule(
        who=WHO,
        wanted=BOTH,
        window=WINDOW,
        code=st.sampled_from(("", "TENTH", "FIVER")),
        at=st.integers(0, 1),
        to=st.sampled_from(("confirmed", "out_for_delivery", "completed", "completed")),
        then=st.sampled_from(("short", "amend", "cancel", "")),
        much=MUCH,
    )
    def hand_over_one_of_two(
        self, who: str, wanted: Any, window: str, code: str, at: int, to: str, then: str, much: int
    ) -> None:
        """An order of both farms, of which one is done with its part while the other's changes."""
        name = self.new()
        self.place(who, [*wanted], window, code)
        if (order := self.last(name)) is None:
            return
        self.hand_over(order, at, to)
        order = self.plain.orders[name]
        line = order.lines[1 - at]
        if then == "short":
            self.has_less(order, line, min(amount(line.product, much), line.quantity), None)
        elif then == "amend":
            self.amend_lines(order, "buyer" if much % 2 else "staff", line.farm, [(1 - at, much)])
        elif then == "cancel":
            self.cancel_by(order, "farm" if much % 2 else "staff", line.farm)
            if to == "out_for_delivery":
                self.cancel_by(self.plain.orders[name], "staff", order.parts[at].farm)

    @precondition(lambda self: self.real is not None)
    @rule(
        who=WHO,
        wanted=BOTH,
        window=WINDOW,
        how=st.sampled_from(("short", "add", "weigh")),
        much=MUCH,
        said=st.sampled_from((True, False, None)),
    )
    def ask(self, who: str, wanted: Any, window: str, how: str, much: int, said: bool | None) -> None:
        """A farm asks the buyer about what it would give instead or add, or about what weighs more; they say yes, no, or nothing in time."""
        name, (green, _) = self.new(), wanted
        ducks = "Ducks", much % 3, "none"
        self.place(who, [(*green[:2], "ask"), ducks], window, "TENTH" if much % 2 else "")
        if (order := self.last(name)) is None:
            return
        line, duck = order.lines
        if how == "short":
            there = BESIDE[line.product] if much % 4 else "Ducks"
            self.has_less(order, line, line.quantity, (there, amount(there, 1 + much % 4)))
        elif how == "add":
            self.amend_lines(order, "farm", line.farm, [(BESIDE[line.product], much)])
        else:
            self.weigh_line(order, duck, 111 + much % 20)
        about = [line for line in self.plain.orders[name].lines if line.answer_by is not None]
        if about and said is None:
            self.pass_time(787)
        elif about:
            self.say(self.plain.orders[name], about[0], bool(said))

    @precondition(lambda self: self.real is not None)
    @rule(who=WHO, window=WINDOW, much=MUCH, late=st.booleans())
    def cancel_what_is_weighed(self, who: str, window: str, much: int, late: bool) -> None:
        """A buyer wants nothing of what was weighed for them, before or after the day's cut-off."""
        name = self.new()
        self.place(who, [("Ducks", much, "none")], window, "")
        if (order := self.last(name)) is None:
            return
        self.weigh_line(order, order.lines[0], 80 + much % 20)
        if late:
            self.pass_time(787)
        self.cancel_by(self.plain.orders[name], "buyer", "")

    @precondition(lambda self: self.real is not None)
    @rule(who=WHO, wanted=BOTH, window=WINDOW, much=MUCH)
    def extend(self, who: str, wanted: Any, window: str, much: int) -> None:
        """A buyer adds something of another farm to their order: mostly little of it."""
        name = self.new()
        self.place(who, [wanted[0]], window, "")
        if (order := self.last(name)) is not None:
            self.amend_lines(order, "buyer", "", [(wanted[1][0], 1 + much % 5)])

    @precondition(lambda self: self.real is not None)
    @rule(
        who=WHO, wanted=BOTH, window=WINDOW, measure=st.integers(0, 2), then=st.sampled_from(("order", "end", "cancel"))
    )
    def fill(self, who: str, wanted: Any, window: str, measure: int, then: str) -> None:
        """Somebody takes or holds the last that a window has: a place, a crate, or a kilogram."""
        if then == "cancel":
            self.place(who, [*wanted], window, "")
        else:
            self.hold(who, [*wanted], window, "")
        if taken := self.plain.windows[window].taken[measure]:
            self.hold_no_more(window, measure, taken)
        self.pass_time(7)
        if then == "order" and who in self.shop.quotes:
            self.order_held(who)
        self.pass_time(47)
        if then == "cancel" and self.plain.orders:
            self.amend_lines(self.order(0), "buyer", "", [(0, wanted[1][1])])
            self.cancel_by(self.order(0), "staff" if measure else "buyer", "")
            self.pass_time(7)

    @rule(who=WHO, wanted=WANTED, window=WINDOW, code=CODE)
    def hold(self, who: str, wanted: list[Any], window: str, code: str) -> None:
        lines = [(product, amount(product, much), consent) for product, much, consent in wanted]
        asked = self.shop.buyers[who].post("/api/quotes", {"hold": True, **self.shop.body(lines, window, code)})
        said = f"{who} holds {lines}, {window}, {code}"
        answer = self.step(said, lambda market: market.hold(who, lines, window, code), asked, lambda one: one.status == 200 and one.json()["id"] is not None)  # fmt: skip
        if answer.json().get("id"):
            self.shop.quotes[who] = answer.json()["id"]

    @precondition(lambda self: bool(self.real and self.real.quotes))
    @rule(one=ONE)
    def place_held(self, one: int) -> None:
        self.order_held([*self.shop.quotes][one % len(self.shop.quotes)])

    def order_held(self, who: str) -> None:
        name = self.new()
        asked = self.shop.place(name, who, {"quote_id": self.shop.quotes[who]})
        self.step(f"{who} orders what is held as {name}", lambda market: market.place_held(name, who), asked)

    @precondition(lambda self: bool(self.plain.orders))
    @rule(one=ONE, actor=st.sampled_from(("buyer", "buyer", "farm", "staff")), farm=FARM)
    def cancel(self, one: int, actor: str, farm: int) -> None:
        self.cancel_by(self.order(one), actor, self.farm(self.order(one), farm))

    def cancel_by(self, order: Order, actor: str, farm: str) -> None:
        name = order.name
        asker, whose = self.by(actor, order.buyer, farm)
        asked = self.shop.of_order(asker, "POST", name, "/cancel", {"reason": "Rain."})
        self.step(
            f"{actor} {whose or ''} cancels {name}",
            lambda market: changes.cancel(market, market.orders[name], actor, whose),
            asked,
        )

    def farm(self, order: Order, farm: int) -> str:
        """One of an order's farms, or any of the market's."""
        return order.parts[farm % len(order.parts)].farm if farm < 6 else FARMS[farm % 2]

    def by(self, actor: str, buyer: str, farm: str) -> tuple[Any, str | None]:
        if actor == "farm":
            return self.shop.farmers[farm], farm
        return (self.shop.buyers[buyer] if actor == "buyer" else self.shop.staff), None

    @precondition(lambda self: bool(self.plain.orders))
    @rule(one=ONE, actor=st.sampled_from(("buyer", "buyer", "buyer", "farm", "staff")), farm=FARM, edits=EDITS)
    def amend(self, one: int, actor: str, farm: int, edits: list[tuple[int | str, int]]) -> None:
        self.amend_lines(self.order(one), actor, self.farm(self.order(one), farm), edits)

    def amend_lines(self, order: Order, actor: str, farm: str, edits: list[tuple[int | str, int]]) -> None:
        asker, whose = self.by(actor, order.buyer, farm)
        found: list[changes.Edit] = []
        body: list[dict[str, Any]] = []
        for what, much in edits:
            if isinstance(what, int):
                line = order.lines[what % len(order.lines)]
                quantity = amount(line.product, much)
                found.append((line.position, quantity))
                body.append({"line_id": self.shop.lines[order.name, line.position], "quantity": said(quantity)})
            else:
                quantity = amount(what, much or 1)
                found.append((what, quantity))
                body.append({"product_id": self.shop.ids[what], "quantity": said(quantity)})
        why = {} if actor == "buyer" else {"reason": "As agreed on the telephone."}
        asked = self.shop.of_order(asker, "PATCH", order.name, "", {"lines": body, **why}, order.version)
        self.step(
            f"{actor} {whose or ''} amends {order.name}: {found}",
            lambda market: changes.amend(market, market.orders[order.name], actor, found, whose), asked,
        )  # fmt: skip

    @precondition(lambda self: bool(self.asked_about()))
    @rule(one=ONE, yes=st.booleans())
    def answer(self, one: int, yes: bool) -> None:
        self.say(*self.asked_about()[one % len(self.asked_about())], yes)

    def say(self, order: Order, line: Line, yes: bool) -> None:
        path = f"/lines/{self.shop.lines[order.name, line.position]}/answer"
        asked = self.shop.of_order(
            self.shop.buyers[order.buyer], "POST", order.name, path, {"accept": yes}, order.version
        )
        self.step(
            f"{order.buyer} says {yes} to {order.name}, {line.position}",
            lambda market: changes.answer(market, market.orders[order.name], line.position, yes), asked,
        )  # fmt: skip

    def asked_about(self) -> list[tuple[Order, Line]]:
        every = [(order, line) for order in self.plain.orders.values() for line in order.lines]
        return [(order, line) for order, line in every if line.answer_by is not None]

    # farms

    @precondition(lambda self: bool(self.plain.orders))
    @rule(
        one=ONE,
        at=FARM,
        to=st.sampled_from(("confirmed", "confirmed", "ready", "out_for_delivery", "completed", "cancelled")),
    )
    def move(self, one: int, at: int, to: str) -> None:
        self.step_to(self.order(one).name, self.farm(self.order(one), at), to)

    def hand_over(self, order: Order, at: int, to: str) -> None:
        """Have a farm do all that leads to a step with its part, and that."""
        for one in ("confirmed", "ready", to) if to in ("out_for_delivery", "completed") else (to,):
            self.step_to(order.name, order.parts[at].farm, one)

    def step_to(self, name: str, farm: str, to: str) -> None:
        path = f"/parts/{self.shop.ids[farm]}/status"
        asked = self.shop.of_order(self.shop.farmers[farm], "POST", name, path, {"to": to})
        self.step(
            f"{farm} moves {name} to {to}", lambda market: changes.move(market, market.orders[name], farm, to), asked
        )

    @precondition(lambda self: bool(self.plain.orders))
    @rule(
        one=ONE,
        at=st.integers(0, 5),
        missing=st.integers(0, 60),
        instead=st.none() | st.tuples(st.integers(0, 5), MUCH),
    )
    def short(self, one: int, at: int, missing: int, instead: tuple[int, int] | None) -> None:
        order = self.order(one)
        line = self.at_farm(order, at)
        less = amount(line.product, missing) if missing % 5 == 0 else min(amount(line.product, missing), line.quantity)
        found = None
        if instead is not None:
            others = (BESIDE[line.product], ELSEWHERE[line.product], BESIDE[line.product], *BESIDE)
            found = others[instead[0]], amount(others[instead[0]], instead[1])
        self.has_less(order, line, less, found)

    def has_less(self, order: Order, line: Line, less: Fraction, found: tuple[str, Fraction] | None) -> None:
        body: dict[str, Any] = {"quantity": said(less)}
        if found is not None:
            body["substitute"] = {"product_id": self.shop.ids[found[0]], "quantity": said(found[1])}
        self.step(
            f"{line.farm} has {less} less of {order.name}, {line.position}, instead {found}",
            lambda market: changes.short(market, market.orders[order.name], line.farm, line.position, less, found),
            self.shop.of_line(order, line, "short", body),
        )

    @precondition(lambda self: bool(self.by_weight()))
    @rule(one=ONE, per_cent=st.integers(80, 130))
    def weigh(self, one: int, per_cent: int) -> None:
        found = self.by_weight()
        there = [(order, line) for order, line in found if order.status in PROGRESS[:-1]]
        self.weigh_line(*(there or found)[one % len(there or found)], per_cent)

    def weigh_line(self, order: Order, line: Line, per_cent: int) -> None:
        weight = Fraction(max(1, int(line.left * 800 * per_cent / 100)), 1000)
        self.step(
            f"{line.farm} weighs {order.name}, {line.position}: {said(weight)}",
            lambda market: changes.weigh(market, market.orders[order.name], line.farm, line.position, weight),
            self.shop.of_line(order, line, "weigh", {"quantity": said(weight)}),
        )

    def by_weight(self) -> list[tuple[Order, Line]]:
        every = [(order, line) for order in self.plain.orders.values() for line in order.lines]
        return [(order, line) for order, line in every if line.each is not None]

    @rule(product=PRODUCT, level=st.integers(0, 24))
    def restock(self, product: str, level: int) -> None:
        asker = self.shop.farmers[self.plain.products[product].farm]
        asked = asker.post(f"/api/products/{self.shop.ids[product]}/stock", {"set": level, "reason": "Counted."})
        self.step(f"{level} of {product} are there", lambda market: market.set_stock(product, Fraction(level)), asked)

    @rule(product=PRODUCT, price=st.integers(100, 999))
    def reprice(self, product: str, price: int) -> None:
        asker = self.shop.farmers[self.plain.products[product].farm]
        asked = asker.request("PATCH", f"/api/products/{self.shop.ids[product]}", {"price": price}, If_Match="*")
        self.step(f"{product} cost {price}", lambda market: market.set_price(product, price), asked)

    # staff, workers and the clock

    @rule(window=WINDOW, measure=st.integers(0, 2), most=st.none() | st.integers(1, 9))
    def widen(self, window: str, measure: int, most: int | None) -> None:
        self.hold_no_more(window, measure, None if most is None else Fraction(most if measure < 2 else 4 * most))

    def hold_no_more(self, window: str, measure: int, wanted: Fraction | None) -> None:
        day = self.plain.windows[window].day
        like = copy.deepcopy(self.plain)
        like.windows[window].holds[measure] = wanted
        self.step(
            f"{window} holds {wanted} of measure {measure}", lambda market: market.set_capacity(window, measure, wanted),
            self.shop.put_windows(like, day),
        )  # fmt: skip

    @rule(code=st.sampled_from(("TENTH", "FIVER")), most=st.integers(1, 5))
    def limit(self, code: str, most: int) -> None:
        path = f"/api/coupons/{self.shop.ids[code]}"
        asked = self.shop.staff.request("PATCH", path, {"max_uses": most}, If_Match="*")
        self.step(f"{code} is for {most}", lambda market: market.set_uses(code, most), asked)

    @rule(day=st.sampled_from(("first", "second", "second", "third")))
    def close(self, day: str) -> None:
        asked = self.shop.staff.post(f"/api/market-days/{self.shop.ids[day]}/close", None)
        self.step(f"the {day} day is closed", lambda market: market.close(day), asked)

    @rule(minutes=MINUTES)
    def pass_time(self, minutes: int) -> None:
        self.step(
            f"{minutes} minutes pass", lambda market: market.pass_time(minutes, changes.expire, changes.lapse), self.shop.pass_time(minutes)
        )  # fmt: skip

    @rule()
    def work(self) -> None:
        self.agree = False
        self.wait(self.shop.market.work())
        self.plain.work()
        self.told.append("the workers work")
        self.compare()


@pytest.mark.limit(length(120, 3000))
@pytest.mark.timeout(length(300, 3600))
async def test_a_market_is_at_each_step_what_a_plain_one_is(
    _databases: LentDatabases, settings: Settings, measured: Callable[[str], None]
) -> None:
    measured(f"seed {SEED}, {RUNS} runs of {STEPS} steps")
    found = hypothesis.settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False, backend=AT_LENGTH, phases=[hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if WHOLE else [])],
    )  # fmt: skip
    runs = type("Runs", (Markets,), {"databases": _databases, "settings": settings, "counted": Counter()})
    await deferToThread(run_state_machine_as_test, hypothesis.seed(SEED)(runs), settings=found)
    measured(", ".join(f"{number} {what}" for what, number in runs.counted.items()))
