"""The ground that the benchmarks stand on: a private PostgreSQL with the settings of a small production machine."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Self

from benchmarks.served import ROOT, ctl
from servers import PostgresServer

#: Of a machine with 2 GB to spare. Commits are on disk before they are answered, as they must be where money is involved.
POSTGRES = """
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = '512MB'
effective_cache_size = '1536MB'
work_mem = '8MB'
maintenance_work_mem = '256MB'
random_page_cost = 1.1
effective_io_concurrency = 100
max_wal_size = '4GB'
checkpoint_timeout = '15min'
max_connections = 200
"""
#: Seconds that a million products may take beside other load.
SEEDING = 3600
SAID = "PostgreSQL with fsync on, shared_buffers 512 MB, random_page_cost 1.1, max_wal_size 4 GB, over a Unix socket"


class Stage:
    """A context. See :class:`benchmarks.ground.Ground`; ``against`` is the checkout of an earlier revision, if any."""

    def __init__(self, quick: bool, against: Path | None = None, rows: int | None = None) -> None:
        self.quick = quick
        self.rows = rows or (30_000 if quick else 1_000_000)
        self.rounds = 3 if quick else 5
        self.seconds = 1.0 if quick else 2.0
        self.against = against
        self.postgres = PostgresServer(POSTGRES)
        self._templates: set[str] = set()
        self._markets: dict[str, str] = {}
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
        except BaseException:
            self.postgres.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.remove()

    def say(self, text: str) -> None:
        """With the seconds since the beginning."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", file=sys.stderr, flush=True)

    def market(self, products: int, whose: str = "readers", source: Path = ROOT, farms: int = 0) -> str:
        """A copy of the seeded market; ``source`` is the checkout whose schema it has."""
        farms = farms or max(20, products // 100)
        kind = f"market_{products}_{farms}" + ("" if source == ROOT else "_before")
        name = f"{kind}_{re.sub(r'[^a-z0-9_]', '_', whose.lower())}"
        if name not in self._markets:
            if kind not in self._templates:
                self._seed(kind, products, farms, source)
                self._templates.add(kind)
            self.postgres.query("postgres", f"create database {name} template {kind} strategy file_copy")
            self._markets[name] = self.postgres.url(name)
        return self._markets[name]

    def _seed(self, database: str, products: int, farms: int, source: Path) -> None:
        self.say(f"seeding a market of {products:,} products")
        self.postgres.query("postgres", f"create database {database}")
        url = self.postgres.url(database)
        ctl(url, "migrate", source=source)
        ctl(
            url,
            "seed",
            "--products",
            str(products),
            "--farms",
            str(farms),
            *(("--pictures", "0") if source == ROOT else ()),
            source=source,
            timeout=SEEDING,
        )
        self.postgres.query(database, "vacuum (analyze, freeze)")
        self.postgres.query(database, "checkpoint")
