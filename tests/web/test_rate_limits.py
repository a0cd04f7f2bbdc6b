"""Rate limits: whose bucket, which limit, and what the caller is told."""

from __future__ import annotations

import attrs
import pytest
from twisted.internet.task import Clock

from harvestd.market.operations.routes import SYSTEM
from harvestd.settings.table import Settings
from harvestd.store.limiter import MemoryLimiter
from harvestd.web.rate_limits import Limits, beside
from harvestd.web.server import make_site
from tests.web.client import Client, Response
from tests.web.conftest import make_parts, token_for
from tests.web.dummies import ROUTES


def limited(settings: Settings, **changes: object) -> Client:
    changed = attrs.evolve(settings, **{"rate_limits": True, "rate_default": "3/60", "rate_login": "1/60", **changes})
    return Client(make_site(make_parts(changed, None), ROUTES))


async def statuses(client: Client, times: int, path: str = "/api/list", **more: str) -> list[int]:
    return [(await client.get(path, **more)).status for _ in range(times)]


async def test_above_the_limit_is_429_with_retry_after(web_settings: Settings) -> None:
    client = limited(web_settings)
    assert await statuses(client, 3) == [200] * 3
    response = await client.get("/api/list")
    assert (response.status, response.json()["type"]) == (429, "/problems/too-many-requests")
    assert 1 <= int(response.headers["retry-after"]) <= 20
    assert response.headers["ratelimit"].startswith('"default";r=0;t=')


async def test_every_limited_answer_tells_what_is_left(web_settings: Settings) -> None:
    """As draft-ietf-httpapi-ratelimit-headers has it; on refusals by the handler too."""

    def told(response: Response) -> tuple[str, str]:
        return response.headers["ratelimit-policy"], response.headers["ratelimit"].partition(";t=")[0]

    client = limited(web_settings)
    assert told(await client.get("/api/list")) == ('"default";q=3;w=60', '"default";r=2')
    assert told(await client.get("/api/things/gone")) == ('"default";q=3;w=60', '"default";r=1')
    assert told(await client.get("/api/list?limit=0")) == ('"default";q=3;w=60', '"default";r=0')


async def test_each_address_and_each_user_has_a_bucket(web_settings: Settings) -> None:
    client = limited(web_settings)
    assert await statuses(client, 4, host="192.0.2.1") == [200, 200, 200, 429]
    assert await statuses(client, 1, host="192.0.2.2") == [200]
    anna, bert = (client.signed_in(token_for(user)) for user in ("anna", "bert"))
    assert await statuses(anna, 4, host="192.0.2.1") == [200, 200, 200, 429]
    assert await statuses(anna, 1, host="192.0.2.9") == [429]
    assert await statuses(bert, 1, host="192.0.2.1") == [200]


async def test_an_ipv6_customer_has_one_bucket(web_settings: Settings) -> None:
    """Who has a /64 has 2^64 addresses."""
    client = limited(web_settings)
    hosts = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1", "2001:db8::3"]
    assert [(await client.get("/api/list", host=host)).status for host in hosts] == [200, 200, 200, 429]
    assert await statuses(client, 1, host="2001:db8:0:1::1") == [200]


async def test_a_spoofed_address_does_not_help(web_settings: Settings) -> None:
    client = limited(web_settings)
    answers = [await client.get("/api/list", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(4)]
    assert [a.status for a in answers] == [200, 200, 200, 429]


async def test_a_route_has_the_limit_that_it_names(web_settings: Settings) -> None:
    client = limited(web_settings)
    assert (await client.post("/api/login")).status == 204
    assert (await client.post("/api/login")).status == 429
    assert await statuses(client, 1) == [200]


async def test_health_is_not_limited(web_settings: Settings) -> None:
    assert await statuses(limited(web_settings), 50, "/health") == [200] * 50


async def test_a_setting_turns_limits_off(client: Client) -> None:
    response = await client.get("/api/list")
    assert "ratelimit" not in response.headers


async def test_the_delay_grows_with_the_attempts(web_settings: Settings) -> None:
    """Of a client that waits each time as long as it is told."""
    clock = Clock()
    limits = Limits(
        attrs.evolve(web_settings, rate_limits=True, rate_login="10/60 30/3600 100/86400"), MemoryLimiter(clock.seconds)
    )
    waits: list[float] = []
    while len(waits) < 400:
        _, refusal = await limits.count("rate_login", "account:anna", "sign-in")
        waits.append(refusal.retry_after if refusal is not None else 0.0)
        clock.advance(waits[-1])
    grown = [round(wait) for wait in waits if wait]
    assert waits[:10] == [0.0] * 10
    assert grown[0] == 6
    assert set(grown[-20:]) == {864}, "one attempt in 86400 s / 100 is left"
    assert grown == sorted(grown)
    assert 120 in grown


async def test_every_quota_that_was_counted_is_told(web_settings: Settings) -> None:
    client = limited(web_settings, rate_default="2/60 3/3600")
    seen = (await client.get("/api/list")).headers
    assert seen["ratelimit-policy"] == '"default";q=2;w=60, "default_3600";q=3;w=3600'
    assert seen["ratelimit"] == '"default";r=1;t=30, "default_3600";r=2;t=1200'
    assert await statuses(client, 2) == [200, 429]
    refused = (await client.get("/api/list")).headers
    assert refused["ratelimit-policy"] == seen["ratelimit-policy"], "the longer quota is not counted, and there"
    assert refused["ratelimit"].startswith('"default";r=0;t=')


async def test_the_quota_that_is_nearest_its_end_is_the_first(web_settings: Settings) -> None:
    """It is the one that bites next, and many clients read one alone."""
    clock = Clock()
    limits = Limits(
        attrs.evolve(web_settings, rate_limits=True, rate_login="10/60 12/3600"), MemoryLimiter(clock.seconds)
    )
    told = [""]
    for _ in range(12):
        headers, _ = await limits.count("rate_login", "anna", "sign-in")
        told.append(headers[1][1].decode())
        clock.advance(6)
    assert told[1].startswith('"login";r=9;') and told[-1].startswith('"login_3600";r=0;')


def test_two_limits_are_told_as_one_with_the_nearest_end_first() -> None:
    first = ((b"RateLimit-Policy", b'"a";q=9;w=60'), (b"RateLimit", b'"a";r=8;t=1'))
    second = ((b"RateLimit-Policy", b'"b";q=3;w=60'), (b"RateLimit", b'"b";r=2;t=20'))
    assert beside(first, second) == (
        (b"RateLimit-Policy", b'"a";q=9;w=60, "b";q=3;w=60'),
        (b"RateLimit", b'"b";r=2;t=20, "a";r=8;t=1'),
    )
    assert beside(first, ()) == beside((), first) == first


async def test_the_wait_is_told_in_minutes_and_hours_and_the_header_in_seconds(web_settings: Settings) -> None:
    client = limited(web_settings, rate_default="1/7200")
    await client.get("/api/list")
    refused = await client.get("/api/list")
    assert refused.json()["detail"] == "more than 1 requests in 2 hours; try again in 2 hours"
    assert refused.headers["retry-after"] == "7200"


@pytest.mark.parametrize("role", [None, "buyer"])
async def test_what_somebody_may_not_do_is_counted(web_settings: Settings, role: str | None) -> None:
    client = limited(web_settings)
    who = client if role is None else client.signed_in(token_for("u", role))
    answers = [await who.get("/api/admin") for _ in range(4)]
    assert [one.status for one in answers] == [401 if role is None else 403] * 3 + [429]
    assert all(one.headers["ratelimit-policy"] == '"default";q=3;w=60' for one in answers)
    assert [one.headers["ratelimit"].partition(";t")[0] for one in answers[:2]] == ['"default";r=2', '"default";r=1']


async def test_handlers_count_buckets_of_their_own(web_settings: Settings) -> None:
    """Such as the account that somebody tries passwords on, from however many addresses."""
    parts = make_parts(attrs.evolve(web_settings, rate_limits=True, rate_login="1/60"), None)
    limits = Limits(parts.settings, parts.limiter)
    assert (await limits.count("rate_login", "account:anna", "sign-in"))[1] is None
    assert (await limits.count("rate_login", "account:anna", "sign-in"))[1] is not None
    assert (await limits.count("rate_login", "account:bert", "sign-in"))[1] is None


STRAYS: dict[str, tuple[str, str, dict[str, str]]] = {
    "no such address": ("GET", "/api/nothing", {}),
    "no such method": ("DELETE", "/api/list", {}),
    "a token that does not hold": ("GET", "/api/list", {"Authorization": "Bearer x.y.z"}),
    **{route.path: ("GET", route.path, {}) for route in SYSTEM if "{" not in route.path and route.path != "/health"},
    "a static file": ("GET", "/docs/pages.css", {}),
}


@pytest.mark.parametrize("asked", STRAYS.values(), ids=STRAYS)
async def test_whatever_is_asked_for_is_counted(web_settings: Settings, asked: tuple[str, str, dict[str, str]]) -> None:
    """Only whether the process is alive may be asked without end."""
    method, path, headers = asked
    client = limited(web_settings, rate_read="2/60")
    answers = [await client.request(method, path, headers=headers) for _ in range(3)]
    assert [one.status == 429 for one in answers] == [False, False, True]
    assert all(one.headers["ratelimit-policy"] == '"read";q=2;w=60' for one in answers), "refusals too"
    assert int(answers[2].headers["retry-after"]) >= 1
    assert (await client.get("/health")).status == 200
