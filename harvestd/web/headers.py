"""A request's headers and cookies for handlers, decoded lazily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from twisted.web.http_headers import Headers

#: Every request header that this server reads, and its purpose. Headers are bytes, decoded as Latin-1 (RFC 9110, 5.5), so decoding
#: never fails.
READ: dict[str, str] = {
    "accept": "a page or JSON, of what is both",
    "accept-encoding": "in which coding to send what everybody may read",
    "accept-language": "in which language to show what is translated, and to say what is wrong",
    "authorization": "who asks",
    "connection": "whether more requests follow",
    "content-encoding": "whether the body is as it is",
    "content-length": "where the body ends",
    "content-type": "whether the body is JSON",
    "cookie": "who asks, of a browser; the token of a stranger's cart",
    "expect": "whether the client waits with the body",
    "forwarded": "whether somebody stands between",
    "host": "which of the allowed hosts is asked",
    "idempotency-key": "which intent this is a try of",
    "if-match": "which version a change starts from",
    "if-none-match": "which version the client has",
    "user-agent": "which device signs in, and whether a person searches, or looks at a product",
    "origin": "whose page asks",
    "sec-purpose": "whether a browser only prepares to show it",
    "traceparent": "the caller's trace",
    "transfer-encoding": "where the body ends",
    "x-cart-token": "the token of a stranger's cart",
    "x-csrf-token": "that a browser's own page asks",
    "x-forwarded-for": "who asks, by way of a proxy",
    "x-forwarded-proto": "whether it came by TLS, by way of a proxy",
    "x-request-id": "the request's name in logs",
}

#: Headers that proxies add, with their source: any of them means that the request came through a proxy.
BY_PROXIES: dict[str, str] = {
    "via": "RFC 9110, 7.6.3",
    "forwarded": "RFC 7239",
    "x-forwarded-": "whatever follows: -for, -proto, -host, -port, -server, -prefix",
    "x-original-forwarded-for": "Kubernetes' ingress",
    "x-real-ip": "nginx",
    "x-client-ip": "Apache, Azure",
    "x-cluster-client-ip": "Rackspace, Zeus",
    "x-envoy-": "Envoy, Istio",
    "cf-connecting-ip": "Cloudflare",
    "true-client-ip": "Cloudflare, Akamai",
    "fastly-client-ip": "Fastly",
    "fly-client-ip": "Fly.io",
}
_ALONE = frozenset(name.encode("ascii") for name in BY_PROXIES if not name.endswith("-"))
_BEGIN = tuple(name.encode("ascii") for name in BY_PROXIES if name.endswith("-"))
#: List headers, whose lines are joined (RFC 9110, 5.3); of a single-value header the last line counts.
LISTS = frozenset({b"if-none-match"})


def by_a_proxy(raw: Headers) -> bool:
    """Whether a request came through a proxy, judged by headers that proxies add."""
    names = (name.lower() for name, _ in raw.getAllRawHeaders())
    return any(name in _ALONE or name.startswith(_BEGIN) for name in names)


class RequestHeaders(Mapping[str, str]):
    """Headers by lower-case name; repeated ones are joined by commas (RFC 9110, 5.3)."""

    def __init__(self, raw: Headers) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        values = self._raw.getRawHeaders(name.encode("ascii"))
        if not values:
            raise KeyError(name)
        return ", ".join(value.decode("latin-1") for value in values)

    def __iter__(self) -> Iterator[str]:
        return (name.decode("ascii").lower() for name, _ in self._raw.getAllRawHeaders())

    def __len__(self) -> int:
        return sum(1 for _ in self._raw.getAllRawHeaders())


def is_coded(headers: Mapping[str, str]) -> bool:
    """Whether ``Content-Encoding`` names a coding of the body. It is a list (RFC 9110, 8.4), of which empty elements count for nothing and which may
    have none at all (5.6.1.2); ``identity``, which some clients send, is no coding."""
    codings = headers.get("content-encoding", "").lower().split(",")
    return any(one.strip() not in ("", "identity") for one in codings)


class Cookies(Mapping[str, str]):
    """The cookies of the ``Cookie`` header (RFC 6265, 5.4). The first of a name counts: it has the most specific path."""

    def __init__(self, headers: RequestHeaders) -> None:
        self._headers = headers
        self._found: dict[str, str] | None = None

    def _parsed(self) -> dict[str, str]:
        if self._found is None:
            self._found = {}
            for pair in self._headers.get("cookie", "").replace(", ", "; ").split(";"):
                name, equals, value = pair.strip().partition("=")
                if equals:
                    self._found.setdefault(name, value)
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._parsed()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())
