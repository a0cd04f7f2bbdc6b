"""What is compiled before the workers of pytest-xdist start: in a fresh checkout each of them would compile all of it, at the same time.

Test modules are compiled as pytest does, with their assertions rewritten; all others as Python does. A module that is there compiled,
and is not as it was since, is for whoever imports it.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite

ROOT = Path(__file__).parents[1]
#: With fewer than these to compile, as in most runs after the first, nothing is done ahead.
MANY = 50
_configured: list[Any] = []


def pytest_configure(config: pytest.Config) -> None:
    several = (getattr(config.option, "numprocesses", 0) or 0) > 1
    missing = [path for path in _modules() if not _compiled(path).exists()] if several else []
    if len(missing) >= MANY:
        _configured[:] = [config]
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
            list(pool.map(_compile, missing, chunksize=10))


def _modules() -> Iterator[Path]:
    for name in ("harvestd", "servers", "tests"):
        yield from (ROOT / name).rglob("*.py")


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_") or path.name == "conftest.py"


def _compiled(path: Path) -> Path:
    """Where it is kept."""
    plain = Path(importlib.util.cache_from_source(str(path)))
    return plain.with_name(path.stem + rewrite.PYC_TAIL) if _is_test(path) else plain


def _compile(path: Path) -> None:
    """What cannot be compiled is for whoever imports it to tell; so is all, should pytest do it in another way one day."""
    with suppress(Exception):
        if not _is_test(path):
            py_compile.compile(str(path), doraise=True)
            return
        _compiled(path).parent.mkdir(exist_ok=True)
        (config,) = _configured
        stamp, code = rewrite._rewrite_test(path, config)
        rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, stamp, _compiled(path))
