"""A Vendure shop: its installation, its database on the same PostgreSQL, and its one server process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from benchmarks.served import PEERS, ROOT, Absent, Served
from benchmarks.vendure_buyers import Server
from servers import PostgresServer, free_port
from servers.postgres import USER

SOURCE = PEERS / "vendure"
#: Where ``npm install`` puts Vendure, beside a copy of the package.json that it was installed by.
INSTALLED = ROOT / ".peers" / "vendure"


def install() -> None:
    """``npm install`` what package.json pins, unless it is there. Raises :class:`Absent` when there is no Node."""
    if installed():
        return
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Absent("Vendure needs Node 20 or newer with npm, and there is none")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE / "package.json", INSTALLED / "package.json")
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=INSTALLED, check=True, timeout=600
    )


def installed() -> bool:
    """Whether exactly what package.json pins is there."""
    ours, theirs = SOURCE / "package.json", INSTALLED / "package.json"
    core = INSTALLED / "node_modules" / "@vendure" / "core"
    return core.exists() and theirs.exists() and ours.read_bytes() == theirs.read_bytes()


@attrs.frozen
class Shop:
    """A populated database; ``serving()`` is its server."""

    server: PostgresServer
    database: str

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """One API process, as Vendure's users run it: jobs are left in the database, for the worker of another process."""
        port = free_port()
        with Served("vendure", _node("server.js"), port, "/health", self._environment(port), None) as api:
            yield Server(api)

    def _environment(self, port: int, folder: str | None = None) -> dict[str, str]:
        return {
            "NODE_ENV": "production",
            "NODE_PATH": str(INSTALLED / "node_modules"),
            "VENDURE_PORT": str(port),
            "VENDURE_FOLDER": folder or tempfile.gettempdir(),
            "VENDURE_DATABASE_HOST": str(self.server.folder),
            "VENDURE_DATABASE_PORT": str(self.server.port),
            "VENDURE_DATABASE_USER": USER,
            "VENDURE_DATABASE_NAME": self.database,
        }

    def populate(self, products: int) -> None:
        """Create the schema, the products and the search index. RuntimeError when that fails."""
        self.server.query("postgres", f"create database {self.database}")
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | self._environment(0, folder) | {"VENDURE_SCHEMA": "create"}
            done = subprocess.run(
                [*_node("populate.js"), str(products)], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"Vendure could not be filled: {done.stdout[-3000:]}")
        self.server.query(self.database, "vacuum analyze")

    def count(self, table: str, condition: str = "true") -> int:
        """Rows of a table."""
        found: Any = self.server.query(self.database, f'select count(*) from "{table}" where {condition}')
        return int(found[0][0])


def shop(server: PostgresServer, products: int, database: str = "vendure") -> Shop:
    """A populated shop in a new database, a copy of one that is filled once. Raises :class:`Absent` when Vendure is not installed."""
    if not installed():
        raise Absent("Vendure is not installed: python -m benchmarks.vendure_shop")
    filled = Shop(server, f"vendure_of_{products}")
    if not server.query("postgres", "select 1 from pg_database where datname = %s", filled.database):
        filled.populate(products)
    server.query("postgres", f"create database {database} template {filled.database} strategy file_copy")
    return Shop(server, database)


def _node(script: str) -> list[str]:
    return [shutil.which("node") or "node", str(SOURCE / script)]


def version() -> str:
    """The pinned one."""
    found = re.search(r'"@vendure/core": "([^"]+)"', (SOURCE / "package.json").read_text())
    return found.group(1) if found else "?"


if __name__ == "__main__":
    try:
        install()
    except (Absent, subprocess.SubprocessError) as absent:
        print(f"{absent}: it will not take part")
