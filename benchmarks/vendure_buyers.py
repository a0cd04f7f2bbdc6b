"""People who order in a Vendure shop, as a storefront does for them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from benchmarks.cpu import Meter
from benchmarks.rate import Paced
from benchmarks.served import Served
from benchmarks.taken import summed_up

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

        return _together(work, self.buyers[:clients], self.process.port)

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

        _together(work, self.buyers[:buyers], self.process.port)
        return sum(sold), sum(refused)


def _together(work: Callable[[int, Buyer], Iterator[float]], buyers: Sequence[Buyer], port: int) -> Paced:
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
    meter, began = Meter([port]), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    seconds = time.perf_counter() - began
    return summed_up((ms for own in taken for ms in own), seconds, meter.spent(sum(map(len, taken))))
