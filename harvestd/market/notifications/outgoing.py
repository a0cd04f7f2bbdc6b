"""Mails on their way into the table from which they are sent, and the language of each."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.interfaces import Mail
from harvestd.kernel import languages
from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications import mail_sender
from harvestd.market.notifications.wording import more_shown
from harvestd.unit_of_work import UnitOfWork


def language_of(unit: UnitOfWork, *wanted: str | None) -> str:
    """The language that a person is written to in: the first of those ``wanted`` that is one of the market's (theirs; then, of a mail that a
    request has caused, that of the request), or else the market's first."""
    offered = languages.spoken(unit.parts.settings.market_languages)
    return next((one for one in wanted if one in offered), offered[0])


async def mail(unit: UnitOfWork, outgoing: Sequence[Mail]) -> None:
    """Enqueue mails, up to the hourly limit for each recipient. One mail stands in for those over the limit, and no further one
    while any was left out within the hour: the notices and the orders have everything."""
    settings = unit.parts.settings
    added = await mails.enqueue(unit.tx, outgoing, unit.new_id, unit.now, settings.mails_per_recipient)
    left = {one.recipient: one for one in reversed(added) if one.left and one.first}
    read = {mail.recipient: mail.language for mail in outgoing}
    notes = [
        Mail(f"{one.key}:more", to, *more_shown(settings.market_name, settings.mails_per_recipient, read[to]), read[to])
        for to, one in left.items()
    ]
    await mails.enqueue(unit.tx, notes, unit.new_id, unit.now)
    if outgoing:
        unit.on_commit(lambda: unit.parts.due(mail_sender.TASK))
    for _ in range(sum(one.left for one in added)):
        unit.parts.metrics.mailed("left")
        unit.parts.metrics.shortages.tell("recipient_mails")


async def mail_unproven(unit: UnitOfWork, outgoing: Sequence[Mail]) -> None:
    """The same to addresses that may be strangers', up to a daily limit, beyond which nothing is mailed."""
    settings = unit.parts.settings
    most = min(settings.mails_per_unverified, settings.mails_per_recipient)
    added = await mails.enqueue(unit.tx, outgoing, unit.new_id, unit.now, most, mails.UNPROVEN_WINDOW)
    if outgoing:
        unit.on_commit(lambda: unit.parts.due(mail_sender.TASK))
    for _ in range(sum(one.left for one in added)):
        unit.parts.metrics.mailed("left")
