"""The imprint of a farm: who sells, as the law has it shown (Directive 2000/31/EC, article 5). Pure.

The register and the tax number are for those who are in a register, and who pay VAT. A tax number is a text: small farms have their country's own
number instead of one for VAT, in a form that differs everywhere, and whether it is right says no form of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule

#: Each of its texts; all may be empty.
TEXTS: dict[str, Rule] = {
    "legal_name": Rule(200, optional=True), "address": Rule(500, lines=True), "register": Rule(200, optional=True),
    "tax_number": Rule(50, optional=True),
}  # fmt: skip
#: What every seller has to give.
NEEDED = ("legal_name", "address")


def checked(given: Mapping[str, Any]) -> tuple[dict[str, str], list[FieldError]]:
    """The given texts, normalised, and the faults in them."""
    found = {
        name: TEXTS[name].apply(f"imprint.{name}", text)
        for name, text in given.items()
        if name in TEXTS and text is not UNSET
    }
    texts = {name: text for name, text in found.items() if isinstance(text, str)}
    return texts, [fault for fault in found.values() if isinstance(fault, FieldError)]


def merged(before: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """The imprint after a change (RFC 7396): None removes it, an empty text what it stands for."""
    return {} if given is None else {name: text for name, text in {**before, **given}.items() if text}


def lacking(imprint: Mapping[str, str]) -> Iterator[FieldError]:
    """What every seller has to give, and this one has not."""
    for name in NEEDED:
        if not imprint.get(name):
            message = "is needed: the law has every seller say who they are"
            yield FieldError(f"imprint.{name}", message, code="required", params={"reason": "imprint"})
