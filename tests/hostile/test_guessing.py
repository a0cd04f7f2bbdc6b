"""Passwords that are guessed by the thousand, with Redis and without, at the daemon's own port and through Nginx: the guesser is told
429, and nobody else is kept out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from servers import PostgresServer
from tests.daemons import PASSWORD
from tests.hostile.doors import DIRECT, NGINX, Answer, Door, House, call, house

pytestmark = pytest.mark.xdist_group("guessing")
#: Three guesses an hour at an account from one address, six an hour from all; and as many as one likes from one address.
LIMITS = {"rate_limits": "true", "rate_login": "3/3600", "rate_login_account": "6/3600", "rate_login_address": "1000/60", "rate_register": "1000/60"}  # fmt: skip
_networks = itertools.count(1)


@pytest.fixture(scope="module", params=["memory", "redis"])
def limited(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[House]:
    """A market that counts, by itself or in Redis."""
    shared = {"redis_url": request.getfixturevalue("_redis").url()} if request.param == "redis" else {}
    with house(postgres, **LIMITS, **shared) as one:
        yield one


@pytest.fixture(params=[DIRECT, NGINX])
def door(request: pytest.FixtureRequest, limited: House) -> Door:
    return limited.door(request.param)


def network() -> str:
    """A network of its own, but for the last number."""
    return f"127.{next(_networks)}.0."


def tried(door: Door, who: str, source: str, password: str = "guess number one", **headers: str) -> Answer:
    body = {"email": f"{who}@example.org", "password": password}
    return door.ask(call("POST", "/api/auth/login", body, **headers), source)


def account(limited: House, door: Door) -> str:
    name = f"{door.name}-{next(_networks)}"
    limited.person(name)
    return name


def test_brute_force_is_429(limited: House, door: Door) -> None:
    """Whether or not there is such an account, and whatever the guesser says of their address."""
    for who in (account(limited, door), f"nobody-{next(_networks)}"):
        here = network() + "1"
        answers = [tried(door, who, here) for _ in range(4)]
        assert [one.status for one in answers] == [401] * 3 + [429]
        assert answers[3].headers["ratelimit-policy"] == '"login";q=3;w=3600'
        assert answers[3].headers["ratelimit"].startswith('"login";r=0;t=')
        assert 1 <= int(answers[3].headers["retry-after"]) <= 3600
        spoofs = (
            {"X_Forwarded_For": "203.0.113.1"},
            {"Forwarded": "for=203.0.113.2"},
            {"X_Real_IP": "203.0.113.3"},
            {"X_Client_IP": "203.0.113.4"},
        )
        assert [tried(door, who, here, **spoof).status for spoof in spoofs] == [429] * 4


def test_every_answer_to_a_sign_in_tells_what_is_left(limited: House, door: Door) -> None:
    who, here = account(limited, door), network() + "1"
    for left, password in ((2, "guess number one"), (1, PASSWORD)):
        answer = tried(door, who, here, password)
        assert answer.headers["ratelimit-policy"] == '"login_address";q=1000;w=60, "login";q=3;w=3600'
        assert answer.headers["ratelimit"].startswith(f'"login";r={left};'), "the nearest its end first"


def test_another_s_guesses_do_not_lock_the_owner_out(limited: House, door: Door) -> None:
    """Not of home, where the owner has signed in before, while every limit on the account is hit elsewhere; nor of what is open."""
    who, home, elsewhere = account(limited, door), network() + "1", network()
    session = tried(door, who, home, PASSWORD)
    assert session.status == 200
    guesses = [tried(door, who, f"{elsewhere}{n}").status for n in range(1, 10)]
    assert 429 in guesses and guesses[-1] == 429, "of strangers, wherever they are"
    assert tried(door, who, f"{elsewhere}99", PASSWORD).status == 429, (
        "with the password, too: nobody learns that it was right"
    )
    assert tried(door, who, home, PASSWORD).status == 200
    assert [tried(door, who, f"{elsewhere}{n}").status for n in range(100, 103)] == [429] * 3
    assert tried(door, who, home, PASSWORD).status == 200, "and again"
    refreshed = door.ask(call("POST", "/api/auth/refresh", {"refresh_token": session.json()["refresh_token"]}), home)
    assert refreshed.status == 200
    assert door.ask(call("GET", "/api/users/me", token=refreshed.json()["access_token"]), home).status == 200


def test_guesses_from_one_address_cost_other_accounts_nothing_elsewhere(limited: House, door: Door) -> None:
    victim, other = account(limited, door), account(limited, door)
    here = network() + "1"
    assert [tried(door, victim, here).status for _ in range(5)][-1] == 429
    assert tried(door, other, here, PASSWORD).status == 200
    assert tried(door, victim, network() + "1", PASSWORD).status == 200, "the account's own limit is not hit yet"
