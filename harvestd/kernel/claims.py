"""Claims such as organic farming: who makes one, who certifies it, and its last day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule

MAX_CLAIMS, MAX_SCHEME, MAX_BODY, MAX_NUMBER = 30, 100, 40, 100
_TEXTS = {
    "scheme": Rule(MAX_SCHEME), "body_code": Rule(MAX_BODY, optional=True), "number": Rule(MAX_NUMBER, optional=True),
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Certification:
    """A claim such as organic farming: its scheme, who certifies it, under which number, and its last day; None: without end."""

    scheme: str
    body_code: str = ""
    number: str = ""
    valid_until: date | None = None


def checked(field: str, given: Sequence[Certification]) -> tuple[tuple[Certification, ...], list[FieldError]]:
    """The claims of a field in their normal form, each once; and their faults."""
    if len(given) > MAX_CLAIMS:
        params = {"maximum": str(MAX_CLAIMS), "reason": "elements"}
        return (), [FieldError(field, f"must have at most {MAX_CLAIMS} elements", code="too-long", params=params)]
    kept: list[Certification] = []
    wrong: list[FieldError] = []
    for i, one in enumerate(given):
        texts = _texts(field, i, attrs.asdict(one))
        wrong += [fault for fault in texts.values() if isinstance(fault, FieldError)]
        named: dict[str, Any] = {name: text for name, text in texts.items() if isinstance(text, str)}
        kept.append(attrs.evolve(one, **named))
    return tuple(dict.fromkeys(kept)), wrong


def faults_in_part(field: str, given: Mapping[int, Mapping[str, Any]]) -> Iterator[FieldError]:
    """Faults in claims that could be read only in part, by their positions."""
    for i, one in given.items():
        yield from (fault for fault in _texts(field, i, one).values() if isinstance(fault, FieldError))


def valid(claims: Iterable[Mapping[str, Any]], day: str) -> list[Mapping[str, Any]]:
    """The claims, as they are stored, that hold on a day (YYYY-MM-DD)."""
    return [claim for claim in claims if (claim["valid_until"] or day) >= day]


def _texts(field: str, i: int, given: Mapping[str, Any]) -> dict[str, str | FieldError]:
    """The given texts of the claim at a position, normalised, or their faults."""
    return {name: rule.apply(f"{field}[{i}].{name}", given[name]) for name, rule in _TEXTS.items() if name in given}
