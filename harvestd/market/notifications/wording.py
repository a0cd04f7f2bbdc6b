"""Messages in the language of whoever reads them: the texts of ``messages.py`` in that language, filled with facts. Pure.

Facts are JSON, and say nothing of how they are shown: a notice keeps them, and is told in another language from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from harvestd.kernel.formatting import days, moment, money
from harvestd.kernel.languages import mail, quantity
from harvestd.kernel.names import one_line
from harvestd.market.notifications.account_messages import MORE, UNPROVEN
from harvestd.market.notifications.guest_messages import GUEST_MAIL
from harvestd.market.notifications.messages import MESSAGES, PIECES, ROLES, Message
from harvestd.market.notifications.texts import MAILS

Facts = Mapping[str, Any]


def shown(message: Message, facts: Facts, language: str) -> tuple[str, str]:
    """Title and text. Raises ``KeyError`` if a fact is missing, which the texts of its time had no place for."""
    values = {name: _SHOWN.get(name, _plain)(value, facts, language) for name, value in facts.items()}
    body = mail(message.body, language).format_map(values)
    return mail(message.title, language).format_map(values), _without_blanks(body)


def _without_blanks(body: str) -> str:
    """A text without the paragraphs of which nothing is left."""
    *paragraphs, last = body.split("\n\n")
    return "\n\n".join([*filter(None, paragraphs), last])


def again(of: Sequence[str], facts: Facts, language: str) -> tuple[str, str] | None:
    """Title and text of a notice that was told before, in another language; ``of`` is its event's type, the step, and whom it tells. None if it is of
    a kind that is no longer told, or of facts that are too few for it by now."""
    message = next((m for m in MESSAGES.get(tuple(of[:2]), ()) if m.whom == of[2]), None)  # type: ignore[arg-type]
    try:
        return None if message is None else shown(message, facts, language)
    except KeyError:
        return None


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


def _plain(value: Any, facts: Facts, language: str) -> str:
    return one_line(value)


def _money(value: int | None, facts: Facts, language: str) -> str:
    return "" if value is None else money(value, facts["currency"], language)


def _total(name: str, piece: str) -> Callable[[Any, Facts, str], str]:
    """A total, which says so where it is an estimate: by the event or, of one that does not say it, where any of its lines is."""

    def said(value: int | None, facts: Facts, language: str) -> str:
        unsure = facts.get("estimates", {}).get(name)
        if unsure is None:
            unsure = any(flag for line in facts["lines"] for flag in line[4:5])
        return estimated(_money(value, facts, language), piece if unsure else "", language)

    return said


def estimated(amount: str, piece: str, language: str) -> str:
    """An amount of money as it is said: alone or, of an estimate, in words."""
    return mail(PIECES[piece], language).format(amount=amount) if piece and amount else amount


def _lines(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """Each line of an order: quantity, unit, title, total, whether that is an estimate (which notices from before do not say), and what its buyer says of it; then what is
    charged beside them."""
    lines = [
        f"  {quantity(Decimal(number), unit, language)}  {one_line(title)}  "
        + estimated(_money(total, facts, language), "about" if any(more[:1]) else "", language)
        + _noted(more[1:], language)
        for number, unit, title, total, *more in value
    ]
    return "\n".join([*lines, *_charges(facts.get("charges", ()), facts, language)])


def _charges(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> list[str]:
    """What is charged beside the lines of an order, a line each, some with a name (nothing in notices from before)."""
    return [
        f"  {mail(PIECES[piece], language).format(amount=_money(amount, facts, language), name=one_line(*named or ('',)))}"
        for piece, amount, *named in value
    ]


def _noted(note: Sequence[str], language: str) -> str:
    """What a buyer says of a line, below it; nothing if they say nothing."""
    return "".join(
        "\n      " + mail(PIECES["note"], language).format(text=one_line(text)).rstrip() for text in note if text
    )


def _changes(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """Each line that changed: its title, the quantity before and after, what it comes to then, and what its buyer says of it (which notices from before do not say). What is
    new begins with a plus, what is gone with a minus."""
    return "\n".join(_change(one, facts, language) for one in value)


def _change(line: Sequence[Any], facts: Facts, language: str) -> str:
    title, unit, before, after, total, *note = line
    was, is_ = (None if one is None else quantity(Decimal(one), unit, language) for one in (before, after))
    amount = _money(total, facts, language)
    if was is None:
        return f"  + {is_}  {one_line(title)}  {amount}" + _noted(note, language)
    if is_ is None:
        return f"  - {was}  {one_line(title)}"
    told = f"  {one_line(title)}: {was} -> {is_}  {amount}" if was != is_ else f"  {is_}  {one_line(title)}  {amount}"
    return told + _noted(note, language)


def _heavy(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """Pieces that weigh more than was agreed on: title, unit and quantity, weight and its unit, what they come to, and what was agreed on."""
    return "\n".join(_weighed(one, facts, language) for one in value)


def _weighed(line: Sequence[Any], facts: Facts, language: str) -> str:
    title, unit, pieces, weight, weight_unit, total, agreed = line
    said = quantity(Decimal(weight), weight_unit, language)
    amount, less = (_money(one, facts, language) for one in (total, agreed))
    instead = mail(PIECES["instead"], language).format(amount=amount, agreed=less)
    return f"  {quantity(Decimal(pieces), unit, language)}  {one_line(title)}: {said}  {instead}"


def _questions(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """What was asked: title, unit and quantity, weight and its unit (none of goods that are no line yet), what it would come to, and what it comes to without."""
    return "\n".join(
        _weighed(one, facts, language)
        if one[3] is not None
        else _change([*one[:2], None, one[2], one[5]], facts, language)
        for one in value
    )


def _ended(piece: str) -> Callable[[Any, Facts, str], str]:
    """What is asked no more, as a paragraph; nothing if there is nothing."""
    return lambda value, facts, language: (
        mail(PIECES[piece], language).format(lines=_questions(value, facts, language)) if value else ""
    )


def _until(value: tuple[str, str], facts: Facts, language: str) -> str:
    """A time, as a text, in the zone of this name."""
    at, zone = value
    return moment(datetime.fromisoformat(at), ZoneInfo(zone), language)


def _way(way: Mapping[str, Any], language: str) -> str:
    """The fulfilment of a part, as a sentence; and when it is, in a market that sells by days."""
    if "window" not in way:
        return _where(way, language)
    return _where(way, language) + _when(way["window"], language)


def _where(way: Mapping[str, Any], language: str) -> str:
    if way.get("method") == "delivery":
        return mail(PIECES["delivery"], language).format(address=one_line(way.get("address", "")))
    point = way.get("pickup_point")
    if not point:
        return mail(PIECES["pickup"], language)
    return mail(PIECES["point"], language).format(name=one_line(point["name"]), address=one_line(point["address"]))


def _when(window: Sequence[str], language: str) -> str:
    """A window: from, to, the zone in which these are meant, and the name of its market day (which notices from before do not say)."""
    start, end = _times(window, language)
    if len(window) < 4:
        return mail(PIECES["window"], language).format(start=start, end=end)
    return mail(PIECES["day_window"], language).format(day=one_line(window[3]), start=start, end=end)


def _times(window: Sequence[str], language: str) -> tuple[str, str]:
    zone = ZoneInfo(window[2])
    start, end = (moment(datetime.fromisoformat(at), zone, language) for at in window[:2])
    return start, end


def _windows(value: Sequence[Sequence[Sequence[Any]]], facts: Facts, language: str) -> str:
    """Windows before and after they were moved, a line each."""
    return "\n".join("  " + " -> ".join(_window(one, language) for one in pair) for pair in value)


def _window(one: Sequence[Any], language: str) -> str:
    """A window in a line: from, to, their zone, and the name and the address of its pick-up point, if it has one."""
    start, end = _times(one, language)
    return ", ".join(
        [*(one_line(text) for text in one[3:] if text), mail(PIECES["from_to"], language).format(start=start, end=end)]
    )


def _goods(value: Sequence[Sequence[str]], facts: Facts, language: str) -> str:
    """Quantity, unit and title of goods, a line each; the last one may be empty, for more than are told."""
    return "\n".join(
        f"  {quantity(Decimal(of[0]), of[1], language)}  {one_line(of[2])}" if of else "  ..." for of in value
    )


def _reason(value: str | Sequence[str], facts: Facts, language: str) -> str:
    """Why something is cancelled: what was said of it, or the market day that is cancelled and what was said of that."""
    if isinstance(value, str):
        return _if_any("reason")(value, facts, language)
    day, said = value
    return mail(PIECES["called_off"], language).format(day=one_line(day)) + _if_any("reason")(said, facts, language)


def _ways(value: Sequence[tuple[str, Mapping[str, Any]]], facts: Facts, language: str) -> str:
    """The fulfilment of each farm's part (by the farm's name): one sentence if it is the same for all."""
    if all(way == value[0][1] for _, way in value):
        return _way(value[0][1], language)
    return "".join(f"{one_line(farm)}: {_way(way, language)}" for farm, way in value)


def _names(value: Sequence[str], facts: Facts, language: str) -> str:
    return ", ".join(one_line(name) for name in value)


def _buyer(value: tuple[str, str | None], facts: Facts, language: str) -> str:
    """Name and telephone number, for the farms of the order."""
    name, phone = value
    return f"{one_line(name)} ({phone})" if phone else one_line(name)


def _if_any(piece: str) -> Callable[[Any, Facts, str], str]:
    """What was written, in a sentence of its own; nothing if nothing was."""
    return lambda value, facts, language: mail(PIECES[piece], language).format(text=one_line(value)) if value else ""


def _role(value: str, facts: Facts, language: str) -> str:
    """A role in a farm, as it stands in a sentence; of somebody who has none, nothing."""
    return mail(ROLES[value], language) if value else ""


#: How facts are shown that are more than names; which totals are estimates stands in no text by itself.
_SHOWN: dict[str, Callable[[Any, Facts, str], str]] = {
    "charges": lambda value, facts, language: "\n".join(_charges(value, facts, language)), "lines": _lines, "total": _total("total", "weighed"), "subtotal": _total("subtotal", "to_weigh"), "way": _ways, "farms": _names, "buyer": _buyer, "note": _if_any("note"),
    "reason": _reason, "before": _ways, "after": _ways, "windows": _windows, "goods": _goods, "role": _role, "changes": _changes, "offer": _changes, "until": _until,
    "heavy": _heavy, "asked_total": _total("total", "about"), "questions": _questions, "no_longer": _ended("no_longer"), "moot": _ended("moot"),
    "estimates": lambda value, facts, language: "",
}  # fmt: skip
