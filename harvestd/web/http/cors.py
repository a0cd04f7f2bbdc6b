"""Cross-origin requests (the Fetch standard's CORS protocol): which other sites' pages may use the API from a browser.

Off unless the setting ``cors_origins`` names some. Pages of theirs sign in by access tokens: no cookie is taken from them (none is sent, with
``SameSite=Lax``, and no answer allows credentials), so what they can do is what their own user signed in for.
"""

from __future__ import annotations

from harvestd.settings.table import Settings

Headers = tuple[tuple[bytes, bytes], ...]
#: What a page of another site may read of an answer, beyond what every browser lets it.
EXPOSED = (
    "Content-Disposition", "Content-Language", "ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
    "X-Cart-Token", "X-Request-Id",
)  # fmt: skip
#: What it may send, beyond what every browser lets it.
TAKEN = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Cart-Token", "X-Request-Id", "traceparent",
)  # fmt: skip
#: Seconds for which a browser need not ask again.
MAX_AGE = 600


class Cors:
    """The origins that are let in: ``*`` is every one."""

    def __init__(self, settings: Settings) -> None:
        self._any = "*" in settings.cors_origins
        self._origins = frozenset(one.lower().encode() for one in settings.cors_origins)
        #: Of every answer, since it depends on who asks; nothing where no other site is let in.
        self.vary: Headers = ((b"Vary", b"Origin"),) if settings.cors_origins and not self._any else ()

    def headers(self, origin: str) -> Headers:
        """Of an answer to a page of this origin (or to nobody's, if empty)."""
        allowed = self._allowed(origin)
        if allowed is None:
            return self.vary
        exposed = ", ".join(EXPOSED).encode()
        return (*self.vary, (b"Access-Control-Allow-Origin", allowed), (b"Access-Control-Expose-Headers", exposed))

    def preflight(self, origin: str, allow: str) -> Headers:
        """Of the answer to ``OPTIONS``, beside :meth:`headers`: the methods of the address, and what may be sent."""
        if self._allowed(origin) is None:
            return ()
        return (
            (b"Access-Control-Allow-Methods", allow.encode("ascii")),
            (b"Access-Control-Allow-Headers", ", ".join(TAKEN).encode()),
            (b"Access-Control-Max-Age", b"%d" % MAX_AGE),
        )

    def _allowed(self, origin: str) -> bytes | None:
        sent = origin.encode("latin-1", "replace")
        if not origin or not (self._any or sent.lower() in self._origins):
            return None
        return b"*" if self._any else sent
