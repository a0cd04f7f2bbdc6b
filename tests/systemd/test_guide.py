"""The install guide: what it has one type is well formed, and names what there is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from harvestd.ctl import COMMANDS
from harvestd.setting_rows import ROWS
from tests.servers.nginx import FILES
from tests.systemd import sandbox
from tests.systemd.guide import GUIDE, blocks, consoles

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
ALL = [*blocks(), *consoles()]


@pytest.mark.parametrize("block", ALL)
def test_a_shell_takes_every_block(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr


def test_every_file_of_the_checkout_that_it_names_is_there() -> None:
    typed = "\n".join(ALL)
    named = re.findall(r"(?<![\w/.-])((?:nginx|systemd|harvestd)/[\w@./*-]+)", typed)
    assert len(named) > 5
    for name in named:
        assert list(ROOT.glob(name)), name
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", GUIDE.read_text()):
        assert (GUIDE.parent / link).exists(), link


def test_every_file_that_is_shipped_is_installed() -> None:
    typed = "\n".join(blocks())
    for path in [*UNITS.iterdir(), FILES / "harvest.conf"]:
        assert re.search(rf"install [^\n]*{path.parent.name}/{re.escape(path.name)}\b", typed), path.name
    assert "nginx/snippets/harvest-*.conf" in typed
    assert all(path.name.startswith("harvest-") for path in (FILES / "snippets").iterdir())


def test_every_command_of_harvestctl_is_one() -> None:
    named = set(re.findall(r"(?<![/-])\bharvestctl ([a-z][\w-]+)", "\n".join(ALL)))
    assert {"migrate", "create-admin", "doctor"} <= named <= {command.name for command in COMMANDS}


def test_every_secret_that_the_units_hand_over_is_made() -> None:
    made = set(re.findall(r"\| secret (\w+)$", "\n".join(blocks()), re.M))
    handed = {value.partition(":")[0] for value in sandbox.directives(UNITS / "harvest-api@.service", "LoadCredential")}
    assert made == handed
    assert made <= {row.name for row in ROWS.values() if row.secret}


def test_it_puts_things_where_the_units_and_nginx_look_for_them() -> None:
    typed, unit = "\n".join(blocks()), (UNITS / "harvest-api@.service").read_text()
    nginx = (FILES / "harvest.conf").read_text()
    for path in (
        "/etc/harvestd/harvest.toml",
        "/opt/harvestd/bin/twistd",
        "/var/lib/harvestd",
        "/etc/harvestd/credentials",
    ):
        assert path in typed and path in unit, path
    for path in (
        "/etc/harvestd/tls/fullchain.pem",
        "/etc/harvestd/tls/privkey.pem",
        "/var/www/acme",
        "/var/www/harvest",
    ):
        assert path in typed and path in nginx, path
    ports = re.findall(r"server 127\.0\.0\.1:(\d+) ", nginx.partition("upstream harvest_api {")[2].partition("}")[0])
    assert len(ports) == 3
    assert all(f"harvest-api@{port}.service" in (UNITS / "harvest.target").read_text() for port in ports)
    assert all(f"http://127.0.0.1:{port}/health" in typed for port in ports)
