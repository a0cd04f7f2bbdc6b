"""The head of a response: its status line, its headers, and how the connection goes on (RFC 9112, 6 and 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harvestd.web.http.streams import Stream
from harvestd.web.replies import Response, opening, rest_of

if TYPE_CHECKING:
    from harvestd.web.http.request import Request


def head_of(request: Request, reply: Response) -> bytes:
    """The head to its empty line. A connection that does not go on after this response is marked so."""
    site, channel, more = request.site, request.channel, request.more
    if site.cors is not None:
        more = more + site.cors.headers(request.text(b"origin"))
    head = opening(reply.status, site.date(), request.trace.request_id, more) + rest_of(reply)
    if channel is not None:
        if site.draining:
            channel.persistent = False
        if isinstance(reply.file, Stream):
            if in_chunks(request):
                head += b"\r\nTransfer-Encoding: chunked"
            else:
                channel.persistent = False  # the end of the connection is that of the body
        if not channel.persistent:
            head += b"\r\nConnection: close"
    return head + b"\r\n\r\n"


def in_chunks(request: Request) -> bool:
    """Whether a body of unknown length is sent in chunks, which HTTP/1.0 does not know."""
    return bool(request.clientproto != b"HTTP/1.0")
