"""A real market beside a plain one: it is asked over HTTP for what is done in the other, and its rows say what has become of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import attrs

from harvestd import tables
from harvestd.settings.table import Settings
from harvestd.store.market_clock import MarketClock
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, scalar
from servers.lent import LentDatabases
from tests.kept import AsNeeded
from tests.market.days.calendar import text
from tests.market.orders.plain.market import PlainMarket
from tests.market.orders.plain.things import Coupon, Day, Fee, Line, Order, Product, Window
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, make_parts

BUYERS = ("Ann", "Ben", "Cyd")
FARMS = ("Green", "Hill")
ADDRESS = "1 Lane, 1010 Town"
#: How long goods wait for their farm's word, in minutes, in a market where they do.
CONFIRMATION = 1200
FOOD, ELSE = Fraction(75, 1000), Fraction(1, 5)
_STATE = Statement(
    "test.state_of_the_market",
    """select json_build_object(
         'products', (select json_object_agg(id, json_build_array(stock::text, reserved::text)) from products),
         'windows', (select json_object_agg(id, json_build_array(taken_orders, taken_crates, taken_grams)) from windows),
         'days', (select json_object_agg(id, status) from market_days),
         'coupons', (select json_object_agg(code, taken) from coupons),
         'quotes', (select count(*) from quotes),
         'carts', (select json_object_agg(c.user_id, c.items) from (select c.user_id, json_object_agg(i.product_id, i.quantity::text) as items
                                                           from carts c join cart_items i on i.cart_id = c.id group by c.user_id) c),
         'orders', (select json_object_agg(o.id, json_build_object(
             'status', o.status, 'version', o.version, 'totals', json_build_array(o.goods, o.fees, o.discount, o.tax, o.total),
             'parts', (select json_agg(json_build_array(farm_id, status, subtotal, fees, discount, tax) order by position) from order_parts where order_id = o.id),
             'lines', (select json_agg(json_build_array(l.id, l.position, l.product_id, l.quantity::text, l.short_of::text, l.total, l.agreed_total, l.discount, l.tax,
                                                        l.proposed, l.answer_by is not null, r.state) order by l.position)
                         from order_lines l join reservations r on r.line_id = l.id where l.order_id = o.id and l.removed_at is null))) from orders o))::text""",
    scalar,
)
_GOODS = {"live": "live", "sold": "sold", "released": "over", "returned": "over", "expired": "over"}


def plain(included: bool, by_farm: bool) -> PlainMarket:
    """Two farms with two products each, three market days of which two are open, fees, taxes and coupons."""
    products = [
        Product("Carrots", "Green", "kg", 390, Fraction(1, 20), FOOD, Fraction(20)),
        Product("Apples", "Green", "crate", 900, Fraction(1), ELSE, Fraction(8)),
        Product("Eggs", "Hill", "box", 320, Fraction(1), FOOD, Fraction(10)),
        Product("Ducks", "Hill", "each", 500, Fraction(1), ELSE, Fraction(9), each=Fraction(4, 5)),
    ]
    leads = {"Green": 0, "Hill": 120}
    days = [
        Day("first", -60, 1500, 1800, 2040, leads, "open"),
        Day("second", 1440, 4380, 4800, 5040, leads),
        Day("third", -60, 2900, 3300, 3540, leads, "open"),
    ]
    windows = [
        Window("early", "first", [Fraction(3), None, Fraction(20)]),
        Window("late", "first", [None, Fraction(6), None]),
        Window("next", "second", [Fraction(5), None, None]),
        Window("lone", "third", [Fraction(2), None, Fraction(40)]),
    ]
    coupons = [
        Coupon("TENTH", Fraction(1, 10), 0, None, 1000, most=4, each=1),
        Coupon("FIVER", None, 500, "Hill", 0, most=2, each=2),
    ]
    fees = (
        Fee("order", 300, rate=Fraction(1, 5), free_from=2500),
        Fee("kilogram", 7, rate=Fraction(1, 5)),
        Fee("farm", 150, "Hill"),
    )
    named: Any = lambda things: {one.name: one for one in things}  # noqa: E731
    return PlainMarket(
        included, CONFIRMATION if by_farm else None, named(products), named(days), named(windows), {one.code: one for one in coupons}, fees,
        {"Green": 500, "Hill": 400},
    )  # fmt: skip


@attrs.define
class RealMarket:
    """The real one, and the ids of what has a name in the plain one."""

    databases: LentDatabases
    url: str
    market: Market
    began: datetime
    staff: Person
    farmers: dict[str, Person]
    buyers: dict[str, Person]
    ids: dict[str, str] = attrs.field(factory=dict)
    names: dict[str, str] = attrs.field(factory=dict)
    lines: dict[tuple[str, int], str] = attrs.field(factory=dict)
    quotes: dict[str, str] = attrs.field(factory=dict)
    asked: int = 0

    # its beginning and its end

    @classmethod
    async def founded(cls, databases: LentDatabases, settings: Settings, like: PlainMarket) -> RealMarket:
        """A real market like a plain one, whose clock stands still unless it is moved."""
        from twisted.internet import reactor

        url = databases.lend()
        began = datetime.now(UTC).replace(second=0, microsecond=0)
        known = attrs.evolve(
            settings, rate_limits=False, sandbox=True, tax_included=like.included,
            order_confirmation="automatic" if like.confirmation is None else "farm", reservation_ttl=60.0 * CONFIRMATION,
        )  # fmt: skip
        database = Database(reactor, ConnectionSettings(url), size=4, wait=2.0)
        pool = AsNeeded(reactor, ConnectionSettings(url), size=4, wait=2.0)
        database.pool = pool
        database.start()
        pool.adopt(databases.connections(url))
        clock = MarketClock(database, None, lambda: began, sandbox=True)
        parts = attrs.evolve(
            make_parts(known, database), now=clock.now, ahead=clock.ahead, clock=clock, dues=tables.DUES
        )
        market = make_market(parts)
        farmers = {name: await market.farmer(name) for name in FARMS}
        buyers = {name: await market.person() for name in BUYERS}
        made = cls(databases, url, market, began, await market.person("admin"), farmers, buyers)
        await made._stock(like)
        await made._charge(like)
        await made._open(like)
        return made

    async def close(self) -> None:
        """Give its database back."""
        from twisted.internet import reactor
        from twisted.internet.defer import Deferred

        database: Any = self.market.parts.database
        self.databases.leave(self.url, await database.pool.let_go())
        await Deferred.fromCoroutine(database.stop()).addTimeout(10, reactor)
        self.databases.take_back(self.url)

    def _know(self, name: str, id: str) -> None:
        self.ids[name], self.names[id] = id, name

    async def _made(self, who: Person, path: str, body: dict[str, Any]) -> Any:
        answer = await who.post(path, body)
        assert answer.status == 201, answer.text
        return answer.json()

    async def _stock(self, like: PlainMarket) -> None:
        food = (await self._made(self.staff, "/api/categories", {"name": "Food"}))["id"]
        for farm, farmer in self.farmers.items():
            self._know(farm, farmer.farm_id)
            least = {"order_minimum": like.least.get(farm, 0)}
            answer = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", least, If_Match="*")
            assert answer.status == 200, answer.text
        for of in like.products.values():
            body = {
                "title": of.name,
                "unit": of.unit,
                "price": of.price,
                "stock": said(of.stock),
                "quantity_step": said(of.step),
            }
            body |= {"category_id": food} if of.rate == FOOD else {}
            if of.each is not None:
                weight = {"quantity": said(of.each), "unit": "kg"}
                body |= {
                    "priced_by": "weight",
                    "estimated_weight": weight,
                    "price_per": {"quantity": "1", "unit": "kg"},
                }
            self._know(of.name, (await self._made(self.farmers[of.farm], "/api/products", body))["id"])
        for name, rate, category in (("Else", ELSE, None), ("Food", FOOD, food)):
            await self._made(
                self.staff, "/api/tax-rates", {"name": name, "rate": said(100 * rate), "category_id": category}
            )

    async def _charge(self, like: PlainMarket) -> None:
        for fee in like.fees:
            farm = None if fee.farm is None else self.ids[fee.farm]
            body = {"basis": fee.basis, "amount": fee.amount, "rate": said(100 * fee.rate), "free_from": fee.free_from}
            await self._made(self.staff, "/api/fees", {"name": fee.basis, "farm_id": farm, **body})
        for one in like.coupons.values():
            off = {"amount": one.amount} if one.percent is None else {"percent": said(100 * one.percent)}
            body = {"code": one.code, "farm_id": None if one.farm is None else self.ids[one.farm], **off}
            uses = {"minimum": one.minimum, "max_uses": one.most, "max_uses_per_person": one.each}
            self._know(one.code, (await self._made(self.staff, "/api/coupons", {**body, **uses}))["id"])

    async def _open(self, like: PlainMarket) -> None:
        for day in like.days.values():
            windows = [one for one in like.windows.values() if one.day == day.name]
            made = await self._made(self.staff, "/api/market-days", {
                "name": day.name, "opens_at": self._at(day.opens), "closes_at": self._at(day.closes), "holds_minutes": 15,
                "farms": [{"farm_id": self.ids[farm], "lead_minutes": lead} for farm, lead in day.leads.items()],
                "windows": [self._window(like, one) for one in windows],
            })  # fmt: skip
            self._know(day.name, made["id"])
            for one, window in zip(windows, made["windows"], strict=True):
                self._know(one.name, window["id"])

    def _at(self, minutes: int) -> str:
        return text(self.began + timedelta(minutes=minutes))

    def _window(self, like: PlainMarket, one: Window) -> dict[str, Any]:
        day, (orders, crates, kilograms) = like.days[one.day], one.holds
        capacity = {
            "orders": None if orders is None else int(orders), "crates": None if crates is None else int(crates),
            "weight_kg": None if kilograms is None else said(kilograms),
        }  # fmt: skip
        known = {"id": self.ids[one.name]} if one.name in self.ids else {}
        return {
            **known,
            "method": "delivery",
            "from": self._at(day.begins),
            "to": self._at(day.ends),
            "capacity": capacity,
        }

    # what is asked of it

    def body(self, wanted: list[Any], window: str, code: str) -> dict[str, Any]:
        """An order, or a quote, of (product, quantity, what may come in its place); without any of the cart."""
        lines = [{"product_id": self.ids[p], "quantity": said(q), "substitution": consent} for p, q, consent in wanted]
        way = {"method": "delivery", "address": ADDRESS, "window_id": self.ids[window]}
        return {"fulfilment": way, **({"lines": lines} if lines else {}), **({"coupon": code} if code else {})}

    async def place(self, name: str, who: str, body: dict[str, Any]) -> Response:
        """Place an order, which has that name from now on."""
        self.asked += 1
        answer = await self.buyers[who].post("/api/orders", body, Idempotency_Key=f"order-{self.asked}")
        if answer.status == 201:
            self._know(name, answer.json()["id"])
        return answer

    async def of_order(self, who: Person, method: str, name: str, rest: str, body: Any, version: int = 0) -> Response:
        """Change an order, or a part or a line of it."""
        match = {"If_Match": f'"v{version}"'} if version else {}
        return await who.request(method, f"/api/orders/{self.ids[name]}{rest}", body, **match)

    async def of_line(self, order: Order, line: Line, what: str, body: Any) -> Response:
        """Change a line, as its farm."""
        path = f"/parts/{self.ids[line.farm]}/lines/{self.lines[order.name, line.position]}/{what}"
        return await self.of_order(self.farmers[line.farm], "POST", order.name, path, body)

    async def pass_time(self, minutes: int) -> Response:
        """Move the clock."""
        to = self.market.parts.now() + timedelta(minutes=minutes)
        return await self.staff.post("/api/admin/clock", {"to": text(to)})

    async def put_windows(self, like: PlainMarket, day: str) -> Response:
        """Have a day's windows be as they are in the plain market."""
        windows = [self._window(like, one) for one in like.windows.values() if one.day == day]
        return await self.staff.request(
            "PATCH", f"/api/market-days/{self.ids[day]}", {"windows": windows}, If_Match="*"
        )

    # what it is

    async def state(self) -> dict[str, Any]:
        """What is in its rows, by the names of the plain market."""
        rows = json.loads(await self.market.parts.database.row(_STATE) or "{}")
        name, buyers = self.names.__getitem__, {person.id: who for who, person in self.buyers.items()}
        orders = {}
        for id, order in (rows["orders"] or {}).items():
            self.lines |= {(name(id), line[1]): line[0] for line in order["lines"] or ()}
            orders[name(id)] = {
                **order,
                "parts": [[name(farm), *rest] for farm, *rest in order["parts"]],
                "lines": [
                    [at, name(product), Fraction(quantity), Fraction(short), *rest, _GOODS[goods]]
                    for _, at, product, quantity, short, *rest, goods in order["lines"] or ()
                ],
            }
        return {
            "products": {name(id): [Fraction(one) for one in levels] for id, levels in rows["products"].items()},
            "windows": {name(id): [Fraction(o), Fraction(c), Fraction(g, 1000)] for id, (o, c, g) in rows["windows"].items()},
            "days": {name(id): status for id, status in rows["days"].items()}, "coupons": rows["coupons"],
            "carts": {buyers[id]: {name(product): Fraction(quantity) for product, quantity in items.items()} for id, items in (rows["carts"] or {}).items()},
            "quotes": rows["quotes"], "orders": orders,
        }  # fmt: skip


def said(quantity: Fraction) -> str:
    """A quantity as the contract writes it."""
    return f"{float(quantity):.3f}"


def state_of(market: PlainMarket) -> dict[str, Any]:
    """What a plain market is, as :meth:`RealMarket.state` says it of the real one."""
    return {
        "products": {one.name: [one.stock, one.reserved] for one in market.products.values()},
        "windows": {one.name: one.taken for one in market.windows.values()},
        "days": {one.name: one.status for one in market.days.values()},
        "coupons": {one.code: one.taken for one in market.coupons.values()},
        "quotes": len(market.held),
        "carts": {
            who: {product: wanted[1] for product, (_, wanted) in cart.items()}
            for who, cart in market.carts.items()
            if cart
        },
        "orders": {name: _order(market, order) for name, order in market.orders.items()},
    }


def _order(market: PlainMarket, order: Order) -> dict[str, Any]:
    goods, fees, discount, tax = order.totals
    return {
        "status": order.status, "version": order.version, "totals": [goods, fees, discount, tax, market.total(order)],
        "parts": [[part.farm, part.status, *part.amounts] for part in order.parts],
        "lines": [
            [line.position, line.product, line.quantity, line.short, line.owed, line.agreed, line.discount, line.tax, line.proposed,
             line.answer_by is not None, line.goods]
            for line in order.lines
        ],
    }  # fmt: skip


def differences(plain: Any, real: Any, at: str = "") -> list[str]:
    """Where two states differ."""
    if isinstance(plain, dict) and isinstance(real, dict):
        keys = sorted({*plain, *real}, key=str)
        return [each for key in keys for each in differences(plain.get(key), real.get(key), f"{at}/{key}")]
    return [] if plain == real else [f"{at}: {_shown(plain)} in the plain market, {_shown(real)} in the real one"]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return said(value) if isinstance(value, Fraction) else repr(value)
