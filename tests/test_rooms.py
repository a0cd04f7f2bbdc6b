"""The rule of the house: each layer uses those below it, a subject those before it, and what decides does so with values alone.

Read from the source, so that an import inside a function counts too. No folder is left out: a new one has to find its place here.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harvestd.tables import SUBJECTS
from tests import pure

PACKAGE = Path(__file__).parent.parent / "harvestd"

#: From the ground up. What is in one row does not use each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("kernel", "unread"),
    ("settings",),
    ("interfaces",),
    ("runtime",),
    ("process",),
    ("store",),
    ("parts",),
    ("unit_of_work",),
    ("web", "queue", "partners"),
    ("market",),
    ("loading", "tables"),
    ("assembly",),
    ("application",),
    ("service", "ctl"),
    ("api", "worker"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

#: What a subject may not use of another: that is for those who ask from outside, and for the sums in ``tables.py``.
OUTSIDE = {"routes", "handlers", "subject", "views"}

#: What decides does so with values alone: these would bring in the network, the clock, chance or files.
IMPURE = {
    "twisted", "psycopg2", "txpostgres", "klein", "treq", "pika", "txredisapi", "asyncio", "threading", "subprocess",
    "socket", "ssl", "os", "io", "pathlib", "tempfile", "shutil", "random", "secrets", "uuid_utils", "time",
    "logging", "requests", "httpx",
}  # fmt: skip
IMPURE_CALLS = {
    "now",
    "utcnow",
    "today",
    "time",
    "monotonic",
    "uuid4",
    "uuid7",
    "uuid1",
    "random",
    "open",
    "print",
    "getenv",
}


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The line and full name of everything that a module imports; names taken from a package too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield node.lineno, str(node.module)
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def ours(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the module's name, without ``harvestd.``, of each import of harvestd."""
    for line, name in imports(path):
        found = name.removeprefix("harvestd.")
        if found != name and _is_module(found):
            yield line, found


def _is_module(name: str) -> bool:
    place = PACKAGE / name.replace(".", "/")
    return place.is_dir() or place.with_suffix(".py").exists()


def name_of(path: Path) -> str:
    """A module's name, without ``harvestd.``; of a package its own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def edges() -> frozenset[tuple[str, str]]:
    """Every import of one module by another."""
    return frozenset(
        (name_of(path), used)
        for path in modules(PACKAGE)
        for _, used in ours(path)
        if name_of(path) and used != name_of(path)
    )


def test_every_folder_and_loose_module_has_its_layer() -> None:
    found = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    found |= {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert found == set(LEVEL)


@pytest.mark.xdist_group("imports")
def test_a_layer_uses_those_below_it_alone() -> None:
    wrong = {
        (one, other)
        for one, other in edges()
        if (top := one.split(".")[0]) != (below := other.split(".")[0]) and LEVEL[below] >= LEVEL[top]
    }
    assert wrong == set()


def test_every_subject_has_its_place_in_the_order() -> None:
    folders = [path.parent.name for path in (PACKAGE / "market").glob("*/__init__.py")]
    assert sorted(folders) == sorted(subject.name for subject in SUBJECTS)


@pytest.mark.xdist_group("imports")
def test_a_subject_uses_those_before_it_and_none_of_their_routes_and_handlers() -> None:
    order = {subject.name: number for number, subject in enumerate(SUBJECTS)}
    wrong = set()
    for one, other in edges():
        user, used = one.split("."), other.split(".")
        if user[0] != used[0] or user[0] != "market" or len(user) < 3 or len(used) < 3:
            continue
        if used[1] in order and used[1] != user[1]:
            if order[used[1]] > order[user[1]] or used[2].rpartition("_")[2] in OUTSIDE:
                wrong.add((one, other))
    assert wrong == set()


#: What is pure, too, and kept by others: typed decoding, addresses of mail, languages, transliteration, one-time codes, passkeys, public holidays.
PURE = {"attrs", "harvestd", "msgspec", "email_validator", "idna", "babel", "anyascii", "pyotp", "webauthn", "holidays"}


@pytest.mark.parametrize(
    "path",
    pure.modules(),
    ids=lambda path: f"{path.parent.name}.{path.stem}",
)
def test_what_decides_is_pure(path: Path) -> None:
    standard = set(sys.stdlib_module_names)
    wrong = []
    for line, name in imports(path):
        top = name.split(".")[0]
        if top in IMPURE or top not in standard | PURE:
            wrong.append(f"line {line} imports {name}")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in IMPURE_CALLS:
                wrong.append(f"line {node.lineno} calls {called}()")
        if isinstance(node, (ast.AsyncFunctionDef, ast.Await)):
            wrong.append(f"line {node.lineno} is asynchronous")
    assert wrong == []


def test_the_plugin_imports_neither_the_reactor_nor_harvestd() -> None:
    """twistd reads every plugin to list them: that must cost nothing, and must not choose a reactor."""
    plugin = PACKAGE.parent / "twisted" / "plugins" / "harvest.py"
    names = [name for _, name in imports(plugin)]
    assert not [name for name in names if name.startswith(("harvestd", "twisted.internet"))]


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_imports_the_reactor_when_it_is_imported(path: Path) -> None:
    """It is an argument everywhere, so that a test can pass a clock; inside a function at the edge it may be taken."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "twisted.internet":
            assert "reactor" not in [alias.name for alias in node.names], f"line {node.lineno}"


def test_what_an_accelerator_brings_is_imported_where_it_is_chosen() -> None:
    """A process without Redis, RabbitMQ, Elasticsearch or a mail server does not hold their libraries in memory."""
    script = "import sys, harvestd.api, harvestd.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert {"txredisapi", "pika", "treq", "twisted.mail.smtp", "zxcvbn", "holidays"} & set(done.stdout.split()) == set()


def test_no_two_migrations_have_one_number() -> None:
    """Of two, one would never be applied."""
    numbers = [path.name[:3] for path in sorted((PACKAGE / "store" / "schema").glob("*.sql"))]
    assert numbers == [f"{number:03d}" for number in range(1, len(numbers) + 1)]
