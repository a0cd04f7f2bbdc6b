"""Whom a request comes from."""

from __future__ import annotations

import attrs
import pytest

from harvestd.settings.table import Settings
from harvestd.web.http.client_address import NOBODY, Proxies, bucket_of, is_loopback, parse_networks
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES, seen

PROXIES = Proxies(parse_networks(["127.0.0.1/32", "10.0.0.0/8", "::1/128"]))


@pytest.mark.parametrize(
    "peer, forwarded, client",
    [
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("127.0.0.1", [], NOBODY),
        ("127.0.0.1", [""], NOBODY),
        ("127.0.0.1", ["\xff"], NOBODY),
        ("127.0.0.1", ["unknown"], NOBODY),
        ("127.0.0.1", ["_hidden"], NOBODY),
        ("127.0.0.1", ["6.6.6.6, unknown"], NOBODY),
        ("127.0.0.1", ["6.6.6.6, unknown, 10.0.0.1"], NOBODY),
        ("127.0.0.1", ["unknown, 198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["1" * 10_000], NOBODY),
        ("192.0.2.1", [], "192.0.2.1"),
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.7, 10.1.2.3"], "198.51.100.7"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", ["198.51.100.7, nonsense"], NOBODY),
        ("127.0.0.1", ["198.51.100.7, , 10.1.2.3"], NOBODY),
        ("127.0.0.1", ["198.51.100.7:1234"], "198.51.100.7"),
        ("127.0.0.1", ["198.51.100.7:x"], NOBODY),
        ("127.0.0.1", ["198.51.100.7:"], NOBODY),
        ("127.0.0.1", ["127.0.0.1:1234, unknown"], NOBODY),
        ("127.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("127.0.0.1", ["[2001:db8::1"], NOBODY),
        ("127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
        ("::ffff:127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", [", ".join(["6.6.6.6"] + ["10.0.0.1"] * 500)], "10.0.0.1"),
    ],
)
def test_the_rightmost_that_is_no_proxy_is_the_client(peer: str, forwarded: list[str], client: str) -> None:
    """What stands further left was written by the client itself."""
    assert PROXIES.client(peer, forwarded) == client


async def test_headers_of_a_proxy_are_believed_from_the_proxy_alone(web_settings: Settings) -> None:
    settings = attrs.evolve(web_settings, trusted_proxies=("127.0.0.0/8",))
    client = Client(make_site(make_parts(settings, None), ROUTES))
    headers = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    await client.get("/api/list", headers=headers, host="127.0.0.1")
    assert seen.calls[-1].address == "198.51.100.7"
    await client.get("/api/list", headers=headers, host="192.0.2.1")
    assert seen.calls[-1].address == "192.0.2.1"


def test_networks_that_cannot_be_read_name_the_setting() -> None:
    with pytest.raises(ValueError, match=r"trusted_proxies.*127.0.0.1/32"):
        parse_networks(["somewhere"])


def test_buckets_and_loopback() -> None:
    assert bucket_of("192.0.2.1") == "192.0.2.1"
    assert bucket_of("2001:db8::1") == bucket_of("2001:db8::2") == "2001:db8::"
    assert [
        is_loopback(host)
        for host in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "", "192.0.2.1", "localhost")
    ] == [True] * 5 + [False] * 2


def test_nobody_is_neither_trusted_nor_this_machine_and_has_a_bucket_of_its_own() -> None:
    assert not PROXIES.trusts(NOBODY) and not is_loopback(NOBODY)
    assert bucket_of(NOBODY) not in {bucket_of(host) for host in ("127.0.0.1", "10.0.0.1", "::1", "")}
