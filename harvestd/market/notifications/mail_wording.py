"""Mails that say nothing that anybody has written, or are about an account: those of accounts and farms, the one that stands in for many, and those to guests. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from harvestd.kernel.formatting import days, money
from harvestd.kernel.languages import mail, quantity
from harvestd.kernel.names import one_line
from harvestd.market.notifications.account_messages import MORE, UNPROVEN
from harvestd.market.notifications.guest_messages import GUEST_MAIL
from harvestd.market.notifications.messages import PIECES
from harvestd.market.notifications.texts import MAILS


def account_shown(kind: str, language: str, market: str, link: str, **values: str | int) -> tuple[str, str]:
    """Subject and text of a mail of ``MAILS``; ``values`` are what it has beside the market and the link: names that people gave,
    those of :data:`OURS`, and numbers of days."""
    subject, body = (mail(text, language) for text in MAILS[kind])
    told = {name: _told(name, value, language) for name, value in values.items()}
    given = {"market": one_line(market), **told}
    return subject.format_map(given), body.format_map({**given, "link": link})


#: Values of account mails that are texts of ours.
OURS = frozenset({"what", "role"})


def _told(name: str, value: str | int, language: str) -> str:
    if isinstance(value, int):
        return days(value, language)
    return mail(value, language) if name in OURS else value


def more_shown(market: str, most: int, language: str) -> tuple[str, str]:
    """Subject and text of the one mail that stands in for those beyond ``most`` an hour."""
    subject, body = (mail(text, language) for text in MORE)
    return subject.format(market=one_line(market)), body.format(most=most)


def unproven_shown(number: str, market: str, link: str, language: str) -> tuple[str, str]:
    """Subject and text of a mail about an order to an address that may be a stranger's."""
    subject, body = (mail(text, language) for text in UNPROVEN)
    given = {"number": number, "market": one_line(market)}
    return subject.format_map(given), body.format_map({**given, "link": link})


def guest_shown(what: str, language: str, market: str, link: str, **values: str) -> tuple[str, str]:
    """Subject and text of a mail to a guest about ``what`` has happened to their order."""
    given = {"market": one_line(market), "link": link, "what": mail(what, language).format_map(values), **values}
    subject, body = (mail(text, language) for text in GUEST_MAIL)
    return subject.format_map(given), body.format_map(given)


def guest_questions(asked: Sequence[Sequence[Any]], currency: str, language: str) -> str:
    """What a guest is asked, a line each, without a word that a farm has written: unit and quantity, weight and its unit (none of goods that are no line yet), what it comes to with a yes,
    and without."""
    return "\n".join(_bare(one, currency, language) for one in asked)


def _bare(one: Sequence[Any], currency: str, language: str) -> str:
    unit, number, weight, weight_unit, total, agreed = one
    goods, amount = quantity(Decimal(number), unit, language), money(total, currency, language)
    if weight is None:
        return f"  + {goods}  {amount}"
    instead = mail(PIECES["instead"], language).format(amount=amount, agreed=money(agreed or 0, currency, language))
    return f"  {goods}: {quantity(Decimal(weight), weight_unit, language)}  {instead}"
