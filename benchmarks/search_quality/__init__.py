"""How good the hits of a search are: nDCG@10 over judged queries, in PostgreSQL, Elasticsearch and OpenSearch, and of a plain BM25 ``match``.

The queries (English and French names of produce, their plurals, typing errors, two words, names of farms, what is in it) and their grades are
made by rule: see ``generate.py`` and ``judging.py``. Ranking is tuned on ``tuned.json`` alone; what is shown is of ``held_out.json``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psycopg2

from benchmarks.ground import Ground
from benchmarks.results import Figure, Target
from benchmarks.search_quality.catalogue import documents
from benchmarks.search_quality.judging import HELD_OUT, Asked, queries
from benchmarks.served import ROOT
from servers.elasticsearch import ELASTICSEARCH, OPENSEARCH, ElasticsearchServer

ENGINES = {"Elasticsearch 7.10": ELASTICSEARCH, "OpenSearch 2.19": OPENSEARCH}
POSTGRES, FIRST = "PostgreSQL", "Elasticsearch 7.10"
#: How much better than plain BM25 on the same engine, and how close to Elasticsearch without it.
BETTER, AS_GOOD = 1.10, 0.95
#: Any market with the schema; its documents make room for the catalogue.
PRODUCTS = 1_000


def run(ground: Ground) -> list[Figure]:
    """One figure: quality does not vary from round to round."""
    found = asked(ground, HELD_OUT)
    targets = [Target(ours=name, theirs=f"plain BM25, {name}", ratio=BETTER) for name in ENGINES]
    targets.append(Target(ours=POSTGRES, theirs=FIRST, ratio=AS_GOOD))
    told = queries(HELD_OUT)
    notes = [
        f"The mean of nDCG@10 over {len(told)} judged queries that ranking was not tuned by, in a catalogue of {len(documents()):,} products.",
        "Plain BM25 is one `match` over title, category, farm and description in the engine's English analysis.",
        *_by_kind(found, [query.kind for query in told]),
    ]
    return [Figure(
        name="search-quality", title="Search: how good the hits are", unit="nDCG@10", targets=targets, notes=notes, per="search",
        rounds={name: [statistics.mean(each)] for name, each in found.items()},
    )]  # fmt: skip


def asked(ground: Ground, path: Path) -> dict[str, list[float]]:
    """nDCG@10 of each contestant, for each query of a file."""
    url = ground.market(PRODUCTS, "quality")
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("truncate search_documents, search_words")
    connection.close()
    with ExitStack() as stack:
        servers = {name: stack.enter_context(ElasticsearchServer(flavour)) for name, flavour in ENGINES.items()}
        given = Asked(url, {name: server.url for name, server in servers.items()}, str(path))
        ground.say(f"asking the queries of {path.name}")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.search_quality.process"],
            cwd=ROOT,
            input=msgspec.json.encode(given),
            stdout=subprocess.PIPE,
            check=True,
        )
    return msgspec.json.decode(done.stdout, type=dict[str, list[float]])


def _by_kind(found: dict[str, list[float]], kinds: list[str]) -> list[str]:
    """A sentence for each kind of query."""
    told = []
    for kind in dict.fromkeys(kinds):
        each = [
            f"{name} {statistics.mean([n for n, of in zip(values, kinds, strict=True) if of == kind]):.3f}"
            for name, values in found.items()
        ]
        told.append(f"{kind[0].upper()}{kind[1:]} ({kinds.count(kind)}): {', '.join(each)}.")
    return told
