"""Normalization of user text: one rule for every name, and one for every longer text.

A name is one visible line: NFC, trimmed, each run of white space collapsed to one space. A longer text keeps its line feeds
and its spaces. Neither has control characters (refused: nobody types them), nor invisible characters (removed: they are
pasted unnoticed, and texts that look equal should be equal). Invisible are Unicode's Default_Ignorable_Code_Point
(zero width space, soft hyphen, byte order mark, bidi embeddings, overrides, isolates and marks, Hangul fillers, tags …) and the
interlinear annotation characters. Kept are only those that a script needs:

- ZWJ and ZWNJ between characters of scripts that join (Arabic and Persian, the Indic scripts, Mongolian …), and ZWJ between emoji;
- variation selectors after a symbol or digit (text or emoji presentation) and after an ideograph;
- Mongolian's own variation selectors and vowel separator after a Mongolian letter; tags after the black flag (England, Wales).

The braille blank, a symbol that looks like a space, counts as white space. More than 30 combining marks in a row are refused
(UAX #15, Stream-Safe Text Format): they are not text, and would make normalization quadratic.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.patterns import CONTROL, INVISIBLE, LINE_END, LONG_RUN

#: Maximum combining marks in a row.
MAX_MARKS = 30
ZWNJ, ZWJ = "\u200c", "\u200d"
BRAILLE_BLANK = "\u2800"

Value = TypeVar("Value")
Check = Callable[[str, str], "str | FieldError"]
NO_OTHERS: Mapping[str, Check] = {}
Ranges = tuple[tuple[int, int], ...]
#: Blocks of scripts with joining letters, or with clusters formed by a joiner.
_JOINING: Ranges = (
    (0x0600, 0x086F), (0x08A0, 0x0DFF), (0x0F00, 0x109F), (0x1700, 0x18AF), (0x1A20, 0x1C4F), (0x1CD0, 0x1CFF),
    (0xA800, 0xA8FF), (0xA930, 0xAADF), (0xABC0, 0xABFF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC), (0x10A00, 0x10FFF),
    (0x11000, 0x11FFF), (0x1E900, 0x1E95F),
)  # fmt: skip
_MONGOLIAN: Ranges = ((0x1820, 0x18AA),)
_IDEOGRAPHS: Ranges = ((0x2E80, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD))


@attrs.frozen
class Rule:
    """The rule of one field: at most ``longest`` characters; ``lines`` for longer texts, which may be empty, as may an
    ``optional`` name."""

    longest: int
    lines: bool = False
    optional: bool = False

    def apply(self, field: str, text: str) -> str | FieldError:
        """The normalized text, or its error."""
        if self.lines:
            return clean_text(field, text, self.longest)
        found = clean_name(field, text, self.longest)
        empty = isinstance(found, FieldError) and found.code in ("required", "not-visible")
        return "" if self.optional and empty else found


def clean_name(field: str, text: str, longest: int) -> str | FieldError:
    """The normalized name, of 1 to ``longest`` characters; or its error."""
    fault = _fault(field, text, longest)
    if fault is not None:
        return fault
    found = " ".join(seen(text).split())
    if not text:
        return FieldError(field, "is missing", code="required")
    if not is_visible(found):
        return FieldError(field, "must have at least one visible character", code="not-visible")
    return found if len(found) <= longest else _too_long(field, longest)


def clean_text(field: str, text: str, longest: int) -> str | FieldError:
    """The normalized longer text (description, note, reason, address), of at most ``longest`` characters, with LF line ends; or its
    error. A text without visible characters becomes ``""``."""
    fault = _fault(field, text, longest)
    if fault is not None:
        return fault
    found = lines(text).strip()
    if not is_visible(found):
        return ""
    return found if len(found) <= longest else _too_long(field, longest)


def clean(
    texts: Mapping[str, Any], rules: Mapping[str, Rule], others: Mapping[str, Check] = NO_OTHERS, *, also: Iterable[FieldError] = (),
    message: str = "",
) -> dict[str, Any]:  # fmt: skip
    """``texts`` with each field named in ``rules`` or ``others`` normalized; other values (None, unset) stay.

    Raises :class:`Invalid` with every wrong field, and with the errors in ``also``."""
    found: dict[str, Any] = dict(texts)
    for field, check in {**{field: rule.apply for field, rule in rules.items()}, **others}.items():
        if isinstance(found.get(field), str):
            found[field] = check(field, found[field])
    accept(*found.values(), *also, message=message)
    return found


def accept(*values: Value | FieldError, message: str = "") -> tuple[Value, ...]:
    """``values``, if none is a :class:`FieldError`; otherwise raises :class:`Invalid` with all that are."""
    errors = tuple(value for value in values if isinstance(value, FieldError))
    if errors:
        raise Invalid(message or f"{errors[0].field}: {errors[0].message}", errors)
    return tuple(value for value in values if not isinstance(value, FieldError))


def named(field: str, text: str, longest: int) -> str:
    """:func:`clean_name` for a single field; raises :class:`Invalid`."""
    return accept(clean_name(field, text, longest))[0]


def told(field: str, text: str, longest: int) -> str:
    """:func:`clean_text` for a single field; raises :class:`Invalid`."""
    return accept(clean_text(field, text, longest))[0]


def one_line(text: str) -> str:
    """Any text made safe for one line (a header, a sentence, a log): no control or invisible characters, single spaces. Refuses
    nothing, since it also gets texts stored under older rules."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join(seen(CONTROL.sub(" ", _decent(text))).split())


def lines(text: str) -> str:
    """Any text with all line ends as line feeds, no other control character but tab, nothing invisible. Refuses nothing; a lone
    surrogate becomes a question mark."""
    if text.isascii() and text.isprintable():
        return text
    return seen(CONTROL.sub("", LINE_END.sub("\n", _decent(text))))


def seen(text: str) -> str:
    """NFC without invisible characters, with the braille blank as a space; runs of combining marks are bounded."""
    if text.isascii():
        return text
    if INVISIBLE.search(text) is None and LONG_RUN.search(text) is None:
        return unicodedata.normalize("NFC", text.replace(BRAILLE_BLANK, " "))
    kept: list[str] = []
    marks = 0
    before = ""
    for place, character in enumerate(text):
        if INVISIBLE.match(character) and not _needed(character, before, text[place + 1 : place + 2]):
            continue
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(" " if character == BRAILLE_BLANK else character)
            before = character
    return unicodedata.normalize("NFC", "".join(kept))


def is_visible(text: str) -> bool:
    """Whether it has a letter, digit, punctuation mark or symbol; characters unknown to this Python's Unicode count."""
    return any(
        unicodedata.category(character)[0] in "LNPS" or unicodedata.category(character) == "Cn"
        for character in INVISIBLE.sub("", text)
    )


def has_invisible(text: str) -> bool:
    """Whether it has a control character or one that :func:`seen` would remove."""
    return CONTROL.search(text) is not None or INVISIBLE.search(text) is not None


def _decent(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _needed(character: str, before: str, after: str) -> bool:
    """Whether a script needs the invisible ``character`` between its neighbours."""
    code, left, right = ord(character), ord(before or "\0"), ord(after or "\0")
    if character in (ZWJ, ZWNJ):
        joined = _within(left, _JOINING) and _within(right, _JOINING)
        return joined or (character == ZWJ and _is_emoji(left) and _is_emoji(right))
    if 0x180B <= code <= 0x180F:
        return _within(left, _MONGOLIAN)
    if 0xFE00 <= code <= 0xFE0F:
        return _is_emoji(left) or before in tuple("0123456789#*") or _within(left, _IDEOGRAPHS)
    if 0xE0100 <= code <= 0xE01EF:
        return _within(left, _IDEOGRAPHS)
    if 0xE0020 <= code <= 0xE007F:
        return left == 0x1F3F4 or 0xE0020 <= left <= 0xE007E
    return False


def _is_emoji(code: int) -> bool:
    """Whether it may be part of an emoji sequence: a symbol, a skin tone, or the selector after one."""
    return (
        code == 0xFE0F
        or 0x1F000 <= code <= 0x1FAFF
        or (0xA9 <= code < 0x3300 and unicodedata.category(chr(code)) == "So")
    )


def _within(code: int, ranges: Ranges) -> bool:
    return code >= ranges[0][0] and any(low <= code <= high for low, high in ranges)


def _fault(field: str, text: str, longest: int) -> FieldError | None:
    if len(text) > 4 * longest + 100:  # checked before any work; composition shortens by a factor of 3 at most
        return _too_long(field, longest)
    if CONTROL.search(LINE_END.sub("\n", text)):
        return FieldError(field, "must not contain control characters", code="control-character")
    return None


def _too_long(field: str, longest: int) -> FieldError:
    return FieldError(
        field, f"must have at most {longest:,} characters", code="too-long", params={"maximum": str(longest)}
    )
