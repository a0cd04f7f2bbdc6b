"""A Vendure shop: its database on the same PostgreSQL, its one server process, and buyers who order there."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import attrs

from benchmarks.rate import Paced
from benchmarks.served import PEERS, ROOT, Absent, Served
from benchmarks.taken import summed_up
from tests.servers import PostgresServer, free_port
from tests.servers.postgres import USER

SOURCE = PEERS / "vendure"
#: Where ``npm install`` puts Vendure, beside a copy of the package.json that it was installed by.
INSTALLED = ROOT / ".peers" / "vendure"
#: The product of which five are left; all others have so much stock that no run uses it up.
LAST, FIRST = "1", 2

PRODUCTS = """query ($skip: Int!, $take: Int!) { products(options: {skip: $skip, take: $take}) { totalItems items {
  id name slug description variants { id sku priceWithTax currencyCode stockLevel } } } }"""
SEARCH = """query ($skip: Int!, $take: Int!) { search(input: {skip: $skip, take: $take, groupByProduct: true}) { totalItems items {
  productId productName slug description inStock currencyCode
  priceWithTax { ... on PriceRange { min max } ... on SinglePrice { value } } } } }"""
REGISTER = """mutation ($email: String!, $password: String!) { registerCustomerAccount(input: {
  emailAddress: $email, password: $password, firstName: "A", lastName: "Buyer"}) { __typename ... on ErrorResult { message } } }"""
LOGIN = """mutation ($email: String!, $password: String!) { login(username: $email, password: $password, rememberMe: true) {
  __typename ... on ErrorResult { message } } }"""
ADD = """mutation ($id: ID!) { addItemToOrder(productVariantId: $id, quantity: 1) {
  __typename ... on Order { id } ... on ErrorResult { message } } }"""
ADDRESS = """mutation { setOrderShippingAddress(input: {fullName: "A Buyer", streetLine1: "1 Market Street", city: "Lyon",
  postalCode: "69001", countryCode: "FR"}) { __typename ... on ErrorResult { message } } }"""
SHIPPING = """mutation { setOrderShippingMethod(shippingMethodId: ["1"]) { __typename ... on ErrorResult { message } }
  transitionOrderToState(state: "ArrangingPayment") { __typename ... on ErrorResult { message } } }"""
PAY = """mutation { addPaymentToOrder(input: {method: "cash", metadata: {}}) {
  __typename ... on Order { code state totalWithTax lines { id quantity } } ... on ErrorResult { message } } }"""


#: Node closes a connection that was idle for 5 s.
IDLE = 4.0


class Refused(Exception):
    """The shop answered with an error of its own, as for what is sold out."""


def install() -> None:
    """``npm install`` what package.json pins. Raises :class:`Absent` when there is no Node."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Absent("Vendure needs Node 20 or newer with npm, and there is none")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE / "package.json", INSTALLED / "package.json")
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=INSTALLED, check=True, timeout=600
    )


def installed() -> bool:
    """Whether exactly what package.json pins is there."""
    ours, theirs = SOURCE / "package.json", INSTALLED / "package.json"
    core = INSTALLED / "node_modules" / "@vendure" / "core"
    return core.exists() and theirs.exists() and ours.read_bytes() == theirs.read_bytes()


@attrs.frozen
class Shop:
    """A populated database; ``serving()`` is its server."""

    server: PostgresServer
    database: str

    @contextmanager
    def serving(self, worker: bool = False) -> Iterator[Server]:
        """One API process, as Vendure's users run it; jobs wait in the database, or for ``worker``, a second process."""
        port = free_port()
        with Served("vendure", _node("server.js"), port, "/health", self._environment(port), None) as api:
            if not worker:
                yield Server(api)
                return
            with Served("vendure-worker", _node("worker.js"), port, "", self._environment(port), None):
                yield Server(api)

    def _environment(self, port: int, folder: str | None = None) -> dict[str, str]:
        return {
            "NODE_ENV": "production",
            "NODE_PATH": str(INSTALLED / "node_modules"),
            "VENDURE_PORT": str(port),
            "VENDURE_FOLDER": folder or tempfile.gettempdir(),
            "VENDURE_DATABASE_HOST": str(self.server.folder),
            "VENDURE_DATABASE_PORT": str(self.server.port),
            "VENDURE_DATABASE_USER": USER,
            "VENDURE_DATABASE_NAME": self.database,
        }

    def populate(self, products: int) -> None:
        """Create the schema, the products and the search index. RuntimeError when that fails."""
        self.server.query("postgres", f"create database {self.database}")
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | self._environment(0, folder) | {"VENDURE_SCHEMA": "create"}
            done = subprocess.run(
                [*_node("populate.js"), str(products)], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"Vendure could not be filled: {done.stdout[-3000:]}")
        self.server.query(self.database, "vacuum analyze")

    def count(self, table: str, condition: str = "true") -> int:
        """Rows of a table."""
        found: Any = self.server.query(self.database, f'select count(*) from "{table}" where {condition}')
        return int(found[0][0])


def shop(server: PostgresServer, products: int, database: str = "vendure") -> Shop:
    """A populated shop in a new database. Raises :class:`Absent` when Vendure is not installed."""
    if not installed():
        raise Absent("Vendure is not installed: python -m benchmarks.vendure_shop")
    found = Shop(server, database)
    found.populate(products)
    return found


def _node(script: str) -> list[str]:
    return [shutil.which("node") or "node", str(SOURCE / script)]


class Buyer:
    """Somebody signed in, with one kept-alive connection."""

    def __init__(self, port: int, number: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._token, self._asked = "", time.monotonic()
        who = {"email": f"buyer{number}@example.org", "password": "a long walk to market"}
        self.ask(REGISTER, **who)
        self.ask(LOGIN, **who)
        if not self._token:
            raise Refused(f"{who['email']} could not sign in")

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """One GraphQL request. Raises :class:`Refused` where any of its answers is an error."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps({"query": query, "variables": variables})
        if time.monotonic() - self._asked > IDLE:
            self._connection.close()  # and opened anew by what follows
        self._connection.request("POST", "/shop-api", body, headers)
        response = self._connection.getresponse()
        found, self._asked = json.loads(response.read()), time.monotonic()
        self._token = response.headers.get("vendure-auth-token") or self._token
        if found.get("errors"):
            raise Refused(str(found["errors"])[:300])
        for name, value in found["data"].items():
            if isinstance(value, dict) and "message" in value:
                raise Refused(f"{name}: {value['message']}")
        answered: dict[str, Any] = found["data"]
        return answered

    def order(self, variants: Sequence[str], ready: Callable[[], object] = lambda: None) -> str:
        """The six requests of an order of three lines; answers its code. ``ready`` is called before it is paid."""
        for variant in variants:
            self.ask(ADD, id=variant)
        self.ask(ADDRESS)
        self.ask(SHIPPING)
        ready()
        placed = self.ask(PAY)["addPaymentToOrder"]
        if placed["state"] != "PaymentSettled" or len(placed["lines"]) != len(variants):
            raise Refused(f"the order is {placed}")
        return str(placed["code"])

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@attrs.define
class Server:
    """A running one, and the buyers who signed in."""

    process: Served
    buyers: list[Buyer] = attrs.field(factory=list)

    def sign_in(self, number: int) -> None:
        """So many buyers, registered and signed in; several at once, since a password takes Vendure 0.2 s."""
        port = self.process.port
        with ThreadPoolExecutor(4) as pool:
            self.buyers += pool.map(lambda n: Buyer(port, n), range(len(self.buyers), number))

    def orders(self, baskets: Sequence[Sequence[str]], seconds: float, clients: int) -> Paced:
        """As many orders as so many buyers at once get through: rate in orders, latency of a whole order."""
        end = time.perf_counter() + seconds

        def work(number: int, buyer: Buyer) -> Iterator[float]:
            turn = number
            while (began := time.perf_counter()) < end:
                buyer.order(baskets[turn % len(baskets)])
                turn += clients
                yield 1000 * (time.perf_counter() - began)

        return _together(work, self.buyers[:clients])

    def last(self, buyers: int) -> tuple[int, int]:
        """All have one of the last five in their cart, and pay at once: how many got it, and how many were refused."""
        sold, refused, all_there = [0] * buyers, [0] * buyers, threading.Barrier(buyers, timeout=60)

        def work(number: int, buyer: Buyer) -> Iterator[float]:
            try:
                buyer.order([LAST], all_there.wait)
                sold[number] = 1
            except Refused:
                refused[number] = 1
            yield 0.0

        _together(work, self.buyers[:buyers])
        return sum(sold), sum(refused)


def _together(work: Callable[[int, Buyer], Iterator[float]], buyers: Sequence[Buyer]) -> Paced:
    """What the buyers took, each in a thread. An error of any is raised here."""
    taken: list[list[float]] = [[] for _ in buyers]
    wrong: list[BaseException] = []

    def run(number: int, buyer: Buyer) -> None:
        try:
            for milliseconds in work(number, buyer):
                taken[number].append(milliseconds)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(buyers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    return summed_up((ms for own in taken for ms in own), time.perf_counter() - began)


def version() -> str:
    """The pinned one."""
    found = re.search(r'"@vendure/core": "([^"]+)"', (SOURCE / "package.json").read_text())
    return found.group(1) if found else "?"


if __name__ == "__main__":
    install()
