"""Notifications: mails and notices about orders, each once for each person that an event concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.interfaces import Mail
from harvestd.kernel import email_addresses, patterns
from harvestd.kernel.names import one_line
from harvestd.market.accounts import recovery_actions as recovery
from harvestd.market.accounts import rows as accounts
from harvestd.market.farms import member_actions as members
from harvestd.market.farms import rows as farms
from harvestd.market.notifications import rows as notifications
from harvestd.market.notifications.account_messages import NOTED, OWN_MAILS
from harvestd.market.notifications.messages import MESSAGES, ROLES, Message, farm_of, is_told, kind
from harvestd.market.notifications.outgoing import language_of, mail, mail_unproven
from harvestd.market.notifications.rows import Notice, Person
from harvestd.market.notifications.wording import account_shown, shown, unproven_shown
from harvestd.market.orders import rows as orders
from harvestd.queue.envelope import Envelope
from harvestd.queue.retry import Drop
from harvestd.unit_of_work import UnitOfWork


async def order(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Notify the buyers and the farms about a batch of order events, by the table of messages."""
    concerned = [event for event in events if _messages(event)]
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
    await notifications.tell(unit.tx, notices, unit.new_id, unit.now)
    await mail(unit, outgoing[True])
    await mail_unproven(unit, outgoing[False])


def _messages(event: Envelope) -> tuple[Message, ...]:
    return MESSAGES.get((event.type, event.data.get("to", "")), ())


@attrs.frozen
class _Told:
    """An order, and the people whom its events may concern: the buyer, and the members of all its farms."""

    row: orders.Order
    parts: list[orders.PartRow]
    lines: list[orders.LineRow]
    people: list[Person]


async def _concerned(unit: UnitOfWork, events: Sequence[Envelope]) -> dict[str, _Told]:
    """The orders that events are about, by id. Raises ``Drop`` if one does not exist."""
    rows = await orders.some(unit.tx, sorted({event.data["order_id"] for event in events}))
    if any(event.data["order_id"] not in rows for event in events):
        raise Drop("there is no such order")
    told = {id: _Told(row, [], [], []) for id, row in rows.items()}
    parts, lines = await orders.parts_and_lines(unit.tx, list(rows))
    for part in parts:
        told[part.order_id].parts.append(part)
    for line in lines:
        told[line.order_id].lines.append(line)
    buyers = {row.buyer_id for row in rows.values()}
    people = await notifications.people(unit.tx, sorted(buyers), sorted({part.farm_id for part in parts}))
    members: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        members[person.farm_id or person.user_id].append(person)
    for order in told.values():
        for key in (order.row.buyer_id, *(part.farm_id for part in order.parts)):
            order.people.extend(members[key])
    return told


async def welcome(unit: UnitOfWork, event: Envelope) -> None:
    """Welcome a new account, and have its address verified, unless somebody else has done that."""
    email = event.data["email"]
    user = await recovery.told(unit, email_addresses.key(email))
    if user is None or not user.verified:
        await _mail_account(unit, event, email, "verify", "welcome")
    else:  # the operator vouches for the address, or somebody elsewhere does
        await _mail_account(unit, event, email, "", "welcome_known" if user.password_hash else "welcome_elsewhere")


async def account_mail(unit: UnitOfWork, event: Envelope) -> None:
    """The mail that somebody asked for, if the address has an account."""
    purpose, email = event.data["purpose"], event.data["email"]
    if purpose != "address":
        await _mail_account(unit, event, email, purpose, purpose)
    elif await recovery.is_another_s(unit, event.data["user_id"], email_addresses.key(email)):
        await _mail_account(unit, event, email, "", "known_address")
    else:
        secret = await recovery.issue_address(unit, event.data["user_id"], email, event.data.get("session") or "")
        if secret is not None:
            await _send(unit, event, event.data["user_id"], email, "address", f"#verify={secret}")


async def address_changed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the address that the account had, whose owner may not have changed it."""
    await _send(unit, event, event.data["user_id"], event.data["before"], "moved")


async def password_reset(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the owner, who may not have done it."""
    user = await accounts.by_id(unit.tx, event.data["user_id"])
    if user is not None:
        await _mail_account(unit, event, user.email, "", "changed")


async def noted(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the owner of an account what was done to it."""
    user = await accounts.by_id(unit.tx, event.data["user_id"])
    action, to = event.data["action"], event.data.get("to", "")
    told = f"{action}/{to}" if to else action
    if user is None:
        return
    if told in OWN_MAILS:
        await _send(unit, event, user.id, user.email, OWN_MAILS[told], "#forgot", proven=user.verified)
    elif action in NOTED:
        what = NOTED.get(told, NOTED[action])
        await _send(unit, event, user.id, user.email, "noted", proven=user.verified, what=what)


async def exported(unit: UnitOfWork, event: Envelope) -> None:
    """Tell a person that the file with all that is held on them is there."""
    user = await accounts.by_id(unit.tx, event.data["user_id"])
    if user is not None:
        days = round(unit.parts.settings.operations_keep / 86_400) or 1
        await _send(unit, event, user.id, user.email, "exported", proven=user.verified, days=days)


async def goodbye(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the address that a closed account had, whose owner may not have done it."""
    email = event.data.get("email", "")
    if email:
        await _send(unit, event, event.data["user_id"], email, "closed")


#: How the address of an account ends whose owner has closed it (RFC 2606: nobody has such an address).
ERASED = "@invalid"


async def invited(unit: UnitOfWork, event: Envelope) -> None:
    """Mail an invitation to a farm, with the farm's name if the market has verified it, and nobody would take it for a link: anybody may call a farm
    whatever they like, and have it mailed to strangers."""
    found = await members.mailed(unit, event.data["invitation_id"])
    if found is None:
        return
    invitation, secret = found
    farm = await farms.find(unit.tx, invitation.farm_id)
    assert farm is not None
    tellable = farm.state == "verified" and not patterns.LINK.search(farm.name)
    named: dict[str, Any] = {"farm": one_line(farm.name)} if tellable else {}
    kind, role = "invitation" if named else "invitation_unnamed", ROLES[invitation.role]
    await _send(unit, event, invitation.id, invitation.email, kind, f"#invitation={secret}", role=role, **named)


async def judged(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the farm's owners what the market says of it, unless it says something else by now: events come in any order, and who reads
    "verified" last is wrong about a farm that is suspended."""
    farm = await farms.find(unit.tx, event.data["farm_id"])
    if farm is None or event.type != f"farm.{farm.state}":
        return
    reason = one_line(event.data["reason"])
    kind, told = event.type.replace(".", "_"), f"\n{reason}\n" if reason else ""
    for one in await notifications.owners(unit.tx, farm.id):
        if one.verified:
            await _send(unit, event, one.user_id, one.email, kind, farm=one_line(farm.name), reason=told)
        else:
            await _send(unit, event, one.user_id, one.email, f"{kind}_unnamed", proven=False, reason=told)


async def imprint_changed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the market's staff that a farm which they have verified is somebody else's by now, perhaps."""
    farm = await farms.find(unit.tx, event.data["farm_id"])
    for one in await notifications.staff(unit.tx) if farm is not None else ():
        assert farm is not None
        await _send(unit, event, one.user_id, one.email, "farm_imprint", farm=one_line(farm.name))


async def renamed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the market's staff that a farm which they have verified has another name."""
    before, after = (one_line(event.data[name]) for name in ("before", "after"))
    for one in await notifications.staff(unit.tx):
        await _send(unit, event, one.user_id, one.email, "farm_renamed", before=before, farm=after)


async def _mail_account(unit: UnitOfWork, event: Envelope, email: str, purpose: str, kind: str) -> None:
    """Mail an account about itself, with a fresh secret for the ``purpose``, if there is one. No text of these mails is the account's own:
    until the owner has responded, the address may be a stranger's, and a name could be any text."""
    user = await recovery.told(unit, email_addresses.key(email))
    if user is None:
        return
    secret = await recovery.issue(unit, user.id, purpose) if purpose in recovery.LIFE else ""
    if secret is None:
        return
    fragment, proven = f"#{purpose}={secret}" if secret else "", user.verified or bool(secret)
    await _send(unit, event, user.id, user.email, kind, fragment, proven=proven)


async def _send(
    unit: UnitOfWork, event: Envelope, user_id: str, email: str, kind: str, fragment: str = "", *, proven: bool = True,
    **values: str | int,
) -> None:  # fmt: skip
    """Mail an address in the language of its account, by the account's id or else the address; where it has none, in the one that the event names:
    that of the request which has caused it, or of an account that is no more. Everything that an account is mailed of itself comes by here.
    One that is not ``proven`` to be the account's gets few mails, of ours alone; those with a secret, which prove that, have a limit of their own
    (``recovery_actions.py``)."""
    if email.endswith(ERASED):
        return
    own = await accounts.language(unit.tx, user_id, email_addresses.key(email))
    read = language_of(unit, own, event.data.get("language"))
    subject, body = account_shown(kind, read, unit.parts.settings.market_name, _page(unit) + fragment, **values)
    one = Mail(f"{event.id}:{user_id}:{kind}", email, subject, body, read)
    await (mail if proven else mail_unproven)(unit, [one])


def _page(unit: UnitOfWork) -> str:
    settings = unit.parts.settings
    return settings.account_url or f"{settings.public_url}/account"


def _hears(message: Message, person: Person, event: Envelope) -> bool:
    """Whether to notify the person: no farm hears about another's part; see also :func:`harvestd.market.notifications.messages.is_told`."""
    whom = "buyer" if person.farm_id is None else "farm"
    own = person.farm_id is None or event.data.get("farm_id", person.farm_id) == person.farm_id
    return message.whom == whom and own and is_told(whom, event.data)


def _facts(order: _Told, person: Person, event: Envelope) -> dict[str, Any]:
    row, farm_id = order.row, farm_of(person.farm_id, event.data)
    part = next((part for part in order.parts if part.farm_id == farm_id), None)
    lines = [x for x in order.lines if person.farm_id is None or x.farm_id == person.farm_id]
    return {
        "number": row.number, "name": person.name, "farm": part.farm_name if part else "", "currency": row.currency, "total": row.total,
        "subtotal": part.subtotal if part else None, "lines": [[str(x.quantity), x.unit, (None if person.farm_id else x.title_seen) or x.title, x.total] for x in lines],
        "way": [[x.farm_name, x.fulfilment] for x in ([part] if part else order.parts)],
        "farms": [x.farm_name for x in order.parts if event.type == f"order.{x.status}"],
        "buyer": [row.buyer_name, row.buyer_phone], "note": row.note, "reason": event.data.get("reason", ""),
    }  # fmt: skip


def _tell(
    unit: UnitOfWork, message: Message, person: Person, event: Envelope, order: _Told, outgoing: list[Mail], notices: list[Notice]
) -> None:  # fmt: skip
    """Add the notice, and the mail, in which an address that may be a stranger's finds nothing that anybody has written."""
    facts, to, language = _facts(order, person, event), event.data.get("to", ""), language_of(unit, person.language)
    title, body = shown(message, facts, language)
    key = f"{event.id}:{person.user_id}:{person.farm_id or 'buyer'}"
    if message.mail:
        bare = unproven_shown(order.row.number, unit.parts.settings.market_name, _page(unit), language)
        outgoing.append(Mail(key, person.email, *((title, body) if person.verified else bare), language))
    farm_id = farm_of(person.farm_id, event.data)
    data = {"order_id": order.row.id, "number": order.row.number} | ({"farm_id": farm_id} if farm_id else {})
    notices.append(
        Notice(
            user_id=person.user_id, kind=kind(event.type, to), title=title, body=body, data=data, dedupe_key=key, language=language,
            facts={"of": [event.type, to, message.whom], "values": facts},
        )
    )  # fmt: skip
