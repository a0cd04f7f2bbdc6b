"""Which Hosts are answered."""

from __future__ import annotations

import attrs
import pytest

from harvestd.settings.table import Settings
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES

OWN = ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"]
OTHERS = ["market.example.org", "localhost.example.org", "127.0.0.1.example.org", "[::2]", "127.0.0.2"]


async def status(settings: Settings, host: str, **changes: object) -> int:
    site = make_site(make_parts(attrs.evolve(settings, **({"allowed_hosts": ()} | changes)), None), ROUTES)
    return (await Client(site).get("/api/list", headers={"Host": host})).status


@pytest.mark.parametrize("host", OWN)
async def test_a_server_for_this_machine_answers_to_its_names(web_settings: Settings, host: str) -> None:
    assert await status(web_settings, host) == 200


@pytest.mark.parametrize("host", OTHERS)
async def test_and_to_no_other(web_settings: Settings, host: str) -> None:
    """A name of somebody's that was made to lead here has the rights of his page, not of this machine's."""
    assert await status(web_settings, host) == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed_hosts": ("market.example.org",)},
        {"allowed_hosts": ("*.example.org",)},
        {"allowed_hosts": ("*",)},
        {"public_url": "https://market.example.org/"},
        {"trusted_proxies": ("127.0.0.1/32",)},
        {"http_host": "0.0.0.0"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_the_settings_name_more(web_settings: Settings, changes: dict[str, object]) -> None:
    assert await status(web_settings, "market.example.org", **changes) == 200
