"""What messages about an order say of it, to each person that they concern: facts, which are JSON, and which no language has been put into (``wording.py``). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.market.notifications.messages import farm_of
from harvestd.market.notifications.rows import Person
from harvestd.market.orders import rows as orders
from harvestd.market.orders.fulfilment import CALLED_OFF
from harvestd.market.orders.order import Line, Totals
from harvestd.market.pricing.charged_rules import code_of, fees_of, together
from harvestd.market.pricing.terms import read
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


@attrs.frozen
class Told:
    """An order, and the people whom its events may concern: the buyer, unless that is a guest, and the members of all its farms; ``by`` is the name of
    who has placed it for its buyer."""

    row: orders.Order
    titles: dict[str, orders.Title]
    parts: list[orders.PartRow] = attrs.field(factory=list)
    lines: list[Line] = attrs.field(factory=list)
    people: list[Person] = attrs.field(factory=list)
    by: list[str] = attrs.field(factory=list)


def facts(order: Told, person: Person, event: Envelope, zone: str) -> dict[str, Any]:
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


def _moves(order: Told, event: Envelope, zone: str) -> dict[str, Any]:
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


def _changes(order: Told, person: Person, event: Envelope) -> dict[str, Any]:
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


def _questions(order: Told, event: Envelope) -> dict[str, Any]:
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


def until(unit: UnitOfWork, event: Envelope) -> dict[str, Any]:
    """By when the buyer is to answer, or was to, in the market's zone; by what has ended without an answer and does not say that, when it did."""
    ended = event.data.get("outcome") == "declined" and event.timestamp.isoformat()
    over = [one["answer_by"] for one in event.data.get("settled", ()) if one.get("answer_by")]
    found = event.data.get("answer_by") or max(over, default=None) or ended or None
    return {} if found is None else {"until": [found, unit.parts.settings.market_timezone]}


def _change(named: orders.Title, farm_id: str | None, line: Any) -> list[Any]:
    """A line that changed, as the farm is told of it or, with none, the buyer."""
    before, after = line["before"], line["after"]
    title = (None if farm_id else named.title_seen) or named.title
    return [title, named.unit, before and before["quantity"], after and after["quantity"], after and after["total"]]


def _charges(order: Told, person: Person, farm_id: str | None, totals: Totals) -> list[list[Any]]:
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


def lines_of(event: Envelope) -> list[str]:
    """The lines that an event tells of."""
    offered = event.data.get("substitute")
    asked = [line["line_id"] for name in ("asked", "settled") for line in event.data.get(name, ())]
    return [*(line["line_id"] for line in _changed_by(event)), *([offered["line_id"]] if offered else []), *asked]


def _changed_by(event: Envelope) -> Sequence[Any]:
    """The lines that a change has made others, of which this is the event, or the last of several."""
    found: Sequence[Any] = event.data.get("change") or event.data["lines"]
    return found
