"""What becomes of an order of a plain market once it is placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import attrs

from tests.market.orders.plain import rules
from tests.market.orders.plain.market import ANSWER, PlainMarket, Refused
from tests.market.orders.plain.things import AT_FARM, OVER, STEPS, Day, Line, Order, Part, copied

#: A change of a line, by its position, or so much of a product more.
Edit = tuple[int | str, Fraction]


def cancel(market: PlainMarket, order: Order, actor: str, farm: str | None = None) -> None:
    """A farm cancels its part, all others the whole."""
    live = [part for part in order.parts if part.status not in OVER and farm in (None, part.farm)]
    if not live or not all(_may_cancel(market, order, part, actor) for part in live):
        raise Refused("it is over, packed, or on its way")
    _end(market, order, live, "cancelled", actor)


def _may_cancel(market: PlainMarket, order: Order, part: Part, actor: str) -> bool:
    """A buyer cancels what is not weighed, and until the cut-off of a market day what is; others what is not handed over."""
    if actor != "buyer":
        return part.status in (*AT_FARM, "out_for_delivery")
    if market.days[market.windows[order.window].day].takes_changes(part.farm, market.now):
        return part.status in AT_FARM
    weighed = any(line.weighed is not None for line in order.lines if line.farm == part.farm)
    return part.status in AT_FARM and not weighed


def expire(market: PlainMarket, order: Order) -> None:
    """No farm has confirmed it in time."""
    _end(market, order, [part for part in order.parts if part.status == "placed"], "expired", "clock")


def _end(market: PlainMarket, order: Order, parts: Sequence[Part], status: str, actor: str) -> None:
    before = [copied(line) for line in order.counting()]
    for part in parts:
        part.status = status
    lines = [line for line in order.lines if line.farm in {part.farm for part in parts}]
    market.end_goods(lines)
    for line in lines:
        line.answer_by = None
    _changed(market, order, None if actor == "buyer" else before)


def _changed(market: PlainMarket, order: Order, lost: Sequence[Line] | None) -> None:
    order.version += 1
    market.rebill(order, lost)
    market.end_coupon(order)
    market.settle(order)


def move(market: PlainMarket, order: Order, farm: str, to: str) -> None:
    """A farm takes a step with its part."""
    part = order.part(farm)
    if part is None or to not in STEPS[part.status]:
        raise Refused("there is no such step")
    if to == "cancelled":
        return cancel(market, order, "farm", farm)
    if to in ("out_for_delivery", "completed"):
        _leave(market, order, farm)
    part.status = to
    order.left = order.left or to in ("out_for_delivery", "completed")
    if to == "confirmed":
        order.events.add(farm)
    _changed(market, order, order.counting())


def amend(market: PlainMarket, order: Order, actor: str, edits: Sequence[Edit], farm: str | None = None) -> None:
    """Lines become more or less, or are added: by the buyer, by a farm (for its part), or by the market's staff."""
    if farm is not None and order.part(farm) is None:
        raise Refused("it is not of this farm")
    work = _Amended(market, order, actor, farm)
    for what, quantity in edits:
        if isinstance(what, int):
            work.set(what, quantity)
        else:
            work.add(what, quantity)
    work.check()
    finish(market, order, list(work.lines.values()), actor, opened=work.opened, amended=True)


class _Amended:
    """The lines as they become."""

    def __init__(self, market: PlainMarket, order: Order, actor: str, farm: str | None) -> None:
        self.market, self.order, self.actor, self.farm = market, order, actor, farm
        self.lines = {line.position: copied(line) for line in order.lines}
        self.opened: list[str] = []
        self._named: set[int] = set()

    def set(self, position: int, quantity: Fraction) -> None:
        line = self.lines.get(position)
        if line is None or self.farm not in (None, line.farm) or position in self._named:
            raise Refused("it is no line of this order, or named twice")
        if line.proposed and (self.actor == "buyer" or line.replaces is not None or quantity):
            raise Refused("it is no line of this order yet")
        self._named.add(position)
        self._require(line.farm)
        if line.proposed:
            del self.lines[position]
            return
        if quantity == line.quantity:
            return
        product = self.market.products[line.product]
        if quantity > line.quantity and rules.asks(self.actor):
            if not product.sells(quantity):
                raise Refused("a quantity in which it is not sold")
            self._new(line.product, quantity - line.quantity, "none")
            return
        for other in self.order.in_place_of(line):
            self.lines.pop(other.position, None)
        if not quantity:
            del self.lines[position]
        elif not product.sells(quantity):
            raise Refused("a quantity in which it is not sold")
        elif quantity < line.quantity or (self._as_sold(line) and line.replaces is None):
            self._keep(line, quantity)
        else:
            self._new(line.product, quantity - line.quantity, line.consent)

    def add(self, name: str, quantity: Fraction) -> None:
        product = self.market.products[name]
        if self.farm not in (None, product.farm):
            raise Refused("it is another farm's")
        same = next((line for line in self.lines.values() if line.product == name and self._as_ordered(line)), None)
        if rules.asks(self.actor):
            same = None
        if not product.sells(quantity + (same.quantity if same is not None else 0)):
            raise Refused("a quantity in which it is not sold")
        if same is None:
            self._new(name, quantity, "none")
        else:
            self._require(product.farm)
            self._keep(same, same.quantity + quantity)

    def _keep(self, line: Line, quantity: Fraction) -> None:
        """Another quantity of a line: what had become of it is over. What is in the place of something never costs more than that."""
        before = copied(line)
        line.quantity, line.short, line.weighed, line.answer_by = quantity, Fraction(0), None, None
        line.agreed = rules.lowered_by_others(before, line) if rules.asks(self.actor) else line.most
        if line.replaces is not None:
            line.agreed = min(line.agreed, before.agreed)

    def _as_sold(self, line: Line) -> bool:
        product = self.market.products[line.product]
        return (line.price, line.each) == (product.price, product.each)

    def _as_ordered(self, line: Line) -> bool:
        untouched = not line.proposed and not line.short and line.weighed is None and line.replaces is None
        return untouched and self._as_sold(line)

    def _new(self, name: str, quantity: Fraction, consent: str) -> None:
        farm = self.market.products[name].farm
        if self.order.part(farm) is not None:
            self._require(farm)
        elif farm not in self.opened:
            standing = [part for part in self.order.parts if part.status not in OVER] or self.order.parts
            self._require(next((part for part in standing if part.status in AT_FARM), standing[0]).farm)
            if self.actor == "buyer" and not self._day.takes_orders(farm, self.market.now):
                raise Refused("the day takes no orders of that farm")
            self.opened.append(farm)
        position = 1 + max(*(line.position for line in self.order.lines), *self.lines, -1)
        self.lines[position] = line = self.market.line(position, name, quantity, consent)
        if rules.asks(self.actor):
            line.proposed, line.answer_by = True, _until(self.market, self.order)

    def _require(self, farm: str) -> None:
        """A buyer changes what is still at its farm, and whose day takes orders of it; others what is still at its farm."""
        part = self.order.part(farm)
        late = self.actor == "buyer" and not self._day.takes_changes(farm, self.market.now)
        if part is None or part.status not in AT_FARM or late:
            raise Refused("it can no longer be changed")

    @property
    def _day(self) -> Day:
        return self.market.days[self.market.windows[self.order.window].day]

    def check(self) -> None:
        if self.actor != "buyer":
            return
        for farm in {line.farm for line in self.lines.values()}:
            before, after = (
                [line for line in of if line.farm == farm] for of in (self.order.lines, self.lines.values())
            )
            part = self.order.part(farm)
            if part is not None and (part.status in OVER or _emptied(farm, before, after, True)):
                continue
            if rules.is_below_minimum(self.market.least.get(farm, 0), before, after, opened=farm in self.opened):
                raise Refused("less than the farm takes orders from")


def short(
    market: PlainMarket, order: Order, farm: str, position: int, missing: Fraction, instead: tuple[str, Fraction] | None
) -> None:
    """A farm has so much less of a line and gives something in its place, as its buyer lets it."""
    line = _line_of(order, farm, position)
    _require_at(order, farm, AT_FARM)
    if not 0 <= missing <= line.quantity or (line.unit != "kg" and missing % 1):
        raise Refused("more than was ordered, or no whole piece")
    replaced = order.in_place_of(line)
    now = (replaced[0].product, replaced[0].quantity) if replaced else None
    if missing == line.short and now == instead:
        return
    after = copied(line)
    after.short, after.weighed, after.answer_by = missing, line.weighed if missing == line.short else None, None
    after.agreed = rules.lowered_by_others(line, after)
    if line.replaces is not None:
        after.agreed = min(after.agreed, line.agreed)
    lines = [after if one is line else copied(one) for one in order.lines if one not in replaced]
    opened: list[str] = []
    if instead is not None:
        most = _with_the_missing(market, order, lines, line, missing)
        freed = attrs.evolve(line, short=Fraction(0)).estimate - after.estimate
        lines.append(_substitute(market, order, line, instead, freed, missing))
        theirs = market.products[instead[0]].farm
        if order.part(theirs) is None:
            opened = [theirs]
        else:
            _require_at(order, theirs, AT_FARM)
    finish(market, order, lines, "farm", opened=opened, lost=True)
    if instead is not None and not lines[-1].proposed and market.total(order) > most:
        raise Refused("with its fees and taxes the order comes to more")


def _with_the_missing(market: PlainMarket, order: Order, lines: Sequence[Line], line: Line, missing: Fraction) -> int:
    """What an order comes to with what is missing of a line instead of anything in its place."""
    whole = attrs.evolve(line, position=-1, quantity=missing, short=Fraction(0), weighed=None, answer_by=None)
    whole.agreed = whole.most
    trial = attrs.evolve(
        order, lines=[*(copied(one) for one in lines), whole], parts=[copied(part) for part in order.parts]
    )
    market.rebill(trial, order.counting())
    return market.total(trial)


def _substitute(
    market: PlainMarket, order: Order, line: Line, instead: tuple[str, Fraction], freed: int, missing: Fraction
) -> Line:
    """What comes in a line's place: at its own price, and for no more than what is missing would have cost."""
    name, quantity = instead
    product = market.products[name]
    if not missing or quantity <= 0 or (product.pieces and quantity % 1):
        raise Refused("nothing is short, or no whole piece")
    let = {
        "none": False,
        "same_farm": product.farm == line.farm,
        "any_farm": True,
        "ask": order.part(product.farm) is not None,
    }
    if line.replaces is not None or name == line.product or not let[line.consent]:
        raise Refused("the buyer does not let it")
    found = market.line(1 + max(one.position for one in order.lines), name, quantity, "none")
    found.replaces, found.agreed = line.position, min(found.agreed, freed)
    if line.consent == "ask":
        found.proposed, found.answer_by = True, _until(market, order)
    return found


def weigh(market: PlainMarket, order: Order, farm: str, position: int, kilograms: Fraction) -> None:
    """A farm has weighed all that is left of a line."""
    line = _line_of(order, farm, position)
    _require_at(order, farm, (*AT_FARM, "out_for_delivery"))
    if line.each is None or not line.left:
        raise Refused("it is not priced by weight, or all of it is short")
    if kilograms == line.weighed:
        return
    after = attrs.evolve(line, weighed=kilograms)
    part = order.part(farm)
    asks = part is not None and part.status in AT_FARM and after.worth > line.agreed
    after.answer_by = _until(market, order) if asks else None
    lines = [after if one is line else copied(one) for one in order.lines]
    finish(market, order, lines, "farm", sells=False)


def _until(market: PlainMarket, order: Order) -> int:
    """By when a buyer answers: while the window lasts, unless that is over."""
    ends = market.days[market.windows[order.window].day].ends
    return min(market.now + ANSWER, ends) if ends > market.now else market.now + ANSWER


def answer(market: PlainMarket, order: Order, position: int, said: bool) -> None:
    """A buyer says yes or no to what they are asked about a line."""
    line = order.at(position)
    if line.answer_by is None:
        raise Refused("nobody asks about it")
    _require_at(order, line.farm, AT_FARM)
    if not said:
        return finish(market, order, _with_a_no(order, [line]), "buyer")
    agreed = line.agreed if line.proposed else rules.most_weighed(line.agreed, line.worth, said)
    yes = attrs.evolve(line, proposed=False, answer_by=None, agreed=agreed)
    finish(market, order, [yes if one is line else copied(one) for one in order.lines], "buyer")


def lapse(market: PlainMarket, order: Order, position: int) -> None:
    """Silence is a no, to all that is asked of a farm until then."""
    farm = order.at(position).farm
    over = [
        line
        for line in order.lines
        if line.farm == farm and line.answer_by is not None and line.answer_by <= market.now
    ]
    finish(market, order, _with_a_no(order, over), "clock")


def _leave(market: PlainMarket, order: Order, farm: str) -> None:
    """The goods of a farm leave it, which is a no to all that is asked about them."""
    asked = [line for line in order.lines if line.farm == farm and line.answer_by is not None]
    lines = _with_a_no(order, asked)
    if not asked:
        return
    if _emptied(farm, order.lines, lines, False):
        raise Refused("nothing is left of it")
    finish(market, order, lines, "farm")


def _with_a_no(order: Order, asked: Sequence[Line]) -> list[Line]:
    kept = [attrs.evolve(line, answer_by=None) for line in asked if not line.proposed]
    return [*(copied(line) for line in order.lines if line not in asked), *kept]


def _line_of(order: Order, farm: str, position: int) -> Line:
    found = next((line for line in order.lines if line.position == position), None)
    if found is None or found.farm != farm or found.proposed:
        raise Refused("this part has no such line")
    return found


def _require_at(order: Order, farm: str, statuses: Sequence[str]) -> None:
    part = order.part(farm)
    if part is None or part.status not in statuses:
        raise Refused("it has left the farm, or is over")


def finish(
    market: PlainMarket, order: Order, lines: list[Line], actor: str, *, opened: Sequence[str] = (), lost: bool = False,
    sells: bool = True, amended: bool = False,
) -> None:  # fmt: skip
    """Have an order be of these lines. ``lost`` is whether what there is less of is nowhere, rather than on sale again; ``sells`` whether the workers sell what
    waits for nothing once they hear of it. A part of which nothing is left is cancelled, and keeps its lines."""
    gone = [
        part for part in order.parts if part.status not in OVER and _emptied(part.farm, order.lines, lines, amended)
    ]
    farms = {part.farm for part in gone}
    kept = [attrs.evolve(line, answer_by=None) for line in order.lines if line.farm in farms]
    lines = sorted([*(line for line in lines if line.farm not in farms), *kept], key=lambda line: line.position)
    before, after = ({line.position: line for line in of} for of in (order.lines, lines))
    differing = _plain(before) != _plain(after)
    if not differing and not gone:
        return
    goods = [copied(line) for line in order.counting()]
    _stock(market, order, before, after, farms, opened, lost)
    order.lines = lines
    for part in gone:
        part.status = "cancelled"
    order.parts += [Part(farm) for farm in opened]
    own = tuple(fee for fee in market.fees if fee.farm in opened and fee not in order.rules.fees)
    order.rules = attrs.evolve(order.rules, fees=(*order.rules.fees, *own))
    if differing and sells:
        order.events.add(None)
    _changed(market, order, None if actor == "buyer" else goods)


def _emptied(farm: str, before: Sequence[Line], after: Sequence[Line], amended: bool) -> bool:
    """Whether all of a farm is taken out or, by an amendment, all of which anything was left. What it would add is nothing that it has."""
    had, has = (
        [line for line in of if line.farm == farm and (not line.proposed or line.replaces is not None)]
        for of in (before, after)
    )
    left = [any(line.proposed or line.left for line in of) for of in (had, has)]
    return (bool(had) and not has) or (amended and left == [True, False])


def _plain(lines: Mapping[int, Line]) -> dict[int, Line]:
    """Lines without what they have of the discount and the tax of the whole."""
    return {position: attrs.evolve(line, discount=0, tax=0) for position, line in lines.items()}


def _stock(
    market: PlainMarket, order: Order, before: Mapping[int, Line], after: Mapping[int, Line], gone: set[str], opened: Sequence[str],
    lost: bool,
) -> None:  # fmt: skip
    """Reserve, sell and give back the differences, if there is enough."""
    needed: dict[str, Fraction] = {}
    ended = [line for line in before.values() if line.position not in after or line.farm in gone]
    added = [line for line in after.values() if line.position not in before]
    staying = [(before[at], line) for at, line in after.items() if at in before and line.farm not in gone]
    less = [(line.product, -line.left) for line in ended if line.goods != "over"]
    more = [] if lost else [(line.product, line.left - was.left) for was, line in staying if was.goods != "over"]
    for product, quantity in [*less, *more, *((line.product, line.left) for line in added)]:
        needed[product] = needed.get(product, Fraction(0)) + quantity
    if any(quantity > 0 and quantity > market.products[product].available for product, quantity in needed.items()):
        raise Refused("less is left")
    waits = {line.farm: line.until for line in before.values() if line.goods == "live" and line.until is not None}
    market.end_goods(ended)
    for line in (line for line in after.values() if line.farm in gone):
        line.goods = "over"
    for was, line in staying:
        product, by = market.products[line.product], line.left - was.left
        if was.goods == "live":
            product.reserved += by
            product.stock += by if lost else 0
        elif was.goods == "sold" and not lost:
            product.stock -= by
    for line in added:
        market.products[line.product].reserved += line.left
        part = order.part(line.farm)
        if line.farm in opened:
            line.until = None if market.confirmation is None else market.now + market.confirmation
        else:
            line.until = waits.get(line.farm) if part is not None and part.status == "placed" else None
