"""Schemathesis makes requests of the contract, sound and unsound, as each role: no 5xx, nothing that the contract does not name.

``HARVEST_FUZZ=1`` makes many of them for every role; otherwise a few for one, which changes with the seed.
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
from tests.openapi.tools import run, written

pytestmark = pytest.mark.xdist_group("contract_fuzz")
SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
ROLES = ("nobody", "buyer", "farmer", "admin")
EXAMPLES = int(os.environ.get("HARVEST_FUZZ_EXAMPLES", "400")) if WHOLE else 2
#: What must hold of each answer, beside that there is one.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
#: What ends the role's own sign-in, or holds a document that is long.
EXCEPT = ("signOut", "getContract")


@pytest.fixture(scope="module")
def market() -> Iterator[DemoMarket]:
    """One of its own, since what is tried here stays in it."""
    with started(rate_limits="false") as demo:
        yield demo


def _without_registering(document: dict[str, Any]) -> dict[str, Any]:
    """Where Schemathesis finds a way to register it does so before anything else, and 4.32 ends itself over our body."""
    return {**document, "paths": {path: ms for path, ms in document["paths"].items() if path != "/api/auth/register"}}


@pytest.mark.timeout(7200 if WHOLE else 180)
@pytest.mark.parametrize("role", ROLES if WHOLE else ["any"])
def test_every_answer_is_one_that_the_contract_names(
    market: DemoMarket, role: str, tmp_path: Path, measured: Any
) -> None:
    if role == "any":  # drawn here: all processes of a run have to know its tests by the same names
        role = random.Random(SEED).choice(ROLES)
    arguments = [
        "-n",
        EXAMPLES,
        "--phases",
        "examples,coverage,fuzzing" if WHOLE else "fuzzing",
        "--seed",
        SEED,
        "-c",
        CHECKS,
    ]
    arguments += [f"--exclude-operation-id={name}" for name in EXCEPT]
    if role != "nobody":
        credentials = {"email": f"{role}@example.org", "password": market.password}
        token = request(market.port, "POST", "/api/auth/login", credentials)[1]["access_token"]
        arguments += ["-H", f"Authorization: Bearer {token}"]
    program = Path(sys.executable).parent / "st"
    contract = written(_without_registering(market.document), tmp_path)
    done = run(
        [program, "run", contract, "--url", market.address, "--no-color", "--continue-on-failure", "--warnings", "off",
         "--generation-database", "none", "--max-failures", "20", *arguments],
        cwd=tmp_path, patience=7000 if WHOLE else 170,
    )  # fmt: skip
    told = re.findall(r"(\d+) generated", done.stdout)
    measured(f"{role}: {' '.join(told)} cases, seed {SEED}")
    assert done.returncode == 0, f"seed {SEED}: {done.stdout[-6000:]}{done.stderr[-2000:]}"
