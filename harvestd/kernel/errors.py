"""What can be wrong with a request, in the market's words.

These know nothing of HTTP: ``web/problems.py`` has the one table that gives each its status. Each says, for the person
who meets it, what is wrong and, where one exists, the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import attrs


@attrs.frozen
class FieldError:
    """One thing wrong with one field; ``field`` is a path such as ``lines[0].quantity``.

    ``message`` can be shown to a buyer. ``code`` and ``params`` (strings, such as ``{"minimum": "0.500"}``) say the same to a
    program, which may word it in another language; both are as the table in ``codes.py`` has them."""

    field: str
    message: str
    available: Decimal | None = None
    code: str = attrs.field(kw_only=True)
    params: Mapping[str, str] = attrs.field(factory=dict, kw_only=True, hash=False)


class MarketError(Exception):
    """The parent of every expected refusal. ``detail`` is one sentence for the person who asked."""

    def __init__(self, detail: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail or (self.__doc__ or "").split("\n")[0])
        self.detail: str = self.args[0]
        self.errors = errors


class Invalid(MarketError):
    """The request is readable but not acceptable."""

    @classmethod
    def of(cls, field: str, message: str, code: str, **params: str) -> Invalid:
        """One field, one message; ``code`` and ``params`` as :class:`FieldError` has them."""
        return cls(f"{field}: {message}", (FieldError(field, message, code=code, params=params),))


def faults(*works: Callable[[], object]) -> list[FieldError]:
    """What each of ``works`` refuses by :class:`Invalid`, field by field: so that all that is wrong is told at once."""
    found: list[FieldError] = []
    for work in works:
        try:
            work()
        except Invalid as refused:
            found += refused.errors
    return found


class NotFound(MarketError):
    """It is not there, or not yours to see."""


class Conflict(MarketError):
    """The request conflicts with the present state."""


class AlreadyTaken(Conflict):
    """A name or address that must be unique is in use."""


class IllegalTransition(Conflict):
    """The thing cannot go from its present status to the one asked for."""


class OutOfStock(Conflict):
    """Less is left than was asked for; nothing was taken."""


class PriceChanged(Conflict):
    """The total is not the one that the buyer expected."""


class KeyInFlight(Conflict):
    """A request with this Idempotency-Key is being worked on."""


class KeyReused(MarketError):
    """This Idempotency-Key was used for another request."""


class Unauthenticated(MarketError):
    """No credentials, or none that hold."""


class WrongCredentials(Unauthenticated):
    """No account has this address and this password."""


class Forbidden(MarketError):
    """The caller's role does not allow this."""


class Stale(MarketError):
    """If-Match names a version that is not the present one."""


class TooMany(MarketError):
    """More requests than the limit allows; ``retry_after`` in seconds."""

    def __init__(self, detail: str = "", retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(Exception):
    """Something that the answer needs is out of reach for now; ``retry_after`` in seconds.

    Not a refusal by the market, so not a :class:`MarketError`: nothing is known of the request itself. ``detail`` is what a
    server or the system said, with its addresses and files: it is for the log, and never in an answer. ``shown`` is, where a
    kind has something of its own to tell whoever asked.
    """

    shown = ""

    def __init__(self, detail: str, retry_after: float = 2.0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """More is asked for at once than there is room for. Whoever raises it has told of the shortage, so that it is not logged
    each time."""

    def __init__(self, shown: str, retry_after: float = 2.0) -> None:
        super().__init__(shown, retry_after)
        self.shown = shown
