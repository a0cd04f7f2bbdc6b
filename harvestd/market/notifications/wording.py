"""Messages in the language of whoever reads them: the texts of ``messages.py`` in that language, filled with facts. Pure.

Facts are JSON, and say nothing of how they are shown: a notice keeps them, and is told in another language from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from harvestd.kernel.formatting import moment
from harvestd.kernel.languages import mail
from harvestd.kernel.names import one_line
from harvestd.market.notifications import line_wording, way_wording
from harvestd.market.notifications.line_wording import Facts
from harvestd.market.notifications.messages import MESSAGES, PIECES, ROLES, Message


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


def _plain(value: Any, facts: Facts, language: str) -> str:
    return one_line(value)


def _until(value: tuple[str, str], facts: Facts, language: str) -> str:
    """A time, as a text, in the zone of this name."""
    at, zone = value
    return moment(datetime.fromisoformat(at), ZoneInfo(zone), language)


def _reason(value: str | Sequence[str], facts: Facts, language: str) -> str:
    """Why something is cancelled: what was said of it, or the market day that is cancelled and what was said of that."""
    if isinstance(value, str):
        return _if_any("reason")(value, facts, language)
    day, said = value
    return mail(PIECES["called_off"], language).format(day=one_line(day)) + _if_any("reason")(said, facts, language)


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
    "charges": line_wording.charges, "lines": line_wording.lines, "total": line_wording.total("total", "weighed"), "subtotal": line_wording.total("subtotal", "to_weigh"), "way": way_wording.ways, "farms": _names, "buyer": _buyer, "note": _if_any("note"),
    "reason": _reason, "before": way_wording.ways, "after": way_wording.ways, "windows": way_wording.windows, "goods": line_wording.goods, "role": _role, "changes": line_wording.changes, "offer": line_wording.changes, "until": _until,
    "heavy": line_wording.heavy, "asked_total": line_wording.total("total", "about"), "questions": line_wording.questions, "no_longer": line_wording.ended("no_longer"), "moot": line_wording.ended("moot"),
    "estimates": lambda value, facts, language: "",
}  # fmt: skip
