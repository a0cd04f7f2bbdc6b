"""Whatever lies under any key of Redis, and whatever is said on any of its channels: forged, torn, swapped or put back later.

One api process has it, through which people read; another writes, and a third without Redis tells what is true. After each
forgery every read is answered, with what is true and nothing else; who has signed out stays out; and the log stays short.
``HARVEST_FUZZ=1`` tries many more on each key, ``HARVEST_SEED=n`` the same again.
"""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import hiredis
import pytest

from harvestd.store.topics import Told, written
from servers import PostgresServer, free_port, wait_until
from servers.redis import RedisServer
from tests.daemons import PASSWORD, Daemon, register, request
from tests.faults.market import Market, market
from tests.hostile.forgeries import altered, drawn, encoded, spoilt
from tests.lengths import WHOLE, length

pytestmark = pytest.mark.xdist_group("forged_redis")
SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
PREFIX = "forged:"
#: Forgeries of each key, of each person's sign-ins, and of each channel.
EACH, PEOPLE, SAID = int(length(1, 200)), int(length(4, 300)), int(length(40, 2000))
#: Seconds within which a change or an end through another process shows.
SHOWN = 3.0
#: Of each answer, what is not the same twice.
PASSING = {"score", "degraded", "view_count", "last_seen_at"}
#: An answer that has no end is none of ours.
LASTING = ("PX", 300_000)
#: Each minute may have some; these are for all forgeries of a test together.
MAX_LINES = 60


@attrs.define
class Shop:
    """``reading`` and ``writing`` have Redis, ``plain`` has none; nothing is kept in the memory of any."""

    market: Market
    redis: RedisServer
    reading: Daemon
    writing: Daemon
    plain: Daemon
    chance: random.Random
    people: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)

    def paths(self) -> list[str]:
        """Everything that anybody may read and that Redis may have."""
        goods = list(self.market.goods.values())
        farm = request(self.plain.port, "GET", f"/api/products/{goods[0]}")[1]["farm"]["id"]
        return [
            "/api/products", "/api/products?sort=price&limit=2", f"/api/products?farm={farm}", "/api/farms", "/api/categories",
            f"/api/farms/{farm}", *(f"/api/products/{id}" for id in goods), "/api/search?q=good", "/api/search/suggest?q=go",
        ]  # fmt: skip

    def fault(self, path: str, token: str = "") -> str:
        """What is wrong with what the reading process answers, compared with what is true."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, answer, _ = request(self.reading.port, "GET", path, None, headers)
        wanted, true, _ = request(self.plain.port, "GET", path, None, headers)
        if status != wanted:
            return f"{path} is {status}, and not {wanted}: {str(answer)[:300]}"
        if lasting(answer) != lasting(true):
            return f"{path} shows {str(answer)[:2000]}, and true is {str(true)[:2000]}"
        return ""

    def faults(self, paths: list[str]) -> list[str]:
        """Of everything that is read."""
        reads = [(path, "") for path in paths] + [("/api/users/me", token) for token, _ in self.people]
        return [fault for path, token in reads if (fault := self.fault(path, token))]

    def ask(self, *command: Any) -> Any:
        """Of Redis."""
        return self.redis.ask(*command)

    def tell(self, channel: str, payload: str) -> None:
        """As another process says it, in the envelope of the channels that go both ways."""
        text = written(Told(channel, payload, f"{self.chance.getrandbits(64):016x}"))
        self.ask("PUBLISH", f"{PREFIX}{channel}", text or "")

    def walk(self) -> None:
        """So that there is something under every kind of key."""
        for path in self.paths():
            for daemon in (self.writing, self.reading):
                assert request(daemon.port, "GET", path)[0] == 200, path
        for token, _ in self.people:
            headers = {"Authorization": f"Bearer {token}"}
            assert request(self.reading.port, "GET", "/api/users/me", None, headers)[0] == 200

    def held(self, kind: str = "") -> dict[str, bytes]:
        """What lies under each key."""
        keys = sorted(key.decode() for key in self.ask("KEYS", f"{PREFIX}{kind}*"))
        found = {key: self.ask("GET", key) for key in keys}
        return {key: value for key, value in found.items() if isinstance(value, bytes)}

    def put(self, held: dict[str, bytes]) -> None:
        """Have these values lie there, whatever does now."""
        for key, value in held.items():
            self.ask("SET", key, value, *LASTING)

    def log_is_short(self) -> None:
        """No error, no traceback, and few lines of warning."""
        lines = [
            json.loads(line) for line in self.reading.log.read_text("utf-8", "replace").splitlines() if line[:1] == "{"
        ]
        assert lines, "it logs as JSON"
        worse = [line for line in lines if line["level"] not in ("debug", "info", "warn")]
        assert not worse, f"seed {SEED}: {worse[:3]}"
        warned = [line for line in lines if line["level"] == "warn" and "held the reactor" not in line["message"]]
        assert len(warned) <= MAX_LINES, f"seed {SEED}: {len(warned)} warnings: {warned[-10:]}"


def lasting(value: Any) -> Any:
    """An answer without what is not the same twice; what is found without the order in which equals come."""
    if isinstance(value, dict):
        if "facets" in value:
            value = value | {"items": sorted(value["items"], key=lambda item: str(item["id"]))}
        return {name: lasting(one) for name, one in value.items() if name not in PASSING}
    return [lasting(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("forged")
    limits = {"rate_limits": "true"} | {
        f"rate_{name}": "100000/864000" for name in ("default", "read", "login", "login_address", "register")
    }
    settings = {"redis_timeout": 2, "cache_size": 0, "log_format": "json"} | limits
    with RedisServer() as redis:
        given = settings | {"redis_url": redis.url(), "redis_prefix": PREFIX}
        with market(postgres, folder, apis=2, workers=1, **given) as shop:
            plain = Daemon("harvest-api", folder, **shop.api.settings | {"redis_url": "", "http_port": free_port()})
            try:
                plain.start()
                shop.populate([f"good {n}" for n in range(3)], farms=2, buyers=0)
                shop.rest()
                made = Shop(shop, redis, *shop.apis, plain, random.Random(SEED))
                made.people = [register(made.writing.port, f"person{n}") for n in range(2)]
                yield made
            finally:
                plain.kill()


def forgeries(shop: Shop, key: str, value: bytes, others: list[bytes]) -> list[tuple[str, tuple[Any, ...]]]:
    """What may be done to what lies under a key, as commands."""
    made: list[tuple[str, tuple[Any, ...]]] = [
        (name, ("SET", key, odd, *LASTING)) for name, odd in spoilt(value, shop.chance)
    ]
    made += [("another's value", ("SET", key, other, *LASTING)) for other in others]
    made += [
        ("a list", ("RPUSH", key, "a", "b")), ("a set", ("SADD", key, value)), ("a hash", ("HSET", key, "a", value)), ("a zset", ("ZADD", key, "1", value)),
        ("a stream", ("XADD", key, "*", "a", "b")), ("for ever", ("SET", key, value)), ("for a moment", ("SET", key, value, "PX", 1)),
    ]  # fmt: skip
    said = value.replace(b"good", b"evil").replace(b"Farm", b"Evil").replace(b"buyer", b"admin")
    reworded = [("with other words", ("SET", key, said, *LASTING))] if said != value else []
    return reworded + drawn(made, shop.chance, EACH)


@pytest.mark.timeout(1800 if WHOLE else 180)
def test_whatever_lies_under_any_key_what_is_read_is_true(shop: Shop, measured: Callable[[str], None]) -> None:
    paths, wrong, tried = shop.paths(), [], 0
    shop.walk()
    wait_until("answers lie in Redis", lambda: len(shop.held("products:")) > 3)
    kinds = {key.split(":")[1] for key in shop.held()}
    assert kinds >= {
        "cache",
        "family",
        "products",
        "product",
        "farms",
        "categories",
        "session",
        "sessions",
        "ratelimit",
    }, kinds
    for key in shop.held():
        others = [value for name, value in shop.held().items() if name != key]
        for name, command in forgeries(shop, key, shop.held().get(key, b""), shop.chance.sample(others, 5)):
            shop.ask("DEL", key)
            shop.ask(*command)
            tried += 1
            for fault in shop.faults(paths):
                if "ratelimit" in key and " is 429, " in fault:
                    continue  # whoever can write there can use up what an address may ask
                wrong.append(f"{key} is {name}, {str(command)[:600]}: {fault}")
            assert len(wrong) < 5, "\n".join([f"seed {SEED}", *wrong])
        shop.ask("DEL", key)
        shop.walk()
    measured(f"{tried} forgeries under {len(kinds)} kinds of keys, seed {SEED}")
    assert not wrong, "\n".join([f"seed {SEED}", *wrong])
    shop.log_is_short()


def changed(shop: Shop, number: int) -> str:
    """A price through the process that is not read from; the path of the product."""
    credentials = {"email": "farmer0@example.org", "password": PASSWORD}
    token = request(shop.writing.port, "POST", "/api/auth/login", credentials)[1]["access_token"]
    path = f"/api/products/{shop.market.goods['good 0']}"
    seen = request(shop.plain.port, "GET", path)[1]["version"]
    headers = {"Authorization": f"Bearer {token}", "If-Match": f'"v{seen}"'}
    status, answer, _ = request(shop.writing.port, "PATCH", path, {"price": 1000 + number}, headers)
    assert status == 200, answer
    return path


@pytest.mark.timeout(1800 if WHOLE else 180)
def test_what_was_true_once_and_is_put_back_is_never_shown_again(shop: Shop, measured: Callable[[str], None]) -> None:
    """Of all keys and of some, at once and after a while, in a process that heard of the change and in one that did not."""
    paths, tried = shop.paths(), 0
    for number in range(int(length(2, 40))):
        shop.walk()
        shop.walk()
        old = shop.held()
        path = changed(shop, number)
        wait_until("the change shows", lambda path=path: not shop.fault(path), SHOWN)  # type: ignore[misc]
        wait_until("everywhere", lambda: not shop.faults(paths), SHOWN)
        if number % 5 == 1:
            shop.reading.stop()
            shop.reading.start()
        for _ in range(int(length(4, 60))):
            names = (
                list(old)
                if shop.chance.random() < 0.3
                else shop.chance.sample(list(old), shop.chance.randrange(1, len(old)))
            )
            shop.put({name: old[name] for name in names})
            tried += 1
            faults = shop.faults(paths)
            assert not faults, "\n".join([f"seed {SEED}, put back: {names}", *faults])
    measured(f"{tried} times something was put back, seed {SEED}")
    shop.log_is_short()


@pytest.mark.timeout(1800 if WHOLE else 180)
def test_who_has_signed_out_stays_out_and_who_has_not_stays_in(shop: Shop, measured: Callable[[str], None]) -> None:
    credentials, me = {"email": "person0@example.org", "password": PASSWORD}, "/api/users/me"
    id, wrong, tried = shop.people[0][1]["id"], [], 0
    key = f"{PREFIX}session:{id}"

    def seen(token: str) -> int:
        return request(shop.reading.port, "GET", me, None, {"Authorization": f"Bearer {token}"})[0]

    for number in range(PEOPLE):
        answer = request(shop.writing.port, "POST", "/api/auth/login", credentials)[1]
        token, headers = answer["access_token"], {"Authorization": f"Bearer {answer['access_token']}"}
        assert request(shop.writing.port, "GET", me, None, headers)[0] == 200
        old = shop.held("session")
        for name, odd in drawn(
            [*spoilt(old[key], shop.chance), ("another's", shop.held("session").get(f"{PREFIX}sessions:epoch", b""))],
            shop.chance,
            3,
        ):
            shop.ask("SET", key, odd)
            if (status := seen(token)) != 200:
                wrong.append(f"signed in and {status}, with {name}: {odd[:300]!r}")
            shop.tell("sessions:ended", json.dumps({"by": "x", "user": id}))
        leaving = "/api/auth/logout"
        assert request(shop.writing.port, "POST", leaving, {}, headers)[0] in (200, 204)
        wait_until("the end is heard", lambda token=token: seen(token) == 401, SHOWN)  # type: ignore[misc]
        if number == 1:
            shop.reading.stop()
            shop.reading.start()
        spoils = [(name, {key: odd}) for name, odd in spoilt(old[key], shop.chance)]
        kept = [("put back", {key: old[key]}), ("put back with its epoch", old)]
        for name, held in [*kept, *drawn(spoils, shop.chance, 4)]:
            shop.put(held)
            shop.tell("sessions:ended", json.dumps({"by": "x", "user": id}))
            tried += 1
            for _ in range(2):
                if (status := seen(token)) != 401:
                    wrong.append(f"signed out and {status}, with {name}: {held}")
                shop.put(held)
        assert len(wrong) < 5, "\n".join([f"seed {SEED}", *wrong])
    measured(f"{tried} forgeries for {PEOPLE} who signed out, seed {SEED}")
    assert not wrong, "\n".join([f"seed {SEED}", *wrong])
    shop.log_is_short()


class Overheard:
    """Every message on the channels of a market, from now on."""

    def __init__(self, redis: RedisServer) -> None:
        self._socket = socket.create_connection(("127.0.0.1", redis.port), timeout=10)
        self._socket.sendall(hiredis.pack_command(("PSUBSCRIBE", f"{PREFIX}*")))
        self._reader = hiredis.Reader()
        self.said: list[tuple[bytes, bytes]] = []

    def listen(self) -> bool:
        """Whether anything was said by now."""
        self._socket.settimeout(0.1)
        try:
            self._reader.feed(self._socket.recv(1 << 20))
        except TimeoutError:
            pass
        while (reply := self._reader.gets()) is not False:
            if reply[0] == b"pmessage":
                self.said.append((reply[2], reply[3]))
        return bool(self.said)

    def close(self) -> None:
        """Enough."""
        self._socket.close()


@pytest.mark.timeout(1800 if WHOLE else 180)
def test_whatever_is_said_on_any_channel_what_is_read_is_true(shop: Shop, measured: Callable[[str], None]) -> None:
    # What has listeners: events of a product are said as well, and nobody here listens to those.
    paths, channels = shop.paths(), set(shop.ask("PUBSUB", "CHANNELS", f"{PREFIX}*"))
    overheard = Overheard(shop.redis)
    try:
        credentials = {"email": "person1@example.org", "password": PASSWORD}
        token = request(shop.writing.port, "POST", "/api/auth/login", credentials)[1]["access_token"]
        request(shop.writing.port, "POST", "/api/auth/logout", {}, {"Authorization": f"Bearer {token}"})
        changed(shop, 500)
        wait_until(
            "both kinds are heard", lambda: overheard.listen() and len({on for on, _ in overheard.said} & channels) > 1
        )
    finally:
        overheard.close()
    real = [message for on, message in overheard.said if on in channels]
    tried = 0
    for channel in sorted(channels):
        made: list[tuple[str, bytes]] = [("said again", message) for message in real]
        for message in real:
            made += spoilt(message, shop.chance)
            told = json.loads(message)
            made += [(name, encoded(other)) for name, other in altered(told, shop.chance, 20)]
            inside = json.loads(told["p"])
            for name, other in altered(inside, shop.chance, 40):
                made.append(
                    (
                        f"inside {name}",
                        encoded(told | {"p": json.dumps(other), "i": f"{shop.chance.getrandbits(64):016x}"}),
                    )
                )
        for name, message in drawn(made, shop.chance, SAID):
            shop.ask("PUBLISH", channel, message)
            tried += 1
            if tried % 10 == 0:
                faults = shop.faults(paths)
                assert not faults, "\n".join([f"seed {SEED}, said on {channel}: {name}, {message[:600]!r}", *faults])
    _, ready, _ = request(shop.reading.port, "GET", "/health/ready")
    assert ready["parts"]["redis"]["state"] == "ok", ready
    changed(shop, 501)
    wait_until("a change shows", lambda: not shop.faults(paths), SHOWN)
    measured(f"{tried} messages on {len(channels)} channels, seed {SEED}")
    shop.log_is_short()
