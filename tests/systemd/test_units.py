"""The units: systemd takes them, finds little exposed, and the daemons work in the sandbox that they ask for."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harvestd.settings.rows import ROWS
from servers import PostgresServer, free_port, temporary_folder, wait_until
from servers.private import absent, needed
from tests.daemons import TWISTD, Daemon, environment, register, request
from tests.systemd import sandbox

UNITS = Path(__file__).parents[2] / "systemd"
SERVICES = ("harvest-api@.service", "harvest-worker@.service")
#: Of 10; what is left is for the network, which the daemons are there for.
EXPOSED = 2.0


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = needed("systemd-analyze", "systemd")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are, with programs of this checkout where those of /opt would be."""
    for unit in UNITS.glob("harvest*"):
        if unit.suffix in (".service", ".target"):
            text = unit.read_text().replace("/opt/harvestd/bin/twistd", str(TWISTD))
            (tmp_path / unit.name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["harvest-api@8081.service", "harvest-worker@1.service", "harvest.target"])
def test_systemd_takes_them_without_a_word(installed: Path, name: str) -> None:
    template = installed / re.sub("@.*[.]", "@.", name)
    if template.name != name:
        shutil.copy(template, installed / name)
    done = analyze("verify", "--man=no", installed / name)
    ours = [line for line in done.stderr.splitlines() if "harvest" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_little_is_exposed(name: str) -> None:
    done = analyze("security", "--offline=yes", f"--threshold={int(EXPOSED * 10)}", UNITS / name)
    told = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert told is not None, done.stderr
    assert float(told[1]) < EXPOSED
    assert done.returncode == 0


@pytest.mark.parametrize("name", SERVICES)
def test_they_say_how_the_daemon_is_started_stopped_and_restarted(name: str) -> None:
    unit = UNITS / name

    def one(directive: str) -> str:
        values = sandbox.directives(unit, directive)
        assert len(values) == 1, (directive, values)
        return values[0]

    assert one("Type") == "notify"
    assert one("KillSignal") == "SIGTERM"
    assert float(one("TimeoutStopSec")) >= ROWS["stop_deadline"].default + 10
    assert one("Restart") == "on-failure"
    most = float(one("StartLimitIntervalSec")) / float(one("RestartSec"))
    assert most < float(one("StartLimitBurst")), "failed starts alone never make systemd give up"
    assert "-HUP $MAINPID" in one("ExecReload")
    assert float(one("WatchdogSec")) > 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_secret_comes_as_a_credential(name: str) -> None:
    given = dict(value.split(":") for value in sandbox.directives(UNITS / name, "LoadCredential"))
    secrets = {row.name for row in ROWS.values() if row.secret} - {
        "replica_urls"
    }  # of those who have replicas, a drop-in
    assert set(given) == secrets
    assert all(path == f"/etc/harvestd/credentials/{setting}" for setting, path in given.items())


def test_the_worked_settings_are_settings() -> None:
    from harvestd.settings.loading import load

    loaded = load({}, {}, UNITS / "harvest.toml")
    assert loaded.settings.trusted_proxies == ("127.0.0.1/32",)
    assert loaded.settings.body_limit == 10 * 1024 * 1024


# --- the sandbox ---


@pytest.fixture
def folder() -> Iterator[Path]:
    made = temporary_folder("sandbox", disk=True)
    yield made
    shutil.rmtree(made, ignore_errors=True)


class Sandboxed(Daemon):
    """A daemon that has the system calls and the memory that its unit leaves it."""

    def begin(self, **settings: object) -> None:
        unit = UNITS / f"{self.plugin}@.service"
        command = [sys.executable, "-m", "tests.systemd.sandbox", unit, TWISTD, "--nodaemon", "--pidfile=", self.plugin]
        env = environment(self.folder, **(self.settings | settings)) | {"PYTHONPATH": str(UNITS.parent)}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )


def supported() -> None:
    needed("systemd-analyze", "systemd")
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        absent("libseccomp is not installed: apt install libseccomp2")
    if ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:  # PR_GET_MDWE
        pytest.skip("the kernel is older than 6.3 and cannot refuse memory that is written and run by itself")


def test_the_sandbox_refuses_what_it_should(folder: Path) -> None:
    supported()
    code = (
        "import ctypes, mmap, os\n"
        "for what in (lambda: mmap.mmap(-1, 4096, prot=7), lambda: os.chroot('/'), lambda: os.setpriority(0, 0, -5)):\n"
        "    try: what()\n"
        "    except PermissionError: print('refused')\n"
        "print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))\n"  # PTRACE_TRACEME, which otherwise everybody may
    )
    command = [sys.executable, "-m", "tests.systemd.sandbox", UNITS / SERVICES[0], sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=UNITS.parent)
    assert done.stdout.split() == ["refused", "refused", "refused", "-1"], done.stderr


@pytest.mark.timeout(90)
def test_the_daemons_work_in_it(folder: Path, postgres: PostgresServer) -> None:
    """Argon2, psycopg2, TLS, threads, mails: all that an account, an order and a mail take."""
    supported()
    database = postgres.clone()
    shared = {"database_url": postgres.url(database)}
    api = Sandboxed("harvest-api", folder, http_port=free_port(), workers="off", **shared)
    worker = Sandboxed("harvest-worker", folder, **shared)
    try:
        api.start()
        worker.start()
        farmer, _ = register(api.port, "ada", "farmer", "Green Acres")
        body = {"title": "Carrots", "unit": "kg", "price": 390, "stock": "2.5"}
        sign = {"Authorization": f"Bearer {farmer}"}
        status, product, _ = request(api.port, "POST", "/api/products", body, sign)
        assert status == 201
        lines = {"lines": [{"product_id": product["id"], "quantity": "1"}]}
        assert request(api.port, "POST", "/api/orders", lines, sign | {"Idempotency-Key": "k"})[0] == 201
        wait_until("mails are written", lambda: len(list((folder / "mail").glob("*.eml"))) > 1, 30)
        assert api.stop() == worker.stop() == 0
        said = api.log.read_text() + worker.log.read_text()
        assert "Operation not permitted" not in said
        assert "Traceback" not in said
    finally:
        api.kill()
        worker.kill()
        postgres.drop(database)
