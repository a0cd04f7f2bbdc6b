"""Rate limits: the bucket of each request, and the headers with the remaining quota.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10: ``RateLimit-Policy: "default";q=60;w=60`` and
``RateLimit: "default";r=59;t=1``, where ``t`` is the seconds until the full quota is available again. ``RateLimit-Policy`` has every quota
that may refuse the request, ``RateLimit`` those that were counted, the one that is nearest its end first.

A limit is a row of quotas, the shortest window first. ``10/60 30/3600`` allows ten attempts at once, then one in six seconds, and from
the thirtieth on one in two minutes: the delay grows with the attempts. An attempt that a quota refuses is not counted by the longer ones, so
a client that waits as it is told does not run into them.
"""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.interfaces import Allowance, ILimiter
from harvestd.kernel.errors import TooMany
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Duration
from harvestd.settings.quotas import Quota, quotas
from harvestd.settings.table import Settings
from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.request import Request
from harvestd.web.routes import Route

Headers = tuple[tuple[bytes, bytes], ...]


class Limited(TooMany):
    """Carries the headers of the limit that refused, even if other limits were counted before."""

    def __init__(self, detail: str, retry_after: float, headers: Headers) -> None:
        super().__init__(detail, retry_after)
        self.headers = headers


class Limits:
    """The limits from the settings, by the setting's name."""

    def __init__(self, settings: Settings, limiter: ILimiter) -> None:
        self._limiter = limiter
        self._on = settings.rate_limits
        self._limits = {
            name: quotas(getattr(settings, name))
            for name in dir(settings)
            if name.startswith("rate_") and name != "rate_limits"
        }

    @property
    def at_hand(self) -> bool:
        """Whether a request can be counted synchronously."""
        return not self._on or self._limiter.at_hand

    def known(self, name: str) -> bool:
        """Whether a limit setting ``name`` exists."""
        return name in self._limits

    async def spend(self, route: Route, user_id: str | None, address: str) -> tuple[Headers, TooMany | None]:
        """Count one request of a route; returns the headers, and the refusal if it is over the limit."""
        if not self._on or route.limit == "none":
            return (), None
        who = user_id if user_id is not None else f"address:{bucket_of(address)}"
        limit = "" if route.strangers is None or user_id is not None else route.strangers.limit
        return await self.count(limit or route.limit, who, route.endpoint_class or route.tag)

    async def spend_stray(self, request: Request, endpoint: str) -> None:
        """Count a request that no route's limit covers, for an unknown address or with an invalid token, and give it the headers.
        Raises ``TooMany``."""
        who = f"address:{bucket_of(request.address)}"
        request.more, too_many = await self.count("rate_read", who, endpoint)
        if too_many is not None:
            raise too_many

    def at_once(self, route: Route, address: str) -> Headers | None:
        """:meth:`spend` for an anonymous request, synchronously: the headers. None, with nothing counted, if that is not possible or
        the request is over the limit."""
        if not self._on or route.limit == "none":
            return ()
        several = self._limits[route.limit]
        if len(several) > 1:
            return None
        key = _key(f"address:{bucket_of(address)}", route.limit, route.endpoint_class or route.tag)
        allowance = self._limiter.hit_now(key, *several[0])
        return _headers(route.limit, several, [allowance]) if allowance is not None and allowance.allowed else None

    async def count(self, name: str, who: str, endpoint: str) -> tuple[Headers, TooMany | None]:
        """The same for a bucket that a handler names: ``who`` may be the account of a sign-in attempt."""
        if not self._on:
            return (), None
        several, found = self._limits[name], list[Allowance]()
        for at, (limit, period) in enumerate(several):
            found.append(await self._limiter.hit(_key(who, name, endpoint, at), limit, period))
            if not found[-1].allowed:
                return _refused(_headers(name, several, found), limit, period, found[-1])
        return _headers(name, several, found), None


def _refused(headers: Headers, limit: int, period: int, allowance: Allowance) -> tuple[Headers, TooMany]:
    detail = worded(
        "more than {limit} requests in {period}; try again in {wait}",
        limit=limit,
        period=Duration(period),
        wait=Duration(max(1, allowance.retry_after)),
    )
    return headers, Limited(detail, allowance.retry_after, headers)


def _key(who: str, name: str, endpoint: str, at: int = 0) -> str:
    return f"{who}:{name.removeprefix('rate_')}{f'-{at}' if at else ''}.{endpoint}"


def _headers(name: str, several: Sequence[Quota], found: Sequence[Allowance]) -> Headers:
    """Of the quotas of a limit, of which the first ones were counted: each has a name, the first the limit's own."""
    names = [name.removeprefix("rate_") + (f"_{period}" if at else "") for at, (_, period) in enumerate(several)]
    policies = [f'"{own}";q={limit};w={period}' for own, (limit, period) in zip(names, several, strict=True)]
    left = [f'"{own}";r={one.remaining};t={_seconds(one.reset)}' for own, one in zip(names, found, strict=False)]
    return (
        (b"RateLimit-Policy", ", ".join(policies).encode("ascii")),
        (b"RateLimit", _nearest_first(left).encode("ascii")),
    )


def beside(counted: Headers, also: Headers) -> Headers:
    """The headers of a request that two limits counted."""
    if not (counted and also):
        return counted or also
    (policies, left), (more_policies, more_left) = ((one[0][1], one[1][1]) for one in (counted, also))
    quotas_left = f"{left.decode('ascii')}, {more_left.decode('ascii')}".split(", ")
    return (
        (b"RateLimit-Policy", policies + b", " + more_policies),
        (b"RateLimit", _nearest_first(quotas_left).encode("ascii")),
    )


def _nearest_first(left: Sequence[str]) -> str:
    return ", ".join(sorted(left, key=lambda one: int(one.partition(";r=")[2].partition(";")[0])))


def at_once_headers(policy: str, most: int) -> Headers:
    """The headers of a refusal because so many requests are in flight: a quota without a window, in another unit."""
    return (
        (b"RateLimit-Policy", f'"{policy}";q={most};qu="concurrent-requests"'.encode("ascii")),
        (b"RateLimit", f'"{policy}";r=0'.encode("ascii")),
    )


def _seconds(time: float) -> int:
    return max(0, -int(-time // 1))
