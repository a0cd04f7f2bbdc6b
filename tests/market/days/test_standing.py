"""Market days that orders stand on: what may change of them, by a table; whoever is told of it; and changes against orders that are placed at the same moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.market.days.standing_rules import At, here
from harvestd.market.orders import moved_windows
from harvestd.runtime import failpoints
from harvestd.unit_of_work import change as changing
from servers import PostgresServer
from tests.locks import holding, meeting
from tests.market.days.calendar import body, made, text, told
from tests.market.notifications.test_handlers import mails, notices
from tests.people import Market, Person
from tests.waiting import eventually
from tests.web.client import Response
from tests.web.conftest import settled

DAYS, POINTS = "/api/market-days", "/api/pickup-points"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """No fail point outlives its test."""
    yield
    failpoints.disarm()


@attrs.frozen
class Round:
    """An open day with two windows at a hall, two farms that take part in it, and an order of the first in the first window."""

    market: Market
    manager: Person
    farmer: Person
    other: Person
    buyer: Person
    hall: str
    product: str
    day: dict[str, Any]
    order: dict[str, Any]

    def windows(self, *changes: dict[str, Any]) -> list[dict[str, Any]]:
        """The windows of the day as they are sent, each with its changes."""
        sent = [
            {name: window[name] for name in ("id", "method", "from", "to")} | {"pickup_point_id": window["pickup_point"]["id"]}
            for window in self.day["windows"]
        ]  # fmt: skip
        return [one | more for one, more in zip(sent, [*changes, {}, {}], strict=False)]

    async def change(self, given: dict[str, Any]) -> Response:
        return await self.manager.request("PATCH", f"{DAYS}/{self.day['id']}", given, If_Match="*")

    async def shown(self, who: Person | None = None) -> dict[str, Any]:
        """The order as its buyer, or somebody else, sees it."""
        found: dict[str, Any] = (await (who or self.buyer).get(f"/api/orders/{self.order['id']}")).json()
        return found

    async def place(self, product: str = "", window: int = 0) -> Response:
        way = {"method": "pickup", "window_id": self.day["windows"][window]["id"]}
        return await self.buyer.order((product or self.product, 1), fulfilment=way)


def hours(market: Market, n: float) -> str:
    return text(market.parts.now() + timedelta(hours=n))


async def round_of(market: Market, *, farm_point: bool = False) -> Round:
    manager, buyer = await market.person("manager"), await market.person()
    farmer, other = await market.farmer("Green Acres"), await market.farmer("Blue Acres")
    product = await market.product(farmer, stock="90")
    whose = {"farm_id": farmer.farm_id} if farm_point else {}
    hall = (
        await (farmer if farm_point else manager).post(POINTS, {"name": "Hall", "address": "1 Square", **whose})
    ).json()["id"]
    now = market.parts.now()
    window = {
        "method": "pickup",
        "pickup_point_id": hall,
        "from": text(now + timedelta(hours=30)),
        "to": text(now + timedelta(hours=34)),
    }
    farms = [{"farm_id": one.farm_id} for one in (farmer, other)]
    given = body(now, opens=-1, windows=[window, window | {"to": text(now + timedelta(hours=36))}], farms=farms)
    day = await made(manager, given)
    r = Round(market, manager, farmer, other, buyer, hall, product["id"], day, {})
    answer = await r.place()
    assert answer.status == 201, answer.text
    await market.work()
    return attrs.evolve(r, order=answer.json())


#: By what is changed: the body, whether that is refused (the field, how many orders) or told, and what the order shows then.
Change = Callable[[Round], dict[str, Any]]
REFUSED: dict[str, tuple[Change, tuple[str, str]]] = {
    "farm leaves": (lambda r: {"farms": [{"farm_id": r.other.farm_id}]}, ("farms", "1")),
    "method": (lambda r: {"windows": [{"id": r.day["windows"][0]["id"], "method": "delivery", "from": hours(r.market, 30), "to": hours(r.market, 34)}]}, ("windows[0].method", "1")),
    "window left out": (lambda r: {"windows": r.windows()[1:]}, ("windows", "1")),
}  # fmt: skip
FREE: dict[str, Change] = {
    "a farm without orders leaves": lambda r: {"farms": [{"farm_id": r.farmer.farm_id}]},
    "all farms may take part": lambda r: {"farms": None},
    "the cut-off": lambda r: {"closes_at": hours(r.market, 20)},
    "a farm needs longer": lambda r: {"farms": [{"farm_id": r.farmer.farm_id, "lead_minutes": 60}, {"farm_id": r.other.farm_id}]},
    "a window without orders is moved": lambda r: {"windows": r.windows({}, {"to": hours(r.market, 40)})},
    "a capacity that is enough": lambda r: {"windows": r.windows({"capacity": {"orders": 1}})},
    "a window without orders is left out": lambda r: {"windows": r.windows()[:1]},
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_orders_stand_on_is_refused_with_how_many_there_are(market: Market, what: str) -> None:
    r = await round_of(market)
    change, (field, orders) = REFUSED[what]
    refused = await r.change(change(r))
    assert refused.status == 409, refused.text
    assert [(e["field"], e["code"], e["params"]["orders"]) for e in refused.json()["errors"]] == [
        (field, "has-orders", orders)
    ]
    assert (await r.buyer.post(f"/api/orders/{r.order['id']}/cancel", {})).status == 200
    done = await r.change(change(r))
    assert done.status == 200, done.text


async def test_what_is_nothing_to_an_order_is_changed_and_told_to_nobody(market: Market) -> None:
    r = await round_of(market)
    before = await r.shown()
    for what, change in FREE.items():
        done = await r.change(change(r))
        assert done.status == 200, (what, done.text)
        assert [type for type, *_ in await told(market) if type == "changed"] == [], what
    assert await r.shown() == before
    refused = await r.change({"windows": r.windows({"capacity": {"weight_kg": "0.5"}})[:1]})
    assert refused.json()["errors"][0]["code"] == "below-reserved"


async def test_a_window_that_is_moved_is_told_by_one_mail_each_and_shown_by_its_orders(market: Market) -> None:
    r = await round_of(market)
    before = {who.id: len(await mails(market, who.email)) for who in (r.buyer, r.farmer, r.other)}
    moved = hours(r.market, 33)
    assert (await r.change({"windows": r.windows({"from": moved})})).status == 200
    await market.work(twice=True)
    order = await r.shown()
    assert order["fulfilment"]["window"]["from"] == moved
    assert (order["version"], order["fulfilment"]["window"]["market_day_name"]) == (r.order["version"] + 1, "Saturday")
    assert (await r.shown(r.farmer))["parts"][0]["fulfilment"]["window"]["from"] == moved
    found = {who.id: (await mails(market, who.email))[before[who.id] :] for who in (r.buyer, r.farmer, r.other)}
    assert [subject for subject, _ in found[r.buyer.id]] == [f"Order {r.order['number']}: another time or place"]
    assert [subject for subject, _ in found[r.farmer.id]] == ["Saturday: another time or place"]
    assert found[r.other.id] == [], "it has no order there"
    for who in (r.buyer, r.farmer):
        (change,) = (await who.get(f"/api/orders/{r.order['id']}/changes")).json()["items"]
        assert (change["kind"], change["by"], change["lines"]) == ("moved", "admin", [])
        assert [
            (one["before"]["window"]["from"] < moved, one["after"]["window"]["from"]) for one in change["moves"]
        ] == [(True, moved)]
    ((_, body),) = found[r.buyer.id]
    assert body.index("Now:") < body.index("Before:") and "Hall" in body and "Saturday" in body
    assert market.broken(at_rest=True) == []


async def test_two_moves_that_are_handled_late_are_one_mail_and_another_name_none(market: Market) -> None:
    r = await round_of(market)
    had = len(await mails(market, r.buyer.email))
    for n in (31, 32):
        assert (await r.change({"windows": r.windows({"from": hours(r.market, n)})})).status == 200
    await market.work(twice=True)
    assert len(await mails(market, r.buyer.email)) == had + 1
    assert (await r.change({"name": "Market hall"})).status == 200
    await market.work(twice=True)
    order = await r.shown()
    assert order["fulfilment"]["window"]["market_day_name"] == "Market hall"
    assert len(await mails(market, r.buyer.email)) == had + 1
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("farm_point", [False, True], ids=["of the market", "of a farm"])
async def test_a_pick_up_point_with_orders_can_be_moved_and_not_deleted(market: Market, farm_point: bool) -> None:
    r = await round_of(market, farm_point=farm_point)
    who = r.farmer if farm_point else r.manager
    had = len(await mails(market, r.buyer.email))
    path = f"{POINTS}/{r.hall}"
    refused = await who.request("DELETE", path, If_Match="*")
    assert refused.status == 409, refused.text
    ((code, orders),) = [(e["code"], e["params"]["orders"]) for e in refused.json()["errors"]]
    assert (code, orders) == ("has-orders", "1")
    if farm_point:
        put = await who.request("PATCH", f"/api/farms/{r.farmer.farm_id}", {"pickup_points": []}, If_Match="*")
        assert (put.status, put.json()["errors"][0]["code"]) == (409, "has-orders"), put.text
    for change, mailed in (({"hours": "Sat 8-12"}, 0), ({"address": "2 Square"}, 1)):
        assert (await who.request("PATCH", path, change, If_Match="*")).status == 200
        await market.work(twice=True)
        assert len(await mails(market, r.buyer.email)) == had + mailed, change
    assert (await r.shown())["fulfilment"]["pickup_point"]["address"] == "2 Square"
    assert (await r.manager.post(f"{DAYS}/{r.day['id']}/cancel", {})).status == 200
    await market.work()
    assert (await who.request("DELETE", path, If_Match="*")).status == 204
    assert (await market.stranger.get(path)).status == 404
    assert [one for one in (await market.stranger.get(POINTS)).json()["items"] if one["id"] == r.hall] == []
    assert (await r.shown())["fulfilment"]["pickup_point"]["name"] == "Hall", "it stays readable for the order"
    now = market.parts.now()
    window = {
        "method": "pickup",
        "pickup_point_id": r.hall,
        "from": text(now + timedelta(hours=30)),
        "to": text(now + timedelta(hours=34)),
    }
    late = await r.manager.post(DAYS, body(now, windows=[window]))
    assert (late.status, late.json()["errors"][0]["code"]) == (422, "not-found")


async def at_once(first: Awaitable[Response], second: Callable[[], Awaitable[Response]]) -> tuple[Response, Response]:
    """Both; the second begins while the first has done its work and has not committed."""
    failpoints.arm("transaction.before_commit=sleep:0.5@1", {"HARVEST_TESTING": "1"})

    async def then() -> Response:
        await eventually("the first is about to commit", lambda: bool(failpoints.armed()["transaction.before_commit"]))
        return await second()

    one, other = await settled(first, then())
    return one, other


async def test_an_order_that_waits_for_a_change_of_its_day_sees_what_that_has_changed(market: Market) -> None:
    """Its farm has been taken out, its window is elsewhere: not only the day's own row is another by then."""
    r = await round_of(market)
    eggs = (await market.product(r.other, title="Eggs", unit="box", price=250))["id"]
    left, placed = await at_once(r.change({"farms": [{"farm_id": r.farmer.farm_id}]}), lambda: r.place(eggs))
    assert (left.status, placed.status) == (200, 422), placed.text
    assert [e["params"]["reason"] for e in placed.json()["errors"]] == ["farm-of-window"]
    gone, placed = await at_once(r.change({"windows": r.windows()[:1]}), lambda: r.place(window=1))
    assert (gone.status, placed.status, placed.json()["errors"][0]["code"]) == (200, 422, "not-found"), placed.text
    later = hours(market, 33)
    moved, placed = await at_once(r.change({"windows": r.windows({"from": later})[:1]}), r.place)
    assert (moved.status, placed.status) == (200, 201), placed.text
    assert placed.json()["fulfilment"]["window"]["from"] == later
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_change_that_waits_for_an_order_finds_it_standing_there(market: Market) -> None:
    r = await round_of(market)
    eggs = (await market.product(r.other, title="Eggs", unit="box", price=250))["id"]
    failpoints.arm("order.before_commit=sleep:0.5@1", {"HARVEST_TESTING": "1"})

    async def then() -> Response:
        await eventually("the order is about to be kept", lambda: bool(failpoints.armed()["order.before_commit"]))
        return await r.change({"farms": [{"farm_id": r.farmer.farm_id}]})

    placed, refused = await settled(r.place(eggs), then())
    assert (placed.status, refused.status) == (201, 409), refused.text
    assert [(e["code"], e["params"]["farm"]) for e in refused.json()["errors"]] == [("has-orders", "Blue Acres")]


NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
HALL = {"id": "a", "name": "Hall", "address": "1 Square", "position": None, "hours": "9-12"}


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"hours": ""}, True), ({"name": "Barn"}, False), ({"address": ""}, False), ({"position": {"latitude": 1.0, "longitude": 2.0}}, False)],
)  # fmt: skip
def test_a_place_is_its_name_its_address_and_its_position(change: dict[str, Any], same: bool) -> None:
    assert here(HALL, HALL | change) is same
    assert not here(None, HALL) and here(None, None)


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_whoever_goes_by_a_window_comes_right_if_neither_end_has_moved(start: int, end: int) -> None:
    before = At(NOON, NOON + timedelta(hours=9), HALL)
    after = At(NOON + timedelta(hours=start), NOON + timedelta(hours=9 + end), HALL)
    assert before.same(after) is (start == end == 0)


async def test_the_notices_of_a_move_are_each_once(market: Market) -> None:
    r = await round_of(market)
    assert (await r.place(window=1)).status == 201
    await market.work()
    assert (await r.change({"windows": r.windows({"from": hours(r.market, 31)})})).status == 200
    await market.work(twice=True)
    assert (await notices(r.farmer))[0] == "Saturday: another time or place"
    said = [
        body for subject, body in await mails(market, r.farmer.email) if subject == "Saturday: another time or place"
    ]
    assert len(said) == 1 and said[0].rstrip().endswith("Orders: 1"), "those of the other window stay where they are"
    assert sum("another time or place" in title for title in await notices(r.buyer)) == 1


async def test_an_order_that_is_cancelled_before_it_follows_its_day_is_left_as_it_was(
    market: Market, postgres: PostgresServer
) -> None:
    """Both wait for the order's row, which the test holds, and have nothing yet that the other needs: of a deadlock, either would begin again."""
    r = await round_of(market)
    log = postgres.folder / "log"
    begin = log.stat().st_size
    assert (await r.change({"windows": r.windows({"from": hours(market, 31)})})).status == 200
    url, path = market.parts.database.settings.dsn, f"/api/orders/{r.order['id']}/cancel"
    event: Any = SimpleNamespace(data={"market_day_id": r.day["id"]})
    follow: Awaitable[Any] = changing(market.parts, lambda unit: moved_windows.follow(unit, event))
    with holding(url, "update orders set version = version where id = %s", r.order["id"]) as locked:
        cancelled, _ = await meeting(url, locked, r.buyer.post(path, {}), follow)
    assert cancelled.status == 200, cancelled.text
    assert "deadlock detected" not in log.read_text("utf-8", "replace")[begin:]
    assert (await r.shown())["fulfilment"] == cancelled.json()["fulfilment"] == r.order["fulfilment"]
    await market.work()
    assert not any("another time or place" in title for title in await notices(r.buyer))
    assert market.broken(at_rest=True) == []


async def test_a_window_whose_farm_has_the_point_no_more_takes_no_orders(market: Market) -> None:
    r = await round_of(market, farm_point=True)
    assert (await r.buyer.post(f"/api/orders/{r.order['id']}/cancel", {})).status == 200
    path = f"{POINTS}/{r.hall}"
    gone, placed = await at_once(r.farmer.request("DELETE", path, If_Match="*"), r.place)
    assert (gone.status, placed.status, placed.json()["errors"][0]["code"]) == (204, 422, "not-found"), placed.text
    await r.buyer.request("PUT", f"/api/cart/items/{r.product}", {"quantity": 1})
    assert (await r.buyer.get("/api/cart/windows")).json()["items"] == []


async def test_a_farm_that_deletes_its_point_waits_for_an_order_that_is_placed_there(market: Market) -> None:
    r = await round_of(market, farm_point=True)
    assert (await r.buyer.post(f"/api/orders/{r.order['id']}/cancel", {})).status == 200
    failpoints.arm("order.before_commit=sleep:0.5@1", {"HARVEST_TESTING": "1"})

    async def then() -> Response:
        await eventually("the order is about to be kept", lambda: bool(failpoints.armed()["order.before_commit"]))
        return await r.farmer.request("DELETE", f"{POINTS}/{r.hall}", If_Match="*")

    placed, refused = await settled(r.place(), then())
    assert (placed.status, refused.status) == (201, 409), refused.text
    assert [e["code"] for e in refused.json()["errors"]] == ["has-orders"]
