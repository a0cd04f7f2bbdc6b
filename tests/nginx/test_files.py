"""The files themselves: Nginx takes them, and what they say of problems is what the daemon says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from harvestd.web.problems import BY_SLUG
from servers.nginx import FILES, NginxServer


@pytest.fixture
def files() -> Iterator[NginxServer]:
    server = NginxServer([8081, 8082, 8083], strict=True, limits=True)
    yield server
    server.remove()


def test_nginx_takes_them_without_a_warning(files: NginxServer) -> None:
    done = subprocess.run([*files.command(), "-t"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr
    # On a newer Nginx the parameter http2 is deprecated, and works.
    said = [
        line for line in done.stderr.splitlines() if "[warn]" in line and '"listen ... http2" directive' not in line
    ]
    assert said == []


def test_the_instances_are_balanced_by_their_requests_under_way() -> None:
    upstream = (FILES / "harvest.conf").read_text().partition("upstream harvest_api {")[2].partition("}")[0]
    active = [line.partition("#")[0].strip() for line in upstream.splitlines()]
    assert "least_conn;" in active
    assert {"ip_hash", "weight=2", "round robin"} <= set(re.findall(r"ip_hash|weight=2|round robin", upstream))
    assert not any(line.startswith("ip_hash") or "weight=" in line for line in active)


def test_every_problem_is_one_of_the_daemons() -> None:
    bodies = re.findall(r"return (\d+) '(\{.*\})';", (FILES / "snippets" / "harvest-problems.conf").read_text())
    assert len(bodies) > 8
    for status, text in bodies:
        found = json.loads(text)
        row = BY_SLUG[found["type"].removeprefix("/problems/")]
        assert found["title"] == row.title
        assert found["status"] == int(status)
        assert row.status == int(status) or (row.slug == "unavailable" and status in ("502", "504"))
        assert list(found) == ["type", "title", "status", "detail", "instance", "request_id"]


def test_no_location_loses_the_headers_of_security() -> None:
    """``add_header`` in a location turns off all those above it, so each that has one includes them again."""
    for path in (FILES / "snippets").glob("*.conf"):
        for block in re.findall(r"\blocation [^{]*\{(.*?)\n\}", path.read_text(), re.S):
            assert "add_header" not in block or "include snippets/harvest-headers.conf;" in block, block
