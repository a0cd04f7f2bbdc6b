"""Clients of the routes that take files, who send slowly, stop in the middle, or close their half: each is ended in bounds, nothing of it is kept,
and others are served meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs
import pytest

from servers import PostgresServer, wait_until
from tests.daemons import request
from tests.hostile.doors import DIRECT, House, call, house
from tests.hostile.raw import connected, gone
from tests.uploading import form, picture

pytestmark = [pytest.mark.xdist_group("bad_input"), pytest.mark.limit(120)]
#: Seconds in which a body has to be there; and by which its client is ended, on a busy machine, too.
DEADLINE, ENDED = 2.0, 20.0


@attrs.frozen
class Stage:
    house: House
    farmer: str
    farm: str
    product: str

    def kept(self) -> tuple[Any, ...]:
        """What there is of files and of what they make."""
        return self.house.server.query(
            self.house.database,
            "select (select count(*) from blobs), (select count(*) from product_images), (select count(*) from operations), (select count(*) from farm_documents)",
        )[0]

    def sent(self, route: str) -> bytes:
        """A whole request of a route."""
        method, path, content = ROUTES[route]
        body, headers = form(content, "a.csv" if route == "import" else "a.png", **FIELDS.get(route, {}))
        named = {name.replace("-", "_"): value for name, value in headers.items()}
        return call(method, path.format(farm=self.farm, product=self.product), raw=body, token=self.farmer, **named)


ROUTES: dict[str, tuple[str, str, bytes]] = {
    "avatar": ("PUT", "/api/users/me/avatar", picture(size=(900, 900))),
    "image": ("POST", "/api/products/{product}/images", picture(size=(900, 900))),
    "document": ("POST", "/api/farms/{farm}/documents", picture(size=(900, 900))),
    "import": ("POST", "/api/products/import", b"sku,title,unit,price,stock\n" + b"A,Beets,kg,1,1\n" * 6000),
}
#: A picture of a person is kept in two sizes of two formats.
AT_MOST = {"avatar": 4}
FIELDS = {"document": {"kind": "other", "title": "Paper"}}


@pytest.fixture(scope="module")
def stage(postgres: PostgresServer) -> Iterator[Stage]:
    with house(postgres, body_deadline=DEADLINE) as one:
        farmer, owner = one.person("farmer", "farmer")
        goods = {"title": "Carrots", "unit": "kg", "price": 390, "stock": "3"}
        status, product, _ = request(
            one.daemon.port, "POST", "/api/products", goods, {"Authorization": f"Bearer {farmer}"}
        )
        assert status == 201, product
        yield Stage(one, farmer, owner["farms"][0]["id"], product["id"])


def told(connection: socket.socket) -> bytes:
    """All that is said until the other side ends."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except OSError:
        pass
    return found


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("cut", [0.0, 0.5, 0.999])
def test_who_closes_their_half_in_the_middle_of_a_file_leaves_nothing(stage: Stage, route: str, cut: float) -> None:
    whole, before = stage.sent(route), stage.kept()
    head = whole.index(b"\r\n\r\n") + 4
    with connected(stage.house.daemon.port) as client:
        client.sendall(whole[: head + int((len(whole) - head) * cut)])
        client.shutdown(socket.SHUT_WR)
        client.settimeout(ENDED)
        answer = told(client)
    assert not answer.startswith(b"HTTP/1.1 5") and not answer.startswith(b"HTTP/1.1 2"), answer[:200]
    assert stage.kept() == before


@pytest.mark.parametrize("route", ROUTES)
def test_who_sends_a_file_by_drips_is_ended_at_the_deadline_and_others_are_served(stage: Stage, route: str) -> None:
    whole, before = stage.sent(route), stage.kept()
    head = whole.index(b"\r\n\r\n") + 4
    with connected(stage.house.daemon.port) as client:
        client.sendall(whole[: head + 1000])
        began = time.monotonic()
        while time.monotonic() < began + ENDED:
            try:
                client.sendall(whole[head + 1000 : head + 1001])
            except OSError:
                break
            other = stage.house.door(DIRECT).ask(call("GET", "/api/products"), source="127.0.0.77")
            assert other.status == 200
            if gone(client):
                break
            client.settimeout(0.2)
            with suppress(OSError):  # a fifth of a second for what it is told
                client.recv(1, socket.MSG_PEEK)
        wait_until("it is ended", lambda: gone(client), ENDED)
        assert time.monotonic() - began < ENDED + DEADLINE
    assert stage.kept() == before


@pytest.mark.parametrize("route", ROUTES)
def test_who_closes_their_half_after_a_whole_file_has_it_taken_once_or_not_at_all(stage: Stage, route: str) -> None:
    whole, before = stage.sent(route), stage.kept()
    with connected(stage.house.daemon.port) as client:
        client.sendall(whole)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(ENDED)
        answer = told(client)
    assert not answer.startswith(b"HTTP/1.1 5"), answer[:200]
    wait_until("the daemon is at rest", lambda: stage.kept() == stage.kept(), 5)
    grown = [now - was for was, now in zip(before, stage.kept(), strict=True)]
    files, *others = grown
    assert 0 <= files <= AT_MOST.get(route, 1) and all(0 <= more <= 1 for more in others), grown
