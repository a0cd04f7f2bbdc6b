"""A plain market: what is ordered and held in it, and what its clock does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import attrs

from tests.market.orders.plain import amounts
from tests.market.orders.plain.things import (
    OVER,
    Coupon,
    Day,
    Fee,
    Line,
    Off,
    Order,
    Part,
    Product,
    Rules,
    Window,
    copied,
    measures,
)

#: So much of a product, and what may come in its place.
Wanted = tuple[str, Fraction, str]
#: Minutes in which a buyer who is asked about something answers, and for which a quote is held.
ANSWER, HOLD = 360, 15


class Refused(Exception):
    """It cannot be done; then nothing has happened."""


@attrs.define
class Held:
    """What somebody has held: the lines and rules as they were when it was quoted."""

    lines: list[Line]
    rules: Rules
    window: str
    until: int


@attrs.define
class PlainMarket:
    """``confirmation`` is for how many minutes goods wait for their farm's word (None: they are sold without); ``least`` is what farms take orders from; ``fees`` are the
    market's, and those of farms."""

    included: bool
    confirmation: int | None
    products: dict[str, Product]
    days: dict[str, Day]
    windows: dict[str, Window]
    coupons: dict[str, Coupon]
    fees: tuple[Fee, ...]
    least: dict[str, int]
    now: int = 0
    orders: dict[str, Order] = attrs.field(factory=dict)
    carts: dict[str, dict[str, tuple[int, Wanted]]] = attrs.field(factory=dict)
    held: dict[str, Held] = attrs.field(factory=dict)

    # what is sold

    def set_stock(self, name: str, level: Fraction) -> None:
        product = self.products[name]
        if level < product.reserved or (product.pieces and level % 1):
            raise Refused("less than is reserved, or no whole piece")
        product.stock = level

    def set_price(self, name: str, price: int) -> None:
        self.products[name].price = price

    def set_capacity(self, name: str, measure: int, most: Fraction | None) -> None:
        window = self.windows[name]
        if self.days[window.day].status == "done" or (most is not None and most < window.taken[measure]):
            raise Refused("the day is done, or more is taken")
        window.holds[measure] = most

    def set_uses(self, code: str, most: int) -> None:
        if most < self.coupons[code].taken:
            raise Refused("it was used more often")
        self.coupons[code].most = most

    def close(self, name: str) -> None:
        day = self.days[name]
        if day.status == "planned":
            raise Refused("it is not open yet")
        day.status, day.closed_full = ("closed" if day.status == "open" else day.status), False

    # what is ordered

    def put(self, who: str, wanted: Wanted) -> None:
        """Put something in a cart, or set how much of it is wanted."""
        cart = self.carts.setdefault(who, {})
        since, _ = cart.get(wanted[0], (self.now, wanted))
        cart[wanted[0]] = since, wanted

    def place_cart(self, name: str, who: str, window: str, code: str) -> Order:
        """Order what is in the cart, which is empty then: as it was put in or, at one time, as the products came to the market."""
        items = [
            (since, [*self.products].index(product), wanted)
            for product, (since, wanted) in self.carts.get(who, {}).items()
        ]
        order = self.place(name, who, [wanted for *_, wanted in sorted(items, key=lambda item: item[:2])], window, code)
        del self.carts[who]
        return order

    def place(self, name: str, who: str, wanted: Sequence[Wanted], window: str, code: str) -> Order:
        """Order something."""
        lines, order_rules = self._decided(who, wanted, window, code, {})
        for line in lines:
            self.products[line.product].reserved += line.left
        return self._placed(name, who, lines, order_rules, window)

    def hold(self, who: str, wanted: Sequence[Wanted], window: str, code: str) -> None:
        """Hold what an order would have; whatever they had held before is free then."""
        before = self.held.get(who)
        had = {line.product: line.left for line in before.lines} if before is not None else {}
        if before is not None:
            self._take(before.window, [-one for one in measures(before.lines)])
        lines, order_rules = self._decided(who, wanted, window, code, had)
        self._let_go(had)
        for line in lines:
            self.products[line.product].reserved += line.left
        self._take(window, measures(lines))
        self.held[who] = Held(lines, order_rules, window, self.now + HOLD)

    def place_held(self, name: str, who: str) -> Order:
        """Order what is held, at the prices of when it was quoted, also after the cut-off."""
        quote = self.held.get(who)
        if quote is None:
            raise Refused("nothing is held")
        lines = [copied(line) for line in quote.lines]
        if quote.rules.coupon is not None and not self.coupons[quote.rules.coupon.code].left_for(who):
            raise Refused("the coupon is used up")
        self._take(quote.window, [-one for one in measures(lines)])
        del self.held[who]
        return self._placed(name, who, lines, quote.rules, quote.window)

    def _decided(
        self, who: str, wanted: Sequence[Wanted], window: str, code: str, had: dict[str, Fraction]
    ) -> tuple[list[Line], Rules]:
        """The lines of an order, and by what it is billed, if there is all that it takes; of products what one ``had`` held before is there, too."""
        lines = self._lines(wanted)
        if not lines or not all(self.products[line.product].sells(line.quantity) for line in lines):
            raise Refused("nothing, or a quantity in which it is not sold")
        if any(amounts.worth(lines, line.farm) < self.least.get(line.farm, 0) for line in lines):
            raise Refused("less than the farm takes orders from")
        if any(line.left > self.products[line.product].available + had.get(line.product, 0) for line in lines):
            raise Refused("less is left")
        self._check_day(window, lines)
        coupon = self.coupons.get(code)
        if coupon is not None and not coupon.left_for(who):
            raise Refused("the coupon is used up")
        found = self._rules(lines, coupon)
        if coupon is not None and (not sum(amounts.discountable(lines, found)) or not amounts.reached(lines, found)):
            raise Refused("the coupon is for other goods, or more")
        if not self.windows[window].has(measures(lines)):
            raise Refused("the window is full")
        return lines, found

    def _lines(self, wanted: Sequence[Wanted]) -> list[Line]:
        """The lines of an order, of each product one; what is said first of what may come in its place counts."""
        asked: dict[str, Wanted] = {}
        for product, quantity, consent in wanted:
            _, more, said = asked.get(product, (product, Fraction(0), "none"))
            asked[product] = product, more + quantity, consent if said == "none" else said
        return [self.line(n, *one) for n, one in enumerate(asked.values())]

    def line(self, position: int, name: str, quantity: Fraction, consent: str) -> Line:
        """A line at what it costs now."""
        of = self.products[name]
        line = Line(position, name, of.farm, of.unit, of.price, of.each, of.rate, quantity, 0, consent)
        line.agreed = line.most
        return line

    def _rules(self, lines: Sequence[Line], coupon: Coupon | None) -> Rules:
        farms = {line.farm for line in lines}
        off = None if coupon is None else Off(coupon.code, coupon.percent, coupon.amount, coupon.farm, coupon.minimum)
        return Rules(self.included, tuple(fee for fee in self.fees if fee.farm in (None, *farms)), off)

    def _check_day(self, window: str, lines: Sequence[Line]) -> None:
        day = self.days[self.windows[window].day]
        if not all(day.takes_orders(line.farm, self.now) for line in lines):
            raise Refused("the day takes no orders, or none of this farm")

    def _take(self, window: str, more: list[Fraction]) -> None:
        if not self.windows[window].has(more):
            raise Refused("the window is full")
        self.windows[window].taken = [now + one for now, one in zip(self.windows[window].taken, more, strict=True)]

    def _let_go(self, had: dict[str, Fraction]) -> None:
        for product, quantity in had.items():
            self.products[product].reserved -= quantity

    def _placed(self, name: str, who: str, lines: list[Line], order_rules: Rules, window: str) -> Order:
        """An order whose goods are reserved already."""
        until = None if self.confirmation is None else self.now + self.confirmation
        for line in lines:
            line.until = until
        parts = [Part(farm) for farm in dict.fromkeys(line.farm for line in lines)]
        order = Order(name, who, window, order_rules, parts, lines, events={None})
        if order_rules.coupon is not None:
            people = self.coupons[order_rules.coupon.code].people
            people[who] = people.get(who, 0) + 1
            order.uses_coupon = True
        self.settle(order)
        self.rebill(order)
        self.orders[name] = order
        return order

    # what every change ends with

    def rebill(self, order: Order, lost: Sequence[Line] | None = None) -> None:
        """What an order comes to now; ``lost`` is what it had before its buyer lost some of it through no doing of theirs."""
        standing = [part for part in order.parts if part.status not in OVER]
        if not standing:
            return
        lines = order.counting()
        if lost is not None:
            order.rules = amounts.lowered(order.rules, lost, lines)
        found = amounts.bill(lines, order.rules, order.done(), order.charged)
        order.charged = found.charged
        for line in (line for line in order.lines if order.stands(line.farm)):
            if line.proposed:
                line.discount, line.tax = 0, amounts.tax(line.owed, line.rate, order.rules.included)
            else:
                line.discount, line.tax = found.lines.get(line.position, (0, 0))
        for part in standing:
            part.amounts = found.parts.get(part.farm, [0, 0, 0, 0])
        order.totals = [sum(part.amounts[n] for part in standing) for n in range(4)]

    def settle(self, order: Order) -> None:
        """Have an order take of its window what its goods take now."""
        after = measures(order.counting())
        more = [one - before for one, before in zip(after, order.taken, strict=True)]
        if any(more):
            self._take(order.window, more)
            order.taken = after

    def end_goods(self, lines: Sequence[Line]) -> None:
        """Give back what is reserved for lines, or was sold."""
        for line in lines:
            if line.goods == "live":
                self.products[line.product].reserved -= line.left
            elif line.goods == "sold":
                self.products[line.product].stock += line.left
            line.goods = "over"

    def end_coupon(self, order: Order) -> None:
        """Give back the use of a coupon, if all of the order is over and nothing was ever on its way."""
        if order.uses_coupon and order.status in OVER and not order.left and order.rules.coupon is not None:
            self.coupons[order.rules.coupon.code].people[order.buyer] -= 1
            order.uses_coupon = False

    def _totals(self, parts: Any) -> Iterator[int]:
        return (goods + fees - less + (0 if self.included else taxed) for goods, fees, less, taxed in parts)

    def total(self, order: Order) -> int:
        """What is owed for an order."""
        return sum(self._totals([order.totals]))

    # what happens by itself

    def work(self) -> None:
        """The workers hear of all that happened: what waits for nothing, and what its farm has confirmed, is sold."""
        for order in self.orders.values():
            for line in order.lines:
                if line.goods == "live" and (None if line.until is None else line.farm) in order.events:
                    product = self.products[line.product]
                    product.stock, product.reserved, line.goods = (
                        product.stock - line.left,
                        product.reserved - line.left,
                        "sold",
                    )
            order.events.clear()

    def pass_time(self, minutes: int, expire: Callable[..., None], lapse: Callable[..., None]) -> None:
        """Let minutes pass, with all that is due in them, in order."""
        until = self.now + minutes
        self._fill()
        while due := [one for one in self._due(expire, lapse) if one[0] <= until]:
            at, _, happens = min(due, key=lambda one: one[:2])
            self.now = max(self.now, at)
            happens()
            self._fill()
        self.now = until

    def _fill(self) -> None:
        """Days of which all is sold close, and open again once a place has come back before their cut-off."""
        for day in self.days.values():
            held = {name: [Fraction(0)] * 3 for name in self.windows}
            for quote in self.held.values():
                held[quote.window] = [a + b for a, b in zip(held[quote.window], measures(quote.lines), strict=True)]
            sold = all(one.full(held[one.name]) for one in self.windows.values() if one.day == day.name)
            if day.status == "open" and sold:
                day.status, day.closed_full = "closed", True
            elif day.status == "closed" and day.closed_full and not sold and self.now < min(day.closes, day.begins):
                day.status, day.closed_full = "open", False

    def _due(
        self, expire: Callable[..., None], lapse: Callable[..., None]
    ) -> Iterator[tuple[int, int, Callable[[], None]]]:
        for day in self.days.values():
            for status, at, to in (
                ("planned", day.opens, "open"),
                ("open", day.closes, "closed"),
                ("closed", day.ends, "done"),
            ):
                if day.status == status:
                    yield at, 0, lambda day=day, to=to: setattr(day, "status", to)  # type: ignore[misc]
        for who, quote in self.held.items():
            yield quote.until, 1, lambda who=who: self._end_hold(who)  # type: ignore[misc]
        for order in self.orders.values():
            waiting = {part.farm for part in order.parts if part.status == "placed"}
            ends = [
                line.until
                for line in order.lines
                if line.goods == "live" and line.until is not None and line.farm in waiting
            ]
            if ends:
                yield min(ends), 2, lambda order=order: expire(self, order)  # type: ignore[misc]
            for line in order.lines:
                if line.answer_by is not None:
                    yield line.answer_by, 3, lambda order=order, line=line: lapse(self, order, line.position)  # type: ignore[misc]

    def _end_hold(self, who: str) -> None:
        quote = self.held.pop(who)
        self._let_go({line.product: line.left for line in quote.lines})
        self._take(quote.window, [-one for one in measures(quote.lines)])
