"""An event's seal: proves to a consumer that this market wrote it, even if others can write to the broker.

The last member of the envelope is ``"seal"``, a BLAKE2b keyed with the market's secret over every byte before it. Type,
time and id are among those, so parts of one event cannot be spliced into another; and a redelivered event is recognized
by its id.
"""

from __future__ import annotations

import hashlib
import hmac

SEAL = 16
_OPENING, _END = b',"seal":"', b'"}'
_TAIL = len(_OPENING) + 2 * SEAL + len(_END)


class EventSeals:
    """``secret`` is the market's: an event sealed with a different secret is accepted only as the outbox has it."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.events").digest()

    def sealed(self, body: bytes) -> bytes:
        """An envelope (a JSON object with at least one member, without trailing blanks), with its seal."""
        inside = body[:-1]
        return b"".join((inside, _OPENING, self._seal(inside), _END))

    def genuine(self, body: bytes) -> bool:
        """Whether all of ``body`` was sealed with this secret."""
        return body[-_TAIL : -_TAIL + len(_OPENING)] == _OPENING and hmac.compare_digest(
            body[-_TAIL + len(_OPENING) :], self._seal(body[:-_TAIL]) + _END
        )

    def _seal(self, inside: bytes) -> bytes:
        return hashlib.blake2b(inside, digest_size=SEAL, key=self._key).hexdigest().encode()
