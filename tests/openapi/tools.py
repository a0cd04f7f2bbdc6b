"""Programs that read the contract as others do: npm's, in ``.tools/``, and a browser. ``python -m tests.openapi.tools`` installs
them, as ``make test`` does; where npm or Node.js is missing, the tests that need them are skipped, and fail with ``CI=true``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
WANTED = Path(__file__).with_name("package.json")
#: How old a Node.js the tools still take.
NODE = (20, 17)


def _node() -> str:
    """Why the tools cannot be used here; "" where they can."""
    if not shutil.which("npm") or not shutil.which("node"):
        return "Node.js and npm are missing"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    found = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
    return "" if found >= NODE else f"Node.js is {said.strip()}; the tools want {'.'.join(map(str, NODE))} or newer"


def install() -> str:
    """Install what package.json names, unless it is there; answers why that cannot be done, or ""."""
    why = _node()
    stamp = TOOLS / "installed.json"
    if why or (stamp.exists() and stamp.read_bytes() == WANTED.read_bytes()):
        return why
    TOOLS.mkdir(exist_ok=True)
    shutil.copy(WANTED, TOOLS / "package.json")
    print("Installing the contract's tools into .tools ...", file=sys.stderr, flush=True)
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(["npm", "install", *quiet], cwd=TOOLS, capture_output=True, text=True)
    if done.returncode:
        return f"npm install failed: {done.stderr[-2000:]}"
    shutil.copy(WANTED, stamp)
    return ""


def need(name: str) -> Path:
    """A file in node_modules, for a test; skips it where the tools are not to be had."""
    found = TOOLS / "node_modules" / name
    if not found.exists():
        why = f"{name} is not in .tools: run python -m tests.openapi.tools"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    return found


def run(
    arguments: list[Any], *, patience: float = 120, variables: dict[str, str] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """A tool, to its end, with these variables of the environment beside our own; its output is text."""
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    environment |= variables or {}
    return subprocess.run([str(one) for one in arguments], capture_output=True, text=True, timeout=patience, env=environment, **more)  # fmt: skip


def main() -> int:
    """Answers an exit code: a failure only where tests would fail for it."""
    why = install()
    if why:
        print(f"The contract's tools are missing: {why}", file=sys.stderr)
    return 1 if why and os.environ.get("CI") == "true" else 0


def written(document: dict[str, Any], folder: Path) -> Path:
    """The document as a file."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document, indent=1), "utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
