"""Our way through Klein's routes comes to what Klein's own comes to."""

from __future__ import annotations

import attrs
import pytest

from harvestd.settings.table import Settings
from harvestd.web.http.klein_resource import Routes
from harvestd.web.server import make_site
from tests.web.client import Client, Response
from tests.web.conftest import make_parts, token_for
from tests.web.dummies import ROUTES, seen

ASKED = [
    ("GET", "/api/list"), ("GET", "/api/list?limit=3&after=a%20b"), ("GET", "/api/list/"), ("GET", "//api/list"),
    ("GET", "/api//list"), ("GET", "/"), ("GET", "/api"), ("GET", "/nowhere"), ("HEAD", "/api/list"), ("OPTIONS", "/api/list"),
    ("DELETE", "/api/list"), ("FOO", "/api/list"), ("POST", "/api/echo"), ("GET", "/api/things/a"), ("GET", "/api/things/gone"),
    ("GET", "/api/things/%C3%A9"), ("GET", "/api/things/a%2Fb"), ("GET", "/api/things/"), ("PATCH", "/api/things/a"),
    ("GET", "/api/things/a/b"), ("GET", "/api/crash"), ("GET", "/api/%6Cist"), ("GET", "/api/nothing-left"), ("GET", "/%"),
    ("GET", "/api/cached"), ("GET", "/health/live"), ("GET", "/api/list?limit=0"), ("GET", "/api/list#x"), ("GET", "/api/list;a"),
]  # fmt: skip


def told(response: Response) -> tuple[object, ...]:
    """All of it, but what is another each time."""
    own = {"date", "x-request-id"}
    body = response.body if "problem" not in response.headers.get("content-type", "") else response.json()["type"]
    return response.status, [pair for pair in response.all if pair[0].lower() not in own], body


@pytest.mark.logs_errors
@pytest.mark.parametrize(("method", "path"), ASKED, ids=lambda text: str(text))
async def test_each_request_is_answered_as_klein_would(web_settings: Settings, method: str, path: str) -> None:
    answers = []
    for short_way in (True, False):
        settings = attrs.evolve(web_settings, short_way=short_way)
        site = make_site(make_parts(settings, None), ROUTES)
        seen.version = 1
        assert isinstance(site.resource, Routes) is short_way
        client = Client(site).signed_in(token_for("anna"))
        body = b'{"name": "a"}' if method in ("POST", "PATCH") else None
        headers = {"Content-Type": "application/json", "If-Match": '"v1"'}
        answers.append(told(await client.request(method, path, body=body, headers=headers)))
    assert answers[0] == answers[1]
