"""Mails to guests about their orders, in the language in which they ordered, each with a link of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harvestd.interfaces import Mail
from harvestd.kernel.formatting import moment, money
from harvestd.market.notifications.guest_messages import GUEST_TOLD
from harvestd.market.notifications.line_wording import estimated
from harvestd.market.notifications.mail_wording import guest_questions, guest_shown
from harvestd.market.notifications.messages import case_of, is_told
from harvestd.market.notifications.outgoing import language_of
from harvestd.market.orders import order_keys
from harvestd.market.orders import rows as orders
from harvestd.queue.envelope import Envelope
from harvestd.settings.table import Settings
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.market_day import zone_of


async def mail_of(unit: UnitOfWork, event: Envelope, order: orders.Order) -> Mail | None:
    """What a guest is mailed of an event of their order; None if nothing, or if it is known no more whose it was."""
    guest: dict[str, Any] = order.guest or {}
    what = GUEST_TOLD.get((event.type, case_of(event.data)))
    key = await order_keys.issue(unit, order.id) if guest and what and is_told("buyer", event.data) else None
    if what is None or key is None:
        return None
    settings, language = unit.parts.settings, language_of(unit, guest["language"])
    comes_to, link = event.data.get("total", order.total), link_to(settings, order.id, key)
    piece = "about" if event.data.get("estimated") else ""
    total, asked_total = (
        estimated(money(one, order.currency, language), piece, language)
        for one in (comes_to, event.data.get("asked_total", comes_to))
    )
    asked = event.data.get("asked", ())
    units = await orders.titles(unit.tx, [one["line_id"] for one in asked])
    questions = [
        [
            units[one["line_id"]].unit,
            one["quantity"],
            one.get("weight"),
            one.get("weight_unit"),
            one["total"],
            one["before"],
        ]
        for one in asked
        if one["line_id"] in units
    ]
    until = event.data.get("answer_by")
    subject, body = guest_shown(
        what, language, settings.market_name, link, number=order.number, total=total, asked_total=asked_total,
        until="" if until is None else moment(datetime.fromisoformat(until), zone_of(settings), language),
        questions=guest_questions(questions, order.currency, language),
    )  # fmt: skip
    return Mail(f"{event.id}:{order.id}:buyer", guest["email"], subject, body, language)


def link_to(settings: Settings, order_id: str, key: str) -> str:
    """The address of a guest's order."""
    page = settings.order_page or f"{settings.public_url}/api/orders/{{id}}?token={{token}}"
    return page.format(id=order_id, token=key)
