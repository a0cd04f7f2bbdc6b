"""Schemathesis makes requests of the contract, sound and unsound, as each role: no 5xx, nothing that the contract does not name.

``HARVEST_FUZZ=1`` makes 1,000 of each operation for every role (``HARVEST_FUZZ_EXAMPLES``: so many; ``HARVEST_FUZZ_TAGS``: of the
operations with these tags), and calls in a row where one's answer is what the next is about; otherwise a few of half of the operations
for one role: which ones changes with the seed. ``schemathesis.toml`` says what is checked, ``signing_in.py`` who asks.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemons import request
from tests.lengths import WHOLE
from tests.openapi.conftest import DemoMarket, started
from tests.openapi.tools import ROOT, run, written

pytestmark = pytest.mark.xdist_group("contract_fuzz")
SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
ROLES = ("nobody", "buyer", "farmer", "manager", "admin")
EXAMPLES = int(os.environ.get("HARVEST_FUZZ_EXAMPLES", "1000")) if WHOLE else 2
#: The tags of the operations that are tried; all, without one.
TAGS = [tag for tag in os.environ.get("HARVEST_FUZZ_TAGS", "").split(",") if tag]
#: Of the contract's tags, a short run tries so many of ten, which change with the seed.
SHARE = 2
#: What is checked of each answer.
CHECKS = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture(scope="module")
def market() -> Iterator[DemoMarket]:
    """One of its own, since what is tried here stays in it."""
    with started(rate_limits="false", metrics_token="m" * 32) as demo:
        _make_manager(demo)
        yield demo


def _make_manager(demo: DemoMarket) -> None:
    """The demo's people have none."""
    mae = {"email": "manager@example.org", "password": demo.password, "username": "manager", "name": "Mae"}
    _, registered, _ = request(demo.port, "POST", "/api/auth/register", mae | {"role": "buyer"})
    token = request(demo.port, "POST", "/api/auth/login", _credentials(demo, "admin"))[1]["access_token"]
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    where = f"/api/admin/users/{registered['user']['id']}"
    assert request(demo.port, "PATCH", where, {"role": "manager"}, headers)[0] == 200


def _credentials(demo: DemoMarket, role: str) -> dict[str, str]:
    return {"email": f"{role}@example.org", "password": demo.password}


def _some(document: dict[str, Any]) -> list[str]:
    names = [tag["name"] for tag in document["tags"]]
    return [] if WHOLE else random.Random(SEED).sample(names, len(names) * SHARE // 10)


@pytest.mark.timeout(7200 if WHOLE else 180)
@pytest.mark.parametrize("role", ROLES if WHOLE else ["any"])
def test_every_answer_is_one_that_the_contract_names(
    market: DemoMarket, role: str, tmp_path: Path, measured: Any
) -> None:
    if role == "any":  # drawn here: all processes of a run have to know its tests by the same names
        role = random.Random(SEED).choice(ROLES)
    tags = TAGS or _some(market.document)
    phases = "examples,coverage,fuzzing,stateful" if WHOLE else "fuzzing"
    variables = {
        "SCHEMATHESIS_HOOKS": "tests.hostile.signing_in",
        "PYTHONPATH": str(ROOT),
        "HARVEST_FUZZ_MARKET": market.address,
    }
    if role != "nobody":
        variables |= {f"HARVEST_FUZZ_{name.upper()}": word for name, word in _credentials(market, role).items()}
    program = Path(sys.executable).parent / "st"
    done = run(
        [program, "--config-file", CHECKS, "run", written(market.document, tmp_path), "--url", market.address, "--no-color",
         "--continue-on-failure", "--warnings", "off", "--generation-database", "none", "--max-failures", "20", "-n", EXAMPLES,
         "--phases", phases, "--seed", SEED, *(f"--include-tag={tag}" for tag in tags)],
        cwd=tmp_path, patience=7000 if WHOLE else 170, variables=variables,
    )  # fmt: skip
    told = re.findall(r"Tested: (\d+)|(\d+) generated| in ([\d.]+)s =+$", done.stdout, re.MULTILINE)
    measured(f"{role}: {', '.join(''.join(one) for one in told)} operations, cases and seconds, seed {SEED}")
    if role != "nobody":
        assert request(market.port, "POST", "/api/auth/login", _credentials(market, role))[0] == 200, (
            "they still are who they were"
        )
    assert done.returncode == 0, f"seed {SEED}: {done.stdout[-6000:]}{done.stderr[-2000:]}"
