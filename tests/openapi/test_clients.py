"""Generated clients: a strict TypeScript shop and a Python client, compiled and run against a market."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tests.openapi.conftest import DemoMarket
from tests.openapi.tools import TOOLS, need, run, written

pytestmark = pytest.mark.xdist_group("demo_market")
SHOP = Path(__file__).with_name("shop.ts")
STRICT = (
    "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--noImplicitOverride", "--noUnusedLocals",
    "--noPropertyAccessFromIndexSignature", "--target", "es2022", "--module", "nodenext", "--skipLibCheck",
)  # fmt: skip


def test_a_strict_shop_in_typescript_places_an_order(demo_market: DemoMarket, tmp_path: Path) -> None:
    document = written(demo_market.document, tmp_path)
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    made = run([need(".bin/openapi-typescript"), document, "-o", tmp_path / "contract.d.ts"])
    assert made.returncode == 0, made.stderr
    (tmp_path / "shop.ts").write_text(SHOP.read_text("utf-8").replace('"./contract"', '"./contract.d.ts"'), "utf-8")
    compiled = run([need(".bin/tsc"), *STRICT, "--types", "node", "shop.ts"], cwd=tmp_path)
    assert compiled.returncode == 0, compiled.stdout
    shopped = run(["node", "shop.js", demo_market.address, "buyer@example.org", demo_market.password], cwd=tmp_path)
    assert shopped.returncode == 0, shopped.stderr
    assert "waits for the farm" in shopped.stdout or "is being prepared" in shopped.stdout


def test_a_generated_python_client_reads_and_orders(demo_market: DemoMarket, tmp_path: Path) -> None:
    document = written(demo_market.document, tmp_path)
    program = Path(sys.executable).parent / "openapi-python-client"
    config = tmp_path / "config.yaml"  # files, which are bytes
    kinds = (
        "image/webp",
        "image/jpeg",
        "application/pdf",
        "application/atom+xml",
        "application/xml",
        "application/ld+json",
    )
    config.write_text("content_type_overrides:\n" + "".join(f"  {kind}: application/octet-stream\n" for kind in kinds))
    made = run(
        [
            program,
            "generate",
            "--path",
            document,
            "--output-path",
            tmp_path / "shop",
            "--meta",
            "none",
            "--config",
            config,
        ]
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout + made.stderr, made.stdout + made.stderr
    sys.path.insert(0, str(tmp_path))
    try:
        _shop(demo_market)
    finally:
        sys.path.remove(str(tmp_path))
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]


def _shop(market: DemoMarket) -> None:
    shop = importlib.import_module("shop")
    models = importlib.import_module("shop.models")
    api = {n: importlib.import_module(f"shop.api.{m}") for n, m in _MODULES.items()}
    guest = shop.Client(base_url=market.address)
    signed_in = api["sign_in"].sync(
        client=guest, body=models.Login(email="buyer@example.org", password=market.password)
    )
    client = shop.AuthenticatedClient(base_url=market.address, token=signed_in.access_token)
    products = api["search"].sync(client=guest, q="potatoes", limit=1)
    product = products.items[0]
    line = models.OrderLineIn(product_id=product.id, quantity="2")
    ordered = api["place_order"].sync(
        client=client, body=models.PlaceOrder(lines=[line]), idempotency_key="a-python-client"
    )
    assert ordered.status in (models.OrderStatus.PLACED, models.OrderStatus.CONFIRMED)
    assert api["get_order"].sync(client=client, id=str(ordered.id)).totals.total.amount == ordered.totals.total.amount


_MODULES = {
    "sign_in": "accounts.sign_in", "search": "search.search", "place_order": "orders.place_order",
    "get_order": "orders.get_order",
}  # fmt: skip
