"""Notifications: mails and notices about orders, each once for each person that an event concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.interfaces import Mail
from harvestd.market.messages import MESSAGES, Message, lines_shown, one_line, way_shown
from harvestd.market.quantities import amount_shown, shown
from harvestd.queue.envelope import Envelope
from harvestd.queue.retry import Drop
from harvestd.store import mails, notifications, orders
from harvestd.store.notifications import Notice, Person
from harvestd.workers.work import Work


async def order(work: Work, events: Sequence[Envelope]) -> None:
    """Tell the buyers and the farms of a batch of orders' events, as the table of messages has it."""
    concerned = [event for event in events if _messages(event)]
    if not concerned:
        return
    found = await _concerned(work, concerned)
    outgoing: list[Mail] = []
    notices: list[Notice] = []
    for event in concerned:
        order = found[event.data["order_id"]]
        for message in _messages(event):
            for person in order.people:
                if _hears(message, person, event):
                    _tell(message, person, event, order, outgoing, notices)
    await notifications.tell(work.tx, notices, work.new_id, work.now)
    await mails.enqueue(work.tx, outgoing, work.new_id, work.now)


def _messages(event: Envelope) -> tuple[Message, ...]:
    return MESSAGES.get((event.type, event.data.get("to", "")), ())


@attrs.frozen
class _Told:
    """An order, and whom its events may concern: the buyer, and the members of all its farms."""

    row: orders.Order
    parts: list[orders.PartRow]
    lines: list[orders.LineRow]
    people: list[Person]


async def _concerned(work: Work, events: Sequence[Envelope]) -> dict[str, _Told]:
    """The orders that events are about, by id. Raises ``Drop`` if one is not there."""
    rows = await orders.some(work.tx, sorted({event.data["order_id"] for event in events}))
    if any(event.data["order_id"] not in rows for event in events):
        raise Drop("there is no such order")
    told = {id: _Told(row, [], [], []) for id, row in rows.items()}
    parts, lines = await orders.parts_and_lines(work.tx, list(rows))
    for part in parts:
        told[part.order_id].parts.append(part)
    for line in lines:
        told[line.order_id].lines.append(line)
    buyers = {row.buyer_id for row in rows.values()}
    people = await notifications.people(work.tx, sorted(buyers), sorted({part.farm_id for part in parts}))
    members: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        members[person.farm_id or person.user_id].append(person)
    for order in told.values():
        for key in (order.row.buyer_id, *(part.farm_id for part in order.parts)):
            order.people.extend(members[key])
    return told


async def welcome(work: Work, event: Envelope) -> None:
    """Greet a new account."""
    name, market = one_line(event.data["name"]), work.parts.settings.market_name
    mail = Mail(
        key=f"{event.id}:{event.data['user_id']}:welcome", recipient=event.data["email"], subject=f"Welcome to {market}",
        body=f"Welcome, {name}.\n\nYour account at {market} is ready; sign in with this address.\n",
    )  # fmt: skip
    await mails.enqueue(work.tx, [mail], work.new_id, work.now)


def _hears(message: Message, person: Person, event: Envelope) -> bool:
    """Nobody is told what they did themselves, and no farm what is another's."""
    whom = "buyer" if person.farm_id is None else "farm"
    own = person.farm_id is None or event.data.get("farm_id", person.farm_id) == person.farm_id
    return message.whom == whom and own and event.data.get("actor") != whom


def _values(order: _Told, person: Person, event: Envelope) -> dict[str, str]:
    row, farm_id = order.row, person.farm_id or event.data.get("farm_id")
    part = next((part for part in order.parts if part.farm_id == farm_id), None)
    views: list[Any] = [
        {"quantity": shown(x.quantity), "unit": x.unit, "title": one_line(x.title), "total": x.total}
        for x in order.lines
        if person.farm_id is None or x.farm_id == person.farm_id
    ]
    reason = one_line(event.data.get("reason", ""))
    return {
        "number": row.number, "name": one_line(person.name), "farm": one_line(part.farm_name) if part else "",
        "lines": lines_shown(views, row.currency), "total": amount_shown(row.total, row.currency),
        "subtotal": amount_shown(part.subtotal, row.currency) if part else "", "way": way_shown(row.fulfilment),
        "note": f"Note: {one_line(row.note)}\n" if row.note else "", "reason": f" Reason: {reason}" if reason else "",
    }  # fmt: skip


def _tell(
    message: Message, person: Person, event: Envelope, order: _Told, outgoing: list[Mail], notices: list[Notice]
) -> None:
    values = _values(order, person, event)
    title, body = message.title.format(**values), message.body.format(**values)
    key = f"{event.id}:{person.user_id}:{person.farm_id or 'buyer'}"
    if message.mail:
        outgoing.append(Mail(key=key, recipient=person.email, subject=title, body=body))
    if message.notice:
        kind = f"order.{event.data['to']}" if "to" in event.data else event.type
        data = {"order_id": order.row.id, "number": order.row.number}
        notices.append(Notice(user_id=person.user_id, kind=kind, title=title, body=body, data=data, dedupe_key=key))
