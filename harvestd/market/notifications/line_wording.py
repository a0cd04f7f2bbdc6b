"""Lines of orders in the texts of messages: goods, what they come to, what of them has changed, and what a buyer is asked about them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from harvestd.kernel.formatting import money
from harvestd.kernel.languages import mail, quantity
from harvestd.kernel.names import one_line
from harvestd.market.notifications.messages import PIECES

Facts = Mapping[str, Any]


def _money(value: int | None, facts: Facts, language: str) -> str:
    return "" if value is None else money(value, facts["currency"], language)


def total(name: str, piece: str) -> Callable[[Any, Facts, str], str]:
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


def lines(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """Each line of an order: quantity, unit, title, total, whether that is an estimate (which notices from before do not say), and what its buyer says of it; then what is
    charged beside them."""
    found = [
        f"  {quantity(Decimal(number), unit, language)}  {one_line(title)}  "
        + estimated(_money(amount, facts, language), "about" if any(more[:1]) else "", language)
        + _noted(more[1:], language)
        for number, unit, title, amount, *more in value
    ]
    return "\n".join([*found, *_charges(facts.get("charges", ()), facts, language)])


def charges(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """The same, as a fact of its own."""
    return "\n".join(_charges(value, facts, language))


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


def changes(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
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


def heavy(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """Pieces that weigh more than was agreed on: title, unit and quantity, weight and its unit, what they come to, and what was agreed on."""
    return "\n".join(_weighed(one, facts, language) for one in value)


def _weighed(line: Sequence[Any], facts: Facts, language: str) -> str:
    title, unit, pieces, weight, weight_unit, total, agreed = line
    said = quantity(Decimal(weight), weight_unit, language)
    amount, less = (_money(one, facts, language) for one in (total, agreed))
    instead = mail(PIECES["instead"], language).format(amount=amount, agreed=less)
    return f"  {quantity(Decimal(pieces), unit, language)}  {one_line(title)}: {said}  {instead}"


def questions(value: Sequence[Sequence[Any]], facts: Facts, language: str) -> str:
    """What was asked: title, unit and quantity, weight and its unit (none of goods that are no line yet), what it would come to, and what it comes to without."""
    return "\n".join(
        _weighed(one, facts, language)
        if one[3] is not None
        else _change([*one[:2], None, one[2], one[5]], facts, language)
        for one in value
    )


def ended(piece: str) -> Callable[[Any, Facts, str], str]:
    """What is asked no more, as a paragraph; nothing if there is nothing."""
    return lambda value, facts, language: (
        mail(PIECES[piece], language).format(lines=questions(value, facts, language)) if value else ""
    )


def goods(value: Sequence[Sequence[str]], facts: Facts, language: str) -> str:
    """Quantity, unit and title of goods, a line each; the last one may be empty, for more than are told."""
    return "\n".join(
        f"  {quantity(Decimal(of[0]), of[1], language)}  {one_line(of[2])}" if of else "  ..." for of in value
    )
