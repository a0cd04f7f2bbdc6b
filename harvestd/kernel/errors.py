"""The market's errors, in its own terms.

They know nothing of HTTP: ``web/problems.py`` has the one table that gives each its status. Each tells the person who meets it
what is wrong and, where one exists, the fix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import attrs


@attrs.frozen
class FieldError:
    """One error of one field; ``field`` is a path such as ``lines[0].quantity``.

    ``message`` can be shown to a buyer. ``code`` and ``params`` (strings, such as ``{"minimum": "0.500"}``) say the same to a
    program, which may word it in another language; both follow the table in ``codes.py``."""

    field: str
    message: str
    available: Decimal | None = None
    code: str = attrs.field(kw_only=True)
    params: Mapping[str, str] = attrs.field(factory=dict, kw_only=True, hash=False)


class MarketError(Exception):
    """The base class of every expected refusal. ``detail`` is one sentence for the requesting person; if empty, they are told the cause in
    the row of its problem, which each language has."""

    def __init__(self, detail: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail or type(self).__name__)
        self.detail = detail
        self.errors = errors


class Invalid(MarketError):
    """The request is readable but not acceptable."""

    @classmethod
    def of(cls, field: str, message: str, code: str, **params: str) -> Invalid:
        """An error of one field; ``code`` and ``params`` as in :class:`FieldError`."""
        return cls(f"{field}: {message}", (FieldError(field, message, code=code, params=params),))


def faults(*works: Callable[[], object]) -> list[FieldError]:
    """The field errors of all :class:`Invalid` raised by ``works``, so that they are reported together."""
    found: list[FieldError] = []
    for work in works:
        try:
            work()
        except Invalid as refused:
            found += refused.errors
    return found


class WrongKind(MarketError):
    """The file is of no kind that is taken here."""


class SecondFactorNeeded(MarketError):
    """Everything so far is right, and the account has a second factor; ``factors`` are the kinds that it can answer with."""

    def __init__(self, challenge: str = "", factors: Sequence[str] = ()) -> None:
        super().__init__()
        self.challenge = challenge
        self.factors = tuple(factors)


class WrongSecondFactor(MarketError):
    """The code is none of the account's second factor; ``factors`` as of :class:`SecondFactorNeeded`."""

    def __init__(self, detail: str = "", factors: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.factors = tuple(factors)


class SecondFactorRequired(MarketError):
    """The account's role needs a second factor, and it has none."""


class SignInUnknown(MarketError):
    """This sign-in elsewhere was not begun in this browser, has ended already, or has taken too long."""


class IdentityRefused(MarketError):
    """What the service elsewhere says of the person is no reason to sign them in."""


class Deactivated(MarketError):
    """The account is at rest, and whoever signs in to it has not asked to open it."""


class ClosedByStaff(MarketError):
    """The market's staff have closed the account of whoever signs in."""


class NotConfirmed(MarketError):
    """This needs a sign-in, or a confirmation of it, of the last five minutes."""


class NotFound(MarketError):
    """It is not there, or not yours to see."""


class Conflict(MarketError):
    """The request conflicts with the present state."""


class AlreadyTaken(Conflict):
    """A name or address that must be unique is in use."""


class LinkNeeded(Conflict):
    """An account has the address of somebody who signs in elsewhere, and is not linked with that."""


class IllegalTransition(Conflict):
    """The thing cannot go from its present status to the one asked for."""


class OutOfStock(Conflict):
    """Less is left than was asked for; nothing was taken."""


class PriceChanged(Conflict):
    """The total is not the one that the buyer expected."""


class MarketClosed(Conflict):
    """No market day takes this order now."""


class WindowFull(Conflict):
    """The window of a market day has not this much left; nothing was taken."""


class KeyInFlight(Conflict):
    """A request with this Idempotency-Key is being worked on."""


class KeyReused(MarketError):
    """This Idempotency-Key was used for another request."""


class Unauthenticated(MarketError):
    """No credentials, or none that hold."""


class WrongCredentials(Unauthenticated):
    """No account has this address and this password."""


class WrongPasskey(WrongCredentials):
    """What the browser sent is not the answer of a passkey that is good here."""


class Forbidden(MarketError):
    """The caller's role does not allow this."""


class NoFarm(Forbidden):
    """Whoever asks for something of a farm is a farmer, and belongs to none."""


class Stale(MarketError):
    """If-Match names a version that is not the present one."""


class TooMany(MarketError):
    """More requests than the limit allows; ``retry_after`` in seconds."""

    def __init__(self, detail: str = "", retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(Exception):
    """A dependency of the request is temporarily unavailable; ``retry_after`` in seconds.

    Not a refusal by the market, so not a :class:`MarketError`: it says nothing about the request itself. ``detail`` is the message
    of a server or the system, with addresses and files: for the log only, never in a response. ``shown`` is the text for the
    client, for subclasses that have one.
    """

    shown = ""

    def __init__(self, detail: str, retry_after: float = 2.0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """The server is at capacity. The raising code has already reported the shortage, so it is not logged each time."""

    def __init__(self, shown: str, retry_after: float = 2.0) -> None:
        super().__init__(shown, retry_after)
        self.shown = shown
