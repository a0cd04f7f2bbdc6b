"""The request id and W3C trace of a request: taken from its headers when well formed, otherwise generated."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from harvestd.runtime.tracing import Trace

REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@~-]{1,128}\Z")
#: https://www.w3.org/TR/trace-context/#traceparent-header; a later version may have more after the flags.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")


def trace_of(request_id: str, traceparent: str, new_id: Callable[[], str]) -> Trace:
    """The trace of a request from its two headers ("" where absent)."""
    kept = request_id if request_id and REQUEST_ID.match(request_id) else new_id()
    return Trace(kept, next_traceparent(traceparent))


def next_traceparent(incoming: str) -> str:
    """A span of this server in the caller's trace, or a new, unsampled trace."""
    span = random.getrandbits(64) or 1
    found = _TRACEPARENT.match(incoming) if incoming else None
    if found:
        version, trace, parent, flags, more = found.groups()
        known = version != "ff" and not (version == "00" and more)
        if known and trace.strip("0") and parent.strip("0"):
            return f"00-{trace}-{span:016x}-{int(flags, 16) & 1:02x}"
    return f"00-{random.getrandbits(128) or 1:032x}-{span:016x}-00"
