"""Health, metrics, the contract and its pages."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any, cast, get_args

import attrs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from harvestd import tables as table
from harvestd.interfaces import QueueState
from harvestd.kernel.codes import CODES
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.units import Unit
from harvestd.parts import Parts
from harvestd.runtime.health import Condition
from harvestd.settings.table import Settings
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.web import probes
from harvestd.web.headers import BY_PROXIES
from harvestd.web.pages import openapi
from harvestd.web.problems import PROBLEMS
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES


async def test_health_asks_nothing_of_anything(client: Client) -> None:
    """No database here, and it is alive."""
    response = await client.get("/health")
    assert (response.status, response.json()) == (200, {"status": "ok"})


PING = Statement("test_ping", "select 1", scalar)


def database_probe(parts: Parts) -> None:
    async def probe() -> Condition:
        await parts.database.row(PING)
        return Condition("ok")

    parts.health.add("database", probe, needed=True)


class Broker:
    """As much of one as readiness asks."""

    async def states(self) -> list[QueueState]:
        return [QueueState("harvest.orders", 3, 0, 0, 1, 1)]


async def test_ready_tells_how_each_part_is(parts: Parts, store_client: Client) -> None:
    database_probe(parts)
    probes.add(attrs.evolve(parts, broker=cast(Any, Broker())))

    async def late() -> Condition:
        return Condition("degraded", "12 events wait")

    parts.health.add("relay", late)
    response = await store_client.get("/health/ready")
    assert response.status == 200
    assert response.json()["status"] == "degraded"
    states = {name: part["state"] for name, part in response.json()["parts"].items()}
    assert states == {
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
        "cache": "ok",
        "disk": "ok",
        "relay": "degraded",
    }
    assert response.json()["parts"]["broker"]["detail"] == "3 messages wait, 1 are dead letters"


async def test_a_schema_of_another_version_is_told_with_the_cure(parts: Parts, database: Database) -> None:
    probes.add(parts)
    newer = Statement(
        "test_newer", "insert into schema_migrations (number, name, checksum) values (999, 'x', '')", nothing
    )
    await database.transaction(lambda tx: tx.run(newer))
    found = (await parts.health.look(parts.reactor, 5.0))["migrations"]
    assert found.state == "degraded"
    assert found.detail.endswith("update harvestd")


async def test_ready_is_503_without_the_database(web_settings: Settings, database: Database) -> None:
    parts = make_parts(web_settings, database)
    database_probe(parts)
    await database.stop()
    response = await Client(make_site(parts, ROUTES)).get("/health/ready")
    assert (response.status, response.json()["status"]) == (503, "down")
    assert response.headers["retry-after"]
    assert response.json()["parts"]["database"]["state"] == "down"


async def test_readiness_tells_a_stranger_the_states_and_the_operator_the_causes(web_settings: Settings) -> None:
    async def fails() -> Condition:
        raise Unavailable('connection to server at "10.1.2.3" failed')

    parts = make_parts(web_settings, None)
    parts.health.add("database", fails, needed=True)
    client = Client(make_site(parts, ROUTES))
    stranger = await client.request("GET", "/health/ready", host="192.0.2.1")
    assert (stranger.status, stranger.json()["parts"]) == (503, {"database": {"state": "down", "detail": ""}})
    assert "10.1.2.3" in (await client.get("/health/ready")).text


async def test_other_parts_may_be_down_and_a_probe_may_fail_or_hang(web_settings: Settings) -> None:
    from twisted.internet.defer import Deferred

    never: Deferred[Condition] = Deferred()

    async def fails() -> Condition:
        raise Unavailable("refused")

    async def hangs() -> Condition:
        return await never

    parts = make_parts(web_settings, None)
    parts.health.add("search", fails)
    parts.health.add("broker", hangs)
    response = await Client(make_site(parts, ROUTES)).get("/health/ready")
    assert (response.status, response.json()["status"]) == (200, "degraded")
    assert response.json()["parts"] == {
        "search": {"state": "down", "detail": "refused"},
        "broker": {"state": "down", "detail": "no answer within 1 s"},
    }
    never.callback(Condition("ok"))


async def test_ready_is_503_while_stopping(web_settings: Settings) -> None:
    """So that a balancer sends no more."""
    parts = make_parts(web_settings, None)
    parts.lifecycle.stopping = True
    assert (await Client(make_site(parts, ROUTES)).get("/health/ready")).status == 503


# --- metrics ---


async def test_metrics_are_prometheus_text(store_client: Client, parts: Parts) -> None:
    await parts.database.row(PING)
    parts.metrics.scrape.watch_pool("primary", parts.database.pool.state)
    parts.metrics.scrape.watch_cache(parts.cache.state)
    parts.metrics.handled("harvest.orders", "handled", 0.01, 3)
    parts.metrics.published(7)
    parts.metrics.mailed("sent")

    async def refresh() -> None:
        parts.metrics.backlog(5, 1.5)
        parts.metrics.queues([QueueState("harvest.orders", 1, 2, 3, 4, 5)])

    parts.metrics.scrape.refreshing("queues", refresh)
    await store_client.get("/api/cached")
    await store_client.get("/api/cached")
    response = await store_client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (s.name, *sorted(s.labels.values())): s.value
        for family in text_string_to_metric_families(response.text)
        for s in family.samples
    }
    assert samples["harvest_http_requests_total", "200", "GET", "get_api_cached"] == 2
    assert samples["harvest_http_request_seconds_count", "get_api_cached"] == 2
    assert samples[("harvest_http_in_flight",)] == 1
    assert samples["harvest_cache_lookups_total", "hits"] == samples["harvest_cache_lookups_total", "misses"] == 1
    assert samples[("harvest_cache_hit_ratio",)] == 0.5
    assert samples["harvest_database_pool", "open", "primary"] >= 1
    assert samples[("harvest_outbox_backlog",)] == 5
    assert samples["harvest_queue_messages", "dead", "harvest.orders"] == 4
    assert samples["harvest_consumer_handled_total", "handled", "harvest.orders"] == 3
    assert samples[("harvest_relay_published_total",)] == 7
    assert samples["harvest_mails_total", "sent"] == 1
    assert samples[("process_resident_memory_bytes",)] > 0


async def test_a_number_that_cannot_be_read_keeps_the_others(web_settings: Settings) -> None:
    parts = make_parts(web_settings, None)

    async def refresh() -> None:
        raise Unavailable("PostgreSQL is away")

    parts.metrics.scrape.refreshing("queues", refresh)
    assert (await Client(make_site(parts, ROUTES)).get("/metrics")).status == 200


async def test_metrics_are_for_this_machine_alone(client: Client) -> None:
    """Also when a proxy on this machine relays somebody else's request."""
    assert (await client.get("/metrics")).status == 200
    assert (await client.get("/metrics", host="192.0.2.1")).status == 403
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status == 403


@pytest.mark.parametrize(
    "name",
    [name + "for" if name.endswith("-") else name for name in BY_PROXIES]
    + ["X-Real-IP", "VIA", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Anything", "CF-Connecting-IP"],
)
async def test_whatever_a_proxy_writes_into_a_request_says_that_somebody_is_between(
    web_settings: Settings, name: str
) -> None:
    client = Client(make_site(make_parts(web_settings, None), ROUTES))
    for value in ("", "1.1 localhost", "127.0.0.1"):
        assert (await client.get("/metrics", headers={name: value})).status == 403


@pytest.mark.parametrize("name", ["User-Agent", "Accept", "X-Request-Id", "Forwarded-By-Nobody", "X-Forwards"])
async def test_what_clients_write_themselves_says_nothing_of_the_kind(client: Client, name: str) -> None:
    assert (await client.get("/metrics", headers={name: "127.0.0.1"})).status == 200


@pytest.mark.parametrize(
    "forwarded",
    [None, "", "127.0.0.1", "10.1.1.1", "192.0.2.1", "203.0.113.9:4711", "unknown", "_hidden", "127.0.0.1:80", ","],
)
async def test_by_way_of_a_proxy_metrics_ask_for_their_token(web_settings: Settings, forwarded: str | None) -> None:
    """Whatever it says, or does not say, of its client."""
    settings = attrs.evolve(web_settings, trusted_proxies=("10.0.0.0/8", "127.0.0.0/8"))
    client = Client(make_site(make_parts(settings, None), ROUTES))
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    for proxy in ("10.1.1.1", "127.0.0.1"):
        assert (await client.get("/metrics", host=proxy, headers=headers)).status == 403
    with_token = Client(make_site(make_parts(attrs.evolve(settings, metrics_token="scraper"), None), ROUTES))
    headers["Authorization"] = "Bearer scraper"
    assert (await with_token.get("/metrics", host="10.1.1.1", headers=headers)).status == 200


async def test_with_a_token_metrics_ask_for_it(web_settings: Settings) -> None:
    settings = attrs.evolve(web_settings, metrics_token="let me in")
    client = Client(make_site(make_parts(settings, None), ROUTES))
    assert (await client.get("/metrics")).status == 401
    assert (await client.get("/metrics", headers={"Authorization": "Bearer let me"})).status == 401
    given = {"Authorization": "Bearer let me in"}
    assert (await client.get("/metrics", headers=given, host="192.0.2.1")).status == 200


# --- the contract ---


@pytest.mark.parametrize("routes", [table.ROUTES, ROUTES], ids=["market", "dummies"])
def test_the_document_is_openapi_3_1(routes: tuple[table.Route, ...]) -> None:
    document = openapi.document(routes, "a market")
    assert document["openapi"] == "3.1.0"
    assert [str(error)[:300] for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_the_document_served_has_every_route_but_pages_for_people(client: Client) -> None:
    response = await client.get("/openapi.json")
    assert response.headers["cache-control"] == "public, max-age=60, must-revalidate"
    operations = {o["operationId"] for path in response.json()["paths"].values() for o in path.values()}
    assert operations == {route.operation_id for route in ROUTES if not route.page}


async def test_the_document_is_not_made_by_the_reactor(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would answer nobody meanwhile."""
    real = openapi.document
    makers: set[int] = set()

    def document(*given: Any) -> dict[str, Any]:
        makers.add(threading.get_ident())
        return real(*given)

    monkeypatch.setattr(openapi, "document", document)
    for path in ("/openapi.json", "/docs", "/docs/schemas"):
        assert (await client.get(path)).status == 200, path
    assert makers and threading.get_ident() not in makers


async def test_an_operation_says_all_that_the_gate_will_ask(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    create = document["paths"]["/api/things"]["post"]
    assert create["security"] == [{"bearer": []}, {"session": [], "csrf": []}]
    assert [(p["name"], p["required"]) for p in create["parameters"] if "name" in p] == [("Idempotency-Key", True)]
    assert set(create["responses"]) >= {"201", "400", "401", "403", "409", "413", "415", "422", "429", "503"}
    assert set(create["responses"]["201"]["headers"]) >= {
        "X-Request-Id",
        "RateLimit",
        "Idempotent-Replayed",
        "Location",
    }
    change = document["paths"]["/api/things/{id}"]["patch"]
    assert {"412", "428"} <= set(change["responses"])
    listing = {p["name"]: p["schema"] for p in document["paths"]["/api/list"]["get"]["parameters"] if "name" in p}
    assert listing["limit"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert document["components"]["schemas"]["Line"]["properties"]["quantity"]["type"] == ["string", "number"]


async def test_every_reference_in_the_document_leads_somewhere(client: Client) -> None:
    response = await client.get("/openapi.json")
    for reference in set(re.findall(r'"#/([^"]+)"', response.text)):
        found = json.loads(response.body)
        for step in reference.split("/"):
            found = found[step]


# --- metrics ---

DOCS = [
    *(Path(__file__).parents[3] / "docs").glob("*.md"),
    *(Path(__file__).parents[3] / n for n in ("README.md", "CHANGELOG.md")),
]
#: What begins so and is no metric: the exchange of RabbitMQ, and cookies.
NO_METRICS = {"harvest_hub", "harvest_session", "harvest_cart", "harvest_api"}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
async def test_every_metric_that_the_documentation_names_is_there(web_settings: Settings, page: Path) -> None:
    parts = make_parts(web_settings, None)
    parts.metrics.scrape.watch_cache(parts.cache.state)
    shown = (await Client(make_site(parts, table.ROUTES)).get("/metrics")).text
    known = {line.split()[2] for line in shown.splitlines() if line.startswith("# TYPE ")}
    named = set(re.findall(r"\bharvest_[a-z_]+\b", page.read_text("utf-8"))) - NO_METRICS
    assert named <= known, named - known


# --- pages ---


async def test_docs_need_nothing_from_elsewhere(client: Client) -> None:
    """No inline script, no other host: the policy forbids both, and everything that the page names is served here."""
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy and "http" not in policy
    assert not re.search(r"<script(?![^>]*src=)", page.text)
    for name in set(re.findall(r'(?:src|href)="(/docs/[^"#]+)', page.text)):
        file = await client.get(name)
        assert (file.status, file.headers["x-content-type-options"]) == (200, "nosniff")
        kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
        assert file.headers["content-type"] == kinds.get(name.rpartition(".")[2], "text/html") + "; charset=utf-8"


#: Every page of HTML, whether the daemon keeps it or not.
PAGES = (
    "/", "/docs", *(f"/docs/{name}" for name in (*dict.fromkeys(route.tag for route in table.ROUTES), "schemas")), "/problems", *(problem.type for problem in PROBLEMS),
)  # fmt: skip


def test_every_route_of_pages_is_among_the_pages() -> None:
    pages = [route.path for route in table.ROUTES if route.page or route.also_html]
    assert sorted(pages) == [
        "/", "/.well-known/api-catalog", "/.well-known/change-password", "/.well-known/security.txt", "/account", "/docs", "/docs/{name}",
        "/problems", "/problems/{slug}",
    ]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_that_is_asked_for_again_keeps_its_policy(web_settings: Settings, path: str) -> None:
    """A browser applies the policy of a 304 to the page that it has; another one takes its styles and scripts away."""
    client = Client(make_site(make_parts(web_settings, None), table.ROUTES))
    page = await client.get(path)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for _ in range(2):  # out of the cache, and the short way
        same = await client.get(path, headers={"If-None-Match": page.headers["etag"]})
        assert same.status == 304
        assert same.headers.get("content-security-policy") == page.headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
async def test_what_is_typed_into_a_form_never_gets_into_an_address(web_settings: Settings, path: str) -> None:
    """Where no script is, or not yet: the form is refused."""
    client = Client(make_site(make_parts(web_settings, None), table.ROUTES))
    page = await client.get(path)
    forms = re.findall("<form[^>]*>", page.text)
    assert [form for form in forms if ' method="post"' not in form or " action=" in form] == []
    if forms:
        typed = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await client.request("POST", path, headers=typed, body=b"password=secret")).status == 405


@pytest.mark.parametrize("name", ["..%2f..%2fgate.py", "nothing", "oauth2-redirect.html", ".."])
async def test_docs_serve_their_own_files_alone(client: Client, name: str) -> None:
    assert (await client.get(f"/docs/{name}")).status == 404


#: As a browser sends it.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/docs/nothing", "/docs/orders/", "/docs/a/b", "/problems/nothing", "/health/%3Cb%3E", "/a%2Fb"],
)
async def test_a_page_that_is_not_there_is_told_to_a_browser_in_html_and_to_others_as_a_problem(
    client: Client, path: str
) -> None:
    page = await client.get(path, headers=BROWSER)
    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert 'href="/docs"' in page.text and "style-src 'self'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"] and "<b>" not in page.text
    for headers in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
        assert (await client.get(path, headers=headers)).headers["content-type"] == "application/problem+json"
    assert (await client.request("POST", path, headers=BROWSER)).headers["content-type"] == "application/problem+json"


async def test_what_is_not_in_the_api_is_a_problem_for_a_browser_too(client: Client) -> None:
    missing = await client.get("/api/nothing", headers=BROWSER)
    assert (missing.status, missing.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("path", ["/docs", "/problems"])
async def test_a_page_with_a_slash_at_its_end_leads_to_the_page(web_settings: Settings, path: str, short: bool) -> None:
    parts = make_parts(attrs.evolve(web_settings, short_way=short), None)
    client = Client(make_site(parts, table.ROUTES))
    moved = await client.get(f"{path}/")
    assert (moved.status, moved.headers["location"], moved.text) == (308, path, "")
    assert (await client.request("POST", f"{path}/")).status == 404


async def test_every_problem_has_its_page(client: Client) -> None:
    listing = await client.get("/problems")
    for problem in PROBLEMS:
        assert f'href="{problem.type}"' in listing.text
        page = await client.get(problem.type)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert problem.title in page.text.replace("&#x27;", "'")
    assert (await client.get("/problems/nothing")).status == 404


async def test_problems_are_json_when_asked_for(client: Client) -> None:
    page = await client.get("/problems/stale", headers={"Accept": "application/json"})
    assert (page.json()["status"], page.headers["vary"]) == (412, "Accept")
    listed = (await client.get("/problems", headers={"Accept": "application/json"})).json()
    assert len(listed["items"]) == len(PROBLEMS) and {row["code"] for row in listed["codes"]} == set(CODES)
    page = (await client.get("/problems", headers={"Accept": "text/html"})).text
    assert all(f"<code>{code}</code>" in page for code in CODES)


async def test_a_browser_finds_its_way_from_the_index(client: Client) -> None:
    page = await client.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/docs", "/openapi.json", "/problems"):
        assert f'href="{path}"' in page.text


async def test_a_front_end_learns_of_the_market(client: Client) -> None:
    market = (await client.get("/api/market")).json()
    assert market["currency"] == "EUR"
    assert set(market) == {
        "name", "currency", "timezone", "languages", "units", "tax_included", "guests", "methods", "sandbox", "password",
        "password_min_length", "imprint", "sign_in_issuer", "link_sign_in", "private_registration", "second_factor_required_for",
        "upload_max_bytes", "by_days", "holds_minutes", "order_confirmation", "own_products", "order_lines_max",
    }  # fmt: skip
    units = {unit.pop("unit"): unit for unit in market["units"]}
    assert set(units) == set(get_args(Unit))
    assert units["kg"] == {"unit_code": "KGM", "kind": "weight", "decimals": 3}
    assert units["bunch"] == {"unit_code": "C62", "kind": "piece", "decimals": 0}
    assert (market["guests"], market["methods"], market["sandbox"]) == (False, ["pickup", "delivery"], False)


async def test_a_front_end_learns_how_people_sign_in_and_what_they_may_upload(web_settings: Settings) -> None:
    """What it would otherwise find out by a refusal."""

    async def told(**changes: Any) -> Any:
        market = Client(make_site(make_parts(attrs.evolve(web_settings, **changes), None), table.ROUTES))
        found = (await market.get("/api/market")).json()
        names = ("link_sign_in", "private_registration", "second_factor_required_for", "upload_max_bytes")
        return tuple(found[name] for name in names)

    assert await told() == (False, False, [], 10_000_000)
    changed = {
        "link_sign_in": True,
        "private_registration": True,
        "second_factor_required_for": ("admin",),
        "upload_max_bytes": 5000,
    }
    assert await told(**changed) == (True, True, ["admin"], 5000)


async def test_a_market_that_says_who_runs_it_is_shown_so(web_settings: Settings) -> None:
    assert await _imprint(web_settings) is None
    named = attrs.evolve(web_settings, market_legal_name="Graz Market eGen", market_address="Main Street 1, 8010 Graz")
    assert await _imprint(attrs.evolve(named, market_register="FN 1a", market_tax_number="ATU1")) == {
        "legal_name": "Graz Market eGen", "address": "Main Street 1, 8010 Graz", "register": "FN 1a", "tax_number": "ATU1"
    }  # fmt: skip
    assert (await _imprint(named))["tax_number"] == ""


async def _imprint(settings: Settings) -> Any:
    return (await Client(make_site(make_parts(settings, None), table.ROUTES)).get("/api/market")).json()["imprint"]


async def test_a_front_end_learns_the_least_length_of_passwords(web_settings: Settings) -> None:
    settings = attrs.evolve(web_settings, password_least=17)
    market = Client(make_site(make_parts(settings, None), table.ROUTES))
    found = (await market.get("/api/market")).json()
    assert (found["password_min_length"], found["password"]) == (17, {"min_length": 17})
