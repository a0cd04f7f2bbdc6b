"""A request to S3, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.web.http_headers import Headers

from harvestd.store.s3.content import Part

#: Bytes a second that a transfer must average, beside the timeout of any request.
RATE_LEAST = 262_144
#: Bytes of an answer that is read into memory: a listing of a thousand keys has half a megabyte.
MAX = 4 * 2**20


@attrs.frozen(kw_only=True)
class Request:
    """``key`` is an object's, "" the bucket itself. ``part`` is what is sent. What comes goes to what ``into`` makes anew for each try, ``most`` bytes
    of it; without one, into memory."""

    method: str
    key: str = ""
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    part: Part | None = None
    into: Callable[[], Callable[[bytes], Any]] | None = None
    most: int = MAX

    @property
    def sent(self) -> int:
        """Bytes of the body."""
        return 0 if self.part is None else self.part.size


@attrs.frozen
class Answer:
    """``content`` is empty if it went elsewhere, where it has ``size`` bytes."""

    status: int
    headers: Headers
    content: bytes
    size: int

    def header(self, name: str) -> str:
        """The last of a header, or ""."""
        return (self.headers.getRawHeaders(name) or [""])[-1]
