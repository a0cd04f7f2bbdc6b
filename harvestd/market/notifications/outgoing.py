"""Mails on their way into the table from which they are sent, and the language of each; those to accounts about themselves, too."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.interfaces import Mail
from harvestd.kernel import email_addresses, languages
from harvestd.market.accounts import rows as accounts
from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications import mail_sender
from harvestd.market.notifications.mail_wording import account_shown, more_shown
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork

#: How the address of an account ends whose owner has closed it (RFC 2606: nobody has such an address).
ERASED = "@invalid"


def language_of(unit: UnitOfWork, *wanted: str | None) -> str:
    """The language that a person is written to in: the first of those ``wanted`` that is one of the market's (theirs; then, of a mail that a
    request has caused, that of the request), or else the market's first."""
    offered = languages.spoken(unit.parts.settings.market_languages)
    return next((one for one in wanted if one in offered), offered[0])


async def mail(unit: UnitOfWork, outgoing: Sequence[Mail]) -> None:
    """Enqueue mails, up to the hourly limit for each recipient. One mail stands in for those over the limit, and no further one
    while any was left out within the hour: the notices and the orders have everything."""
    settings = unit.parts.settings
    added = await mails.enqueue(unit.tx, outgoing, unit.new_id, unit.machine_now, settings.mails_per_recipient)
    left = {one.recipient: one for one in reversed(added) if one.left and one.first}
    read = {mail.recipient: mail.language for mail in outgoing}
    notes = [
        Mail(f"{one.key}:more", to, *more_shown(settings.market_name, settings.mails_per_recipient, read[to]), read[to])
        for to, one in left.items()
    ]
    await mails.enqueue(unit.tx, notes, unit.new_id, unit.machine_now)
    if outgoing:
        unit.on_commit(lambda: unit.parts.due(mail_sender.TASK))
    for _ in range(sum(one.left for one in added)):
        unit.parts.metrics.mailed("left")
        unit.parts.metrics.shortages.tell("recipient_mails")


async def mail_unproven(unit: UnitOfWork, outgoing: Sequence[Mail]) -> None:
    """The same to addresses that may be strangers', up to a daily limit, beyond which nothing is mailed."""
    settings = unit.parts.settings
    most = min(settings.mails_per_unverified, settings.mails_per_recipient)
    added = await mails.enqueue(unit.tx, outgoing, unit.new_id, unit.machine_now, most, mails.UNPROVEN_WINDOW)
    if outgoing:
        unit.on_commit(lambda: unit.parts.due(mail_sender.TASK))
    for _ in range(sum(one.left for one in added)):
        unit.parts.metrics.mailed("left")


async def send(
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
    subject, body = account_shown(kind, read, unit.parts.settings.market_name, page(unit) + fragment, **values)
    one = Mail(f"{event.id}:{user_id}:{kind}", email, subject, body, read)
    await (mail if proven else mail_unproven)(unit, [one])


def page(unit: UnitOfWork) -> str:
    """The address of the page of accounts."""
    settings = unit.parts.settings
    return settings.account_url or f"{settings.public_url}/account"
