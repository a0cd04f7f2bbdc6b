"""What people paste and attackers send, by kind: one table for texts, one for what stands in place of numbers, ids and times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

RUN = 200_000

#: Texts that every field for text has to bear: taken as they are, cleaned, or refused by name.
TEXTS: dict[str, str] = {
    "nothing": "",
    "a blank": " ",
    "blanks": " " * 64,
    "tabs": "\t\t",
    "a line feed at the end": "Meadow\n",
    "a carriage return and a header": "Meadow\r\nBcc: everybody@example.org",
    "a next-line character": "Meadow\x85Bcc: everybody@example.org",
    "line and paragraph separators": "Meadow\u2028Bcc\u2029",
    "a control character": "Meadow\x1b[31m",
    "a bell and a delete": "\x07Meadow\x7f",
    "NUL": "Meadow\x00",
    "words with an ampersand": "Sunny Meadow Organic Vegetables & Herbs",
    "words with an accent at the end": "Meadowbrookfarmmeadowbrookfarmmeadowbrook é",
    "an encoded word": "=?utf-8?q?=0d=0aContent-Type=3a_text/html=0d=0a=0d=0a=3cb=3e?=",
    "an encoded word in base64": "=?utf-8?b?DQpCY2M6IHhAZXhhbXBsZS5vcmc=?=",
    "a zero-width space": "\u200b",
    "a Hangul filler": "\u3164",
    "a Braille blank": "\u2800",
    "a soft hyphen in a word": "Mea\u00addow",
    "a byte order mark": "\ufeffMeadow",
    "right-to-left override": "Meadow\u202egnp.exe",
    "bidi isolates left open": "\u2066\u2067\u2068Meadow",
    "tags": "\U000e0001\U000e0041Meadow",
    "a decomposed accent": "Cafe\u0301",
    "a tower of accents": "e" + "\u0301" * 300,
    "accents alone": "\u0301\u0302",
    "a lone surrogate": "Meadow\ud800",
    "a noncharacter": "Meadow\uffff",
    "a private use character": "Meadow\ue000",
    "emoji with joiners": "👩\u200d🌾 Farm",
    "a flag and a skin tone": "🏴\U000e0067\U000e0062\U000e007f 👍🏽",
    "Arabic": "مزرعة الشمس",
    "Hebrew and Latin": "חוות Meadow שמש",
    "Devanagari with a joiner": "क्\u200dष फ़ार्म",
    "Chinese": "青菜",
    "Turkish": "İvan ılık",
    "sharp s and ligatures": "Weißkohl Œufs ﬁ",
    "Kelvin and long s": "\u212aate \u017fam",
    "full-width": "Ｍｅａｄｏｗ",
    "a formula": "=HYPERLINK(\"http://example.org\",\"x\")",
    "a formula with a plus": "+1+cmd|' /C calc'!A0",
    "a formula with an at sign": "@SUM(1+1)*cmd",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an entity": "&lt;b&gt; &amp;amp; &#x41;",
    "SQL": "'; drop table products; --",
    "a LIKE pattern": "%_\\%",
    "a search expression": '") OR (a:* AND "\\',
    "a tsquery": "a & !b | (c <-> d):*",
    "JSON": '"},{"amount":0}',
    "a format string": "{name} {0.__class__} %s %n ${x} #{y}",
    "a path": "../../../etc/passwd",
    "an address of mail": "li@bücher。example",
    "a long run of letters": "a" * RUN,
    "a long run of blanks": " " * RUN,
    "a long run of accents": "e" + "\u0301" * (RUN // 2),
    "a long run of quotes and backslashes": '\\"' * (RUN // 2),
    "a long run of ampersands": "&" * RUN,
    "a long run of astral characters": "🥕" * (RUN // 4),
    "many words": "carrot " * (RUN // 7),
    "many lines": "carrot\n" * (RUN // 7),
}  # fmt: skip

#: What is no number, no id, no time, though one reader or another takes it for one.
VALUES: dict[str, Any] = {
    "Arabic-Indic digits": "١٢",
    "full-width digits": "１２",
    "Devanagari digits": "१२",
    "a digit group": "1_000",
    "blanks round it": " 2 ",
    "a line feed after it": "2\n",
    "an exponent": "1e0",
    "a huge exponent": "1e400000",
    "a plus": "+2",
    "hexadecimal": "0x10",
    "a comma": "1,5",
    "not a number": "NaN",
    "infinity": "Infinity",
    "many digits": "9" * 5000,
    "many decimals": "0." + "0" * 5000 + "1",
    "minus nothing": "-0",
    "less than nothing": -1,
    "nothing": 0,
    "beyond 32 bits": 2**31,
    "beyond 64 bits": 2**64,
    "a fraction": 0.0005,
    "true": True,
    "null": None,
    "a list": [],
    "an object": {},
    "a list of lists": [[[[]]]],
    "a UUID in capitals": "0197F0A0-7C1E-7ABC-8DEF-0123456789AB",
    "a UUID in braces": "{0197f0a0-7c1e-7abc-8def-0123456789ab}",
    "a UUID as a URN": "urn:uuid:0197f0a0-7c1e-7abc-8def-0123456789ab",
    "a UUID without hyphens": "0197f0a07c1e7abc8def0123456789ab",
    "a UUID with a line feed": "0197f0a0-7c1e-7abc-8def-0123456789ab\n",
    "a day that is none": "2026-02-30",
    "a day in other digits": "٢٠٢٦-٠١-٠١",
    "a week": "2026-W01-1",
    "a time without a zone": "2026-01-01T00:00:00",
    "a leap second": "2016-12-31T23:59:60Z",
    "a year beyond": "10000-01-01T00:00:00Z",
}

#: Of the above, what goes into a query or a path.
IN_ADDRESSES: dict[str, str] = {
    **{name: text[:4000] for name, text in TEXTS.items() if "surrogate" not in name},
    **{name: value[:4000] for name, value in VALUES.items() if isinstance(value, str)},
    "a cursor of nothing": "gA",
    "a cursor of a huge number": "kqdwb3B1bGFyzwAAAQAAAAAA",
    "a cursor of nested lists": "kZGRkZGRkZGRkZGRkQ",
    "booleans in capitals": "TRUE",
    "a position in other digits": "٤٨.٨,٢.٣",
    "a position with digit groups": "1_0,2_0",
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each leaf of a JSON value; of each object and list, too."""
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from places(member, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """``value`` with ``odd`` at ``path``."""
    if not path:
        return odd
    first, *rest = path
    if isinstance(value, dict):
        return {**value, first: replaced(value[first], tuple(rest), odd)}
    return [replaced(one, tuple(rest), odd) if i == first else one for i, one in enumerate(value)]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What stands at ``path``."""
    for step in path:
        value = value[step]
    return value
