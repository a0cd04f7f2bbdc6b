"""``make`` on machines that lack something: a clear word instead of a long one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("make", "sh", "cat", "cksum", "cut", "head")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make reads, and a PATH without any Python."""
    for name in ("Makefile", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def python(checkout: Path, body: str) -> None:
    """A ``python3`` that is a shell script."""
    script = checkout / "bin" / "python3"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


def make(checkout: Path, *words: str) -> str:
    done = subprocess.run(
        ["make", "run", *words],
        cwd=checkout,
        env={"PATH": str(checkout / "bin")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode != 0
    assert not (checkout / ".venv").exists()
    return done.stderr


def test_a_python_that_is_too_old(checkout: Path) -> None:
    python(checkout, 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    assert "harvestd needs Python 3.11 or newer, and there is none: Python 3.9.2." in make(checkout)


def test_no_python_at_all(checkout: Path) -> None:
    assert "make PYTHON=/path/of/python3" in make(checkout)


def test_a_python_without_venv(checkout: Path) -> None:
    python(checkout, f'case "$2" in *version_info*) echo {checkout}/bin/python3;; *) exit 1;; esac')
    said = make(checkout)
    assert "cannot make virtualenvs" in said
    assert "apt install python3-venv" in said


def test_a_python_that_was_named_and_is_none(checkout: Path) -> None:
    assert make(checkout, "PYTHON=/nope").startswith("PYTHON=/nope: there is no such program.")
    python(checkout, 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    said = make(checkout, f"PYTHON={checkout}/bin/python3")
    assert "is no Python of 3.11 or newer: Python 3.9.2." in said


def test_help_names_what_there_is_to_make() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")).split()[
        1:
    ]
    missing = [t for t in phony if t not in said and not t.startswith("install") and t != "help"]
    assert missing == []
