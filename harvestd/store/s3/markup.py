"""The little XML that S3 speaks: elements with text in them, and neither declarations nor entities but the five that every document has. Pure.

Not a parser of XML: whatever is more than that is refused, so there is nothing to expand, to fetch or to nest.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import attrs

#: Elements within each other, at most.
DEEPEST = 8
_TOKEN = re.compile(r"<\?[^<>]*\?>|<(/?)([A-Za-z_][\w.:-]*)(?:\s[^<>]*?)?(/?)>|([^<>]+)")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


@attrs.define
class Element:
    """An element: its name without a namespace, its text, and what is in it."""

    name: str
    text: str = ""
    children: list[Element] = attrs.field(factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """Those in it of a name."""
        return (one for one in self.children if one.name == name)

    def value(self, name: str) -> str:
        """The text of the first in it of a name, or ""."""
        return next((one.text for one in self.all(name)), "")


def read(body: bytes) -> Element:
    """The one element of a document. Raises ``ValueError`` for anything else."""
    text = body.decode("utf-8-sig").strip()
    top = Element("")
    within, at = [top], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"no element at {text[at : at + 20]!r}")
        _take(token, within)
        at = token.end()
    if len(within) != 1 or len(top.children) != 1 or top.text.strip():
        raise ValueError("not one element, from its beginning to its end")
    return top.children[0]


def _take(token: re.Match[str], within: list[Element]) -> None:
    end, name, empty, words = token.groups()
    if words is not None:
        if _ENTITY.search(words):
            raise ValueError("an entity that not every document has")
        within[-1].text += html.unescape(words)
    elif name is not None and end:
        if len(within) == 1 or within.pop().name != _plain(name):
            raise ValueError(f"the end of {name[:40]}, which was not begun")
    elif name is not None:
        element = Element(_plain(name))
        within[-1].children.append(element)
        if not empty:
            within.append(element)
        if len(within) > DEEPEST:
            raise ValueError("too many elements within each other")


def _plain(name: str) -> str:
    return name.rpartition(":")[2]


def element(name: str, *content: str) -> str:
    """An element, of texts that are markup already."""
    return f"<{name}>{''.join(content)}</{name}>"


def escaped(text: str) -> str:
    """A text as content."""
    return html.escape(text)
