"""Who belongs to a farm, and as what: its owners are told who came and went, a member what others made of them; nobody what they did themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harvestd.interfaces import Mail
from harvestd.market.accounts import admin_rows as accounts
from harvestd.market.accounts import rows as people
from harvestd.market.farms import rows as farms
from harvestd.market.notifications import rows as notifications
from harvestd.market.notifications.messages import MEMBER_CHANGED, MESSAGES, Message, kind
from harvestd.market.notifications.outgoing import language_of, mail
from harvestd.market.notifications.rows import Notice, Person
from harvestd.market.notifications.wording import shown
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


async def changed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell of a member who joined, left, was taken out or has another role, unless it is otherwise by now: events come in any order, and whoever reads
    "has joined" last is wrong about somebody who has left."""
    farm = await farms.find(unit.tx, event.data["farm_id"])
    member = await accounts.lock(
        unit.tx, event.data["user_id"]
    )  # so that nothing names somebody whose account is being closed
    if farm is None or member is None or member.erased:
        return
    then, now = event.data["role"], await farms.role(unit.tx, farm.id, member.id) or ""
    if bool(then) != bool(now) or (event.type == MEMBER_CHANGED and then != now):
        return
    language = await people.language(unit.tx, member.id, "")
    concerned = {
        "owner": [one for one in await notifications.owners(unit.tx, farm.id) if one.user_id != member.id],
        "member": [Person(member.id, member.email, member.name, farm.id, farm.name, language, member.verified)]
        if member.active
        else [],
    }
    facts = {"member": member.name, "farm": farm.name, "role": now}
    told = [
        (message, person)
        for message in MESSAGES[event.type, ""]
        for person in concerned[message.whom]
        if person.user_id != event.data["actor_id"]
    ]
    await _tell(unit, event, facts, told)


async def closed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the owners that somebody has closed their account, without a word of who that was."""
    farm = await farms.find(unit.tx, event.data["farm_id"])
    if farm is None:
        return
    facts = {"farm": farm.name, "role": event.data["role"]}
    owners = await notifications.owners(unit.tx, farm.id)
    await _tell(unit, event, facts, [(one, owner) for one in MESSAGES[event.type, ""] for owner in owners])


async def _tell(
    unit: UnitOfWork, event: Envelope, facts: dict[str, str], told: Sequence[tuple[Message, Person]]
) -> None:
    notices, outgoing = [], []
    data: dict[str, Any] = {name: event.data[name] for name in ("farm_id", "user_id") if name in event.data}
    for message, person in told:
        language, key = language_of(unit, person.language), f"{event.id}:{person.user_id}:{event.data['farm_id']}"
        title, body = shown(message, facts, language)
        notices.append(
            Notice(
                user_id=person.user_id, kind=kind(event.type), title=title, body=body, data=data, dedupe_key=key, language=language,
                facts={"of": [event.type, "", message.whom], "values": facts},
            )
        )  # fmt: skip
        if message.mail and person.verified:  # any other address may be a stranger's, and here are people's own words
            outgoing.append(Mail(key, person.email, title, body, language))
    await notifications.tell(unit.tx, notices, unit.new_id, unit.now)
    await mail(unit, outgoing)
