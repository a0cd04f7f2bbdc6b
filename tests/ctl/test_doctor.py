"""Doctor against real servers that are there, and not as the daemon needs them: each is a finding with its cure, and the others
are looked at all the same."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from harvestd.ctl.check_result import CheckResult, examined
from harvestd.ctl.post import on_the_internet
from harvestd.ctl.versions import MIN, aged
from servers import PostgresServer
from servers.elasticsearch import ElasticsearchServer
from servers.rabbitmq import RabbitServer
from servers.redis import RedisServer
from servers.s3 import REGION, S3Server
from tests.daemons import ctl
from tests.faults.test_mail import WAITING
from tests.issuer import SECRET, SmallIssuer

Doctor = Callable[..., str]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """What it says."""

    def run(**settings: Any) -> str:
        done = ctl(tmp_path, "doctor", **settings)
        assert "Traceback" not in done.stdout
        assert done.returncode == (0 if done.stdout.endswith("all is well\n") else 1)
        return done.stdout

    return run


def cure(said: str, *words: str) -> str:
    """The cure of the trouble whose line has all of these words."""
    lines = said.splitlines()
    at = next((n for n, line in enumerate(lines) if line.startswith("trouble") and all(w in line for w in words)), None)
    assert at is not None, said
    assert lines[at + 1].startswith("         -> "), said
    return lines[at + 1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections, and where nobody ever says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield int(listener.getsockname()[1])


def test_servers_that_accept_and_say_nothing_are_each_a_finding(doctor: Doctor, silent: int) -> None:
    said = doctor(
        database_url=f"postgresql://market:hush@127.0.0.1:{silent}/market",
        redis_url=f"redis://:hush@127.0.0.1:{silent}/0",
        rabbitmq_url=f"amqp://market:hush@127.0.0.1:{silent}/market",
        elasticsearch_url=f"http://127.0.0.1:{silent}",
        smtp_url=f"smtp://127.0.0.1:{silent}",
        s3_url=f"http://market:hush@127.0.0.1:{silent}/market",
        oidc_issuer=f"http://127.0.0.1:{silent}",
        oidc_client_id="market",
    )
    for subject in ("database", "Redis", "RabbitMQ", "Elasticsearch", "mail", "S3", "issuer"):
        assert cure(said, f" {subject}: ")
    assert "ok       data folder" in said
    assert "hush" not in said


def test_an_issuer_that_answers_has_its_redirect_uri_shown(doctor: Doctor) -> None:
    with SmallIssuer() as issuer:
        said = doctor(**issuer.settings, public_url="https://market.example.org")
    assert (
        f"ok       issuer: {issuer.url} answers; it must have https://market.example.org/api/auth/google/callback"
        in said
    )
    assert SECRET not in said


async def test_what_never_ends_is_bounded_and_what_raises_is_caught_with_what_came_before() -> None:
    from threading import Event

    from twisted.internet import reactor

    end = Event()

    def hangs() -> Iterator[CheckResult]:
        yield CheckResult("one", True, "is well")
        end.wait(20)

    def raises() -> Iterator[CheckResult]:
        yield CheckResult("one", True, "is well")
        raise ZeroDivisionError("of its own")

    hung, raised = examined(reactor, "thing", hangs, 0.2), examined(reactor, "thing", raises)
    assert [(f.subject, f.fine) for f in await hung] == [("one", True), ("thing", False)]
    end.set()
    one, other = await raised
    assert (one.fine, other.fine) == (True, False) and "ZeroDivisionError: of its own" in other.words and other.cure


def test_a_database_of_another_encoding(doctor: Doctor, postgres: PostgresServer) -> None:
    postgres.query("postgres", "create database latin encoding 'LATIN1' locale 'C' template template0")
    try:
        refused = ctl(Path("/tmp"), "migrate", database_url=postgres.url("latin"))
        assert refused.returncode == 1 and "encoding of latin is LATIN1" in refused.stdout
        assert "encoding 'UTF8'" in cure(doctor(database_url=postgres.url("latin")), "encoding of latin is LATIN1")
    finally:
        postgres.drop("latin")


def test_a_role_that_may_not_read_the_tables(doctor: Doctor, postgres: PostgresServer, database_url: str) -> None:
    name = database_url.split("/")[3].split("?")[0]
    postgres.query(name, "create role stranger login")
    try:
        said = doctor(database_url=database_url.replace("harvest@", "stranger@"))
        assert "own them" in cure(said, "role stranger lacks rights on ")
        assert "mail: goes to the folder" in said, "the others are looked at all the same"
    finally:
        postgres.query(name, "drop role stranger")


def test_a_rabbitmq_user_without_permissions(doctor: Doctor, rabbitmq: RabbitServer, database_url: str) -> None:
    vhost = rabbitmq.vhost()
    for name, rights in (("reader", '{"", "", "^harvest"}'), ("maker", '{"^harvest", "", ""}')):
        rabbitmq.evaluate(f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"hush">>, <<"doctor">>)')
        configure, write, read = rights.strip("{}").split(", ")
        rabbitmq.evaluate(
            f'rabbit_auth_backend_internal:set_permissions(<<"{name}">>, <<"{vhost}">>, <<{configure}>>, <<{write}>>, '
            f'<<{read}>>, <<"doctor">>)'
        )
    url = f"amqp://NAME:hush@127.0.0.1:{rabbitmq.port}/{vhost}"
    said = doctor(database_url=database_url, rabbitmq_url=url.replace("NAME", "reader"))
    assert f"rabbitmqctl set_permissions -p {vhost} reader" in cure(said, "reader may not configure")
    said = doctor(database_url=database_url, rabbitmq_url=url.replace("NAME", "maker"))
    assert cure(said, "maker may not write", "read (consume)")
    assert "hush" not in said


def test_what_the_guide_allows_a_rabbitmq_user_is_enough(
    doctor: Doctor, rabbitmq: RabbitServer, database_url: str
) -> None:
    vhost = rabbitmq.vhost()
    rabbitmq.evaluate('rabbit_auth_backend_internal:add_user(<<"market">>, <<"hush">>, <<"doctor">>)')
    rabbitmq.evaluate(
        f'rabbit_auth_backend_internal:set_permissions(<<"market">>, <<"{vhost}">>, <<"^harvest[._]">>, '
        '<<"^(harvest[._]|amq\\\\.default$)">>, <<"^harvest[._]">>, <<"doctor">>)'
    )
    said = doctor(database_url=database_url, rabbitmq_url=f"amqp://market:hush@127.0.0.1:{rabbitmq.port}/{vhost}")
    assert "RabbitMQ: may be used, and takes messages" in said


def test_a_redis_user_who_may_not_do_what_the_daemon_does(
    doctor: Doctor, redis: RedisServer, database_url: str
) -> None:
    url = f"redis://market:hush@127.0.0.1:{redis.port}/0"
    for rules in ("~* &* +@all -publish", "~* &* +@all -eval -evalsha", "~* +@read", "~other:* &* +@all"):
        redis.ask("ACL", "SETUSER", "market", "reset", "on", ">hush", *rules.split())
        assert "ACL SETUSER market" in cure(doctor(database_url=database_url, redis_url=url), "Redis"), rules
    redis.ask(
        "ACL", "SETUSER", "market", *"reset on >hush ~harvest:* &harvest:* +@all -@admin -@dangerous +info".split()
    )
    assert "trouble  Redis" not in doctor(database_url=database_url, redis_url=url), "the cure is one"


def test_elasticsearch_is_written_and_nothing_is_left_there(
    doctor: Doctor, elasticsearch: ElasticsearchServer, database_url: str
) -> None:
    said = doctor(database_url=database_url, elasticsearch_url=elasticsearch.url, elasticsearch_index="doctored")
    assert "ok       Elasticsearch: Elasticsearch 7.10.2 answers in " in said
    assert cure(said, "search index: there is none")
    with urlopen(f"{elasticsearch.url}/_cat/indices/doctored*", timeout=10) as answer:
        assert answer.read() == b""


def test_mail_that_nobody_sends_is_told_with_its_number_and_since_when(
    doctor: Doctor, postgres: PostgresServer, database_url: str
) -> None:
    name = database_url.split("/")[3].split("?")[0]
    postgres.query(name, WAITING.replace("now(), now()", "now() - interval '10 min', now()"), 3)
    said = doctor(database_url=database_url)
    line = next(line for line in said.splitlines() if "mails:" in line)
    assert re.search(r"3 are due, the oldest for 1\d minutes, and nobody sends them", line), said
    assert "could not be handed over" not in line
    postgres.query(name, "update mails set cause = repeat('the server is full ', 20)")
    line = next(line for line in doctor(database_url=database_url).splitlines() if "mails:" in line)
    assert "some could not be handed over: the server is full the" in line and "the …; 3 are due" in line, line


def test_mail_to_nobody_and_from_nowhere_in_a_market_with_a_public_address(doctor: Doctor, database_url: str) -> None:
    said = doctor(database_url=database_url, public_url="https://market.riverside.org")
    assert "mail_from" in cure(said, "mail: is from market@localhost, which is nowhere")
    assert "smtp_url" in cure(said, "mail: goes to the folder", "and to nobody")
    assert doctor(database_url=database_url).endswith("all is well\n"), "on this machine that is as it should be"


def test_a_full_disk_is_called_one(doctor: Doctor, tmp_path: Path, database_url: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        (small / "fill").write_bytes(b"x" * 8192)
        assert "its disk is full" in cure(doctor(database_url=database_url, data_dir=small), "data folder")
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("name", MIN)
def test_a_server_that_is_too_old_is_told(name: str) -> None:
    major, minor = MIN[name]
    assert "upgrade" in aged(name, f"{major - 1}.99.3")
    assert not aged(name, f"{major}.{minor}.0") and not aged(name, f"{major + 10}.0-rc1")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "10.1.2.3", "market", "a.local", "a.example", "x.test"]
)
def test_addresses_that_are_not_on_the_internet(host: str) -> None:
    assert not on_the_internet(host)
    assert on_the_internet("market.riverside.org") and on_the_internet("9.9.9.9")


class Another(BaseHTTPRequestHandler):
    """A server that is no search engine: it answers every GET with the same text."""

    text = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("text", [b"{}", b"[]", b"<html>", b'{"version":{"number":"x"}}', b'{"version":7}'])
def test_something_else_at_the_address_of_elasticsearch_is_told_with_its_address(
    doctor: Doctor, text: bytes, database_url: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("This", (Another,), {"text": text}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        said = doctor(database_url=database_url, elasticsearch_url=url)
    finally:
        server.shutdown()
        server.server_close()
    assert "elasticsearch_url" in cure(said, "Elasticsearch", url)
    assert "data folder" in said and "could not be looked at" not in said


def test_a_folder_of_blobs_that_is_not_mounted_or_writable_is_a_finding(doctor: Doctor, tmp_path: Path) -> None:
    assert "ok       blobs" in doctor()
    assert "mount it" in cure(doctor(blobs=str(tmp_path / "nowhere")), " blobs: ")
    (tmp_path / "there").mkdir()
    assert "can be written" in next(
        line for line in doctor(blobs=str(tmp_path / "there")).splitlines() if " blobs: " in line
    )


def test_a_bucket_is_tried_and_left_as_it_was(doctor: Doctor, s3: S3Server) -> None:
    said = doctor(s3_url=s3.url(), s3_region=REGION)
    assert (
        "ok       S3: the bucket http://127.0.0.1" in said
        and "keeps what it is given" in said
        and " blobs: " not in said
    )
    assert "correct the secret" in cure_of(doctor(s3_url=s3.url("wrong"), s3_region=REGION))
    assert "correct the bucket" in cure_of(doctor(s3_url=s3.url().replace("/market", "/nowhere"), s3_region=REGION))
    assert not [path for path in s3.objects.rglob("*") if path.is_file()]


def cure_of(said: str) -> str:
    """The trouble of S3, in its own line."""
    assert cure(said, " S3: ")
    return next(line for line in said.splitlines() if " S3: " in line)
