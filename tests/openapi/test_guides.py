"""What the guides for newcomers and for front ends have people type does what they say: every command of theirs, in bash, against a new demo market."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.openapi.conftest import started

ROOT = Path(__file__).parents[2]
#: The guides, in the order in which somebody reads them; and of each, what its last commands tell.
GUIDES = {"README.md": "", "docs/selling.md": "completed\ncancelled\n"}

pytestmark = pytest.mark.xdist_group("guides")


def commands(guide: str) -> str:
    """What a guide has its readers type."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", (ROOT / guide).read_text(), re.DOTALL | re.MULTILINE))


@pytest.mark.timeout(120)
def test_every_command_of_the_guides_works_in_a_new_demo_market(tmp_path: Path) -> None:
    one = started(sandbox="false")
    with one as market:
        (tmp_path / "data").symlink_to(one.folder)
        for guide, last in GUIDES.items():
            typed = commands(guide).replace("localhost:8080", f"127.0.0.1:{market.port}")
            done = subprocess.run(
                ["bash", "-c", f"set -euo pipefail\n{typed}"], cwd=tmp_path, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, f"{guide}: {done.stdout[-2000:]}{done.stderr[-1000:]}"
            assert done.stdout.endswith(last), f"{guide}: {done.stdout[-2000:]}"
