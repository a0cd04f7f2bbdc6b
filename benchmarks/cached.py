"""A listing of 20 products and a product page, as often as they can be had from caches."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import load
from benchmarks.contest import contest, of, spent
from benchmarks.ground import Ground
from benchmarks.load import Load, LoadError
from benchmarks.pinning import SERVER, pin
from benchmarks.readers import BEFORE, LISTING, OURS, Readers, compared, measured, readers, warm
from benchmarks.results import Figure, Target
from benchmarks.served import Served, harvestd, peer
from servers.nginx import NginxServer

LIMIT = "bare twisted.web"
#: What browsers take.
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
NOTES = [
    "One process each, under wrk with 32 connections that are kept alive, without compression.",
    "harvestd has its default settings but for limits of requests, which are off, and writes its access log to a file; "
    "the others write none.",
    "harvestd drops what changed at once, answers If-None-Match, and sends some more headers; the others' caches keep for "
    "a time, and the bare resource answers with one constant.",
]


def run(ground: Ground) -> list[Figure]:
    """The near cache, and Nginx's."""
    figures = []
    with readers(ground, 10_000, cache=True) as found:
        product = json.loads(load.body(found[OURS].port, LISTING))["items"][0]["slug"]
        for name, title, path, rounds in (
            ("cached-listing", "A listing of 20 products, from the cache", LISTING, ground.rounds),
            ("cached-page", "A product page, from the cache", f"/api/products/{product}", 2 if ground.quick else ground.rounds),
        ):  # fmt: skip
            figures.append(_near(ground, found, name, title, path, rounds))
    with readers(ground, 10_000, cache=True, compressing=True) as found:
        figures.append(_compressed(ground, found))
    return [*figures, _nginx(ground)]


def _compressed(ground: Ground, found: Readers) -> Figure:
    """The listing for those who take it compressed: ours once compressed and kept, the peers' anew for each request."""
    plain = load.body(found[OURS].port, LISTING)
    with _bare(plain, "--compress") as bare:
        everybody = {**found, LIMIT: bare}
        for served in everybody.values():
            warm(served, LISTING)
            for _ in range(50):  # ours is made after it was asked for
                load.body(served.port, LISTING, BROWSER)
        sizes = {who: len(load.body(served.port, LISTING, BROWSER)) for who, served in everybody.items()}
        loads = measured(ground, everybody, {who: [LISTING] for who in everybody}, headers=BROWSER)
    targets = [
        Target(OURS, who, ratio) for who, ratio in ((LIMIT, 2.0), ("FastAPI", 3.3), ("Django", 3.3)) if who in loads
    ]
    told = ", ".join(f"{who} {size:,}" for who, size in sizes.items())
    notes = [
        *NOTES[1:],
        f"All are asked with Accept-Encoding: {BROWSER['Accept-Encoding']}. Of {len(plain):,} bytes they send: {told}.",
    ]
    return Figure(
        name="cached-compressed", title="The same listing, compressed", unit="requests/s", rounds=of(loads, lambda each: each.rate),
        targets=targets, notes=notes, **spent(loads),
    )  # fmt: skip


def _near(ground: Ground, found: Readers, name: str, title: str, path: str, rounds: int) -> Figure:
    if BEFORE in found:  # it has a market of its own, with the same names
        found = dict(found)
    same = compared(found, path)
    with _bare(load.body(found[OURS].port, path)) as bare:
        everybody = {**found, LIMIT: bare}
        loads = measured(ground, everybody, {who: [path] for who in everybody}, rounds=rounds)
    targets = [
        Target(OURS, who, ratio)
        for who, ratio in ((BEFORE, 0.97), (LIMIT, 1.5), ("FastAPI", 3.0), ("Django", 3.0))
        if who in loads
    ]
    rates = of(loads, lambda each: each.rate)
    return Figure(
        name=name, title=title, unit="requests/s", rounds=rates, targets=targets, notes=[*NOTES, same], **spent(loads)
    )


@contextmanager
def _bare(body: bytes, *options: str) -> Iterator[Served]:
    """The resource that always has these bytes."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        with peer("twisted_web", "--body-file", file.name, *options, ready="/") as served:
            yield served


def _nginx(ground: Ground) -> Figure:
    """Nginx's cache of a second before a daemon, and a file of the same bytes."""
    with ExitStack() as stack:
        served = stack.enter_context(harvestd(ground.market(10_000), workers="auto", trusted_proxies="127.0.0.1/32"))
        nginx = NginxServer([served.port], workers=1)
        body = load.body(served.port, LISTING)
        file = nginx.www / "static" / "listing.json"
        file.write_bytes(body)
        for owned in (file, *file.parents[:2]):
            nginx.own(owned)
        stack.enter_context(nginx)
        assert nginx.process is not None
        pin(nginx.process.pid, SERVER)
        paths = {"Nginx's cache": LISTING, "Nginx, a file": "/static/listing.json"}
        for path in paths.values():
            _check(nginx, path, body)

        def loaded(path: str) -> Callable[[], Load]:
            return lambda: load.wrk(nginx.tls_port, path, seconds=ground.seconds, scheme="https")

        loads = contest(ground, {name: loaded(path) for name, path in paths.items()}, 2 if ground.quick else 0)
    return Figure(
        name="cached-nginx", title="The same listing through Nginx, from its cache of a second", unit="requests/s",
        rounds=of(loads, lambda each: each.rate), targets=[Target("Nginx's cache", "Nginx, a file", 0.8)],
        **spent(loads),
        notes=[
            "The project's own Nginx files with one worker process, over TLS on kept-alive connections, with its access log.",
            f"Both answer with the same {len(body):,} bytes; the daemon, on the same core, answers about once a second.",
        ],
    )  # fmt: skip


def _check(nginx: NginxServer, path: str, body: bytes) -> None:
    connection = nginx.connect()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200 or content != body:
        raise LoadError(f"Nginx answers GET {path} with {answer.status} and {len(content)} bytes, not {len(body)}")
