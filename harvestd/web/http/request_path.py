"""The path of a request: what it names, and how it is logged."""

from __future__ import annotations

from urllib.parse import unquote, unquote_to_bytes

from harvestd.kernel.errors import Invalid
from harvestd.web.problems import Refusal

#: Beginnings of paths that have a secret behind them; in lower case.
SECRET = ("/api/invitations/",)


def segments(requested: bytes) -> list[bytes]:
    """The decoded segments of a path as it was requested. Raises :class:`Refusal` and :class:`Invalid` where what it names is uncertain."""
    path = unquote_to_bytes(requested)
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("malformed", "the address is not percent-encoded UTF-8") from error
    if any(character < " " or character == "\x7f" for character in text):
        raise Invalid.of("path", "must not contain control characters", "control-character")
    if path.count(b"/") != requested.count(b"/") or path.startswith(b"//"):  # %2F would act as a separator
        raise Refusal("not-found", "no address here contains an encoded slash, or begins with two slashes")
    return path[1:].split(b"/")


def logged(requested: str) -> str:
    """The path as it is logged: without what may be secret in it, however it is written, and whether it is a route's or not."""
    readable = unquote(requested).lower() if "%" in requested else requested.lower()
    for beginning in SECRET:
        if beginning in readable:
            return f"{readable.partition(beginning)[0]}{beginning}…"
    return requested
