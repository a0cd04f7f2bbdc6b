"""Orders: mails and notices about them, each once for each person that an event concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from harvestd.interfaces import Mail
from harvestd.market.notifications import order_facts
from harvestd.market.notifications import rows as notifications
from harvestd.market.notifications.guest_mails import mail_of
from harvestd.market.notifications.mail_wording import unproven_shown
from harvestd.market.notifications.messages import MESSAGES, Message, case_of, farm_of, is_told, kind
from harvestd.market.notifications.order_facts import Told
from harvestd.market.notifications.outgoing import language_of, mail, mail_unproven, page
from harvestd.market.notifications.rows import Notice, Person
from harvestd.market.notifications.wording import shown
from harvestd.market.orders import rows as orders
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


async def _concerned(unit: UnitOfWork, events: Sequence[Envelope]) -> dict[str, Told]:
    """The orders that events are about, by id. Raises ``Drop`` if one does not exist."""
    rows = await orders.some(unit.tx, sorted({event.data["order_id"] for event in events}))
    if any(event.data["order_id"] not in rows for event in events):
        raise Drop("there is no such order")
    changed = {line_id for event in events if "lines" in event.data for line_id in order_facts.lines_of(event)}
    titles = await orders.titles(unit.tx, sorted(changed))
    told = {id: Told(row, titles) for id, row in rows.items()}
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


def _hears(message: Message, person: Person, event: Envelope) -> bool:
    """Whether to notify the person: no farm hears about another's part; see also :func:`harvestd.market.notifications.messages.is_told`."""
    whom = "buyer" if person.farm_id is None else "farm"
    of_part = "lines" not in event.data and event.data.get("farm_id")
    own = person.farm_id is None or not of_part or of_part == person.farm_id
    return message.whom == whom and own and is_told(whom, event.data, person.farm_id)


def _tell(
    unit: UnitOfWork, message: Message, person: Person, event: Envelope, order: Told, outgoing: list[Mail], notices: list[Notice]
) -> None:  # fmt: skip
    """Add the notice, and the mail, in which an address that may be a stranger's finds nothing that anybody has written."""
    facts = order_facts.facts(order, person, event, unit.parts.settings.market_timezone) | order_facts.until(
        unit, event
    )
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
