"""Markets: the whole route table on a real database in memory's reach, and a daemon of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openapi.conftest import DemoMarket, started
from tests.web.conftest import market, parts, web_settings

__all__ = ["market", "parts", "web_settings"]


@pytest.fixture(scope="module")
def own_market() -> Iterator[tuple[DemoMarket, Path]]:
    """A daemon of the module's own, and its folder, since what is tried there stays in it."""
    one = started(rate_limits="false")
    with one as demo:
        yield demo, one.folder
