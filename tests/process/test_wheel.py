"""What is published works by itself: the wheel, in an empty virtualenv, outside of any checkout."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import attrs
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from servers import free_port, temporary_folder, wait_until
from tests.daemons import environment, register, request
from tests.process.conftest import end_database

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("wheel")


@attrs.frozen
class Installed:
    """``bin`` of the virtualenv, the wheel that was installed, and a data folder."""

    bin: Path
    wheel: Path
    folder: Path

    def run(self, *command: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run one of its programs in the data folder."""
        program, *words = command
        return subprocess.run(
            [self.bin / program, *words], env=self.environment(**settings), cwd=self.folder, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def environment(self, **settings: Any) -> dict[str, str]:
        """Nothing of the checkout, nor of the test's own virtualenv."""
        return {
            name: value for name, value in environment(self.folder, **settings).items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        }  # fmt: skip


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    home = temporary_folder("wheel")
    home.chmod(0o755)
    source = home / "source"
    for name in _sources():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    quiet = ["--quiet", "--disable-pip-version-check"]
    _call(sys.executable, "-m", "pip", "wheel", *quiet, "--no-deps", "--wheel-dir", home, source)
    (wheel,) = home.glob("harvestd-*.whl")
    shutil.rmtree(source)
    venv.create(home / "venv", with_pip=False)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        home / "venv" / "bin" / "python",
        "install",
        "--no-deps",
        "--no-compile",
        *quiet,
    ]
    _call(*pip, wheel)
    site = next((home / "venv" / "lib").glob("python*/site-packages"))
    needed = _needed(next(site.glob("harvestd-*.dist-info")))
    _call(*pip, f"twisted=={needed.pop('twisted').version}")  # which brings twistd
    _link(needed, site)
    (home / "market").mkdir()
    yield Installed(home / "venv" / "bin", wheel, home / "market")
    end_database(home / "market")
    shutil.rmtree(home)


def _needed(metadata: Path) -> dict[str, Distribution]:
    """What the wheel asks for, and what that asks for in its turn, by name, as it is installed here: no more than a virtualenv of its
    own would be given, without asking the network for it once more."""
    found: dict[str, Distribution] = {}
    waiting = [(Distribution.at(metadata), "")]
    asked: set[tuple[str, str]] = set()
    while waiting:
        distribution, extra = waiting.pop()
        for requirement in map(Requirement, distribution.requires or ()):
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            found.setdefault(name, Distribution.from_name(name))
            assert requirement.specifier.contains(found[name].version, prereleases=True), requirement
            fresh = {(name, wanted) for wanted in ("", *requirement.extras)} - asked
            asked |= fresh
            waiting += [(found[name], wanted) for _, wanted in fresh]
    return found


def _link(distributions: Mapping[str, Distribution], site: Path) -> None:
    """Their modules, without programs."""
    for distribution in distributions.values():
        for file in distribution.files or ():
            source, target = Path(distribution.locate_file(file)), site / file  # type: ignore[arg-type]
            if ".." in file.parts or not source.is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _sources() -> list[str]:
    """Every file of the checkout that is not ignored."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def _call(*command: str | Path) -> None:
    done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(300)
def test_the_wheel_has_all_that_is_needed_and_no_more(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    for needed in (
        "harvestd/store/schema/001_foundation.sql",
        "harvestd/store/postgres/invariants.sql",
        "harvestd/loading/demo/markets.csv",
        "harvestd/py.typed",
        "twisted/plugins/harvest.py",
    ):
        assert needed in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"harvestd", "twisted"}
    assert "twisted/__init__.py" not in names and "twisted/plugins/__init__.py" not in names


@pytest.mark.timeout(300)
def test_twistd_knows_both_commands_and_their_options(installed: Installed) -> None:
    assert all(command in installed.run("twistd", "--help").stdout for command in ("harvest-api", "harvest-worker"))
    own = {"harvest-api": ("--http-port=<port>", "[8080] (from 0 to 65535)"), "harvest-worker": ("--queues=",)}
    for command, options in own.items():
        done = installed.run("twistd", command, "--help")
        assert done.returncode == 0
        assert f"Usage: twistd {command} [options]" in done.stdout
        assert all(option in done.stdout for option in (*options, "--metrics-port=<port>"))
        assert "\nWeb limits:\n" in done.stdout
    assert installed.run("twistd", "harvest-api", "--version").stdout.startswith("harvestd ")
    assert installed.run("harvestctl", "settings").returncode == 0


def test_the_plugins_import_nothing_until_one_is_chosen(installed: Installed) -> None:
    code = (
        "import sys, twisted.plugins.harvest; "
        "print([m for m in sys.modules if m.startswith('harvestd') or m == 'twisted.internet.reactor'])"
    )
    assert installed.run("python", "-c", code).stdout == "[]\n"


@pytest.mark.timeout(300)
def test_both_plugins_run_from_the_wheel(installed: Installed) -> None:
    port = free_port()
    processes = [_twistd(installed, "harvest-api", http_port=port, workers="off", demo="true")]
    try:
        wait_until("the API is ready", lambda: _ready(port, processes[0]), 60)
        processes.append(_twistd(installed, "harvest-worker", http_port=port))
        assert request(port, "GET", "/api/products?limit=1")[1]["items"], "with the demo"
        assert request(port, "GET", "/docs")[0] == 200
        register(port, "ada")
        mails = installed.folder / "mail"
        wait_until("the worker sends the mail", lambda: any("ada" in m.read_text() for m in mails.glob("*.eml")), 20)
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in processes]
    assert codes == [0, 0]


def _twistd(installed: Installed, command: str, **settings: Any) -> subprocess.Popen[bytes]:
    with open(installed.folder / f"{command}.log", "ab") as log:
        return subprocess.Popen(
            [installed.bin / "twistd", "--nodaemon", "--pidfile=", command],
            env=installed.environment(**settings), cwd=installed.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


def _ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    try:
        return request(port, "GET", "/health/ready")[0] == 200
    except OSError:
        return False
