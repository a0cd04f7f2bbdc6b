"""The rooms' rule: each room uses those to its right, and the market decides with values alone.

web, workers -> queue -> store, partners -> market -> kernel. The foundation (the modules at the top of the package) is for whom
``FOUNDATION`` says. Read from the source, so that an import inside a function counts too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "harvestd"

#: What a room may import of harvestd, beside itself.
ROOMS = {
    "kernel": set(),
    "market": {"kernel"},
    "store": {"market", "kernel"},
    "partners": {"market", "kernel"},
    "queue": {"store", "partners", "market", "kernel"},
    "workers": {"queue", "store", "partners", "market", "kernel"},
    "web": {"queue", "store", "partners", "market", "kernel"},
}

#: The modules at the top that a room may use. The others (application, config, ctl …) compose, and see everything.
BELOW = {
    "access",
    "breaker",
    "fair",
    "context",
    "settings",
    "setting_rows",
    "setting_urls",
    "setting_values",
    "interfaces",
    "lifecycle",
    "metrics",
    "shortages",
    "descriptors",
    "failpoints",
    "health",
    "patience",
}
FOUNDATION = {
    "kernel": set(),
    "market": set(),
    "store": BELOW,
    "partners": BELOW,
    "queue": BELOW,
    "workers": BELOW | {"parts"},
    "web": BELOW | {"parts"},
}

#: What the foundation itself may use of the rooms: ``parts`` names every implementation's type.
OF_THE_FOUNDATION = {name: {"market", "kernel"} for name in BELOW} | {
    "settings": set(),
    "access": set(),
    "context": set(),
    "setting_rows": set(),
    "setting_urls": set(),
    "setting_values": {"kernel"},
}

#: The kernel and the market decide with values alone: these would bring in the network, the clock, chance or files.
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
    """The line and second name (a room or a module at the top) of each import of harvestd."""
    for line, name in imports(path):
        parts = name.split(".")
        if (
            parts[0] == "harvestd"
            and len(parts) > 1
            and ((PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").exists())
        ):
            yield line, parts[1]


def test_every_folder_is_a_room_or_composes() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders - set(ROOMS) <= {"ctl", "process", "demo", "directory", "seeding", "interfaces"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_what_is_to_its_right_alone(room: str) -> None:
    allowed = {room} | ROOMS[room] | FOUNDATION[room]
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in modules(PACKAGE / room)
        for line, name in ours(path)
        if name not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(BELOW))
def test_the_foundation_stands_on_nothing_but_the_market_and_itself(name: str) -> None:
    allowed = BELOW | OF_THE_FOUNDATION[name]
    paths = [PACKAGE / f"{name}.py"] if (PACKAGE / f"{name}.py").exists() else modules(PACKAGE / name)
    assert paths
    assert [f"{path}:{line}: {used}" for path in paths for line, used in ours(path) if used not in allowed] == []


#: What is pure, too, and kept by others: typed decoding, addresses of mail, languages, transliteration.
PURE = {"attrs", "harvestd", "msgspec", "email_validator", "idna", "babel", "anyascii"}


@pytest.mark.parametrize(
    "path",
    modules(PACKAGE / "kernel") + modules(PACKAGE / "market"),
    ids=lambda path: f"{path.parent.name}.{path.stem}",
)
def test_the_kernel_and_the_market_are_pure(path: Path) -> None:
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
    assert {"txredisapi", "pika", "treq", "twisted.mail.smtp", "zxcvbn"} & set(done.stdout.split()) == set()


def test_no_two_migrations_have_one_number() -> None:
    """Of two, one would never be applied."""
    numbers = [path.name[:3] for path in sorted((PACKAGE / "store" / "schema").glob("*.sql"))]
    assert numbers == [f"{number:03d}" for number in range(1, len(numbers) + 1)]
