"""Text in XML 1.0: the one way in which feeds and site maps write it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: What no document can have, not even escaped (XML 1.0, 2.2), and the controls that it may have and nobody should write.
_NOT_XML = re.compile("[^\t\n\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#13;"})


def text(given: str) -> str:
    """A text as the content of an element, or as the value of an attribute in double quotes; without characters that XML cannot have."""
    return _NOT_XML.sub("", given).translate(_ESCAPED)


def element(name: str, content: str | None = None, attributes: Mapping[str, str] | None = None) -> str:
    """An element with a text, or an empty one."""
    given = "".join(f' {key}="{text(value)}"' for key, value in (attributes or {}).items())
    return f"<{name}{given}/>" if content is None else f"<{name}{given}>{text(content)}</{name}>"
