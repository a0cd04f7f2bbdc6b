"""How long an issuer is waited for: a few seconds for all that one request needs; and while it does not answer, not at all.

After some failures in a row it is left alone for a while that doubles up to a minute. There is no probe in the background: an issuer is
somebody else's server, and the next person who signs in is early enough.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from harvestd.interfaces import IssuerAway
from harvestd.partners.oidc_http import IssuerHttp
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.health import Condition
from harvestd.runtime.lifecycle import within

Value = TypeVar("Value")

#: Seconds for all that one request asks of the issuer: Nginx gives up after four.
LIMIT = 3.5
#: Failures in a row after which it is left alone, and for how many seconds first and at most.
FAILURES, FIRST_PAUSE, LAST_PAUSE = 3, 1.0, 60.0


class Patience:
    """``http`` has a time for each exchange; ``seconds`` is a clock."""

    def __init__(self, reactor: Any, http: IssuerHttp, seconds: Callable[[], float]) -> None:
        self._reactor, self._http, self._seconds = reactor, http, seconds
        self._backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        self._failures, self._until, self._cause = 0, float("-inf"), ""

    async def within_limit(self, asking: Coroutine[Any, Any, Value]) -> Value:
        """All that a request asks, together. Raises ``IssuerAway``."""
        left = self._until - self._seconds()
        if left > 0:
            asking.close()
            raise IssuerAway(f"the issuer of sign-ins is left alone for now: {self._cause}", left)
        try:
            return await within(self._reactor, LIMIT, asking)
        except TimeoutError as error:
            raise self.failed(f"no answer within {LIMIT:g} s") from error

    async def ask(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, Any]:
        """Status and JSON of an exchange. Raises ``IssuerAway``, which counts; so does a 5xx to a GET (what a POST gets may be due to
        the code that somebody sent)."""
        try:
            status, answer = await self._http.json(method, url, headers, body)
        except IssuerAway as error:
            raise self.failed(error.detail) from error
        if status >= 500:
            raise self.failed(f"{url}: HTTP {status}") if method == "GET" else IssuerAway(f"{url}: HTTP {status}")
        self._failures, self._until = 0, float("-inf")
        self._backoff.succeeded()
        return status, answer

    def failed(self, why: str) -> IssuerAway:
        """Count a failure; the error to raise."""
        self._failures, self._cause = self._failures + 1, why
        if self._failures >= FAILURES:
            self._until = self._seconds() + self._backoff.failed()
        return IssuerAway(f"the issuer of sign-ins does not answer: {why}")

    async def condition(self) -> Condition:
        """Degraded while the issuer is left alone."""
        return Condition("degraded", self._cause) if self._seconds() < self._until else Condition("ok")
