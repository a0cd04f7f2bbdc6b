"""The install guide: what it has one type is well formed, and names what there is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from harvestd.ctl.command_line import COMMANDS
from harvestd.settings.rows import ROWS
from servers.nginx import FILES
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
    assert {"migrate", "create-admin", "doctor"} <= named <= COMMANDS.keys()


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


DOCS = [GUIDE, GUIDE.parent / "operations.md", ROOT / "README.md"]


def test_no_dump_can_be_read_by_others() -> None:
    found = 0
    for page in DOCS:
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.M | re.S):
            for at in (match.start() for match in re.finditer("pg_dump", block)):
                found += 1
                assert "umask 077" in block[:at], f"{page.name}:\n{block}"
    assert found >= 3


def test_an_installation_has_a_folder_that_was_not_there() -> None:
    """So the program that runs is never written over, also not by its own version."""
    made = [block for block in ALL if "-m venv" in block]
    assert len(made) == 2
    for block in made:
        assert re.search(r'test ! -e "\$RELEASE" && python3 -m venv "\$RELEASE"$', block, re.M)
        assert "/opt/harvestd-$VERSION/" not in block
    assert all("date +" in block for block in ALL if "export RELEASE=" in block)


def test_what_deletes_data_stands_apart_and_after_a_dump() -> None:
    """Who takes the program away keeps what the market knows."""
    text = GUIDE.read_text().partition("## Uninstalling")[2]
    program, data = (re.sub(r"^# ", "", block, flags=re.M) for block in re.findall(r"```console\n(.*?)```", text, re.S))
    for deleted in ("drop database", "rm -rf /etc/harvestd", "/var/lib/harvestd", "deluser", "delete_vhost"):
        assert deleted in data and deleted not in program, deleted
    assert "pg_dump" in program and "pg_dump" not in data
    assert not re.search(r"rm -rf [^\n]*/var/lib/harvestd( |$)", data, re.M), "only what an installation puts there"
