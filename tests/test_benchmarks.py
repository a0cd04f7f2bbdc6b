"""The benchmarks' own parts: what they read off, compare, keep and draw. What they measure is nobody's condition."""

from __future__ import annotations

import importlib
import inspect
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import cpu, machine, rate, results
from benchmarks.contest import spent
from benchmarks.cpu import SERVER, Meter, Spent
from benchmarks.load import Load, LoadError, parsed
from benchmarks.results import Figure, Target
from harvestd.market.catalogue.product_shapes import Product

#: What wrk 4.1.0 printed of harvestd, and of a server that refused half.
WRK = """Running 3s test @ http://127.0.0.1:47041/api/products?limit=20
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   699.46us  384.99us   8.28ms   95.93%
    Req/Sec    47.12k     2.47k   49.69k    80.00%
  Latency Distribution
     50%  531.00us
     75%    0.94ms
     90%    0.98ms
     99%    1.50ms
  140712 requests in 3.00s, 2.85GB read
Requests/sec:  46897.43
Transfer/sec:      0.95GB
"""
REFUSED = WRK.replace("Requests/sec", "  Non-2xx or 3xx responses: 70356\nRequests/sec")


def figure(**fields: object) -> Figure:
    """Two contestants in three rounds, the second of which was slow for both."""
    known: dict[str, object] = {
        "name": "listing", "title": "A listing", "unit": "requests/s",
        "rounds": {"harvestd": [400.0, 90.0, 420.0], "other": [100.0, 30.0, 140.0]},
        "targets": [Target("harvestd", "other", 3.0), Target("harvestd", value=500.0)],
        "notes": ["One difference <and> another."], "machine": "A machine.", "revision": "abc", "day": "2026-07-03",
    }  # fmt: skip
    return Figure(**{**known, **fields})  # type: ignore[arg-type]


def test_ratios_are_taken_round_by_round() -> None:
    """The medians alone would say 4."""
    assert figure().ratios("harvestd", "other") == [4.0, 3.0, 3.0]
    assert figure(better="less").ratios("other", "harvestd") == [4.0, 3.0, 3.0]


def test_targets() -> None:
    """Of the pairs, and of one contestant alone; where less is better, at most."""
    assert figure().reached(Target("harvestd", "other", 3.0))
    assert not figure().reached(Target("harvestd", "other", 3.1))
    assert figure().reached(Target("harvestd", value=400.0)) and not figure().reached(Target("harvestd", value=401.0))
    assert figure(better="less").reached(Target("harvestd", value=400.0))
    assert not figure(better="less").reached(Target("harvestd", value=399.0))


COSTS = {
    "harvestd": {SERVER: [20.0, 30.0, 20.0], "PostgreSQL": [10.0, 10.0, 10.0]},
    "other": {SERVER: [60.0, 60.0, 60.0], "PostgreSQL": [40.0, 20.0, 20.0]},
}


def test_ratios_are_of_cpu_where_it_is_known_of_both() -> None:
    """Whoever had which core; of the server's own, or of all that was spent."""
    assert figure(cpu=COSTS).ratios("harvestd", "other") == [3.0, 2.0, 3.0]
    assert figure(cpu=COSTS, ratio_of="all").ratios("harvestd", "other") == [100 / 30, 2.0, 80 / 30]
    assert not figure(cpu=COSTS).reached(Target("harvestd", "other", 3.1))
    assert figure(cpu={"harvestd": COSTS["harvestd"]}).ratios("harvestd", "other") == [4.0, 3.0, 3.0]


#: Listens, says where, spends a known CPU time in itself and in a child that ends, once for each line that it is told.
SPENDS = """
import os, socket, sys, time
def spend(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
for line in sys.stdin:
    spend(0.1)
    if not (child := os.fork()):
        spend(0.2)
        os._exit(0)
    os.waitpid(child, 0)
    print("spent", flush=True)
"""


@contextmanager
def spending() -> Iterator[tuple[int, int, Callable[[], None]]]:
    """A server that spends 0.3 s of CPU when it is asked to: its port, its process, and how to ask."""
    started = subprocess.Popen([sys.executable, "-c", SPENDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdin is not None and started.stdout is not None
    said, asked = started.stdout, started.stdin

    def spend() -> None:
        asked.write("now\n")
        asked.flush()
        assert said.readline() == "spent\n"

    try:
        yield int(said.readline()), started.pid, spend
    finally:
        started.kill()
        started.communicate(timeout=10)


@pytest.mark.parametrize("known", ["port", "pid"])
def test_the_cpu_of_a_server_is_that_of_its_whole_family(known: str) -> None:
    """By the operating system, children that have ended included; what another of ours spends is not in it. Servers that other
    tests have started here are told apart from it, as what it leans on."""
    with spending() as (port, pid, spend), spending() as (_, _, other):
        meter = Meter([port]) if known == "port" else Meter(pids=[pid])
        spend()
        other()
        found = meter.spent(requests=1000)
    assert set(found.parts) <= {SERVER, *cpu.BESIDE}
    assert 0.28 <= found.parts[SERVER] < 0.55, "0.3 s, and neither half of it nor the other's as well"
    assert found.each[SERVER] == pytest.approx(1000 * found.parts[SERVER])


def test_what_a_server_leans_on_is_told_apart() -> None:
    """By its command line; a contestant whose turn it is not is nobody, even where its command line names a database."""
    assert {part: [bool(look.search(line)) for line in LINES] for part, look in cpu.BESIDE.items()} == {
        "PostgreSQL": [True, False, False, False, False, False, False],
        "Redis": [False, True, False, False, False, False, False],
        "RabbitMQ": [False, False, True, False, False, False, False],
        "Elasticsearch": [False, False, False, True, False, False, False],
        "worker": [False, False, False, False, True, False, False],
    }


LINES = (
    "/usr/lib/postgresql/18/bin/postgres -D /tmp/x",
    "redis-server 127.0.0.1:6379",
    "/bin/sh /usr/lib/rabbitmq/bin/rabbitmq-server",
    "/usr/bin/java -Xms1g -cp /x/lib/* org.elasticsearch.bootstrap.Elasticsearch",
    "/x/python /x/bin/twistd --nodaemon --pidfile= harvest-worker",
    "/x/python /x/bin/twistd --nodaemon --pidfile= harvest-api",
    "/x/python serve.py --port 1 --database-url postgresql://x@/y",
)


def test_a_sender_that_had_no_time_left_was_the_limit() -> None:
    """It is said where the throughput stands."""
    from benchmarks import report

    busy, idle = Spent({SERVER: 0.05}, 1000, 0.99), Spent({SERVER: 0.15, "PostgreSQL": 0.1}, 1000, 0.4)
    loads = {"harvestd": [Load(400.0, 1, 1, 1, 1000, busy)], "other": [Load(100.0, 1, 1, 1, 1000, idle)]}
    text = report.section(figure(rounds={"harvestd": [400.0], "other": [100.0]}, targets=[], **spent(loads)))
    assert "| server, CPU µs each request | PostgreSQL, CPU µs each request | sender's core |" in text
    assert "| harvestd | 400 | 400–400 | 50 |  | 99%: **the limit** |" in text
    assert "| other | 100 | 100–100 | 150 | 100 | 40% | 3.00 (3.00–3.00) |" in text
    assert "server 50" in cpu.told([busy]) and "the limit" in cpu.told([busy]) and "the limit" not in cpu.told([idle])


def test_each_load_says_what_it_took() -> None:
    """The one who sends requests at a rate says its own share; the server of these threads is no process of ours."""
    with counting(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, _):
        done = rate.paced(port, [rate.request("GET", "/")] * 200, 100, 2, connections=2)
    assert done.spent is not None and done.spent.requests == 200
    assert 0.0 < done.client < 0.95 and done.spent.client == done.client


def test_what_is_kept_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a name."""
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    figure(title="An earlier one").keep()
    figure().keep()
    figure(name="another").keep()
    assert results.kept("quick") == [figure(name="another"), figure()]


def test_what_the_quick_form_found_takes_no_full_figures_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each form has its own."""
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    figure(form="full").keep()
    figure(title="Quickly").keep()
    assert results.kept() == [figure(form="full")]
    assert results.kept("quick") == [figure(title="Quickly")]


def test_wrk_is_understood() -> None:
    """Latencies in ms, whatever unit it chose."""
    assert parsed(WRK) == Load(rate=46897.43, p50=0.531, p99=1.5, worst=8.28, requests=140712)
    assert parsed(WRK.replace("99%    1.50ms", "99%    1.50s ")).p99 == 1500.0, "it pads a unit of one letter"


@pytest.mark.parametrize(
    "output",
    [
        REFUSED,
        WRK.replace("Requests/sec", "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec"),
        WRK.replace("46897.43", "0.00"),
        WRK.replace("140712 requests", "some requests"),
        "unable to connect to 127.0.0.1:1 Connection refused\n",
    ],
)
def test_a_load_with_errors_is_no_measurement(output: str) -> None:
    """However fast it was."""
    with pytest.raises(LoadError):
        parsed(output)


def test_an_answer_is_whole_when_its_body_is_here() -> None:
    """By its length, by its last chunk, or without any."""
    head = b"HTTP/1.1 201 Created\r\n"
    assert rate.status(head) is None
    assert rate.status(head + b"Content-Length: 3\r\n\r\nab") is None
    assert rate.status(head + b"Content-Length: 3\r\n\r\nabc") == 201
    assert rate.status(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n") is None
    assert rate.status(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") == 201
    assert rate.status(b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n") == 204


@contextmanager
def counting(answers: bytes, stop_after: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers each request of 32 connections with the same; and what it was sent. With ``stop_after`` it
    closes a connection instead, once there were so many requests."""
    got: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                got.append(data)
                if stop_after and len(got) == stop_after:
                    return
                connection.sendall(answers)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1], got
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_each_request_is_sent_once() -> None:
    """At a rate, those that are due within the time; each with its own bytes."""
    with counting(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok") as (port, got):
        wanted = [rate.request("POST", "/api/orders", b"{}", Idempotency_Key=f"key-{n}") for n in range(1000)]
        done = rate.paced(port, wanted, 200, 0.5, connections=8)
    assert sorted(got) == sorted(wanted[:100])
    assert (done.statuses, done.unanswered, done.failed) == ({201: 100}, 0, 0)
    assert 0 < done.p50 <= done.p90 <= done.p99 <= done.worst


def test_a_request_whose_connection_ends_has_failed() -> None:
    """It is counted, and the run goes on."""
    with counting(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", stop_after=7) as (port, _):
        done = rate.paced(port, [rate.request("GET", "/")] * 50, 0, 5, connections=2)
    assert done.statuses == {200: 49, 0: 1}
    assert done.failed == 1


def test_latency_counts_from_when_a_request_was_due() -> None:
    """One connection and a server that takes 50 ms: the tenth of ten that are due at once has waited for nine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while connection.recv(65536):
                    threading.Event().wait(0.05)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = rate.paced(listening.getsockname()[1], [rate.request("GET", "/")] * 10, 10_000, 1, connections=1)
    thread.join(10)
    assert done.worst >= 10 * 50 * 0.95


def test_the_report_has_every_figure(tmp_path: Path) -> None:
    """With its table, what was missed, its notes, and a plot of its own; what is written by hand is at the end."""
    from benchmarks import report

    steps = tmp_path / "steps.md"
    steps.write_text("## By hand\n")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "of-old.svg").write_text("<svg/>")
    figures = [figure(), figure(name="memory", title="Memory", unit="MB", better="less")]
    text = report.write(tmp_path, figures, steps).read_text()
    assert "| harvestd | 400 | 90–420 |  | ≥ 500: **missed** |" in text
    assert "| other | 100 | 30–140 | 3.00 (3.00–4.00) | ≥ 3×: reached |" in text
    assert "- One difference <and> another." in text and text.endswith("## By hand\n")
    for each in figures:
        assert f"### {each.title}\n" in text and f"(benchmarks/{each.name}.svg)" in text
    assert {path.name for path in (tmp_path / "benchmarks").iterdir()} == {"listing.svg", "memory.svg"}


def test_a_plot_is_xml_that_can_be_read_aloud(tmp_path: Path) -> None:
    """Title and description, text as text, nothing that runs or is fetched."""
    from benchmarks import plots

    plots.draw(
        figure(rounds={"harvestd <now>": [4.0, 5.0], "other & more": [1.0, 2.0]}, targets=[]), tmp_path / "a.svg"
    )
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    names = {"s": plots.SVG}
    assert root.findtext("s:title", namespaces=names) == "A listing"
    assert "harvestd <now> 4.5 (4 to 5)" in (root.findtext("s:desc", namespaces=names) or "")
    shown = {text.text for text in root.iter(f"{{{plots.SVG}}}text")}
    assert {"harvestd <now>", "other & more"} <= shown
    assert not list(root.iter(f"{{{plots.SVG}}}script")) and not list(root.iter(f"{{{plots.SVG}}}image"))
    assert root.get("role") == "img" and root.get("aria-labelledby") == "listing-title listing-desc"


def test_the_docs_show_what_is_kept() -> None:
    """Each kept figure stands in docs/benchmarks.md as it would be written now."""
    from benchmarks import report

    text = (report.DOCS / "benchmarks.md").read_text()
    for each in results.kept():
        assert report.section(each) in text, f"{each.name}: python -m benchmarks --report"
        assert (report.DOCS / "benchmarks" / f"{each.name}.svg").exists()


def test_each_benchmark_of_the_table_can_run() -> None:
    """It is a module with ``run(ground)``."""
    from benchmarks.__main__ import TABLE

    for name, (module, what) in TABLE.items():
        run = importlib.import_module(module).run
        assert list(inspect.signature(run).parameters) == ["ground"], name
        assert what


WORKS = """
from benchmarks.results import Figure
def run(ground):
    return [Figure(name="works", title="It works", unit="things", rounds={"harvestd": [1.0]})]
"""
BREAKS = "def run(ground):\n    raise RuntimeError('on purpose')\n"
MISSING = "from servers.private import needed\ndef run(ground):\n    needed('no-such-program', 'no-such-package')\n"


def test_what_breaks_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A benchmark that lacks a program is left out; neither keeps a figure."""
    from benchmarks.__main__ import TABLE, measured
    from benchmarks.stage import Stage

    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    monkeypatch.setenv("CI", "false")
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in (("bench_breaks", BREAKS), ("bench_missing", MISSING), ("bench_works", WORKS)):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setitem(TABLE, name, (name, "a benchmark"))
    with Stage(quick=True) as stage:
        assert measured(stage, ["bench_breaks", "bench_missing", "bench_works"]) == ["bench_breaks"]
    [kept] = results.kept("quick")
    assert (kept.name, kept.form) == ("works", "quick") and kept.machine and kept.revision
    said = capsys.readouterr().err
    assert "RuntimeError: on purpose" in said and "bench_missing: left out: no-such-program is not installed" in said


def test_the_machine_is_described() -> None:
    """Cores, memory, kernel, versions."""
    assert " cores, " in machine.machine() and "Linux " in machine.machine()
    assert "PostgreSQL 18.1" in machine.versions("18.1") and "twisted " in machine.versions("18.1")
    assert 0.0 <= machine.Steal().percent() <= 100.0


@pytest.mark.parametrize("peer", ["fastapi/models.py", "django/market/shapes.py"])
def test_a_peer_answers_with_every_field_of_a_product(peer: str) -> None:
    """Or it would have less to do for a page of them."""
    text = (Path(__file__).parent.parent / "benchmarks" / "peers" / peer).read_text()
    missing = [
        name for name in Product.__struct_fields__ if not re.search(rf'"{name}":|^    {name}: ', text, re.MULTILINE)
    ]
    assert missing == []


def test_pictures_are_drawn_from_a_seed_and_made_by_all(tmp_path: Path) -> None:
    """Of each contestant the time, the memory, and that something came of it."""
    from random import Random

    from benchmarks import picture_set, pictures

    one, other = (picture_set.noise(90, 60, Random(number)).tobytes() for number in (1, 2))
    assert picture_set.noise(90, 60, Random(1)).tobytes() == one != other
    assert set(picture_set.QUICK) < set(picture_set.KINDS)
    path = tmp_path / "a.jpg"
    picture_set.photograph(400, 300).save(path)
    pillow = [sys.executable, str(pictures.PILLOW)]
    for command in (
        [sys.executable, "-I", str(pictures.MAKES), pictures.task()],
        [*pillow, "usual"],
        [*pillow, "draft"],
    ):
        made = pictures.each(command, [str(path)] * 2)
        assert len(made.seconds) == 2 and made.rate > 0 and 10 < min(made.memory) < 500
    with pytest.raises(RuntimeError):
        pictures.each([sys.executable, "-I", str(pictures.MAKES), pictures.task()], [str(Path(__file__))])


def test_the_pages_of_a_large_catalogue_are_those_of_each_sort_and_filter() -> None:
    """What is listed can be listed, and is: a sort or a filter of one's own is missed here."""
    from benchmarks.catalogue import LISTINGS
    from harvestd.market.catalogue.listing_terms import SORTS

    assert set(SORTS) <= set(LISTINGS)
    assert {"category", "tag", "unit", "in stock", "prices", "free from", "near"} <= set(LISTINGS)
