"""The contract, walked once from registering to a cancelled order. Plain HTTP; nothing of the daemon is imported.

``python tests/journey/journey.py http://127.0.0.1:8080 --mail ./data/mail`` walks it against a running market. It makes its
own farmer, buyer and product, so it can be run again and beside others. Exit code 0 when every step held.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

PASSWORD = "a long walk to market"
#: Longest wait for what happens behind the request, in seconds.
PATIENCE = 20.0


class Answer:
    """Status, headers and decoded body of one response."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.json: Any = json.loads(body) if body and "json" in headers.get("Content-Type", "") else None

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:2000].decode(errors='replace')}"


class Client:
    """One client of the market, signed in or not."""

    def __init__(self, base: str, *, insecure: bool = False) -> None:
        self.base = base.rstrip("/")
        self.token = ""
        self._context = ssl._create_unverified_context() if insecure else None

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; headers are given as ``If_Match="…"``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=sent)
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._sent(request)
            if answer.status != 429 or time.monotonic() > end:
                return answer
            time.sleep(float(answer.headers["Retry-After"]))  # as a good client does

    def _sent(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path: str) -> Answer:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """POST."""
        return self.request("POST", path, body, **headers)


class Failed(Exception):
    """A step that did not hold."""


def expect(held: bool, what: str, seen: object = "") -> None:
    """Say what held, or stop with what was seen instead."""
    if not held:
        raise Failed(f"{what}: {seen}")
    print(f"  ok  {what}", flush=True)


def eventually(what: str, look: Callable[[], Any]) -> Any:
    """Look again until the answer is true, for as long as :data:`PATIENCE`; then say so."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {PATIENCE:g} s")
        time.sleep(0.05)
    print(f"  ok  {what}", flush=True)
    return found


def mails(folder: Path, to: str) -> list[str]:
    """Subject and text of each mail to an address."""
    found = []
    for path in folder.glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if to in str(mail["To"]):
            body = mail.get_body()
            found.append(f"{mail['Subject']}\n{body.get_content() if body else ''}")
    return found


class Journey:
    """A farmer with staff, a buyer, and what happens between them."""

    def __init__(self, base: str, mail: Path | None, insecure: bool) -> None:
        self.mail = mail
        self.insecure = insecure
        self.tag = uuid.uuid4().hex[:10]
        self.staff: dict[str, Client] = {}
        self.farmer, self.buyer, self.stranger = (Client(base, insecure=insecure) for _ in range(3))
        self.farmer_mail, self.buyer_mail = f"farmer-{self.tag}@example.org", f"buyer-{self.tag}@example.org"
        self.farm_id = self.product_id = ""
        self.order: dict[str, Any] = {}
        self.key = f"journey-{self.tag}"
        self.wanted: dict[str, Any] = {}

    def walk(self) -> None:
        """Every step, in order."""
        for step in (
            self.register, self.verified, self.staffed, self.offer, self.integrated, self.place, self.replay, self.told, self.found, self.refused, self.moved, self.cancelled,
        ):  # fmt: skip
            print(step.__doc__, flush=True)
            step()

    def register(self) -> None:
        """A farmer and a buyer register."""
        answer = self.farmer.post("/api/auth/register", {
            "email": self.farmer_mail, "username": f"farmer-{self.tag}", "password": PASSWORD, "name": "Ada Field",
            "role": "farmer", "farm_name": f"Green Acres {self.tag}",
        })  # fmt: skip
        expect(answer.status == 201, "the farmer is registered", answer)
        self.farmer.token = answer.json["access_token"]
        self.farm_id = answer.json["user"]["farms"][0]["id"]
        answer = self.buyer.post("/api/auth/register", {
            "email": self.buyer_mail, "username": f"buyer-{self.tag}", "password": PASSWORD, "name": "Bo Buyer", "role": "buyer",
        })  # fmt: skip
        expect(answer.status == 201, "the buyer is registered", answer)
        answer = self.buyer.post("/api/auth/login", {"email": self.buyer_mail, "password": PASSWORD})
        expect(answer.status == 200, "the buyer signs in", answer)
        self.buyer.token = answer.json["access_token"]
        wrong = self.stranger.post("/api/auth/login", {"email": self.buyer_mail, "password": "not the password"})
        expect(wrong.status == 401, "a wrong password is refused", wrong)

    def verified(self) -> None:
        """The buyer opens the link of the mail that welcomed them."""
        if self.mail is None:
            return
        answer = self.stranger.post("/api/auth/email/verify", {"token": self.secret(self.buyer_mail, "verify")})
        expect(answer.status == 204, "the address is verified", answer)
        expect(self.buyer.get("/api/users/me").json["email_verified"] is True, "and known to be")

    def secret(self, to: str, purpose: str) -> str:
        """The token of the newest mail to an address for a purpose."""
        assert self.mail is not None
        folder = self.mail

        def look() -> list[str]:
            return [m.rpartition(f"#{purpose}=")[2][:43] for m in mails(folder, to) if f"#{purpose}=" in m]

        return str(eventually(f"a mail to {to} to {purpose}", look)[-1])

    def staffed(self) -> None:
        """A packer and a manager join the farm, invited by mail."""
        for role in ("packer", "manager") if self.mail is not None else ():
            address = f"{role}-{self.tag}@example.org"
            answer = self.farmer.post(f"/api/farms/{self.farm_id}/members", {"email": address, "role": role})
            expect(answer.status == 201, f"a {role} is invited", answer)
            answer = self.stranger.post("/api/auth/register", {
                "email": address, "username": f"{role}-{self.tag}", "password": PASSWORD, "name": role.title(), "role": "buyer",
            })  # fmt: skip
            expect(answer.status == 201, f"the {role} is registered", answer)
            person = self.staff[role] = Client(self.stranger.base, insecure=self.insecure)
            person.token = answer.json["access_token"]
            answer = person.post(f"/api/invitations/{self.secret(address, 'invitation')}/accept", {})
            expect(answer.status == 200 and answer.json["role"] == role, f"the {role} joins", answer)

    def integrated(self) -> None:
        """An integration counts the stock by an API key, and does nothing else."""
        made = self.farmer.post("/api/users/me/api-keys", {"name": "Scales", "scopes": ["farm:stock:write"]})
        expect(made.status == 201, "the key is made", made)
        scales = Client(self.stranger.base, insecure=self.insecure)
        scales.token = made.json["key"]
        answer = scales.post(f"/api/products/{self.product_id}/stock", {"set": "2.5"})
        expect(answer.status == 200, "the integration counts the stock", answer)
        answer = scales.request("PATCH", f"/api/products/{self.product_id}", {"price": 1}, If_Match="*")
        expect(answer.status == 403, "and changes no price", answer)
        answer = self.farmer.request("DELETE", f"/api/users/me/api-keys/{made.json['id']}")
        expect(answer.status == 204, "the key is ended", answer)
        answer = scales.post(f"/api/products/{self.product_id}/stock", {"set": "2.5"})
        expect(answer.status == 401, "and does nothing any more", answer)

    def offer(self) -> None:
        """The farmer offers 2.5 kg of carrots."""
        title = f"Carrots {self.tag}"
        answer = self.farmer.post("/api/products", {
            "title": title, "description": "Pulled this morning.", "unit": "kg", "stock": 2.5, "quantity_step": "0.050",
            "price": {"amount": 390, "currency": self.currency()}, "tags": ["roots"],
        })  # fmt: skip
        expect(answer.status == 201, "the product is on sale", answer)
        self.product_id = answer.json["id"]
        expect(answer.json["stock"] == "2.500" and answer.json["available"] == "2.500", "with 2.500 in stock", answer)
        seen = self.stranger.get(f"/api/products/{self.product_id}")
        expect(seen.status == 200 and seen.json["title"] == title, "everyone sees it", seen)

    def currency(self) -> str:
        """The market's currency."""
        return str(self.stranger.get("/api/market").json["currency"])

    def place(self) -> None:
        """The buyer orders 1.25 kg."""
        self.wanted = {"lines": [{"product_id": self.product_id, "quantity": "1.25"}], "note": "by the gate, please"}
        answer = self.buyer.post("/api/orders", self.wanted)
        expect(answer.status == 400, "without an Idempotency-Key it is refused", answer)
        answer = self.buyer.post("/api/orders", self.wanted, Idempotency_Key=self.key)
        expect(answer.status == 201, "the order is placed", answer)
        self.order = answer.json
        line = self.order["parts"][0]["lines"][0]
        expect(line["quantity"] == "1.250" and self.order["status"] == "placed", "1.250 kg of it", answer)
        expect(self.order["totals"]["total"]["amount"] == 488, "at 4.88, rounded as a till does", answer)

    def replay(self) -> None:
        """The same request again is the same order; another under its key is refused."""
        answer = self.buyer.post("/api/orders", self.wanted, Idempotency_Key=self.key)
        expect(answer.status == 201 and answer.json == self.order, "the first answer again", answer)
        expect(answer.headers.get("Idempotent-Replayed") == "true", "and marked as such", dict(answer.headers))
        changed = self.wanted | {"note": "by the door"}
        answer = self.buyer.post("/api/orders", changed, Idempotency_Key=self.key)
        expect(answer.status == 422, "a changed body is refused", answer)
        orders = self.buyer.get("/api/orders").json["items"]
        expect([order["id"] for order in orders] == [self.order["id"]], "there is one order", orders)

    def told(self) -> None:
        """The buyer and the farm are told."""
        number = self.order["number"]
        if self.mail is not None:
            manager = f"manager-{self.tag}@example.org"
            for to in (self.buyer_mail, self.farmer_mail, manager):
                eventually(f"a mail to {to}", lambda to=to: [m for m in mails(self.mail, to) if number in m])  # type: ignore[misc]
            count = len([m for to in (self.buyer_mail, self.farmer_mail) for m in mails(self.mail, to) if number in m])
            expect(count == 2, "two mails, no more", count)
        notices = eventually(
            "an in-app notice for the farm", lambda: self.farmer.get("/api/notifications").json["items"]
        )
        expect(number in notices[0]["title"], "that names the order", notices)

    def found(self) -> None:
        """A mistyped search finds the product, and 1.250 kg are left."""

        def look() -> list[Any]:
            items = self.stranger.get(f"/api/search?q=carots%20{self.tag}").json["items"]
            return [item for item in items if item["id"] == self.product_id]

        eventually("found as carots", look)
        left = eventually("1.250 are available", lambda: self.available() == "1.250" and "1.250")
        expect(left == "1.250", "on the product's page", left)

    def available(self) -> str:
        """What the product's page says is left."""
        return str(self.stranger.get(f"/api/products/{self.product_id}").json["available"])

    def refused(self) -> None:
        """2 kg are too much now."""
        body = {"lines": [{"product_id": self.product_id, "quantity": 2}]}
        answer = self.buyer.post("/api/orders", body, Idempotency_Key=f"{self.key}-more")
        expect(answer.status == 409 and answer.json["type"].endswith("/problems/out-of-stock"), "out of stock", answer)
        error = answer.json["errors"][0]
        expect(error["field"] == "lines[0].quantity" and error["available"] == "1.250", "and what is left", answer)

    def moved(self) -> None:
        """The farm takes the order on."""
        path = f"/api/orders/{self.order['id']}/parts/{self.farm_id}/status"
        answer = self.farmer.post(path, {"to": "completed"})
        expect(answer.status == 409, "placed to completed is no step", answer)
        packer = self.staff.get("packer", self.farmer)
        if packer is not self.farmer:
            price = packer.request("PATCH", f"/api/products/{self.product_id}", {"price": 1}, If_Match="*")
            expect(price.status == 403, "the packer changes no price", price)
        for to, who in (("confirmed", self.farmer), ("ready", packer)):
            answer = who.post(path, {"to": to})
            expect(answer.status == 200 and answer.json["status"] == to, f"the part is {to}", answer)
        answer = self.buyer.get(f"/api/orders/{self.order['id']}")
        expect(answer.json["status"] == "ready", "the buyer sees it", answer)
        answer = self.buyer.post(path, {"to": "completed"})
        expect(answer.status == 403, "and cannot do the farm's steps", answer)

    def cancelled(self) -> None:
        """The buyer withdraws; the stock comes back, once."""
        path = f"/api/orders/{self.order['id']}/cancel"
        answer = self.buyer.post(path, {"reason": "away that day"})
        expect(answer.status == 200 and answer.json["status"] == "cancelled", "the order is cancelled", answer)
        eventually("2.500 are available again", lambda: self.available() == "2.500")
        answer = self.buyer.post(path, {})
        expect(answer.status == 409, "a second time is refused", answer)
        time.sleep(1.0)  # whatever might still give it back a second time would have by now
        page = self.stranger.get(f"/api/products/{self.product_id}").json
        expect((page["stock"], page["available"]) == ("2.500", "2.500"), "and it came back once", page)


def main(arguments: list[str] | None = None) -> int:
    """Walk; answers the exit code."""
    parser = argparse.ArgumentParser(description="Walk the contract against a running market.")
    parser.add_argument("base", help="where the API is, such as http://127.0.0.1:8080")
    parser.add_argument("--mail", type=Path, help="the folder of .eml files, where mail is not sent on")
    parser.add_argument("--insecure", action="store_true", help="accept any certificate")
    options = parser.parse_args(arguments)
    try:
        Journey(options.base, options.mail, options.insecure).walk()
    except Failed as failure:
        print(f"FAILED  {failure}", file=sys.stderr)
        return 1
    except urllib.error.URLError as error:
        print(f"FAILED  nothing answers at {options.base}: {error.reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
