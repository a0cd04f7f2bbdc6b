"""Market days: buyers who have something in the cart hear that one closes soon, farms what to pick once it is closed, that it is cancelled, and that windows with orders
of theirs were moved. Of their own orders buyers hear by the events of these (``handlers.py``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from harvestd.interfaces import Mail
from harvestd.market.days import day_rows as days
from harvestd.market.notifications import day_rows as rows
from harvestd.market.notifications import rows as notifications
from harvestd.market.notifications.line_wording import Facts
from harvestd.market.notifications.messages import FULL, MESSAGES, WITH_ORDERS, kind
from harvestd.market.notifications.outgoing import language_of, mail
from harvestd.market.notifications.rows import Notice, Person
from harvestd.market.notifications.wording import shown
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork

#: A cart that nobody has touched for so long is forgotten; how many buyers are told at a time; how much of a cart is told, and of a pick list.
FORGOTTEN, BATCH, MAX_OF_CART, MAX_PICKED = timedelta(days=30), 200, 20, 200
_FIRST = "00000000-0000-0000-0000-000000000000"


async def closing_soon(unit: UnitOfWork, event: Envelope) -> None:
    """Tell buyers with something in the cart that can still be ordered for the day; nobody, if it is not open any more."""
    day = await days.one(unit.tx, event.data["market_day_id"])
    after = _FIRST
    while day is not None and after:
        found = await rows.holders(unit.tx, day.id, unit.now, unit.now - FORGOTTEN, after, BATCH)
        until = [day.closes_at.isoformat(), unit.parts.settings.market_timezone]
        people = [Person(one.user_id, one.email, "", None, None, one.language, one.verified) for one in found]
        facts = {one.user_id: {"until": until, "goods": _some(one.goods, MAX_OF_CART)} for one in found}
        await _tell(unit, event, people, facts)
        after = found[-1].user_id if len(found) == BATCH else ""


async def closed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell farms with orders what to pick for the day; of one that is full, until when it may open again."""
    day = await days.one(unit.tx, event.data["market_day_id"])
    if day is None:
        return
    ordered, picked = await rows.ordered(unit.tx, day.id), await rows.picked(unit.tx, day.id)
    until = [day.closes_at.isoformat(), unit.parts.settings.market_timezone]
    told = {
        id: {"orders": str(sum(one.windows.values())), "goods": _some(picked.get(id, ()), MAX_PICKED), "until": until}
        for id, one in ordered.items()
    }
    await _tell_farms(unit, event, told, FULL if event.data["reason"] == FULL else "")


async def cancelled(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the farms that take part in the day by name, and those with orders for it, which are cancelled, too."""
    facts = {"reason": event.data["reason"]}
    ordered = dict.fromkeys(await rows.farms_ever(unit.tx, event.data["market_day_id"]), facts)
    await _tell_farms(unit, event, ordered, WITH_ORDERS)
    await _tell_farms(unit, event, {id: facts for id in event.data["farms"] if id not in ordered})


async def moved(unit: UnitOfWork, event: Envelope) -> None:
    """Tell farms with orders in windows that were moved."""
    zone = unit.parts.settings.market_timezone
    moves = {
        one["window_id"]: [_window(one["before"], zone), _window(one["after"], zone)] for one in event.data["windows"]
    }
    ordered = await rows.ordered(unit.tx, event.data["market_day_id"]) if moves else {}
    told = {
        id: {
            "orders": str(sum(orders for window, orders in one.windows.items() if window in moves)),
            "windows": [moves[window] for window in moves if window in one.windows],
        }
        for id, one in ordered.items()
        if not moves.keys().isdisjoint(one.windows)
    }
    await _tell_farms(unit, event, told)


def _window(one: Mapping[str, Any], zone: str) -> list[str]:
    point = one["pickup_point"] or {}
    return [one["from"], one["to"], zone, point.get("name", ""), point.get("address", "")]


def _some(goods: Sequence[rows.Goods], most: int) -> list[Sequence[str]]:
    """So many of them; an empty one stands for the rest."""
    return [*goods[:most], *([()] if len(goods) > most else [])]


async def _tell_farms(unit: UnitOfWork, event: Envelope, told: Mapping[str, Facts], case: str = "") -> None:
    people = await notifications.people(unit.tx, [], sorted(told)) if told else []
    await _tell(unit, event, people, told, case)


async def _tell(
    unit: UnitOfWork, event: Envelope, people: Iterable[Person], told: Mapping[str, Facts], case: str = ""
) -> None:
    """A notice each, with what is ``told`` to their farm, or else to them, and, to an address that is known to be theirs, a mail."""
    (message,) = MESSAGES[event.type, case]
    notices, outgoing = [], []
    for person in people:
        language = language_of(unit, person.language)
        facts = {"day": event.data["name"], "farm": person.farm_name or "", **told[person.farm_id or person.user_id]}
        title, body = shown(message, facts, language)
        key = f"{event.id}:{person.user_id}:{person.farm_id or 'buyer'}"
        farm = {"farm_id": person.farm_id} if person.farm_id else {}
        notices.append(
            Notice(
                user_id=person.user_id, kind=kind(event.type), title=title, body=body, data={"market_day_id": event.data["market_day_id"]} | farm,
                dedupe_key=key, language=language, facts={"of": [event.type, case, message.whom], "values": facts},
            )
        )  # fmt: skip
        if message.mail and person.verified:  # any other address may be a stranger's, and here are people's own words
            outgoing.append(Mail(key, person.email, title, body, language))
    await notifications.tell(unit.tx, notices, unit.new_id, unit.now)
    await mail(unit, outgoing)
