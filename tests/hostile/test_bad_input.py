"""Bad input, line by line, and the status that it gets: at the daemon's own port, and through Nginx.

A row is a request that somebody sends who is careless, curious or hostile. Its status is the same by both ways; where Nginx refuses
it itself, which never lets it reach the daemon, the problem is of the same kind. Each refusal is problem details (RFC 9457).

Guessing passwords is in ``test_guessing.py``. Lines that need more than a request are :data:`ELSEWHERE`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import jwt
import pytest

from harvestd.process.secret import kept
from harvestd.web import signing_keys, tokens
from harvestd.web.context import Caller
from servers import PostgresServer
from tests.daemons import PASSWORD, request
from tests.hostile.doors import DIRECT, NGINX, Door, House, call, house

pytestmark = pytest.mark.xdist_group("bad_input")
LF, ODD = "%0A", "0197f0a0-7c1e-7abc-8def-0123456789ab"


@attrs.frozen
class Stage:
    """Who is there, and what they have."""

    house: House
    buyer: str
    other: str
    farmer: str
    rival: str
    admin: str
    user: dict[str, Any]
    farm: str
    product: str
    order: str
    address: str
    cookie: str
    factor: str

    def token(self, **changes: Any) -> str:
        """An access token of the buyer's, signed as the market does, with some claims changed."""
        secret, now = kept(self.house.daemon.folder / "secret"), datetime.now(UTC)
        good = jwt.decode(self.buyer, options={"verify_signature": False})
        key = signing_keys.current(secret, now)
        return jwt.encode({**good, **changes}, key.private, signing_keys.ALGORITHM, {"kid": key.id})


def _made(port: int, token: str, method: str, path: str, body: Any, **headers: str) -> dict[str, Any]:
    sent = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    status, answer, _ = request(port, method, path, body, sent)
    assert status in (200, 201), answer
    found: dict[str, Any] = answer
    return found


@pytest.fixture(scope="module")
def stage(postgres: PostgresServer) -> Iterator[Stage]:
    """A market where somebody of each kind has something."""
    with house(postgres, cors_origins="https://shop.example") as one:
        port = one.daemon.port
        (buyer, user), (other, _), (admin, _) = one.person("buyer"), one.person("other"), one.person("boss", "admin")
        (farmer, owner), (rival, _) = one.person("farmer", "farmer"), one.person("rival", "farmer")
        goods = {"title": "Carrots", "unit": "kg", "price": 390, "stock": "3", "quantity_step": "0.5"}
        product = _made(port, farmer, "POST", "/api/products", goods)["id"]
        lines = {"lines": [{"product_id": product, "quantity": 1}]}
        order = _made(port, buyer, "POST", "/api/orders", lines, Idempotency_Key="first")["id"]
        _made(port, buyer, "PUT", f"/api/users/me/addresses/{ODD}", {"recipient": "Bo", "address": "Road 1"})
        factor = _made(port, buyer, "POST", "/api/users/me/second-factors", {"name": "telephone"})["id"]
        yield Stage(
            one, buyer, other, farmer, rival, admin, user, owner["farms"][0]["id"], product, order, ODD, one.cookie("buyer"), factor
        )  # fmt: skip


@pytest.fixture(params=[DIRECT, NGINX])
def door(request: pytest.FixtureRequest, stage: Stage) -> Door:
    """Each way in."""
    return stage.house.door(request.param)


Sent = Callable[[Stage], bytes]


@attrs.frozen
class Row:
    """A line: what is sent, its status, and the problem's slug if it matters."""

    sent: Sent
    status: int
    slug: str = ""
    #: What Nginx answers by itself where that is another status.
    nginx: int = 0


PEOPLE = {"email": "new@example.org", "username": "newcomer", "password": PASSWORD, "name": "New", "role": "buyer"}
FINE = b'{"email": "bo@example.org", "password": "a guess at it"}'


def registered(**changes: Any) -> Sent:
    return lambda s: call("POST", "/api/auth/register", PEOPLE | changes)


def ordered(*quantities: Any, key: str = "odd", token: str = "", **more: Any) -> Sent:
    def sent(s: Stage) -> bytes:
        body = {"lines": [{"product_id": s.product, "quantity": one} for one in quantities], **more}
        return call("POST", "/api/orders", body, token or s.buyer, **({"Idempotency_Key": key} if key else {}))

    return sent


def offered(**changes: Any) -> Sent:
    goods = {"title": "Peas", "unit": "kg", "price": 100, "stock": "1"} | changes
    return lambda s: call("POST", "/api/products", goods, s.farmer)


def farm(**changes: Any) -> Sent:
    return lambda s: call("PATCH", f"/api/farms/{s.farm}", changes, s.farmer, If_Match="*")


def login(raw: bytes = FINE, **headers: str) -> Sent:
    return lambda s: call("POST", "/api/auth/login", raw=raw, **headers)


def bearer(made: Callable[[Stage], str]) -> Sent:
    return lambda s: call("GET", "/api/users/me", token=made(s))


def wire(text: bytes) -> Sent:
    """Bytes as they are."""
    return lambda s: text


def head(*lines: bytes) -> Sent:
    """A request whose headers are these."""
    return wire(b"\r\n".join((b"GET /api/products HTTP/1.1", *lines)) + b"\r\n\r\n")


def framed(lines: bytes, rest: bytes = b"0\r\n\r\nGET /api/orders HTTP/1.1\r\nHost: localhost\r\n\r\n") -> Sent:
    """A body whose end these lines say."""
    start = b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return wire(start + lines + b"\r\n\r\n" + rest)


def chunked(chunks: bytes) -> Sent:
    return framed(b"Transfer-Encoding: chunked", chunks + b"GET /api/orders HTTP/1.1\r\nHost: localhost\r\n\r\n")


def _part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(s: Stage) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{s.buyer.split('.')[1]}."


def swapped(s: Stage) -> str:
    """HMAC under the published key, in case the server takes that for its secret."""
    keys = request(s.house.daemon.port, "GET", "/.well-known/jwks.json")[1]["keys"]
    start = f"{_part({'alg': 'HS256', 'kid': keys[0]['kid']})}.{s.buyer.split('.')[1]}"
    public = base64.urlsafe_b64decode(keys[0]["x"] + "==")
    mac = hmac.new(public, start.encode(), hashlib.sha256).digest()
    return f"{start}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def expired(s: Stage) -> str:
    secret = kept(s.house.daemon.folder / "secret")
    return tokens.issue(secret, Caller(s.user["id"], "buyer", ODD), datetime.now(UTC) - timedelta(hours=2), 60)


def as_browser(method: str, path: str, kind: str, raw: bytes) -> Sent:
    """A form of another site's page, which the browser sends with the cookie."""
    return lambda s: call(
        method, path, raw=raw, Cookie=s.cookie, Content_Type=kind, Origin="https://evil.example", Sec_Fetch_Site="cross-site"
    )  # fmt: skip


BOMB = gzip.compress(b"[" + b" " * 20_000_000 + b"]")
DEEP = b"[" * 10_000 + b"]" * 10_000

ROWS: dict[str, Row] = {
    # whose it is
    "another's order": Row(lambda s: call("GET", f"/api/orders/{s.order}", token=s.other), 404, "not-found"),
    "another's order, cancelled": Row(lambda s: call("POST", f"/api/orders/{s.order}/cancel", {}, s.other), 404, "not-found"),
    "another's address": Row(lambda s: call("DELETE", f"/api/users/me/addresses/{s.address}", token=s.other), 404, "not-found"),
    "another's sign-in": Row(
        lambda s: call("DELETE", f"/api/users/me/sessions/{jwt.decode(s.buyer, options={'verify_signature': False})['sid']}", token=s.other),
        404, "not-found",
    ),
    "another farm's product": Row(
        lambda s: call("PATCH", f"/api/products/{s.product}", {"title": "Mine"}, s.rival, If_Match="*"), 404, "not-found"
    ),
    "another farm": Row(lambda s: call("PATCH", f"/api/farms/{s.farm}", {"name": "Mine"}, s.rival, If_Match="*"), 403, "forbidden"),
    "another farm's staff": Row(lambda s: call("GET", f"/api/farms/{s.farm}/members", token=s.rival), 403, "forbidden"),
    "buyer on an admin route": Row(lambda s: call("GET", "/api/admin/users", token=s.buyer), 403, "forbidden"),
    "buyer on another admin route": Row(lambda s: call("PATCH", f"/api/admin/users/{s.user['id']}", {"role": "admin"}, s.buyer), 403, "forbidden"),
    "farmer on an admin route": Row(lambda s: call("GET", "/api/admin/audit", token=s.farmer), 403, "forbidden"),
    "buyer on a farmer's route": Row(lambda s: call("POST", "/api/products", {"title": "Peas"}, s.buyer), 403, "forbidden"),
    "nobody on a route for users": Row(lambda s: call("GET", "/api/users/me"), 401, "unauthenticated"),
    # what cannot be smuggled in
    "price in a body": Row(ordered(1, price=1), 422),
    "total in a body": Row(ordered(1, total=1), 422),
    "status in a body": Row(ordered(1, status="completed"), 422),
    "price of a line in a body": Row(
        lambda s: call("POST", "/api/orders", {"lines": [{"product_id": s.product, "quantity": 1, "price": 1}]}, s.buyer, Idempotency_Key="p"), 422
    ),
    "role in a body": Row(lambda s: call("PATCH", "/api/users/me", {"role": "admin"}, s.buyer), 422),
    "role admin of a registration": Row(registered(role="admin"), 422),
    "status of a registration": Row(registered(status="active"), 422),
    "version of a farm in a body": Row(farm(version=7), 422),
    "state of a farm in a body": Row(farm(state="verified"), 422),
    # quantities
    "quantity -1": Row(ordered(-1), 422),
    "quantity 0": Row(ordered(0), 422),
    "quantity 1e9": Row(ordered(1e9), 422),
    "quantity 2^31": Row(ordered(2**31), 422),
    "quantity off the step": Row(ordered("1.25"), 422),
    "quantity NaN as a text": Row(ordered("NaN"), 422),
    "quantity NaN, which no JSON has": Row(
        lambda s: call("POST", "/api/orders", raw=b'{"lines": [{"product_id": "%b", "quantity": NaN}]}' % s.product.encode(),
                       token=s.buyer, Idempotency_Key="nan"), 400, "malformed",
    ),
    "two lines of one product above stock together": Row(ordered("1.5", "1.5", key="two"), 409, "out-of-stock"),
    # keys
    "key missing": Row(ordered(1, key=""), 400, "idempotency-key"),
    "key too long": Row(ordered(1, key="k" * 256), 400, "idempotency-key"),
    "key reused with other body": Row(ordered("0.5", key="first"), 422, "key-reused"),
    # bodies
    "body above the cap": Row(login(b'{"email": "' + b"a" * 70_000 + b'"}'), 413, "too-large"),
    "body above every cap": Row(login(b"", Content_Length="10485761"), 413, "too-large"),
    "lying Content-Length, above the cap": Row(login(b"{}", Content_Length="999999999999"), 413, "too-large"),
    "chunked body above the cap": Row(framed(b"Transfer-Encoding: chunked", b"11170\r\n" + b" " * 70_000 + b"\r\n0\r\n\r\n"), 413, "too-large"),
    "JSON 10,000 deep": Row(login(DEEP), 400, "malformed"),
    "JSON 10,000 deep in a field": Row(login(b'{"email": ' + DEEP + b"}"), 400, "malformed"),
    "duplicate keys": Row(login(b'{"email": "a@example.org", "email": "b@example.org", "password": "a guess at it"}'), 400, "malformed"),
    "a lone surrogate": Row(login(b'{"email": "\\ud800", "password": "a guess at it"}'), 400, "malformed"),
    "bytes that are not UTF-8": Row(login(b'{"email": "\xff", "password": "a guess at it"}'), 400, "malformed"),
    "half a body of JSON": Row(login(b'{"email": '), 400, "malformed"),
    "NUL in text": Row(registered(name="a\0b"), 422, "invalid"),
    "NUL in a password": Row(registered(password="a long walk\0 to market"), 422, "invalid"),
    "a body that is a list": Row(login(b"[]"), 422, "invalid"),
    "gzip bomb": Row(login(BOMB, Content_Encoding="gzip"), 415, "media-type"),
    "a form": Row(login(b"email=a&password=b", Content_Type="application/x-www-form-urlencoded"), 415, "media-type"),
    "multipart": Row(login(b"--a\r\n\r\n--a--", Content_Type="multipart/form-data; boundary=a"), 415, "media-type"),
    "XML": Row(login(b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", Content_Type="application/xml"), 415, "media-type"),
    # HTTP
    "CL+TE": Row(framed(b"Content-Length: 5\r\nTransfer-Encoding: chunked"), 400, "malformed"),
    "TE+CL": Row(framed(b"Transfer-Encoding: chunked\r\nContent-Length: 5"), 400, "malformed"),
    "two Content-Lengths": Row(framed(b"Content-Length: 5\r\nContent-Length: 6"), 400, "malformed"),
    "a signed Content-Length": Row(framed(b"Content-Length: +5"), 400, "malformed"),
    "a negative Content-Length": Row(framed(b"Content-Length: -5"), 400, "malformed"),
    "a transfer coding that nobody has": Row(framed(b"Transfer-Encoding: xchunked"), 400, "malformed"),
    "chunked twice": Row(framed(b"Transfer-Encoding: chunked, chunked"), 400, "malformed"),
    "chunked from HTTP/1.0": Row(wire(b"POST /api/auth/login HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, "malformed"),
    "a chunk of size x": Row(chunked(b"x\r\n"), 400, "malformed"),
    "a chunk of size 0x5": Row(chunked(b"0x5\r\nhello\r\n"), 400, "malformed"),
    "a chunk of size -1": Row(chunked(b"-1\r\n"), 400, "malformed"),
    "a chunk that is longer than it says": Row(chunked(b"5\r\nhelloworld\r\n"), 400, "malformed"),
    "obs-fold": Row(head(b"Host: localhost", b"X-A: b", b" c"), 400, "malformed"),
    "white space before the colon": Row(head(b"Host : localhost"), 400, "malformed"),
    "NUL in a header": Row(head(b"Host: localhost", b"X-A: b\0c"), 400, "malformed"),
    "no Host": Row(head(), 400, "malformed"),
    "two Hosts": Row(head(b"Host: localhost", b"Host: localhost"), 400, "malformed"),
    "a Host with a user": Row(head(b"Host: a@localhost"), 400, "malformed"),
    "a method that nobody has": Row(wire(b"G(T /api/products HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400, "malformed"),
    "TRACE": Row(wire(b"TRACE /api/products HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405, "method-not-allowed"),
    "CONNECT": Row(wire(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400, "malformed"),
    "20 KB of headers": Row(head(b"Host: localhost", *(b"X-%d: " % n + b"a" * 5_000 for n in range(4))), 431, "headers-too-large"),
    "a header of 20 KB": Row(head(b"Host: localhost", b"X-A: " + b"a" * 20_000), 431, "headers-too-large"),
    "an address of 20 KB": Row(wire(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"), 431, "headers-too-large"),
    "../ in a path": Row(wire(b"GET /docs/../../secret HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404, nginx=400),
    "../ in a path, escaped": Row(wire(b"GET /docs/..%2f..%2fsecret HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404, nginx=400),
    # tokens
    "JWT none": Row(bearer(unsigned), 401, "unauthenticated"),
    "JWT, RS/HS swap": Row(bearer(swapped), 401, "unauthenticated"),
    "JWT, wrong audience": Row(bearer(lambda s: s.token(aud="elsewhere")), 401, "unauthenticated"),
    "JWT, wrong issuer": Row(bearer(lambda s: s.token(iss="elsewhere")), 401, "unauthenticated"),
    "JWT, expired": Row(bearer(expired), 401, "unauthenticated"),
    "JWT of a sign-in that never was": Row(bearer(lambda s: s.token(sid=ODD)), 401, "unauthenticated"),
    "an API key that never was": Row(bearer(lambda s: "hk_" + "a" * 43), 401, "unauthenticated"),
    "a password as a scheme": Row(lambda s: call("GET", "/api/users/me", Authorization="Basic Ym86Ym8="), 401, "unauthenticated"),
    # passwords
    "a password of 11 characters": Row(registered(password="kq3v8zt1xw7"), 422, "invalid"),
    "a common password": Row(registered(password="passwordpassword"), 422, "invalid"),
    "a common password, somewhat changed": Row(registered(password="P@ssw0rd1234"), 422, "invalid"),
    "one's own name as a password": Row(registered(password="newcomer-new-1"), 422, "invalid"),
    # other sites
    "a cross-origin form with the cookie": Row(
        as_browser("POST", "/api/auth/logout", "application/x-www-form-urlencoded", b"everywhere=true"), 403, "csrf"
    ),
    "a cross-origin form of JSON as text": Row(as_browser("POST", "/api/users/me/recovery-codes", "text/plain", b"{}"), 403, "csrf"),
    "a cross-origin change with the cookie": Row(as_browser("PATCH", "/api/users/me", "application/json", b'{"name": "Eve"}'), 403, "csrf"),
    # a trailing line feed
    "LF after an id in a path": Row(lambda s: call("GET", f"/api/orders/{s.order}{LF}", token=s.buyer), 422, "invalid"),
    "LF after an id in a body": Row(
        lambda s: call("POST", "/api/orders", {"lines": [{"product_id": s.product + "\n", "quantity": 1}]}, s.buyer, Idempotency_Key="lf"), 422, "invalid"
    ),
    "LF after an id in a query": Row(lambda s: call("GET", f"/api/products?farm={s.farm}{LF}"), 422, "invalid"),
    "LF after a slug": Row(farm(slug="green-acres\n"), 422, "invalid"),
    "LF after a slug in a query": Row(lambda s: call("GET", f"/api/products?category=roots{LF}"), 422, "invalid"),
    "LF after a colour": Row(lambda s: call("POST", "/api/categories", {"name": "Roots", "color": "#8a6d4b\n"}, s.admin), 422, "invalid"),
    "LF after a code": Row(lambda s: call("POST", f"/api/users/me/second-factors/{s.factor}/confirm", {"code": "123456\n"}, s.buyer), 422, "invalid"),
    "LF after a date": Row(offered(harvested_on="2026-07-01\n"), 422, "invalid"),
    "LF after a username": Row(registered(username="newcomer\n"), 422, "invalid"),
    "LF in an address of mail": Row(registered(email="new@example.org\nBcc: all@example.org"), 422, "invalid"),
    "LF after a time": Row(
        lambda s: call("POST", "/api/users/me/api-keys", {"name": "a", "scopes": ["orders:read"], "expires_at": "2099-01-01T00:00:00Z\n"}, s.buyer),
        422, "invalid",
    ),
    # digits
    "full-width digits in a query": Row(lambda s: call("GET", f"/api/products?limit={quote('１０')}"), 422, "invalid"),
    "Arabic-Indic digits in a query": Row(lambda s: call("GET", f"/api/products?min_price={quote('١٢')}"), 422, "invalid"),
    "an underscore in a number": Row(lambda s: call("GET", "/api/products?limit=1_0"), 422, "invalid"),
    "a leading blank in a number": Row(lambda s: call("GET", "/api/products?limit=%2010"), 422, "invalid"),
    "a trailing blank in a number": Row(lambda s: call("GET", "/api/products?limit=10%20"), 422, "invalid"),
    "full-width digits in a quantity": Row(ordered("１"), 422, "invalid"),
    "an underscore in a quantity": Row(ordered("1_0"), 422, "invalid"),
    "a blank in a quantity": Row(ordered(" 1"), 422, "invalid"),
    "Arabic-Indic digits in a date": Row(offered(harvested_on="٢٠٢٦-٠٧-٠١"), 422, "invalid"),
    "full-width digits in a telephone number": Row(lambda s: call("PATCH", "/api/users/me", {"phone": "+４９３０１２３４５６７"}, s.buyer), 422, "invalid"),
    "full-width digits in a position": Row(lambda s: call("GET", f"/api/farms?near={quote('４７,15')}"), 422, "invalid"),
    # names
    "a name of zero-width spaces": Row(registered(name="\u200b\u200b"), 422, "invalid"),
    "a name of blanks": Row(lambda s: call("PATCH", "/api/users/me", {"name": "   "}, s.buyer), 422, "invalid"),
    "a farm's name of Hangul fillers": Row(farm(name="\u3164\u3164"), 422, "invalid"),
    "a new farm's name of nothing to see": Row(lambda s: call("POST", "/api/farms", {"name": "\u2800\u00ad"}, s.buyer), 422, "invalid"),
    "a recipient of right-to-left marks": Row(
        lambda s: call("PUT", f"/api/users/me/addresses/{ODD}", {"recipient": "\u202e\u200f", "address": "Road 1"}, s.buyer), 422, "invalid"
    ),
    "a pick-up point's name of marks": Row(farm(pickup_points=[{"name": "\u0301\u0301"}]), 422, "invalid"),
}  # fmt: skip


#: Lines whose tests are elsewhere, since they need more than a request.
ELSEWHERE = {
    "a route without declared permission: refuses to start": "tests/web/test_route_check.py::test_a_wrong_route_is_named_with_what_is_wrong",
    "a key in flight: 409": "tests/web/test_idempotency.py::test_20_at_once_have_one_effect",
    "another's cart": "tests/market/carts/test_routes.py::test_a_strangers_first_item_makes_the_cart_and_its_token",
    "a unit or price changed under a cart": "tests/market/carts/test_routes.py::test_a_unit_that_changes_under_a_cart_is_warned_of_and_no_order_goes_by_the_old_total",
    "dripped headers and bodies": "tests/web/http/test_wire.py::test_dripped_headers_end_at_an_absolute_deadline",
    "a slow crowd": "tests/hostile/test_crowds.py::test_dripping_heads_hold_little_and_are_ended",
}  # fmt: skip


@pytest.mark.parametrize("line", ELSEWHERE)
def test_what_is_tested_elsewhere_is(line: str) -> None:
    path, _, name = ELSEWHERE[line].partition("::")
    assert f"def {name}(" in (Path(__file__).parents[2] / path).read_text()


@pytest.mark.parametrize("name", ROWS)
def test_bad_input_has_its_status(stage: Stage, door: Door, name: str) -> None:
    row = ROWS[name]
    answer = door.ask(row.sent(stage))
    assert answer.status == (row.nginx if row.nginx and door.name == NGINX else row.status), (door.name, answer)
    assert answer.headers["content-type"] == "application/problem+json", answer
    found = answer.json()
    assert found["status"] == answer.status and found["request_id"] == answer.headers["x-request-id"]
    if row.slug and not (row.nginx and door.name == NGINX):
        assert found["type"] == f"/problems/{row.slug}", answer


# --- what is let in, as it is ---


def test_a_token_is_refused_for_what_is_wrong_with_it_alone(stage: Stage, door: Door) -> None:
    """The tokens of the table would be good otherwise."""
    for good in (stage.buyer, stage.token()):
        assert door.ask(call("GET", "/api/users/me", token=good)).status == 200


#: Of letters alone, of no letter of ours, of 64 characters and more.
LONG = {
    "letters": "turnips in a row",
    "no letters": "🥕🌽🥔🍅" * 8 + "🧅🧄" * 16,
    "Cyrillic": "картофель по дороге на рынок " * 3,
    "long": "seventy turnips " * 60,
}


@pytest.mark.parametrize("password", LONG.values(), ids=LONG)
def test_a_long_password_of_any_characters_is_taken(stage: Stage, door: Door, password: str) -> None:
    """No rules of composition: letters alone, or none, and 64 characters and more of Unicode."""
    name = f"long-{door.name}-{hashlib.sha256(password.encode()).hexdigest()[:8]}"
    body = PEOPLE | {"email": f"{name}@example.org", "username": name, "password": password}
    assert door.ask(call("POST", "/api/auth/register", body)).status == 201
    login = {"email": body["email"], "password": password}
    assert door.ask(call("POST", "/api/auth/login", login)).status == 200


def test_a_script_is_stored_as_text(stage: Stage, door: Door) -> None:
    """And is what it is in JSON, which no browser takes for a page."""
    text = "<script>alert(1)</script> & 'quotes' \"too\""
    answer = door.ask(call("PATCH", "/api/users/me", {"name": text}, stage.other))
    assert (answer.status, answer.json()["name"]) == (200, text)
    assert (
        answer.headers["content-type"] == "application/json" and answer.headers["x-content-type-options"] == "nosniff"
    )


def test_a_script_in_an_address_is_escaped_where_a_page_shows_it(stage: Stage, door: Door) -> None:
    page = door.ask(call("GET", "/%3Cscript%3Ealert(1)%3C/script%3E'\"", Accept="text/html"))
    assert page.status == 404 and b"<script>alert" not in page.body


SYNTAX = (
    "' or 1=1 --",
    "%'; drop table users; --",
    "title:* AND _exists_:stock",
    '{"match_all": {}}',
    "(a|b)*~2 && \\",
    "%",
    "_",
    "*",
    "$1 :farm_id",
)


@pytest.mark.parametrize("syntax", SYNTAX)
def test_syntax_of_sql_and_of_search_is_literal(stage: Stage, door: Door, syntax: str) -> None:
    """It finds what has it in its name, which is nothing."""
    for path in (
        f"/api/search?q={quote(syntax)}",
        f"/api/farms?q={quote(syntax)}",
        f"/api/products?tag={quote(syntax)}",
    ):
        answer = door.ask(call("GET", path))
        assert (answer.status, answer.json()["items"]) == (200, []), path
    assert door.ask(call("GET", "/api/products")).json()["items"]


def test_a_key_of_another_user_is_another_key(stage: Stage, door: Door) -> None:
    body = {"lines": [{"product_id": stage.product, "quantity": "0.5"}]}
    answers = [
        door.ask(call("POST", "/api/orders", body, token, Idempotency_Key="shared"))
        for token in (stage.buyer, stage.other) * 2
    ]
    assert [one.status for one in answers] == [201] * 4
    first, other, again, once_more = (one.json()["id"] for one in answers)
    assert first == again != other == once_more


def test_a_spoofed_host_is_refused_or_ignored(stage: Stage, door: Door) -> None:
    assert door.ask(call("GET", "/api/products", host="Host: evil.example")).status == 400
    assert door.ask(call("GET", "http://evil.example/api/products")).status == 400
    told = {
        "X_Forwarded_Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X_Host": "evil.example",
        "X_Original_URL": "/api/admin/users",
    }
    for path in ("/api/products?limit=1", "/openapi.json", "/.well-known/api-catalog", "/docs"):
        answer = door.ask(call("GET", path, **told))
        assert answer.status == 200 and b"evil.example" not in answer.body + str(answer.headers).encode(), path


def test_another_site_is_told_nothing_that_it_could_read(stage: Stage, door: Door) -> None:
    """And one that is let in, nothing with the cookie."""
    for origin, allowed in (("https://evil.example", None), ("https://shop.example.evil.example", None), ("null", None),
                            ("https://shop.example", "https://shop.example")):  # fmt: skip
        answer = door.ask(call("GET", "/api/users/me", Origin=origin, Cookie=stage.cookie))
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers


# --- any text ---

#: Fields of free text, in the request that sets them.
TEXTS: dict[str, tuple[Callable[[Stage, dict[str, Any]], bytes], dict[str, Any]]] = {
    "registration": (lambda s, body: call("POST", "/api/auth/register", body), PEOPLE | {"role": "farmer", "farm_name": "Acres"}),
    "sign-in": (lambda s, body: call("POST", "/api/auth/login", body), {"email": "bo@example.org", "password": "x", "code": "1"}),
    "profile": (lambda s, body: call("PATCH", "/api/users/me", body, s.other), {"name": "Bo", "phone": "+49301234567"}),
    "farm": (
        lambda s, body: call("PATCH", f"/api/farms/{s.farm}", body, s.farmer, If_Match="*"),
        {"name": "Acres", "slug": "acres", "description": "Fields.", "certifications": ["Organic"],
         "location": {"latitude": 1, "longitude": 1, "address": "Road 1"}, "pickup_points": [{"name": "Gate", "address": "Road 1"}]},
    ),
    "member": (lambda s, body: call("POST", f"/api/farms/{s.farm}/members", body, s.farmer), {"email": "a@example.org", "role": "packer"}),
    "address": (
        lambda s, body: call("PUT", f"/api/users/me/addresses/{ODD}", body, s.other),
        {"recipient": "Bo", "address": "Road 1", "label": "home", "phone": "+49301234567", "note": "Ring."},
    ),
}  # fmt: skip
RUNS = {
    "letters": "a",
    "spaces": " ",
    "combining marks": "\u0301",
    "marks in turn": "\u0301\u0323",
    "invisible": "\u200b",
    "quotes": "'",
    "dots": "a.",
}
#: The whole body is refused by its size, the field by its length, or just not so.
LENGTHS = (200_000, 15_000, 3_000)


def spoilt(body: Any, text: str) -> Iterator[Any]:
    """The body with ``text`` in each of its texts in turn."""
    if isinstance(body, str):
        yield text
    elif isinstance(body, dict):
        yield from (body | {name: changed} for name, value in body.items() for changed in spoilt(value, text))
    elif isinstance(body, list):
        yield from ([changed] for changed in spoilt(body[0], text))


def spent(pid: int) -> float:
    """Seconds of CPU of a process's threads, to the microsecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("form", TEXTS)
def test_any_run_of_anything_costs_little(stage: Stage, door: Door, form: str, run: str) -> None:
    """50 ms of CPU, whatever the field, and however long the run: a client beside it does not notice."""
    (send, body), process = TEXTS[form], stage.house.daemon.process
    assert process is not None
    for length in LENGTHS:
        for text in ((RUNS[run] * length)[:length], (RUNS[run] * length)[: length - 1] + "!"):
            for changed in spoilt(body, text):
                sent, took = send(stage, changed), []
                for _ in range(3):  # the daemon does other things, too
                    began = spent(process.pid)
                    answer = door.ask(sent)
                    took.append(spent(process.pid) - began)
                    assert answer.status in (200, 413, 422), (answer, changed)
                    if took[-1] <= 0.05:
                        break
                assert min(took) <= 0.05, (took, {name: str(value)[:20] for name, value in changed.items()})
