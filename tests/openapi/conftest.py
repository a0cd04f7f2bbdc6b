"""A market with the demo's data, as a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from playwright.sync_api import sync_playwright

from harvestd.loading.demo.people import demo_password
from servers import temporary_folder
from tests.daemons import Daemon, free_port, request
from tests.issuer import SmallIssuer
from tests.process.conftest import begun, end_database


@attrs.frozen
class DemoMarket:
    """Where it is, its contract, the password of its people, its log, and with whose accounts people sign in."""

    port: int
    document: dict[str, Any]
    password: str
    log: Path
    mails: Path
    issuer: SmallIssuer

    @property
    def address(self) -> str:
        """Of the server, without a path."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def demo_market() -> Iterator[DemoMarket]:
    """Tests that use it are of the group ``demo_market``, so that one is started."""
    with started() as market:
        yield market


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    program = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        # What is drawn is seen by nobody, so nothing need be drawn as on a screen.
        drawing = ["--disable-gpu", "--disable-software-rasterizer", "--disable-lcd-text", "--renderer-process-limit=1"]
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *drawing])
        yield found
        found.close()


@pytest.fixture(autouse=True)
def _closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """The pages of a test are closed with it: those of all would go on together."""
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()


class started:
    """The market, for as long as the context lasts; ``folder`` is its data."""

    def __init__(self, **settings: Any) -> None:
        self.settings = {"link_sign_in": "true", "sandbox": "true"} | settings

    def __enter__(self) -> DemoMarket:
        self.folder = temporary_folder("openapi")
        self.folder.chmod(0o755)
        begun(self.folder)
        self.issuer = SmallIssuer().__enter__()
        self.daemon = Daemon(
            "harvest-api",
            self.folder,
            http_port=free_port(),
            demo=1,
            stop_deadline=10,
            **self.issuer.settings | self.settings,
        )
        self.daemon.start()
        document = request(self.daemon.port, "GET", "/openapi.json")[1]
        password = demo_password(str(self.folder))
        assert password is not None
        return DemoMarket(self.daemon.port, document, password, self.daemon.log, self.folder / "mail", self.issuer)

    def __exit__(self, *_: object) -> None:
        self.daemon.stop()
        self.issuer.__exit__()
        end_database(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
