"""Requests to S3: signed, each with a timeout, tried again in bounds, and not at all while S3 does not answer.

Each request is idempotent (keys are written once, with one content), so any may be tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from io import BytesIO
from typing import Any, TypeVar

from OpenSSL.SSL import Error as SslError
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, ConnectionClosed, ConnectionLost, DNSLookupError
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.lifecycle import sleep, within
from harvestd.store.s3.answers import S3Error, failure
from harvestd.store.s3.bodies import Sending, Taking
from harvestd.store.s3.bucket import Bucket
from harvestd.store.s3.exchange import MAX, RATE_LEAST, Answer, Request
from harvestd.store.s3.patience import Patience
from harvestd.store.s3.signing import EMPTY

Result = TypeVar("Result")
#: Persistent connections; tries of one request; the first and the longest pause between two, in seconds.
KEPT, TRIES, FIRST_PAUSE, LAST_PAUSE = 16, 3, 0.1, 2.0
_LOST = (
    ConnectError, ConnectionClosed, ConnectionLost, DNSLookupError, ResponseFailed, ResponseNeverReceived,
    RequestTransmissionFailed, RequestGenerationFailed,
)  # fmt: skip


class S3Client:
    """A client of one bucket. ``timeout`` is that of an answer, in seconds; a transfer has more, by :data:`RATE_LEAST`."""

    def __init__(self, reactor: Any, bucket: Bucket, timeout: float, now: Callable[[], datetime]) -> None:
        self.reactor = self._reactor = reactor
        self._bucket, self._timeout, self._now = bucket, timeout, now
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = KEPT
        self._pool.cachedConnectionTimeout = 20  # less than S3 keeps them
        self._pool.retryAutomatically = False  # it is done here, with other bodies
        self._http = HTTPClient(Agent(reactor, connectTimeout=min(timeout, 5.0), pool=self._pool))
        self.patience = Patience(reactor, self._probe)

    async def close(self) -> None:
        """Stop looking for it, and close the connections."""
        self.patience.breaker.stop()
        await self._pool.closeCachedConnections()

    async def ask(self, request: Request) -> Answer:
        """A success. Raises :class:`S3Error`, in twice the time of one try at most."""
        self.patience.check()
        return await self._tried(request, TRIES)

    async def probe(self) -> None:
        """Try once whether the bucket can be listed; raises :class:`S3Error`."""
        self.patience.check()
        await self._probe()

    async def _probe(self) -> None:
        await self._tried(_LIST_ONE, 1)

    async def _tried(self, request: Request, tries: int) -> Answer:
        end = self._reactor.seconds() + 2 * self._seconds(request.sent)
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE, jitter=0.5)
        while True:
            tries -= 1
            await self.patience.wait(end)
            try:
                answer = await self._once(request, end - self._reactor.seconds())
                self.patience.answered()
                return answer
            except S3Error as error:
                pause = max(backoff.failed(), self.patience.blamed(error))
                if not error.passing or tries <= 0 or self._reactor.seconds() + pause >= end:
                    raise
            await sleep(self._reactor, pause)

    def _seconds(self, size: int) -> float:
        """How long something of so many bytes may take."""
        return self._timeout + size / RATE_LEAST

    async def _once(self, request: Request, left: float) -> Answer:
        """One try: its answer begins within the time of what is sent, and of what is ``left`` of all tries; it ends within that of what comes."""
        response: Any = await self._in_time(min(left, self._seconds(request.sent)), self._sent(request))
        memory = BytesIO()
        good = response.code < 300
        write = request.into() if good and request.into is not None else memory.write
        taking = Taking(write, request.most if good else MAX)
        length = response.original.length
        response.original.deliverBody(taking)
        size = await self._in_time(self._seconds(length if isinstance(length, int) else MAX), _all(taking))
        if not good:
            after = response.headers.getRawHeaders("Retry-After")
            raise failure(response.code, memory.getvalue(), after[-1] if after else None)
        return Answer(response.code, response.headers, memory.getvalue(), size)

    async def _sent(self, request: Request) -> Any:
        """Its answer, as far as the headers."""
        bucket, part = self._bucket, request.part
        digest = EMPTY if part is None else part.digest
        path = bucket.path_of(request.key)
        headers = bucket.signer.headers(
            request.method, bucket.host, path, request.query, request.headers, digest, self._now()
        )
        given = Headers({"Host": [bucket.host], **{name: [value] for name, value in headers.items()}})
        return await self._http.request(
            request.method, bucket.url(request.key, request.query), headers=given, data=None if part is None else Sending(part),
            unbuffered=True, allow_redirects=False,
        )  # fmt: skip

    async def _in_time(self, seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
        waiting = True

        async def asked() -> Result:
            try:
                return await work
            except _LOST as error:
                if not waiting:  # cancelled, which some of its parts report differently
                    raise CancelledError from error
                raise

        try:
            return await within(self._reactor, seconds, asked())
        except TimeoutError as error:
            raise S3Error(f"no answer within {seconds:.1f} s") from error
        except _LOST as error:
            raise S3Error(_why(error)) from error
        finally:
            waiting = False


async def _all(taking: Taking) -> int:
    return await taking.done


_LIST_ONE = Request(method="GET", query={"list-type": "2", "max-keys": "1"})


def _why(error: BaseException) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons and isinstance(reasons[0].value, SslError):
        return "its certificate is not signed by an authority that this machine trusts (SSL_CERT_FILE names a file with others), or is not for this host"
    if reasons:
        return f"the connection was lost: {reasons[0].getErrorMessage()}"
    return f"{error}" or type(error).__name__
