"""What each route costs the database: a table that names every route, and a test that holds it.

Of a warm process, which knows what is charged, with the near cache missed, for somebody who is signed in and was known before. The numbers are exact: who
makes a route cheaper says so here, who makes it dearer has to say why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import attrs
import psycopg2
import pyotp
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from harvestd import tables as table
from harvestd.application import API, start
from harvestd.assembly import parts as assembly
from harvestd.market.accounts.passkey_rules import party
from harvestd.market.accounts.sign_ins_near import NearSignIns
from harvestd.market.long_work import running
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.settings.table import Settings
from harvestd.store.postgres.statements import Statement, scalar
from harvestd.web.context import RequestContext
from harvestd.web.pages.openapi import document
from harvestd.web.server import make_site
from tests.issuer import SmallIssuer
from tests.market.accounts.authenticator import Authenticator
from tests.market.accounts.mailbox import token
from tests.market.accounts.walk import FACE
from tests.market.days.calendar import weekly
from tests.market.farms.walk import PAPER
from tests.people import Market, Person
from tests.queue.processes import LEADING
from tests.web.budget import counting
from tests.web.client import Client, Response

#: Statements and round trips by route. What follows a blank is a way to ask for the same route.
BUDGET: dict[str, tuple[int, int]] = {
    "post_api_auth_register": (6, 6),
    "post_api_auth_login": (5, 6),
    "post_api_auth_refresh": (5, 6),
    "get_api_users_me": (2, 2),
    "patch_api_users_me": (3, 4),
    "get_api_users_id": (2, 2),
    "get_api_farms": (1, 1),
    "get_api_farms by ids": (1, 1),
    "get_api_farms nearest": (1, 1),
    "get_api_farms nearest anywhere": (3, 3),  # its circle is widened until a page is full
    "get_api_farms_id": (1, 1),
    "get_api_farms_id by its own": (2, 2),  # it shows its people more
    "patch_api_farms_id": (5, 5),
    "patch_api_farms_id renamed": (6, 6),
    "get_api_categories": (1, 1),
    "post_api_categories": (7, 5),
    "patch_api_categories_id": (5, 5),
    "delete_api_categories_id": (3, 3),
    "get_api_products": (1, 1),
    "get_api_products filtered": (1, 1),
    "get_api_products of the caller": (1, 1),
    "post_api_products": (8, 6),
    "post_api_products_bulk": (11, 6),
    "post_api_products_import": (3, 4),
    "get_api_products_export_csv": (1, 1),
    "get_api_products_export_jsonl": (1, 1),
    "put_api_farms_id_products_external_id": (7, 6),
    "get_api_products_id": (1, 1),
    "get_api_products_id of the caller": (4, 4),
    "patch_api_products_id": (5, 5),
    "post_api_products_id_images": (12, 9),
    "get_api_products_id_images": (3, 3),
    "patch_api_products_id_images_image_id": (8, 8),
    "get_media_shard_file": (1, 1),
    "delete_api_products_id_images_image_id": (8, 8),
    "get_api_farms_id_groups": (3, 3),
    "get_api_products_id_price_history": (3, 3),
    "post_api_products_id_markdown": (9, 7),
    "delete_api_products_id_markdown": (4, 4),
    "post_api_products_id_stock": (8, 6),
    "get_api_products_id_variants": (3, 3),
    "put_api_products_id_variants": (6, 6),
    "delete_api_products_id": (4, 4),
    "get_api_feed_atom": (1, 1),
    "get_api_feed_atom of a farm": (2, 2),
    "get_sitemap_xml": (3, 3),
    "get_sitemap_xml in part": (1, 1),
    "get_api_farms_id_products_jsonld": (2, 2),
    "get_api_search": (5, 5),  # the rules are asked for once in a while
    "get_api_search mistyped": (4, 4),
    "get_api_search_suggest": (3, 3),
    "put_api_cart_items": (7, 8),
    "put_api_cart_items_product_id": (6, 7),
    "get_api_cart_windows": (4, 4),
    "get_api_cart": (3, 3),
    "delete_api_cart_items_product_id": (3, 4),
    "delete_api_cart": (2, 2),
    "post_api_quotes": (1, 2),
    "post_api_quotes held": (8, 8),
    "post_api_orders of a quote": (11, 6),
    "post_api_orders delivered": (7, 4),
    "post_api_orders with a coupon": (8, 4),
    "post_api_orders": (6, 3),
    "post_api_orders of two farms": (6, 3),
    "post_api_orders of the cart": (9, 5),
    "post_api_orders again": (2, 2),
    "get_api_orders": (3, 3),
    "get_api_orders of a farmer": (5, 5),
    "get_api_orders of all": (4, 4),
    "get_api_orders by ids": (3, 3),
    "get_api_orders as they change": (1, 1),  # nothing has yet
    "get_api_orders of a farmer as they change": (1, 1),
    "get_api_orders_id": (3, 3),
    "get_api_orders_id_changes": (3, 3),
    "post_api_orders_id_parts_farm_id_status": (12, 10),
    "patch_api_orders_id": (15, 13),
    "patch_api_orders_id of the cart": (18, 15),
    "post_api_orders_id_parts_farm_id_lines_line_id_short": (15, 13),
    "post_api_orders_id_parts_farm_id_lines_line_id_weigh": (12, 10),
    "post_api_farms_id_weighings": (11, 9),
    "post_api_orders_id_lines_line_id_answer": (14, 12),
    "post_api_orders_id_cancel": (14, 12),
    "get_api_notifications": (2, 2),
    "post_api_notifications_read": (1, 2),
    "post_api_auth_password_forgot": (1, 1),
    "post_api_auth_password_reset": (19, 17),
    "post_api_auth_email_verify": (5, 5),
    "post_api_auth_email_verification": (2, 2),
    "post_api_auth_link": (1, 1),
    "post_api_auth_link_use": (8, 9),
    "post_api_auth_link_session": (8, 9),
    "post_api_auth_session": (4, 5),
    "get_api_auth_session": (3, 3),
    "delete_api_auth_session": (2, 2),
    "post_api_auth_confirm": (3, 4),
    "put_api_users_me_password": (11, 10),
    "put_api_users_me_avatar": (10, 7),
    "get_api_blobs_id_file": (1, 1),
    "delete_api_users_me_avatar": (4, 5),
    "put_api_users_me_email": (5, 5),
    "get_api_users_me_export": (17, 18),
    "post_api_users_me_export": (7, 5),
    "get_api_operations": (1, 1),
    "get_api_operations of everyone": (1, 1),
    "get_api_operations_id": (1, 1),
    "get_api_operations_id_file": (2, 2),
    "delete_api_operations_id": (4, 5),
    "get_api_users_me_sessions": (1, 1),
    "delete_api_users_me_sessions_id": (2, 2),
    "get_api_users_me_api_keys": (2, 2),
    "post_api_users_me_api_keys": (7, 7),
    "delete_api_users_me_api_keys_id": (3, 3),
    "get_api_auth_google": (0, 0),
    "get_api_auth_google to link": (3, 3),
    "get_api_auth_google_callback to link": (8, 9),
    "get_api_auth_google_callback": (11, 13),
    "get_api_auth_google_callback of somebody new": (13, 13),
    "get_api_users_me_identities": (1, 1),
    "delete_api_users_me_identities_id": (7, 7),
    "get_api_users_me_addresses": (1, 1),
    "put_api_users_me_addresses_id": (3, 4),
    "delete_api_users_me_addresses_id": (1, 2),
    "get_api_users_me_consents": (1, 1),
    "put_api_users_me_consents": (3, 4),
    "get_api_users_me_second_factors": (2, 2),
    "post_api_users_me_second_factors": (6, 7),
    "post_api_users_me_second_factors_id_confirm": (11, 10),
    "post_api_auth_second_factor": (8, 9),
    "post_api_auth_second_factor_session": (7, 8),
    "post_api_users_me_recovery_codes": (9, 9),
    "delete_api_users_me_second_factors_id": (11, 10),
    "post_api_auth_passkey_options": (0, 0),
    "post_api_auth_passkey": (11, 12),
    "post_api_auth_passkey_session": (10, 11),
    "post_api_auth_second_factor_options": (2, 2),
    "post_api_auth_confirm_options": (2, 2),
    "get_api_farms_id_members": (4, 4),
    "post_api_farms_id_members": (9, 9),
    "patch_api_farms_id_members_user_id": (9, 9),
    "delete_api_farms_id_members_user_id": (8, 8),
    "post_api_farms_id_documents": (11, 11),
    "get_api_farms_id_documents": (3, 3),
    "get_api_farms_id_documents_document_id": (3, 3),
    "delete_api_farms_id_documents_document_id": (6, 7),
    "get_api_farms_id_invitations": (3, 3),
    "delete_api_farms_id_invitations_invitation_id": (5, 6),
    "post_api_invitations_token_accept": (13, 11),
    "get_api_admin_users": (1, 1),
    "get_api_admin_users_id": (3, 3),
    "patch_api_admin_users_id": (9, 8),
    "post_api_admin_users_id_impersonate": (8, 8),
    "get_api_admin_audit": (1, 1),
    "delete_api_users_me": (33, 32),  # quotes are let go, and the other owners of its farms are told
    "post_api_users_me_deactivation": (15, 14),
    "post_api_farms": (12, 10),
    "post_api_farms_id_verification": (6, 6),
    "post_api_pickup_points": (6, 4),
    "get_api_pickup_points": (1, 1),
    "get_api_pickup_points_id": (1, 1),
    "patch_api_pickup_points_id": (6, 6),
    "post_api_market_days": (13, 10),
    "get_api_market_days": (3, 3),
    "get_api_market_days_id": (3, 3),
    "post_api_orders in a window": (8, 5),
    "patch_api_market_days_id": (10, 9),
    "post_api_market_days_id_copy": (15, 13),
    "post_api_market_days_id_close": (10, 8),
    "post_api_market_days_id_cancel": (10, 8),
    "delete_api_market_days_id": (5, 5),
    "post_api_market_schedules": (11, 9),
    "get_api_market_schedules": (1, 1),
    "get_api_market_schedules_id": (1, 1),
    "patch_api_market_schedules_id": (14, 14),
    "delete_api_market_schedules_id": (8, 8),
    "delete_api_pickup_points_id": (6, 6),
    "post_api_admin_clock": (15, 18),  # each of what is done by date says when it is next due
    "post_api_groups": (7, 6),
    "get_api_groups": (1, 1),
    "get_api_groups_id": (1, 1),
    "patch_api_groups_id": (5, 6),
    "post_api_groups_id_members": (6, 7),
    "put_api_groups_id_members_user_id": (6, 7),
    "get_api_groups_id_members": (2, 2),
    "delete_api_groups_id_members_user_id": (4, 5),
    "delete_api_groups_id": (5, 6),
    "post_api_fees": (7, 6),
    "get_api_fees": (1, 1),
    "get_api_fees_id": (1, 1),
    "patch_api_fees_id": (4, 5),
    "delete_api_fees_id": (3, 4),
    "post_api_tax_rates": (7, 6),
    "get_api_tax_rates": (1, 1),
    "get_api_tax_rates_id": (1, 1),
    "patch_api_tax_rates_id": (4, 5),
    "delete_api_tax_rates_id": (3, 4),
    "post_api_coupons": (8, 7),
    "get_api_coupons": (1, 1),
    "get_api_coupons_id": (1, 1),
    "patch_api_coupons_id": (5, 6),
    "delete_api_coupons_id": (3, 4),
    "post_api_admin_search_rules": (9, 7),
    "get_api_admin_search_rules": (1, 1),
    "get_api_admin_search_rules_id": (1, 1),
    "patch_api_admin_search_rules_id": (5, 5),
    "delete_api_admin_search_rules_id": (4, 4),
    "get_api_admin_search_misses": (1, 1),
    "get_account": (0, 0),
    "get__well_known_jwks_json": (0, 0),
    "get__well_known_api_catalog": (0, 0),
    "get__well_known_security_txt": (0, 0),
    "get__well_known_change_password": (0, 0),
    "get": (0, 0),
    "get_health": (0, 0),
    "get_health_ready": (5, 5),
    "get_metrics": (3, 3),
    "get_openapi_json": (0, 0),
    "get_docs": (0, 0),
    "get_docs_name": (0, 0),
    "get_problems": (0, 0),
    "get_problems_slug": (0, 0),
    "get_api_market": (1, 1),  # whether there are market days, which a process of its own knows
    "post_api_auth_logout": (2, 2),
}
#: No order may cost more statements, however it is placed.
MAX_ORDER = 12


@attrs.define
class Stage:
    """A market with something of everything, and what the requests name."""

    market: Market
    farmer: Person
    buyer: Person
    admin: Person
    product: dict[str, Any]
    other: dict[str, Any]
    order: dict[str, Any]
    category: dict[str, Any]
    second: Person
    member: Person
    issuer: SmallIssuer
    spare: Person
    mailed: dict[str, str] = attrs.field(factory=dict)
    passkey: Authenticator | None = None
    refresh: str = ""

    @property
    def stranger(self) -> Client:
        return self.market.stranger

    def line(self, quantity: str = "0.1") -> dict[str, Any]:
        return {"product_id": self.product["id"], "quantity": quantity}


@pytest.fixture
def issuer() -> Iterator[SmallIssuer]:
    with SmallIssuer() as found:
        yield found


@pytest_twisted.async_yield_fixture
async def stage(
    settings: Settings, database_url: str, issuer: SmallIssuer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """A whole process, without consumers, on a database of its own; another leads its outbox, so that all that is recorded is
    there for ``market.work`` to handle. However slow the machine, nobody who is signed in is asked about twice."""
    from twisted.internet import reactor

    monkeypatch.setattr(assembly, "NearSignIns", partial(NearSignIns, ttl=3600.0))
    leader = psycopg2.connect(database_url)
    leader.autocommit = True
    leader.cursor().execute(LEADING)
    lifecycle = Lifecycle(reactor, 5.0)
    settings = attrs.evolve(
        settings,
        **issuer.settings,
        database_url=database_url,
        rate_limits=False,
        link_sign_in=True,
        sandbox=True,
        security_contact="a@example.org",
        workers="off",
        database_pool=1,  # who waits for a second one, in a transaction, waits in vain
    )
    parts = await start(lifecycle, settings, API)
    market = Market(parts, Client(make_site(parts, table.ROUTES)))
    farmer, buyer, admin = await market.farmer("One"), await market.person(verified=False), await market.person("admin")
    second = await market.farmer("Two")
    product = await market.product(farmer, stock="100", tags=["organic"])
    other = await market.product(second, title="Eggs", unit="box", price=250, stock=100)
    category = (await admin.post("/api/categories", {"name": "Roots"})).json()
    order = (await buyer.order((product["id"], "1"), (other["id"], "2"))).json()
    await market.work()
    made = (
        await market.stranger.post("/api/auth/register", {**SECOND, "username": "second", "name": "P", "role": "buyer"})
    ).json()
    person = Person(made["user"]["id"], SECOND["email"], market.stranger.signed_in(made["access_token"]))
    await market.work()
    mailed = {"verify": await token(market, SECOND["email"], "verify")}
    spare, member, leaving = [await market.person(verified=False) for _ in range(3)]
    await market.join(member, farmer.farm_id, "packer")
    invitation = {"email": member.email, "role": "packer"}
    await second.post(f"/api/farms/{second.farm_id}/members", invitation)
    mailed["invitation"] = await token(market, member.email, "invitation")
    for path, purpose, email in (("password/forgot", "reset", spare.email), ("link", "link", person.email)):
        await market.stranger.post(f"/api/auth/{path}", {"email": email})
        mailed[purpose] = await token(market, email, purpose)
    await market.stranger.post("/api/auth/link", {"email": person.email})
    mailed["link2"] = await token(market, person.email, "link")
    yield Stage(market, farmer, buyer, admin, product, other, order, category, person, member, issuer, leaving, mailed)
    await Deferred.fromCoroutine(lifecycle.stop()).addTimeout(10, reactor)
    leader.close()


#: Somebody who can sign in.
SECOND = {"email": "second@example.org", "password": "a long walk to market"}


def _person(n: int) -> dict[str, str]:
    words = {"email": f"p{n}@example.org", "username": f"person{n}", "password": "a long walk to market", "name": "P"}
    return words | {"role": "buyer"}


async def _sign_in(s: Stage, headers: dict[str, str]) -> Response:
    response = await s.stranger.post(
        "/api/auth/login", {k: _person(1)[k] for k in ("email", "password")}, headers=headers
    )
    s.refresh = response.json()["refresh_token"]
    return response


async def _session(s: Stage, headers: dict[str, str]) -> Response:
    """A browser signs in; before that, what p1 asked to be mailed is mailed."""
    response = await s.stranger.post("/api/auth/session", SECOND, headers=headers)
    s.mailed |= {"cookie": response.headers["set-cookie"].partition(";")[0], "csrf": response.json()["csrf_token"]}
    return response


def _browser(method: str, path: str) -> Callable[[Stage, dict[str, str]], Awaitable[Response]]:
    async def ask(s: Stage, headers: dict[str, str]) -> Response:
        own = {"Cookie": s.mailed["cookie"], "X-CSRF-Token": s.mailed["csrf"]}
        return await s.stranger.request(method, path, headers=headers | own)

    return ask


async def _begin_export(s: Stage, headers: dict[str, str]) -> Response:
    """The second person's, which is written at once."""
    response = await s.second.client.post("/api/users/me/export", headers=headers)
    s.mailed["operation"] = response.json()["id"]
    await running.run(s.market.parts)
    return response


async def _cancel_export(s: Stage, headers: dict[str, str]) -> Response:
    operation = (await s.buyer.post("/api/users/me/export", None)).json()["id"]
    return await s.buyer.client.request("DELETE", f"/api/operations/{operation}", headers=headers)


async def _end_another(s: Stage, headers: dict[str, str]) -> Response:
    await s.stranger.post("/api/auth/login", {**SECOND, "password": "a longer walk to market"})
    other = (await s.second.get("/api/users/me/sessions")).json()["items"][0]
    return await s.second.client.request("DELETE", f"/api/users/me/sessions/{other['id']}", headers=headers)


async def _avatar(s: Stage, headers: dict[str, str]) -> Response:
    response = await s.second.client.request("PUT", "/api/users/me/avatar", json={"content": FACE}, headers=headers)
    s.mailed |= {"avatar": response.json()["avatar"]["sizes"]["small"]["webp"].split("/")[3]}
    return response


async def _end_key(s: Stage, headers: dict[str, str]) -> Response:
    key = (await s.second.get("/api/users/me/api-keys")).json()["items"][0]
    return await s.second.client.request("DELETE", f"/api/users/me/api-keys/{key['id']}", headers=headers)


async def _set_up(s: Stage, headers: dict[str, str]) -> Response:
    response = await s.second.client.post("/api/users/me/second-factors", {"name": "telephone"}, headers=headers)
    s.mailed |= {"factor": response.json()["id"], "secret": response.json()["secret"]}
    return response


async def _confirm_factor(s: Stage, headers: dict[str, str]) -> Response:
    path = f"/api/users/me/second-factors/{s.mailed['factor']}/confirm"
    code = pyotp.TOTP(s.mailed["secret"]).at(datetime.now(UTC) - timedelta(seconds=30))
    return await s.second.client.post(path, {"code": code}, headers=headers)


async def _second_step(s: Stage, headers: dict[str, str]) -> Response:
    asked = await s.stranger.post("/api/auth/login", {**SECOND, "password": "a longer walk to market"})
    body = {"challenge": asked.json()["challenge"], "code": pyotp.TOTP(s.mailed["secret"]).now()}
    return await s.stranger.post("/api/auth/second-factor", body, headers=headers)


async def _ruled(s: Stage, headers: dict[str, str]) -> Response:
    body = {"kind": "synonym", "queries": ["courgette", "zucchini"]}
    response = await s.admin.client.post("/api/admin/search/rules", body, headers=headers)
    s.mailed["rule"] = response.json()["id"]
    return response


def _made(path: str, name: str, json: Callable[[Stage], Any]) -> Callable[[Stage, dict[str, str]], Awaitable[Response]]:
    """An admin makes something, whose id the stage has as ``name``."""

    async def ask(s: Stage, headers: dict[str, str]) -> Response:
        response = await s.admin.client.post(path.format(s=s), json(s), headers=headers)
        s.mailed[name] = response.json()["id"]
        return response

    return ask


async def _in_window(s: Stage, headers: dict[str, str]) -> Response:
    """An order for the window of the open day."""
    day = (await s.stranger.get(f"/api/market-days/{s.mailed['day']}")).json()
    body = {
        "lines": [{"product_id": s.other["id"], "quantity": 1}],
        "fulfilment": {"method": "pickup", "window_id": day["windows"][0]["id"]},
    }
    return await s.buyer.client.post("/api/orders", body, headers=headers)


async def _of_spare(s: Stage, headers: dict[str, str]) -> Response:
    """A point that no window is at."""
    made = (await s.admin.post("/api/pickup-points", {"name": "Barn"})).json()
    return await s.admin.client.request("DELETE", f"/api/pickup-points/{made['id']}", headers=headers)


def _later(s: Stage, **time: float) -> str:
    return (s.market.parts.now() + timedelta(**time)).isoformat()


def _a_day(s: Stage) -> dict[str, Any]:
    """Open now, with a window and a farm."""
    window = {
        "method": "pickup",
        "pickup_point_id": s.mailed["point"],
        "from": _later(s, days=2),
        "to": _later(s, days=3),
    }
    farms = [{"farm_id": s.other["farm"]["id"]}]
    return {
        "name": "Saturday",
        "opens_at": _later(s, days=-1),
        "closes_at": _later(s, days=1),
        "farms": farms,
        "windows": [window],
    }


async def _of_quote(s: Stage, headers: dict[str, str]) -> Response:
    """What was held just now."""
    held = Statement("test.held_quote", "select id::text from quotes", scalar)
    quote_id = await s.market.parts.database.row(held)
    return await s.buyer.client.post("/api/orders", {"quote_id": quote_id}, headers=headers)


async def _with_coupon(s: Stage, headers: dict[str, str]) -> Response:
    await s.admin.client.post("/api/coupons", {"code": "EARLY-1", "percent": 10})
    return await s.buyer.client.post("/api/orders", {"lines": [s.line()], "coupon": "early 1"}, headers=headers)


async def _grouped(s: Stage, headers: dict[str, str]) -> Response:
    response = await s.admin.client.post("/api/groups", {"name": "Wholesale"}, headers=headers)
    s.mailed["group"] = response.json()["id"]
    return response


def _by_passkey(path: str) -> Callable[[Stage, dict[str, str]], Awaitable[Response]]:
    async def ask(s: Stage, headers: dict[str, str]) -> Response:
        if s.passkey is None:
            s.passkey = Authenticator(party(s.market.parts.settings).origins[0])
            factors = "/api/users/me/second-factors"
            begun = (await s.second.client.post(factors, {"name": "telephone", "kind": "passkey"})).json()
            body = {"passkey": s.passkey.make(begun["options"])}
            assert (await s.second.client.post(f"{factors}/{begun['id']}/confirm", body)).status == 200
        options = (await s.stranger.post("/api/auth/passkey/options", {})).json()
        return await s.stranger.post(path, {"passkey": s.passkey.answer(options)}, headers=headers)

    return ask


async def _second_step_in_a_browser(s: Stage, headers: dict[str, str]) -> Response:
    asked = await s.stranger.post("/api/auth/login", {**SECOND, "password": "a longer walk to market"})
    code = pyotp.TOTP(s.mailed["secret"]).at(datetime.now(UTC) + timedelta(seconds=30))
    body = {"challenge": asked.json()["challenge"], "code": code}
    return await s.stranger.post("/api/auth/second-factor/session", body, headers=headers)


def _cookie(answer: Response) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


async def _begin_link(s: Stage, headers: dict[str, str]) -> Response:
    """The second person, in a browser, who has an account elsewhere with the same address."""
    own = {**SECOND, "password": "a longer walk to market"}
    s.mailed["linking"] = _cookie(await s.stranger.post("/api/auth/session", own))
    asked = headers | {"Cookie": s.mailed["linking"]}
    answer = await s.stranger.get("/api/auth/google?link=true", headers=asked)
    back = s.issuer.visit(answer.headers["location"], sub="second@example.org", email="second@example.org")
    s.mailed |= {"linking": f"{s.mailed['linking']}; {_cookie(answer)}", "back": urlsplit(back).query}
    return answer


async def _end_link(s: Stage, headers: dict[str, str]) -> Response:
    headers = headers | {"Cookie": s.mailed["linking"]}
    return await s.stranger.get(f"/api/auth/google/callback?{s.mailed['back']}", headers=headers)


def _elsewhere(email: str) -> Callable[[Stage, dict[str, str]], Awaitable[Response]]:
    async def ask(s: Stage, headers: dict[str, str]) -> Response:
        begun = await s.stranger.get("/api/auth/google")
        back = urlsplit(s.issuer.visit(begun.headers["location"], sub=email, email=email))
        return await s.stranger.get(f"{back.path}?{back.query}", headers=headers | {"Cookie": _cookie(begun)})

    return ask


async def _passkey_options(s: Stage, headers: dict[str, str]) -> Response:
    asked = await s.stranger.post("/api/auth/login", {**SECOND, "password": "a longer walk to market"})
    body = {"challenge": asked.json()["challenge"]}
    return await s.stranger.post("/api/auth/second-factor/options", body, headers=headers)


async def _document(s: Stage, headers: dict[str, str]) -> Response:
    body = {"kind": "other", "title": "Paper", "content": PAPER}
    response = await s.farmer.client.post(f"/api/farms/{s.farmer.farm_id}/documents", body, headers=headers)
    s.mailed |= {"document": response.json()["url"]}
    return response


async def _image(s: Stage, headers: dict[str, str]) -> Response:
    body = {"content": FACE, "alt": "Carrots"}
    response = await s.farmer.client.post(f"/api/products/{s.product['id']}/images", body, headers=headers)
    s.mailed |= {"image": response.json()["image"]["id"]}
    return response


async def _describe(s: Stage, headers: dict[str, str]) -> Response:
    """Of a picture that is made by then."""
    await s.market.work(queues=("harvest.images",))
    path = f"/api/products/{s.product['id']}/images/{s.mailed['image']}"
    return await s.farmer.client.request("PATCH", path, json={"alt": "Red carrots"}, headers=headers)


async def _media(s: Stage, headers: dict[str, str]) -> Response:
    images = (await s.stranger.get(f"/api/products/{s.product['id']}")).json()["images"]
    return await s.stranger.get(images[0]["sizes"]["small"]["webp"], headers=headers)


async def _part(s: Stage, headers: dict[str, str]) -> Response:
    (one,) = (await s.second.get("/api/users/me/identities")).json()["items"]
    return await s.second.client.request("DELETE", f"/api/users/me/identities/{one['id']}", headers=headers)


async def _withdraw(s: Stage, headers: dict[str, str]) -> Response:
    path = f"/api/farms/{s.farmer.farm_id}/invitations"
    open_ = (await s.farmer.get(path)).json()["items"][0]
    return await s.farmer.client.request("DELETE", f"{path}/{open_['id']}", headers=headers)


async def _amend_by_cart(s: Stage, headers: dict[str, str]) -> Response:
    await s.buyer.request("PUT", f"/api/cart/items/{s.other['id']}", {"quantity": "1"})
    return await s.buyer.client.request("PATCH", f"/api/orders/{s.order['id']}", json={"cart": True}, headers=headers)


async def _ducks(s: Stage) -> dict[str, Any]:
    """An order of what is weighed."""
    if "ducks" not in s.mailed:
        weight = {"quantity": "0.8", "unit": "kg"}
        per = {"quantity": "1", "unit": "kg"}
        made = await s.market.product(
            s.farmer, title="Ducks", unit="each", stock="9", price_per=per, priced_by="weight", estimated_weight=weight
        )
        s.mailed["ducks"] = made["id"]
    found: dict[str, Any] = (await s.buyer.order((s.mailed["ducks"], 1))).json()
    return found


async def _weighed(s: Stage, headers: dict[str, str]) -> Response:
    order = await _ducks(s)
    path = f"/api/orders/{order['id']}/parts/{s.farmer.farm_id}/lines/{order['lines'][0]['id']}/weigh"
    return await s.farmer.client.post(path, {"quantity": 1}, headers=headers)


async def _weighed_many(s: Stage, headers: dict[str, str]) -> Response:
    order = await _ducks(s)
    rows = [{"line_id": order["lines"][0]["id"], "quantity": 1}]
    return await s.farmer.client.post(f"/api/farms/{s.farmer.farm_id}/weighings", {"weighings": rows}, headers=headers)


async def _answered(s: Stage, headers: dict[str, str]) -> Response:
    order = await _ducks(s)
    line = order["lines"][0]["id"]
    path = f"/api/orders/{order['id']}/parts/{s.farmer.farm_id}/lines/{line}/weigh"
    heavy = await s.farmer.post(path, {"quantity": 2})
    assert heavy.json()["lines"][0]["answer_by"], heavy.text
    return await s.buyer.client.post(
        f"/api/orders/{order['id']}/lines/{line}/answer", {"accept": True}, headers=headers
    )


async def _cart_order(s: Stage, headers: dict[str, str]) -> Response:
    await s.buyer.request("PUT", f"/api/cart/items/{s.product['id']}", {"quantity": "1"})
    await s.buyer.request("PUT", f"/api/cart/items/{s.other['id']}", {"quantity": "1"})
    return await s.buyer.client.post("/api/orders", {}, headers=headers | {"Idempotency-Key": "cart"})


async def _empty_category(s: Stage, headers: dict[str, str]) -> Response:
    added = (await s.admin.post("/api/categories", {"name": "Nothing"})).json()
    return await s.admin.client.request("DELETE", f"/api/categories/{added['id']}", headers=headers)


async def _archive(s: Stage, headers: dict[str, str]) -> Response:
    added = await s.market.product(s.farmer)
    return await s.farmer.client.request("DELETE", f"/api/products/{added['id']}", headers=headers)


def _get(path: str, who: str = "stranger") -> Callable[[Stage, dict[str, str]], Awaitable[Response]]:
    return _ask("GET", path, who)


def _ask(method: str, path: str, who: str, json: Any = None) -> Callable[[Stage, dict[str, str]], Awaitable[Response]]:
    """A request by ``who``; ``path`` may name parts of the stage, ``json`` may be made of it."""

    async def ask(s: Stage, headers: dict[str, str]) -> Response:
        person = getattr(s, who)
        client = person if isinstance(person, Client) else person.client
        given = json(s) if callable(json) else json
        body = {} if given is None else {"json": given}
        found: Response = await client.request(method, path.format(s=s), headers=headers, **body)
        return found

    return ask


async def _put(s: Stage, headers: dict[str, str]) -> Response:
    """A product by its farm's own id, of which the price and the stock change."""
    path, body = (
        f"/api/farms/{s.farmer.farm_id}/products/erp-1",
        {"title": "Beets", "unit": "kg", "price": 290, "stock": "5"},
    )
    await s.farmer.client.request("PUT", path, json=body)
    return await s.farmer.client.request("PUT", path, json=body | {"price": 300, "stock": "9"}, headers=headers)


_LATER = {"price": 1, "until": "2099-10-01T00:00:00Z"}


async def _restore(s: Stage, headers: dict[str, str]) -> Response:
    path = f"/api/products/{(await s.market.product(s.farmer))['id']}/markdown"
    await s.farmer.client.request("POST", path, json=_LATER)
    return await s.farmer.client.request("DELETE", path, headers=headers)


async def _reduce(s: Stage, headers: dict[str, str]) -> Response:
    path = f"/api/products/{(await s.market.product(s.farmer))['id']}/markdown"
    return await s.farmer.client.request("POST", path, json=_LATER, headers=headers)


async def _many(s: Stage, headers: dict[str, str]) -> Response:
    """A hundred products by their farm's own ids, half of which it has."""
    rows = [
        {"external_id": f"many-{n}", "title": f"Beets {n}", "unit": "kg", "price": 290, "stock": "5"}
        for n in range(100)
    ]
    await s.farmer.client.request("POST", "/api/products/bulk", json={"rows": rows[:50]})
    more = {"rows": [row | {"price": 300, "stock": "9"} for row in rows]}
    return await s.farmer.client.request("POST", "/api/products/bulk", json=more, headers=headers)


ASKS: dict[str, Callable[[Stage, dict[str, str]], Awaitable[Response]]] = {
    "post_api_auth_register": _ask("POST", "/api/auth/register", "stranger", _person(1)),
    "post_api_auth_login": _sign_in,
    "post_api_auth_refresh": _ask("POST", "/api/auth/refresh", "stranger", lambda s: {"refresh_token": s.refresh}),
    "get_api_users_me": _get("/api/users/me", "buyer"),
    "patch_api_users_me": _ask("PATCH", "/api/users/me", "buyer", {"phone": "+43 664 1234567"}),
    "get_api_users_id": _get("/api/users/{s.farmer.id}"),
    "get_api_farms": _get("/api/farms?limit=20"),
    "get_api_farms by ids": _get("/api/farms?ids={s.farmer.farm_id}"),
    "get_api_farms nearest": _get("/api/farms?near=44,-73&radius_km=50"),
    "get_api_farms nearest anywhere": _get("/api/farms?near=44,-73"),
    "get_api_farms_id": _get("/api/farms/{s.farmer.farm_id}"),
    "get_api_farms_id by its own": _get("/api/farms/{s.farmer.farm_id}", "farmer"),
    "patch_api_farms_id": _ask("PATCH", "/api/farms/{s.farmer.farm_id}", "farmer", {"description": "By the river."}),
    "patch_api_farms_id renamed": _ask("PATCH", "/api/farms/{s.farmer.farm_id}", "farmer", {"name": "River"}),
    "get_api_categories": _get("/api/categories"),
    "post_api_categories": _ask("POST", "/api/categories", "admin", {"name": "Leaves"}),
    "patch_api_categories_id": _ask("PATCH", "/api/categories/{s.category[id]}", "admin", {"name": "Bulbs"}),
    "delete_api_categories_id": _empty_category,
    "get_api_products": _get("/api/products?limit=20"),
    "get_api_products filtered": _get("/api/products?sort=price&tag=organic&in_stock=true"),
    "get_api_products of the caller": _get("/api/products?mine=true&status=draft", "farmer"),
    "post_api_products": _ask(
        "POST", "/api/products", "farmer", {"title": "Beets", "unit": "kg", "price": 290, "stock": "10"}
    ),
    "post_api_products_bulk": _many,
    "post_api_products_import": _ask("POST", "/api/products/import", "farmer", {"content": "c2t1Cg=="}),
    "get_api_products_export_csv": _get("/api/products/export.csv", "farmer"),
    "get_api_products_export_jsonl": _get("/api/products/export.jsonl", "farmer"),
    "put_api_farms_id_products_external_id": _put,
    "get_api_products_id": _get("/api/products/{s.product[id]}"),
    "get_api_products_id of the caller": _get("/api/products/{s.product[id]}", "farmer"),
    "patch_api_products_id": _ask("PATCH", "/api/products/{s.product[id]}", "farmer", {"price": 400}),
    "post_api_products_id_images": _image,
    "get_api_products_id_images": _get("/api/products/{s.product[id]}/images", "farmer"),
    "patch_api_products_id_images_image_id": _describe,
    "get_media_shard_file": _media,
    "delete_api_products_id_images_image_id": _ask(
        "DELETE", "/api/products/{s.product[id]}/images/{s.mailed[image]}", "farmer"
    ),
    "get_api_farms_id_groups": _get("/api/farms/{s.farmer.farm_id}/groups", "farmer"),
    "get_api_products_id_price_history": _get("/api/products/{s.product[id]}/price-history", "farmer"),
    "post_api_products_id_markdown": _reduce,
    "delete_api_products_id_markdown": _restore,
    "post_api_products_id_stock": _ask("POST", "/api/products/{s.product[id]}/stock", "farmer", {"set": "90"}),
    "get_api_products_id_variants": _get("/api/products/{s.product[id]}/variants", "farmer"),
    "put_api_products_id_variants": _ask(
        "PUT",
        "/api/products/{s.product[id]}/variants",
        "farmer",
        {"items": [{"title": "Sack", "price": 900, "takes": "2.5"}]},
    ),
    "delete_api_products_id": _archive,
    "get_api_feed_atom": _get("/api/feed.atom"),
    "get_api_feed_atom of a farm": _get("/api/feed.atom?farm={s.farmer.farm_id}"),
    "get_sitemap_xml": _get("/sitemap.xml"),
    "get_sitemap_xml in part": _get("/sitemap.xml?part=products~~"),
    "get_api_farms_id_products_jsonld": _get("/api/farms/{s.farmer.farm_id}/products.jsonld"),
    "get_api_search": _get("/api/search?q=carrots"),
    "get_api_search mistyped": _get("/api/search?q=carots"),
    "get_api_search_suggest": _get("/api/search/suggest?q=car"),
    "put_api_cart_items": _ask("PUT", "/api/cart/items", "buyer", lambda s: {"items": [s.line()]}),
    "put_api_cart_items_product_id": _ask("PUT", "/api/cart/items/{s.product[id]}", "buyer", {"quantity": "1"}),
    "get_api_cart_windows": _get("/api/cart/windows", "buyer"),
    "get_api_cart": _get("/api/cart", "buyer"),
    "delete_api_cart_items_product_id": _ask("DELETE", "/api/cart/items/{s.product[id]}", "buyer"),
    "delete_api_cart": _ask("DELETE", "/api/cart", "buyer"),
    "post_api_quotes": _ask("POST", "/api/quotes", "buyer", lambda s: {"lines": [s.line()]}),
    "post_api_quotes held": _ask("POST", "/api/quotes", "buyer", lambda s: {"lines": [s.line()], "hold": True}),
    "post_api_orders of a quote": _of_quote,
    "post_api_orders delivered": _ask(
        "POST",
        "/api/orders",
        "buyer",
        lambda s: {"lines": [s.line()], "fulfilment": {"method": "delivery", "address": "Lane 1"}},
    ),
    "post_api_orders with a coupon": _with_coupon,
    "post_api_orders": _ask("POST", "/api/orders", "buyer", lambda s: {"lines": [s.line()]}),
    "post_api_orders of two farms": _ask(
        "POST", "/api/orders", "buyer", lambda s: {"lines": [s.line(), {"product_id": s.other["id"], "quantity": "1"}]}
    ),
    "post_api_orders of the cart": _cart_order,
    "post_api_orders again": _ask("POST", "/api/orders", "buyer", lambda s: {"lines": [s.line()]}),
    "get_api_orders": _get("/api/orders", "buyer"),
    "get_api_orders of a farmer": _get("/api/orders", "farmer"),
    "get_api_orders of all": _get("/api/orders", "admin"),
    "get_api_orders by ids": _get("/api/orders?ids={s.order[id]}", "buyer"),
    "get_api_orders as they change": _get("/api/orders?updated_since=2999-01-01T00:00:00Z", "buyer"),
    "get_api_orders of a farmer as they change": _get("/api/orders?updated_since=2999-01-01T00:00:00Z", "farmer"),
    "get_api_orders_id": _get("/api/orders/{s.order[id]}", "buyer"),
    "get_api_orders_id_changes": _get("/api/orders/{s.order[id]}/changes", "buyer"),
    "post_api_orders_id_parts_farm_id_status": _ask(
        "POST", "/api/orders/{s.order[id]}/parts/{s.farmer.farm_id}/status", "farmer", {"to": "confirmed"}
    ),
    "patch_api_orders_id": _ask(
        "PATCH",
        "/api/orders/{s.order[id]}",
        "buyer",
        lambda s: {"lines": [{"line_id": s.order["lines"][1]["id"], "quantity": "3"}]},
    ),
    "patch_api_orders_id of the cart": _amend_by_cart,
    "post_api_orders_id_parts_farm_id_lines_line_id_short": _ask(
        "POST",
        "/api/orders/{s.order[id]}/parts/{s.farmer.farm_id}/lines/{s.order[lines][0][id]}/short",
        "farmer",
        {"quantity": "0.5"},
    ),
    "post_api_orders_id_parts_farm_id_lines_line_id_weigh": _weighed,
    "post_api_farms_id_weighings": _weighed_many,
    "post_api_orders_id_lines_line_id_answer": _answered,
    "post_api_orders_id_cancel": _ask("POST", "/api/orders/{s.order[id]}/cancel", "buyer", {"reason": "ill"}),
    "get_api_notifications": _get("/api/notifications", "buyer"),
    "post_api_notifications_read": _ask("POST", "/api/notifications/read", "buyer", {}),
    "post_api_auth_password_forgot": _ask("POST", "/api/auth/password/forgot", "stranger", {"email": "p1@example.org"}),
    "post_api_auth_password_reset": _ask(
        "POST",
        "/api/auth/password/reset",
        "stranger",
        lambda s: {"token": s.mailed["reset"], "password": "three turnips in a row"},
    ),
    "post_api_auth_email_verify": _ask(
        "POST", "/api/auth/email/verify", "stranger", lambda s: {"token": s.mailed["verify"]}
    ),
    "post_api_auth_email_verification": _ask("POST", "/api/auth/email/verification", "buyer"),
    "post_api_auth_link": _ask("POST", "/api/auth/link", "stranger", {"email": "p1@example.org"}),
    "post_api_auth_link_use": _ask("POST", "/api/auth/link/use", "stranger", lambda s: {"token": s.mailed["link"]}),
    "post_api_auth_link_session": _ask(
        "POST", "/api/auth/link/session", "stranger", lambda s: {"token": s.mailed["link2"], "email": s.second.email}
    ),
    "post_api_auth_session": _session,
    "get_api_auth_session": _browser("GET", "/api/auth/session"),
    "delete_api_auth_session": _browser("DELETE", "/api/auth/session"),
    "post_api_auth_confirm": _ask("POST", "/api/auth/confirm", "second", {"password": "a long walk to market"}),
    "put_api_users_me_password": _ask(
        "PUT", "/api/users/me/password", "second", {"password": "a longer walk to market"}
    ),
    "put_api_users_me_avatar": _avatar,
    "get_api_blobs_id_file": _get("/api/blobs/{s.mailed[avatar]}/small.webp"),
    "delete_api_users_me_avatar": _ask("DELETE", "/api/users/me/avatar", "second"),
    "put_api_users_me_email": _ask("PUT", "/api/users/me/email", "second", {"email": "other@example.org"}),
    "get_api_users_me_export": _get("/api/users/me/export", "second"),
    "post_api_users_me_export": _begin_export,
    "get_api_operations": _get("/api/operations", "second"),
    "get_api_operations of everyone": _get("/api/operations?everyone=true", "admin"),
    "get_api_operations_id": _get("/api/operations/{s.mailed[operation]}", "second"),
    "get_api_operations_id_file": _get("/api/operations/{s.mailed[operation]}/file", "second"),
    "delete_api_operations_id": _cancel_export,
    "get_api_users_me_sessions": _get("/api/users/me/sessions", "second"),
    "delete_api_users_me_sessions_id": _end_another,
    "get_api_users_me_api_keys": _get("/api/users/me/api-keys", "second"),
    "post_api_users_me_api_keys": _ask(
        "POST", "/api/users/me/api-keys", "second", {"name": "till", "scopes": ["orders:read"]}
    ),
    "delete_api_users_me_api_keys_id": _end_key,
    "get_api_auth_google": _get("/api/auth/google"),
    "get_api_auth_google to link": _begin_link,
    "get_api_auth_google_callback to link": _end_link,
    "get_api_auth_google_callback": _elsewhere("second@example.org"),
    "get_api_auth_google_callback of somebody new": _elsewhere("new@example.org"),
    "get_api_users_me_identities": _get("/api/users/me/identities", "second"),
    "delete_api_users_me_identities_id": _part,
    "get_api_users_me_addresses": _get("/api/users/me/addresses", "second"),
    "put_api_users_me_addresses_id": _ask(
        "PUT", "/api/users/me/addresses/{s.product[id]}", "second", {"recipient": "Bo", "address": "Road 1"}
    ),
    "delete_api_users_me_addresses_id": _ask("DELETE", "/api/users/me/addresses/{s.product[id]}", "second"),
    "get_api_users_me_consents": _get("/api/users/me/consents", "second"),
    "put_api_users_me_consents": _ask(
        "PUT", "/api/users/me/consents", "second", {"items": [{"kind": "terms", "version": "1", "agreed": True}]}
    ),
    "get_api_users_me_second_factors": _get("/api/users/me/second-factors", "second"),
    "post_api_users_me_second_factors": _set_up,
    "post_api_users_me_second_factors_id_confirm": _confirm_factor,
    "post_api_auth_second_factor": _second_step,
    "post_api_auth_second_factor_session": _second_step_in_a_browser,
    "post_api_users_me_recovery_codes": _ask("POST", "/api/users/me/recovery-codes", "second"),
    "delete_api_users_me_second_factors_id": _ask(
        "DELETE", "/api/users/me/second-factors/{s.mailed[factor]}", "second"
    ),
    "post_api_auth_passkey_options": _ask("POST", "/api/auth/passkey/options", "stranger"),
    "post_api_auth_passkey": _by_passkey("/api/auth/passkey"),
    "post_api_auth_passkey_session": _by_passkey("/api/auth/passkey/session"),
    "post_api_auth_second_factor_options": _passkey_options,
    "post_api_auth_confirm_options": _ask("POST", "/api/auth/confirm/options", "second"),
    "get_api_farms_id_members": _get("/api/farms/{s.farmer.farm_id}/members", "farmer"),
    "post_api_farms_id_members": _ask(
        "POST", "/api/farms/{s.farmer.farm_id}/members", "farmer", {"email": "else@example.org", "role": "packer"}
    ),
    "patch_api_farms_id_members_user_id": _ask(
        "PATCH", "/api/farms/{s.farmer.farm_id}/members/{s.member.id}", "farmer", {"role": "driver"}
    ),
    "delete_api_farms_id_members_user_id": _ask(
        "DELETE", "/api/farms/{s.farmer.farm_id}/members/{s.member.id}", "farmer"
    ),
    "post_api_farms_id_documents": _document,
    "get_api_farms_id_documents": _get("/api/farms/{s.farmer.farm_id}/documents", "farmer"),
    "get_api_farms_id_documents_document_id": _get("{s.mailed[document]}", "farmer"),
    "delete_api_farms_id_documents_document_id": _ask("DELETE", "{s.mailed[document]}", "farmer"),
    "get_api_farms_id_invitations": _get("/api/farms/{s.farmer.farm_id}/invitations", "farmer"),
    "delete_api_farms_id_invitations_invitation_id": _withdraw,
    "post_api_invitations_token_accept": _ask("POST", "/api/invitations/{s.mailed[invitation]}/accept", "member"),
    "get_api_admin_users": _get("/api/admin/users?q=example", "admin"),
    "get_api_admin_users_id": _get("/api/admin/users/{s.farmer.id}", "admin"),
    "patch_api_admin_users_id": _ask("PATCH", "/api/admin/users/{s.farmer.id}", "admin", {"role": "manager"}),
    "post_api_admin_users_id_impersonate": _ask(
        "POST", "/api/admin/users/{s.buyer.id}/impersonate", "admin", {"reason": "to see"}
    ),
    "get_api_admin_audit": _get("/api/admin/audit", "admin"),
    "delete_api_users_me": _ask("DELETE", "/api/users/me", "second"),
    "post_api_users_me_deactivation": _ask("POST", "/api/users/me/deactivation", "spare"),
    "post_api_farms": _ask("POST", "/api/farms", "member", {"name": "Corner"}),
    "post_api_farms_id_verification": _ask(
        "POST",
        "/api/farms/{s.product[farm][id]}/verification",
        "admin",
        {"state": "suspended", "reason": "No answer for weeks."},
    ),
    "post_api_pickup_points": _made("/api/pickup-points", "point", lambda s: {"name": "Hall"}),
    "get_api_pickup_points": _get("/api/pickup-points"),
    "get_api_pickup_points_id": _get("/api/pickup-points/{s.mailed[point]}"),
    "patch_api_pickup_points_id": _ask("PATCH", "/api/pickup-points/{s.mailed[point]}", "admin", {"name": "Old hall"}),
    "post_api_market_days": _made("/api/market-days", "day", _a_day),
    "get_api_market_days": _get("/api/market-days"),
    "get_api_market_days_id": _get("/api/market-days/{s.mailed[day]}"),
    "post_api_orders in a window": _in_window,
    "patch_api_market_days_id": _ask("PATCH", "/api/market-days/{s.mailed[day]}", "admin", {"name": "Sunday"}),
    "post_api_market_days_id_copy": _made(
        "/api/market-days/{s.mailed[day]}/copy", "copy", lambda s: {"opens_at": _later(s, days=6)}
    ),
    "post_api_market_days_id_close": _ask("POST", "/api/market-days/{s.mailed[day]}/close", "admin"),
    "post_api_market_days_id_cancel": _ask("POST", "/api/market-days/{s.mailed[copy]}/cancel", "admin", {}),
    "delete_api_market_days_id": _ask("DELETE", "/api/market-days/{s.mailed[copy]}", "admin"),
    "post_api_market_schedules": _made(
        "/api/market-schedules", "schedule", lambda s: weekly(rule="FREQ=DAILY;COUNT=1", first=_later(s, days=20)[:10])
    ),
    "get_api_market_schedules": _get("/api/market-schedules", "admin"),
    "get_api_market_schedules_id": _get("/api/market-schedules/{s.mailed[schedule]}", "admin"),
    "patch_api_market_schedules_id": _ask(
        "PATCH", "/api/market-schedules/{s.mailed[schedule]}", "admin", {"name": "Weekly"}
    ),
    "delete_api_market_schedules_id": _ask("DELETE", "/api/market-schedules/{s.mailed[schedule]}", "admin"),
    "delete_api_pickup_points_id": _of_spare,
    "post_api_admin_clock": _ask("POST", "/api/admin/clock", "admin", lambda s: {"to": _later(s, minutes=1)}),
    "post_api_groups": _grouped,
    "get_api_groups": _get("/api/groups", "admin"),
    "get_api_groups_id": _get("/api/groups/{s.mailed[group]}", "admin"),
    "patch_api_groups_id": _ask("PATCH", "/api/groups/{s.mailed[group]}", "admin", {"name": "Trade"}),
    "post_api_groups_id_members": _ask(
        "POST", "/api/groups/{s.mailed[group]}/members", "admin", lambda s: {"email": s.member.email}
    ),
    "put_api_groups_id_members_user_id": _ask("PUT", "/api/groups/{s.mailed[group]}/members/{s.farmer.id}", "admin"),
    "get_api_groups_id_members": _get("/api/groups/{s.mailed[group]}/members", "admin"),
    "delete_api_groups_id_members_user_id": _ask(
        "DELETE", "/api/groups/{s.mailed[group]}/members/{s.farmer.id}", "admin"
    ),
    "delete_api_groups_id": _ask("DELETE", "/api/groups/{s.mailed[group]}", "admin"),
    "post_api_fees": _made(
        "/api/fees", "fees", lambda s: {"name": "Packing", "basis": "order", "amount": 100, "from": "2999-01-01"}
    ),
    "get_api_fees": _get("/api/fees", "admin"),
    "get_api_fees_id": _get("/api/fees/{s.mailed[fees]}", "admin"),
    "patch_api_fees_id": _ask("PATCH", "/api/fees/{s.mailed[fees]}", "admin", {"amount": 200}),
    "delete_api_fees_id": _ask("DELETE", "/api/fees/{s.mailed[fees]}", "admin"),
    "post_api_tax_rates": _made(
        "/api/tax-rates", "tax-rates", lambda s: {"name": "Reduced", "rate": 7, "from": "2999-01-01"}
    ),
    "get_api_tax_rates": _get("/api/tax-rates", "admin"),
    "get_api_tax_rates_id": _get("/api/tax-rates/{s.mailed[tax-rates]}", "admin"),
    "patch_api_tax_rates_id": _ask("PATCH", "/api/tax-rates/{s.mailed[tax-rates]}", "admin", {"rate": 8}),
    "delete_api_tax_rates_id": _ask("DELETE", "/api/tax-rates/{s.mailed[tax-rates]}", "admin"),
    "post_api_coupons": _made("/api/coupons", "coupons", lambda s: {"code": "SPRING-1", "percent": 10}),
    "get_api_coupons": _get("/api/coupons", "admin"),
    "get_api_coupons_id": _get("/api/coupons/{s.mailed[coupons]}", "admin"),
    "patch_api_coupons_id": _ask("PATCH", "/api/coupons/{s.mailed[coupons]}", "admin", {"percent": 20}),
    "delete_api_coupons_id": _ask("DELETE", "/api/coupons/{s.mailed[coupons]}", "admin"),
    "post_api_admin_search_rules": _ruled,
    "get_api_admin_search_rules": _get("/api/admin/search/rules", "admin"),
    "get_api_admin_search_rules_id": _get("/api/admin/search/rules/{s.mailed[rule]}", "admin"),
    "patch_api_admin_search_rules_id": _ask(
        "PATCH", "/api/admin/search/rules/{s.mailed[rule]}", "admin", {"note": "British"}
    ),
    "delete_api_admin_search_rules_id": _ask("DELETE", "/api/admin/search/rules/{s.mailed[rule]}", "admin"),
    "get_api_admin_search_misses": _get("/api/admin/search/misses", "admin"),
    "get_account": _get("/account"),
    "get__well_known_jwks_json": _get("/.well-known/jwks.json"),
    "get__well_known_api_catalog": _get("/.well-known/api-catalog"),
    "get__well_known_security_txt": _get("/.well-known/security.txt"),
    "get__well_known_change_password": _get("/.well-known/change-password"),
    "get": _get("/"),
    "get_health": _get("/health"),
    "get_health_ready": _get("/health/ready"),
    "get_metrics": _get("/metrics"),
    "get_openapi_json": _get("/openapi.json"),
    "get_docs": _get("/docs"),
    "get_docs_name": _get("/docs/orders"),
    "get_problems": _get("/problems"),
    "get_problems_slug": _get("/problems/not-found"),
    "get_api_market": _get("/api/market"),
    "post_api_auth_logout": _ask("POST", "/api/auth/logout", "buyer"),
}


def test_every_route_has_a_budget() -> None:
    routes = {route.name for route in table.ROUTES}
    assert {name.partition(" ")[0] for name in BUDGET} == routes
    assert list(BUDGET) == list(ASKS)


@pytest.mark.limit(60)
async def test_each_route_keeps_to_its_budget(stage: Stage) -> None:
    expected = {route.name: route.status for route in table.ROUTES}
    for person in (stage.farmer, stage.buyer, stage.admin, stage.second, stage.spare):
        assert (await person.get("/api/users/me")).status == 200, "known from now on"
    wrong = []
    with counting() as costs:
        for name, ask in ASKS.items():
            await stage.market.parts.cache.drop(())
            await stage.market.parts.pricing.now()
            key = {"Idempotency-Key": name.removesuffix(" again").replace(" ", "-")}
            response = await ask(stage, {"X-Request-Id": name.replace(" ", "-"), "If-Match": "*", **key})
            if response.status != expected[name.partition(" ")[0]]:
                wrong.append(f"{name}: {response.status} {response.text}")
            cost = costs[name.replace(" ", "-")]
            if (found := (len(cost.statements), cost.trips)) != BUDGET.get(name):
                wrong.append(f'"{name}": {found},  # {", ".join(cost.statements)}')
    assert not wrong, "\n".join(wrong)


@pytest.mark.limit(60)
async def test_the_contract_says_of_which_answers_a_client_may_have_a_copy_that_is_current(stage: Stage) -> None:
    """Those with an ETag: asked for with it, they are 304."""
    paths = document(table.ROUTES, "0")["paths"]
    asked, tagged = set(), set()
    for name, ask in ASKS.items():
        route = next(one for one in table.ROUTES if one.name == name.partition(" ")[0])
        response = await ask(stage, {"Idempotency-Key": name.replace(" ", "-"), "If-Match": "*"})
        if route.method != "GET" or response.status != 200 or route.page:
            continue
        asked.add(route.path)
        if "etag" in response.headers:
            tagged.add(route.path)
            same = await ask(stage, {"If-None-Match": response.headers["etag"]})
            assert (same.status, same.body) == (304, b""), name
    said = {path: paths[path]["get"]["responses"] for path in asked}
    assert {path for path in asked if "304" in said[path]} == tagged and len(tagged) > 15
    assert {path for path in asked if "ETag" in said[path]["200"]["headers"]} == tagged


#: Routes that ask for the language of the request without saying so.
OTHERWISE = {
    "get_account": "a page, which says so itself",
}


@pytest.mark.limit(60)
async def test_whatever_answers_in_the_language_of_the_request_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And caches may know it: ``spoken`` is the one place that has ``Content-Language`` and ``Vary`` sent."""
    heard: set[str] = set()
    real = RequestContext.language.fget

    def language(request: RequestContext) -> str:
        heard.add(request.route.name)
        return str(real(request))

    monkeypatch.setattr(RequestContext, "language", property(language))
    for name, ask in ASKS.items():
        await stage.market.parts.cache.drop(())
        await ask(stage, {"Idempotency-Key": name.replace(" ", "-"), "If-Match": "*"})
    spoken = {route.name for route in table.ROUTES if route.spoken}
    assert heard - spoken == set(OTHERWISE)
    assert len(heard & spoken) > 8


def test_an_order_is_cheap() -> None:
    assert all(cost <= MAX_ORDER for name, (cost, _) in BUDGET.items() if name.partition(" ")[0] == "post_api_orders")
    assert BUDGET["get_api_products"] == (1, 1), "one statement for a listing, whatever it shows"
