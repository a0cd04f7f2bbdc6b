"""Rules that make a request head unambiguous (RFC 9112), against request smuggling. Each raises a 400."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from harvestd.kernel.sentences import worded
from harvestd.web.problems import Refusal

_TARGET = re.compile(rb"/[\x21-\x7e]*\Z")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)\Z", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_DIGITS = re.compile(rb"[0-9]{1,15}\Z")
#: A host name, an IPv4 address, or an IPv6 address in brackets; with or without a port.
_HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


#: Singleton headers (RFC 9110, 5.3): a repeated one is refused, neither joined nor picked from.
ONCE = (b"authorization", b"content-type", b"idempotency-key", b"x-cart-token")


def check_header(line: bytes, version: bytes) -> None:
    """Check one header line: no control characters, and an unambiguous body length."""
    name, _, value = line.partition(b":")
    name, value = name.lower(), value.strip(b" \t")
    if _CONTROL.search(value):
        raise Refusal("malformed", "a header contains a control character; leave it out")
    if name == b"content-length" and not _DIGITS.match(value):
        raise Refusal("malformed", "Content-Length is not a number of bytes; send it in digits")
    if name == b"transfer-encoding" and (value.lower() != b"chunked" or version != b"HTTP/1.1"):
        raise Refusal("malformed", "Transfer-Encoding can only be chunked, and only in HTTP/1.1")


def check_once(several: Callable[[bytes], Sequence[bytes] | None]) -> None:
    """Refuse a repeated header of :data:`ONCE`: a proxy and this server might otherwise each use a different value.
    ``several(name)`` returns a header's values."""
    for name in ONCE:
        if len(several(name) or ()) > 1:
            raise Refusal("malformed", worded("send the header {name} only once", name=name.decode().title()))


def origin_form(target: bytes, method: bytes) -> tuple[bytes, bytes | None]:
    """The request target as path and query, or ``*`` for OPTIONS; and the host of an absolute-form target (3.2.2)."""
    host = None
    absolute = _ABSOLUTE.match(target)
    if absolute:
        host, rest = absolute.groups()
        target = rest if rest.startswith(b"/") else b"/" + rest
    if not _TARGET.match(target) and (target, method) != (b"*", b"OPTIONS"):
        raise Refusal(
            "malformed",
            "the request line has no valid address; send a path that begins with /, with everything else percent-encoded",
        )
    return target, host


def check_hosts(hosts: Sequence[bytes], answers_to: Callable[[bytes], bool]) -> None:
    """Require exactly one well-formed Host that the setting ``allowed_hosts`` allows, if it is set."""
    if len(hosts) != 1:
        raise Refusal("malformed", "send exactly one Host header")
    if not _HOST.match(hosts[0]):
        raise Refusal("malformed", "the Host header must be a host name, with or without a port")
    if not answers_to(hosts[0]):
        raise Refusal(
            "malformed", "this server does not answer to that Host; the setting allowed_hosts names those it does"
        )
