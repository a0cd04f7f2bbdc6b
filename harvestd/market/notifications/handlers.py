"""Orders: mails and notices about them, each once for each person that an event concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.interfaces import Mail
from harvestd.market.notifications import rows as notifications
from harvestd.market.notifications.guest_mails import mail_of
from harvestd.market.notifications.messages import MESSAGES, Message, case_of, farm_of, is_told, kind
from harvestd.market.notifications.outgoing import language_of, mail, mail_unproven, page
from harvestd.market.notifications.rows import Notice, Person
from harvestd.market.notifications.wording import shown, unproven_shown
from harvestd.market.orders import rows as orders
from harvestd.market.orders.fulfilment import CALLED_OFF
from harvestd.market.orders.order import Line, Totals
from harvestd.market.pricing.charged_rules import code_of, fees_of, together
from harvestd.market.pricing.terms import read
from harvestd.queue.envelope import Envelope
from harvestd.queue.retry import Drop
from harvestd.unit_of_work import UnitOfWork


async def order(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Notify the buyers and the farms about a batch of order events, by the table of messages: in the order in which these have happened, which their ids have and a queue has not."""
    concerned = sorted((event for event in events if _messages(event)), key=lambda event: event.id)
    if not concerned:
        return
    found = await _concerned(unit, concerned)
    outgoing: dict[bool, list[Mail]] = {True: [], False: []}
    notices: list[Notice] = []
    for event in concerned:
        order = found[event.data["order_id"]]
        for message in _messages(event):
            for person in order.people:
                if _hears(message, person, event):
                    _tell(unit, message, person, event, order, outgoing[person.verified], notices)
        if (guests := await mail_of(unit, event, order.row)) is not None:
            outgoing[False].append(guests)
    await notifications.tell(unit.tx, notices, unit.new_id, unit.now)
    await mail(unit, outgoing[True])
    await mail_unproven(unit, outgoing[False])


def _messages(event: Envelope) -> tuple[Message, ...]:
    return MESSAGES.get((event.type, case_of(event.data)), ())


@attrs.frozen
class _Told:
    """An order, and the people whom its events may concern: the buyer, unless that is a guest, and the members of all its farms; ``by`` is the name of
    who has placed it for its buyer."""

    row: orders.Order
    titles: dict[str, orders.Title]
    parts: list[orders.PartRow] = attrs.field(factory=list)
    lines: list[Line] = attrs.field(factory=list)
    people: list[Person] = attrs.field(factory=list)
    by: list[str] = attrs.field(factory=list)


async def _concerned(unit: UnitOfWork, events: Sequence[Envelope]) -> dict[str, _Told]:
    """The orders that events are about, by id. Raises ``Drop`` if one does not exist."""
    rows = await orders.some(unit.tx, sorted({event.data["order_id"] for event in events}))
    if any(event.data["order_id"] not in rows for event in events):
        raise Drop("there is no such order")
    changed = {line_id for event in events if "lines" in event.data for line_id in _lines_of(event)}
    titles = await orders.titles(unit.tx, sorted(changed))
    told = {id: _Told(row, titles) for id, row in rows.items()}
    parts, lines = await orders.parts_and_lines(unit.tx, list(rows))
    for part in parts:
        told[part.order_id].parts.append(part)
    for line in lines:
        if not line.proposed:
            told[line.order_id].lines.append(line.line)
    named = {id for row in rows.values() for id in (row.buyer_id, row.placed_by) if id is not None}
    people = await notifications.people(unit.tx, sorted(named), sorted({part.farm_id for part in parts}))
    members: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        members[person.farm_id or person.user_id].append(person)
    for order in told.values():
        for key in (order.row.buyer_id or "", *(part.farm_id for part in order.parts)):
            order.people.extend(members[key])
        order.by.extend(person.name for person in members[order.row.placed_by or ""])
    return told


def _lines_of(event: Envelope) -> list[str]:
    """The lines that an event tells of."""
    offered = event.data.get("substitute")
    asked = [line["line_id"] for name in ("asked", "settled") for line in event.data.get(name, ())]
    return [*(line["line_id"] for line in _changed_by(event)), *([offered["line_id"]] if offered else []), *asked]


def _changed_by(event: Envelope) -> Sequence[Any]:
    """The lines that a change has made others, of which this is the event, or the last of several."""
    found: Sequence[Any] = event.data.get("change") or event.data["lines"]
    return found


def _hears(message: Message, person: Person, event: Envelope) -> bool:
    """Whether to notify the person: no farm hears about another's part; see also :func:`harvestd.market.notifications.messages.is_told`."""
    whom = "buyer" if person.farm_id is None else "farm"
    of_part = "lines" not in event.data and event.data.get("farm_id")
    own = person.farm_id is None or not of_part or of_part == person.farm_id
    return message.whom == whom and own and is_told(whom, event.data, person.farm_id)


def _facts(order: _Told, person: Person, event: Envelope, zone: str) -> dict[str, Any]:
    row, farm_id = order.row, farm_of(person.farm_id, event.data)
    part = next((part for part in order.parts if part.farm_id == farm_id), None)
    lines = [x for x in order.lines if person.farm_id is None or x.farm_id == person.farm_id]
    totals = part.totals(row.tax_included) if part else row.totals
    return {
        "number": row.number, "name": person.name, "farm": part.farm_name if part else "", "currency": row.currency,
        "total": row.total, "subtotal": totals.total if part else None, **_come_to(event, farm_id), "charges": _charges(order, person, farm_id, totals), "lines": [_line(x, person) for x in lines],
        "way": [[x.farm_name, _in(zone, x.fulfilment)] for x in ([part] if part else order.parts)],
        "farms": [x.farm_name for x in order.parts if event.type == f"order.{x.status}"],
        "buyer": [row.buyer_name, row.buyer_phone], "note": row.note, "reason": _reason(event), **_changes(order, person, event), **_moves(order, event, zone),
        **({"by": ", ".join(order.by)} if row.placed_by is not None else {}),
    }  # fmt: skip


def _come_to(event: Envelope, farm_id: str | None) -> dict[str, Any]:
    """What the order, and the part of a farm, came to by an event of its lines (those from before do not say it), and whether that was an estimate."""
    own = next((part for part in event.data.get("parts", ()) if part["farm_id"] == farm_id), None)
    found = {
        name: one for name, one in (("total", event.data), ("subtotal", own)) if one and one.get("total") is not None
    }
    if "lines" not in event.data or not found:
        return {}
    return {
        **{name: one["total"] for name, one in found.items()},
        "estimates": {name: one["estimated"] for name, one in found.items()},
    }


def _reason(event: Envelope) -> str | list[str]:
    """Why something has happened, or the market day that was cancelled and why that was, if anybody has said."""
    said, day = event.data.get("reason", ""), event.data.get("market_day")
    return [day, "" if said == CALLED_OFF else said] if day else said


def _moves(order: _Told, event: Envelope, zone: str) -> dict[str, Any]:
    """When and where parts of an order are handed over that were moved."""
    if event.type != "order.moved":
        return {}
    own = {part.farm_id: part for part in order.parts}
    moved = [(own[one["farm_id"]], one) for one in event.data["parts"]]
    return {
        name: [[part.farm_name, _in(zone, _there(part) | one[name])] for part, one in moved]
        for name in ("before", "after")
    }


def _there(part: orders.PartRow) -> dict[str, Any]:
    """The address of a part that is delivered: events do not say where somebody lives."""
    return {name: part.fulfilment[name] for name in ("address",) if name in part.fulfilment}


def _in(zone: str, way: dict[str, Any]) -> dict[str, Any]:
    """A fulfilment, with the zone in which the times of its window are meant, if it has one, and the name of its market day."""
    if "window" not in way:
        return way
    window = way["window"]
    return way | {
        "window": [
            window["from"],
            window["to"],
            zone,
            *([window["market_day_name"]] if "market_day_name" in window else []),
        ]
    }


def _changes(order: _Told, person: Person, event: Envelope) -> dict[str, Any]:
    """What an event says of lines that changed: of each its title and unit, the quantity before and after, and what it comes to then; and what it asks about."""
    if "lines" not in event.data:
        return {}
    own = [one for one in _changed_by(event) if person.farm_id in (None, one["farm_id"])]
    notes = {line.id: line.wish.note for line in order.lines if person.farm_id is not None}
    changes = [
        [*_change(order.titles[one["line_id"]], person.farm_id, one), notes.get(one["line_id"], "")]
        for one in own
        if one["line_id"] in order.titles
    ]
    settled = [
        one
        for one in event.data.get("settled", ())
        if one["line_id"] in order.titles and person.farm_id in (None, one["farm_id"])
    ]
    ended = [_question(order.titles[one["line_id"]], person.farm_id, one) for one in settled]
    told = {"changes": changes, "questions": ended, "no_longer": ended, "moot": ended}
    return told | (_questions(order, event) if person.farm_id is None else {})


def _question(named: orders.Title, farm_id: str | None, line: Any) -> list[Any]:
    """What is or was asked, as the farm is told of it or, with none, the buyer."""
    title = (None if farm_id else named.title_seen) or named.title
    weight = [line.get("weight"), line.get("weight_unit")] if line["about"] == "weight" else [None, None]
    return [title, named.unit, line["quantity"], *weight, line["total"], line["before"]]


def _questions(order: _Told, event: Envelope) -> dict[str, Any]:
    """What the buyer is asked: about goods, by ``offer``, or about pieces that are ``heavy``; and what the order comes to with all of it."""
    asked = [one for one in event.data.get("asked", ()) if one["line_id"] in order.titles]
    offered = [one for one in asked if one["about"] != "weight"]
    single = event.data.get("substitute")
    if single and not offered and single["line_id"] in order.titles:
        offered = [single]
    return {
        "offer": [_change(order.titles[one["line_id"]], None, {"before": None, "after": one}) for one in offered],
        "heavy": [_question(order.titles[one["line_id"]], None, one) for one in asked if one["about"] == "weight"],
        "asked_total": event.data.get("asked_total"),
    }  # fmt: skip


def _until(unit: UnitOfWork, event: Envelope) -> dict[str, Any]:
    """By when the buyer is to answer, or was to, in the market's zone; by what has ended without an answer and does not say that, when it did."""
    ended = event.data.get("outcome") == "declined" and event.timestamp.isoformat()
    over = [one["answer_by"] for one in event.data.get("settled", ()) if one.get("answer_by")]
    until = event.data.get("answer_by") or max(over, default=None) or ended or None
    return {} if until is None else {"until": [until, unit.parts.settings.market_timezone]}


def _change(named: orders.Title, farm_id: str | None, line: Any) -> list[Any]:
    """A line that changed, as the farm is told of it or, with none, the buyer."""
    before, after = line["before"], line["after"]
    title = (None if farm_id else named.title_seen) or named.title
    return [title, named.unit, before and before["quantity"], after and after["quantity"], after and after["total"]]


def _charges(order: _Told, person: Person, farm_id: str | None, totals: Totals) -> list[list[Any]]:
    """What is charged beside the goods, for the order or the part of a farm: each fee by its name and the coupon with its code, as far as these are known
    and told; and the tax."""
    pricing = read(order.row.terms)
    fees: list[list[Any]] = [
        ["fee", fee.amount, fee.name] for fee in together(fees_of(pricing, None if farm_id is None else [farm_id]))
    ]
    if sum(fee[1] for fee in fees) != totals.fees:  # of a part that is over, or of an order from before they were noted
        fees = [["fees", totals.fees]]
    code = code_of(pricing, None if person.farm_id is None else [person.farm_id])
    coupon: list[Any] = ["discount", totals.discount] if code is None else ["coupon", totals.discount, code]
    found = [*fees, coupon, ["tax_included" if totals.tax_included else "tax", totals.tax]]
    return [one for one in found if one[1]]


def _line(line: Line, person: Person) -> list[Any]:
    """Quantity, unit, title (to the buyer the one that they saw), total, whether that is an estimate, and to the farm what its buyer says of it."""
    title = (None if person.farm_id else line.title_seen) or line.title
    return [str(line.left), line.unit, title, line.total, line.estimated, line.wish.note if person.farm_id else ""]


def _tell(
    unit: UnitOfWork, message: Message, person: Person, event: Envelope, order: _Told, outgoing: list[Mail], notices: list[Notice]
) -> None:  # fmt: skip
    """Add the notice, and the mail, in which an address that may be a stranger's finds nothing that anybody has written."""
    facts = _facts(order, person, event, unit.parts.settings.market_timezone) | _until(unit, event)
    case, language = case_of(event.data), language_of(unit, person.language)
    title, body = shown(message, facts, language)
    key = f"{event.id}:{person.user_id}:{person.farm_id or 'buyer'}"
    if message.mail:
        bare = unproven_shown(order.row.number, unit.parts.settings.market_name, page(unit), language)
        outgoing.append(Mail(key, person.email, *((title, body) if person.verified else bare), language))
    farm_id = farm_of(person.farm_id, event.data)
    data = {"order_id": order.row.id, "number": order.row.number} | ({"farm_id": farm_id} if farm_id else {})
    notices.append(
        Notice(
            user_id=person.user_id, kind=kind(event.type, case), title=title, body=body, data=data, dedupe_key=key, language=language,
            facts={"of": [event.type, case, message.whom], "values": facts},
        )
    )  # fmt: skip
