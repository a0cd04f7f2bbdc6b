"""A worker that is killed over a picture loses none."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from servers import PostgresServer, wait_until
from servers.private import free_port
from tests.daemons import Daemon, request
from tests.market.pictures.test_making import saved

PERSON = {"email": "fia@example.org", "username": "fia", "password": "a long walk to market", "name": "Fia", "role": "farmer", "farm_name": "Fia's"}  # fmt: skip


@pytest.mark.limit(120)
def test_a_worker_that_is_killed_over_a_picture_loses_none(postgres: PostgresServer, tmp_path: Path) -> None:
    """Both are begun by it; another worker makes them."""
    database = postgres.clone()
    shared = {"database_url": postgres.url(database), "queue_poll": 0.1}
    api = Daemon("harvest-api", tmp_path, http_port=free_port(), workers="off", **shared)
    workers = [Daemon("harvest-worker", tmp_path, **shared) for _ in range(2)]

    def asked(method: str, path: str, body: Any = None, token: str = "") -> Any:
        status, answer, _ = request(
            api.port, method, path, body, {"Authorization": f"Bearer {token}"} if token else {}, 60
        )
        assert status < 300, answer
        return answer

    try:
        api.start()
        token = asked("POST", "/api/auth/register", PERSON)["access_token"]
        offer = {"title": "Carrots", "unit": "each", "price": 100, "stock": 1}
        path = f"/api/products/{asked('POST', '/api/products', offer, token)['id']}/images"
        large = saved(Image.effect_noise((900, 700), 60).convert("RGB").resize((6300, 4900)), "JPEG", quality=60)
        for content in (large, large + b"\x00"):
            asked("POST", path, {"content": base64.b64encode(content).decode()}, token)
        workers[0].begin()
        assert workers[0].process is not None
        worker = psutil.Process(workers[0].process.pid)

        def begun() -> bool:
            with suppress(psutil.NoSuchProcess):
                return any(
                    "product_picture_child" in " ".join(one.cmdline()) for one in worker.children(recursive=True)
                )
            return False

        wait_until("a picture is begun", begun, 30)
        workers[0].kill()
        assert "processing" in {one["status"] for one in asked("GET", path, token=token)["items"]}
        workers[1].begin()
        wait_until(
            "another makes them",
            lambda: {one["status"] for one in asked("GET", path, token=token)["items"]} == {"ready"},
            60,
        )
    finally:
        for daemon in (api, *workers):
            daemon.kill()
        postgres.drop(database)
