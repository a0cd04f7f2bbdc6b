"""A worker that dies in the middle of an operation: another goes on, and each step has taken effect once."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import request
from tests.faults.market import market

#: Rows of which the export has several pages.
KEYS = """insert into api_keys (id, user_id, name, hint, secret_hash, scopes, created_at)
          select gen_random_uuid(), u.id, 'till', 'hk_', sha256(gen_random_uuid()::text::bytea), '{orders:read}', now()
            from users u, generate_series(1, 2000) where username = 'buyer0' returning 1"""


@pytest.mark.timeout(120)
def test_a_killed_worker_s_operation_is_finished_by_another(postgres: PostgresServer, tmp_path: Path) -> None:
    with market(postgres, tmp_path, work_lease=0.5) as shop:
        shop.populate(["Leek"], farms=1, buyers=1)
        shop.query(KEYS)
        for worker in shop.workers:
            worker.stop()
        dying = shop.worker
        dying.begin(fail_points="operation.before_kept=kill@3")
        headers = {"Authorization": f"Bearer {shop.buyers[0]}"}
        status, begun, _ = request(shop.api.port, "POST", "/api/users/me/export", None, headers)
        assert status == 202, begun
        process = dying.process
        assert process is not None
        wait_until("the worker dies in its third step", lambda: process.poll() is not None, 30)
        assert process.returncode == -9, dying.log.read_text()[-2000:]
        assert shop.query("select status, result is null from operations") == [("running", True)]
        dying.start()
        there = f"/api/operations/{begun['id']}"
        wait_until(
            "another finishes it",
            lambda: request(shop.api.port, "GET", there, None, headers)[1]["status"] == "succeeded",
            40,
        )
        shop.rest()
        _, file, _ = request(shop.api.port, "GET", f"{there}/file", None, headers)
        assert len(file["api_keys"]) == 2000 == len({key["id"] for key in file["api_keys"]})
        assert file["account"]["email"].startswith("buyer0")
        told = shop.query("select count(*) from mails where subject like 'Your data at %%'")
        assert told == [(1,)]
