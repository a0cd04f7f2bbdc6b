"""Every reason to refuse a request, in one table: status, title, cause and cure. The pages behind the types are made of it, too.

The market's errors (``kernel/errors.py``) know nothing of HTTP and get their status here; errors specific to HTTP are
raised as :class:`Refusal` by their slug.
"""

from __future__ import annotations

import attrs

from harvestd.kernel import errors as market
from harvestd.kernel.errors import FieldError

#: The values of If-Match, for every versioned resource.
IF_MATCH = 'the ETag that it had when you read it, or its version as "v<version>" (quotes included; of version 7, "v7")'


@attrs.frozen
class Problem:
    """One row. ``title`` can be shown to a buyer; ``cause`` and ``cure`` are for the client's developer; ``raised`` are the
    exceptions that map to it."""

    slug: str
    status: int
    title: str
    cause: str
    cure: str
    raised: tuple[type[Exception], ...] = ()

    @property
    def type(self) -> str:
        """The ``type`` member: a page of this daemon."""
        return f"/problems/{self.slug}"


class Refusal(Exception):
    """A request refused by the rules of HTTP; ``slug`` names the row, ``headers`` go into the response."""

    def __init__(
        self, slug: str, detail: str, errors: tuple[FieldError, ...] = (), headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.errors = errors
        self.headers = headers


PROBLEMS: tuple[Problem, ...] = (
    Problem("malformed", 400, "The request cannot be understood",
            "The request breaks the rules of HTTP or JSON, so its meaning is uncertain.",
            "Send what the detail asks for. JSON is UTF-8, names each member once, and has no NaN or Infinity."),
    Problem("idempotency-key", 400, "The request is incomplete",
            "This request creates something that must not be created twice, and has no valid Idempotency-Key header.",
            "Send Idempotency-Key with 1 to 255 visible characters, fresh for each new intent and the same for each retry of it."),
    Problem("sign-in-state", 400, "This sign-in cannot go on",
            "The state does not belong to a sign-in that this browser has begun within ten minutes, or it was used already.",
            "Begin again with GET /api/auth/google, in the browser that is to be signed in.",
            (market.SignInUnknown,)),
    Problem("unauthenticated", 401, "Please sign in",
            "The request has no credentials, or they are expired or not of this market.",
            "Get an access token by POST /api/auth/login or /api/auth/refresh, and send it as Authorization: Bearer <token>.",
            (market.Unauthenticated,)),
    Problem("wrong-credentials", 401, "The e-mail address or the password is wrong",
            "There is no account with this address and this password; which of the two is wrong is not revealed.",
            "Try again with another password, or set a new one.",
            (market.WrongCredentials,)),
    Problem("passkey", 401, "The passkey was not accepted",
            "What was sent is no answer of a passkey that is good here: it is malformed, it was asked for more than five minutes ago or is answered "
            "already, it comes from a page of another origin, or there is no such passkey. The detail says which, as far as it may be known.",
            "Ask for new options and have the browser answer them: POST /api/auth/passkey/options to sign in with a passkey alone, "
            "POST /api/auth/second-factor/options beside a password. Send JSON.stringify(credential) as passkey, or sign in another way.",
            (market.WrongPasskey,)),
    Problem("second-factor", 401, "Please give the code of your second factor",
            "Everything so far is right, and the account has a second factor.",
            "factors names the kinds that the account has. Sign in again with the code as code; or POST /api/auth/second-factor with the code and the challenge of this answer. "
            "With a passkey: POST /api/auth/second-factor/options with the challenge, and send what it answers as passkey instead. "
            "If a code was sent, it is wrong or was used already: wait for the next one.",
            (market.SecondFactorNeeded, market.WrongSecondFactor)),
    Problem("forbidden", 403, "You may not do this",
            "You are signed in, but are not allowed to do this.",
            "Use an account whose role the route allows; /openapi.json names the roles of each route.",
            (market.Forbidden,)),
    Problem("no-farm", 403, "You have no farm yet",
            "This is for those who work for a farm. The account is a farmer's, and belongs to none: it never had one, or has left it.",
            "POST /api/farms with a name founds one; or have a farm's owner send an invitation to the account's address.",
            (market.NoFarm,)),
    Problem("second-factor-required", 403, "Please set up a second factor",
            "The market requires a second factor of accounts with this role, and this one has none. Its API keys do not work either.",
            "POST /api/users/me/second-factors and confirm it; this sign-in may do that, see its account and its sign-ins, and sign out.",
            (market.SecondFactorRequired,)),
    Problem("deactivated", 403, "Your account is deactivated",
            "Who signs in is known here, and the account is deactivated by its owner.",
            "Ask the person whether the account is to be opened again; if so, send the same with reactivate: true.",
            (market.Deactivated,)),
    Problem("account-closed", 403, "Your account was closed by the market",
            "Who signs in is known here, and the market's staff have closed the account.",
            "Show the person the detail. Only the staff can open the account again.",
            (market.ClosedByStaff,)),
    Problem("csrf", 403, "Please reload the page and try again",
            "The request came with a browser's session cookie and without that session's CSRF token, so it may be another site's.",
            "Send the csrf_token of POST or GET /api/auth/session as X-CSRF-Token with each request that changes something."),
    Problem("identity", 403, "You could not be signed in with your account elsewhere",
            "The service elsewhere did not sign the person in, has not verified their address, or its answer is not for this market and this sign-in.",
            "Begin again; if it stays so, sign in in another way, and tell the operator, whose log has the reason.",
            (market.IdentityRefused,)),
    Problem("confirm", 403, "Please confirm that it is you",
            "This needs a sign-in, or a confirmation of it, of the last five minutes.",
            "POST /api/auth/confirm with the password of the account (and the code of its second factor, if it has one) or with a passkey alone "
            "(its options: POST /api/auth/confirm/options?alone=true), or sign in again; then send the request again.",
            (market.NotConfirmed,)),
    Problem("not-found", 404, "This could not be found",
            "There is nothing at this address, or it is not yours to see.",
            "Check the address and the id, and that you are signed in as its owner.",
            (market.NotFound,)),
    Problem("method-not-allowed", 405, "This is not possible here",
            "The address exists, but not with this method.",
            "Use one of the methods that the Allow header names."),
    Problem("timeout", 408, "Sending took too long",
            "The headers or the body were not complete in the time that the server waits for them.",
            "Send the request again over a better connection, or in smaller parts."),
    Problem("conflict", 409, "This is not possible at the moment",
            "What the request asks for is not possible in the present state.",
            "Read it again, then decide what to do.",
            (market.Conflict,)),
    Problem("already-taken", 409, "Already taken",
            "A name or an address that must be unique is in use.",
            "Choose another one, or sign in if it is yours.",
            (market.AlreadyTaken,)),
    Problem("link-needed", 409, "There is an account with your address already",
            "An account of this market has the address of the account elsewhere, and is not linked with it. That is never done without its owner.",
            "Sign in to the account as before (or set a new password first), then link the two: GET /api/auth/google?link=true.",
            (market.LinkNeeded,)),
    Problem("illegal-transition", 409, "This step is not possible now",
            "It cannot change from its present status to the requested one; or what was asked about a line can be answered no more. The detail says which.",
            "Read its status; the steps are placed, confirmed, ready, (out_for_delivery,) completed, or cancelled. What was asked about a line, by when it was to be answered and how it has ended "
            "is in GET /api/orders/{id}/changes.",
            (market.IllegalTransition,)),
    Problem("out-of-stock", 409, "Out of stock",
            "Less is left than was ordered. Nothing was taken, for any line.",
            "Order at most what errors[].available says, and leave out what is sold out.",
            (market.OutOfStock,)),
    Problem("price-changed", 409, "What you are ordering has changed",
            "The total differs from expected_total, or something that the buyer agreed to when they filled the cart has changed "
            "since: a price, a unit, a step or a minimum quantity. In an answer about a line, expected_total is of that line, which comes to something else with a yes. errors lists what has changed.",
            "Show the buyer the cart and its warnings again, put what changed in again (PUT /api/cart/items), and order with the "
            "new total. Of an answer: read the order (GET /api/orders/{id}), show the buyer the line's asked, and answer with its asked.total as expected_total.",
            (market.PriceChanged,)),
    Problem("market-closed", 409, "The market is closed",
            "This market sells by market days, and none takes this order now: it has not opened, its cut-off is over, or its window has begun.",
            "Choose another window (GET /api/cart/windows); GET /api/market-days says when the next day opens.",
            (market.MarketClosed,)),
    Problem("window-full", 409, "This window is full",
            "The window has less left than the order takes, in orders, crates or weight. Nothing was taken.",
            "Choose another window: errors[].params.next is the next that takes as much, if there is one; GET /api/cart/windows lists all.",
            (market.WindowFull,)),
    Problem("key-in-flight", 409, "This is already being processed",
            "A request with this Idempotency-Key has not been answered yet.",
            "Wait a moment and send it again with the same key: you will get its answer.",
            (market.KeyInFlight,)),
    Problem("stale", 412, "It was changed in the meantime",
            "If-Match names a version that is not the present one: it has been changed since.",
            f"Read it again, apply your change to what it is now, and send as If-Match {IF_MATCH}.",
            (market.Stale,)),
    Problem("too-large", 413, "This is too much at once",
            "The body has more bytes than this address accepts.",
            "Send less, in several requests if need be."),
    Problem("media-type", 415, "This kind of content cannot be taken",
            "The body, or the file in it, is not of the media type that this address accepts, or it is compressed.",
            "Send Content-Type: application/json, in UTF-8 and without Content-Encoding; where a file is taken, of one of the kinds that the detail names.",
            (market.WrongKind,)),
    Problem("invalid", 422, "Something needs to be corrected",
            "The request can be read, but some of its values are not acceptable. errors lists them.",
            "Correct the fields that errors lists. Fields that are not in the contract are refused, not ignored.",
            (market.Invalid,)),
    Problem("key-reused", 422, "This key was used for another request",
            "The key was used within its lifetime for a request with another method, path or body.",
            "Use a fresh key for each new intent, and repeat a request without changing it.",
            (market.KeyReused,)),
    Problem("if-match", 428, "The version to change is missing",
            "This changes something that others may be changing, too, and does not say which version it starts from.",
            f"Read it, alone or in its list, and send as If-Match {IF_MATCH}."),
    Problem("too-many-requests", 429, "Too many requests; please wait a moment",
            "You have sent more requests than the limit allows.",
            "Wait for as many seconds as Retry-After says; RateLimit tells what is left.",
            (market.TooMany,)),
    Problem("headers-too-large", 431, "The request is too long",
            "The request line and the headers together have more bytes, or more lines, than the server accepts.",
            "Send fewer or shorter headers; clear the cookies of this site."),
    Problem("internal", 500, "Something went wrong",
            "An error in this server, which is in its log under the request id.",
            "Try again; if it keeps happening, give the operator the request id."),
    Problem("unavailable", 503, "Not available at the moment",
            "Something that the answer needs, such as the database, is out of reach or too busy.",
            "Try again after as many seconds as Retry-After says. Use the same Idempotency-Key, if you sent one.",
            (market.Unavailable,)),
)  # fmt: skip

BY_SLUG = {problem.slug: problem for problem in PROBLEMS}
_BY_ERROR = {error: problem for problem in PROBLEMS for error in problem.raised}


def problem_of(error: BaseException) -> Problem:
    """The row of an error, by the nearest of its classes; ``internal`` for unexpected ones."""
    if isinstance(error, Refusal):
        return BY_SLUG[error.slug]
    for kind in type(error).__mro__:
        if kind in _BY_ERROR:
            return _BY_ERROR[kind]
    return BY_SLUG["internal"]
