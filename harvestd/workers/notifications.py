"""Notifications: mails and notices about orders, each once for each person that an event concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harvestd.interfaces import Mail
from harvestd.market.messages import MESSAGES, Message, lines_shown, one_line, way_shown
from harvestd.market.quantities import amount_shown, shown
from harvestd.queue.envelope import Envelope
from harvestd.queue.retry import Drop
from harvestd.store import mails, notifications, orders
from harvestd.store.notifications import Notice, Person
from harvestd.workers.work import Work


async def order(work: Work, event: Envelope) -> None:
    """Tell the buyer and the farms of an order's event, as the table of messages has it."""
    messages = MESSAGES.get((event.type, event.data.get("to", "")))
    if not messages:
        return
    row = await orders.find(work.tx, event.data["order_id"])
    if row is None:
        raise Drop("there is no such order")
    parts, lines = await orders.parts_and_lines(work.tx, [row.id])
    farms = [event.data["farm_id"]] if "farm_id" in event.data else [part.farm_id for part in parts]
    people = await notifications.people(work.tx, row.buyer_id, farms)
    told = [(m, p, _values(row, parts, lines, p, event)) for m in messages for p in people if _hears(m, p, event)]
    await _tell(work, event, told, {"order_id": row.id, "number": row.number})


async def welcome(work: Work, event: Envelope) -> None:
    """Greet a new account."""
    name, market = one_line(event.data["name"]), work.parts.settings.market_name
    mail = Mail(
        key=f"{event.id}:{event.data['user_id']}:welcome", recipient=event.data["email"], subject=f"Welcome to {market}",
        body=f"Welcome, {name}.\n\nYour account at {market} is ready; sign in with this address.\n",
    )  # fmt: skip
    await mails.enqueue(work.tx, [mail], work.new_id, work.now)


def _hears(message: Message, person: Person, event: Envelope) -> bool:
    whom = "buyer" if person.farm_id is None else "farm"
    return message.whom == whom and event.data.get("actor") != whom  # nobody is told what they did themselves


def _values(
    row: orders.Order, parts: Iterable[orders.PartRow], lines: Iterable[orders.LineRow], person: Person, event: Envelope
) -> dict[str, str]:
    farm_id = person.farm_id or event.data.get("farm_id")
    part = next((part for part in parts if part.farm_id == farm_id), None)
    own = [line for line in lines if person.farm_id is None or line.farm_id == person.farm_id]
    views: list[Any] = [
        {"quantity": shown(x.quantity), "unit": x.unit, "title": one_line(x.title), "total": x.total} for x in own
    ]
    reason = one_line(event.data.get("reason", ""))
    return {
        "number": row.number, "name": one_line(person.name), "farm": one_line(part.farm_name) if part else "",
        "lines": lines_shown(views, row.currency), "total": amount_shown(row.total, row.currency),
        "subtotal": amount_shown(part.subtotal, row.currency) if part else "", "way": way_shown(row.fulfilment),
        "note": f"Note: {one_line(row.note)}\n" if row.note else "", "reason": f" Reason: {reason}" if reason else "",
    }  # fmt: skip


async def _tell(
    work: Work, event: Envelope, told: Sequence[tuple[Message, Person, dict[str, str]]], data: dict[str, Any]
) -> None:
    kind = f"order.{event.data['to']}" if "to" in event.data else event.type
    outgoing: list[Mail] = []
    notices: list[Notice] = []
    for message, person, values in told:
        title, body = message.title.format(**values), message.body.format(**values)
        key = f"{event.id}:{person.user_id}:{person.farm_id or 'buyer'}"
        if message.mail:
            outgoing.append(Mail(key=key, recipient=person.email, subject=title, body=body))
        if message.notice:
            notices.append(Notice(user_id=person.user_id, kind=kind, title=title, body=body, data=data, dedupe_key=key))
    await notifications.tell(work.tx, notices, work.new_id, work.now)
    if outgoing:
        await mails.enqueue(work.tx, outgoing, work.new_id, work.now)
