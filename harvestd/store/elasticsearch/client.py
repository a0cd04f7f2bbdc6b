"""Requests to Elasticsearch or OpenSearch: each with a total timeout, each idempotent, JSON in and out."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from OpenSSL.SSL import Error as SslError
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, ConnectionClosed, ConnectionLost, DNSLookupError
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers

from harvestd.kernel.errors import Unavailable
from harvestd.runtime.lifecycle import within
from harvestd.store.elasticsearch.response_body import ResponseBody, TooLong

#: Persistent connections kept to one engine.
KEPT = 16
JSON, LINES = "application/json", "application/x-ndjson"

#: Failures of connections, not of requests: another node, or a fresh connection, may work.
_LOST = (
    ConnectError,
    ConnectionClosed,
    ConnectionLost,
    DNSLookupError,
    ResponseNeverReceived,
    RequestTransmissionFailed,
)


class EngineError(Unavailable):
    """The engine did not do what it was asked. ``status`` is HTTP's, 0 without an answer; ``kind`` is its own name of the
    error, such as index_not_found_exception."""

    def __init__(self, detail: str, status: int = 0, kind: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind


class ElasticsearchClient:
    """A client of one cluster. ``urls`` is one URL or several separated by commas: nodes, tried in turn when one cannot
    be reached. ``user:password@`` is sent as basic authentication."""

    def __init__(self, reactor: Any, urls: str) -> None:
        self._reactor = reactor
        self._nodes = [_node(url.strip()) for url in urls.split(",") if url.strip()]
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = KEPT
        self._pool.cachedConnectionTimeout = 60
        self._client = HTTPClient(Agent(reactor, connectTimeout=5.0, pool=self._pool))

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._pool.closeCachedConnections()

    async def call(self, method: str, path: str, body: Any = None, seconds: float = 5.0) -> Any:
        """The JSON response. ``body`` is JSON, or a list of JSON values for line-based requests. Raises
        :class:`EngineError`, after ``seconds`` at the latest."""
        given, kind = _encoded(body)
        waiting = True
        try:
            asking = self._anywhere(method, path, given, kind, lambda: not waiting)
            status, answer = await within(self._reactor, seconds, asking)
        except TimeoutError as error:
            raise EngineError(f"no answer within {seconds:g} s") from error
        except TooLong as error:
            raise EngineError(str(error)) from error
        except (*_LOST, ResponseFailed) as error:
            raise EngineError(_why(error)) from error
        finally:
            waiting = False
        return _judged(status, answer)

    async def _anywhere(
        self, method: str, path: str, body: bytes | None, kind: str, over: Callable[[], bool]
    ) -> tuple[int, bytes]:
        """Try the nodes in turn, beginning with the last one that answered; a single one twice, since the server may
        just have closed a kept connection."""
        left = max(2, len(self._nodes))
        while True:
            left -= 1
            try:
                return await self._once(self._nodes[0], method, path, body, kind)
            except (*_LOST, ResponseFailed) as error:
                if over():  # cancelled, which some of its parts report differently
                    raise CancelledError from error
                again = isinstance(error, _LOST) and not (len(self._nodes) == 1 and isinstance(error, ConnectError))
                if not left or not again:
                    raise
                self._nodes.append(self._nodes.pop(0))

    async def _once(
        self, node: tuple[str, dict[str, list[str]]], method: str, path: str, body: bytes | None, kind: str
    ) -> tuple[int, bytes]:
        base, credentials = node
        headers = Headers(credentials)
        if body is not None:
            headers.setRawHeaders("Content-Type", [kind])
        response = await self._client.request(
            method, base + path, headers=headers, data=body, unbuffered=True, allow_redirects=False
        )  # a redirect would lead the question, and the password, to wherever the answer says
        body_read = ResponseBody()
        response.original.deliverBody(body_read)
        return response.code, await body_read.done


def _node(url: str) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    base = f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 9200)}{parts.path.rstrip('/')}"
    if not parts.username:
        return base, {}
    given = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return base, {"Authorization": ["Basic " + base64.b64encode(given.encode()).decode()]}


def _encoded(body: Any) -> tuple[bytes | None, str]:
    if body is None:
        return None, JSON
    if isinstance(body, (list, tuple)):
        return lines(body), LINES
    return msgspec.json.encode(body), JSON


def lines(values: Sequence[Any]) -> bytes:
    """One JSON value a line."""
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


def _judged(status: int, answer: bytes) -> Any:
    try:
        given = msgspec.json.decode(answer) if answer else {}
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise EngineError(f"HTTP {status} with something else than JSON", status) from error
    if status >= 300:
        kind, reason = cause(given)
        raise EngineError(f"HTTP {status} {kind}: {reason}".rstrip(": "), status, kind)
    return given


def cause(answer: Any) -> tuple[str, str]:
    """An error's name, and its message down to the root cause, from a response or from an item of one."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return "", str(error or "")[:200]
    roots = error.get("root_cause")
    root = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], dict) else error
    reasons, inner = [str(root.get("reason", ""))], error.get("caused_by")
    while isinstance(inner, dict) and len(reasons) < 5:
        if (reason := str(inner.get("reason", ""))) not in reasons:
            reasons.append(reason)
        inner = inner.get("caused_by")
    return str(root.get("type", "")), "; ".join(reasons)[:400]


def _why(error: BaseException) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons and isinstance(reasons[0].value, SslError):
        return "its certificate is not signed by an authority that this machine trusts (SSL_CERT_FILE names a file with others), or is not for this host"
    if reasons:
        return f"the connection was lost: {reasons[0].getErrorMessage()}"
    return f"{error}" or type(error).__name__
