"""What the benchmarks take from PostgreSQL's log is what was asked, and what pgbench sends of it is a new order each time."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg2
import pytest

from benchmarks.pgbench import Sample, prepared, run, script
from benchmarks.rate import Paced
from benchmarks.statements import Trip, heard
from servers import PostgresServer

ID, OTHER = "0190aaaa-0000-7000-8000-000000000001", "0190bbbb-0000-7000-8000-000000000002"


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[str]:
    name = postgres.clone()
    postgres.query(
        name, "create table things (id uuid primary key, other uuid, number text unique, key text, note jsonb)"
    )
    yield name
    postgres.drop(name)


def asked(server: PostgresServer, database: str, *texts: str) -> None:
    connection = psycopg2.connect(server.url(database))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(text)
    connection.close()


INSERT = 'PREPARE "things.insert" AS insert into things (id, other, number, key, note)\n  values ($1, $2, $3, $4, $5)'
ORDER = (
    "BEGIN; select 'a;b', \"relname\" from pg_class limit 1",
    f"""EXECUTE "things.insert"('{ID}','{OTHER}','H000007','key-7-',E'{{"at": "07:50:40", "said": "it\\'s; so", "id": "{ID}"}}')""",
    "COMMIT",
)


def test_the_log_has_each_statement_once_in_the_round_trip_that_it_came_in(
    postgres: PostgresServer, empty: str
) -> None:
    with heard(postgres, empty) as log:
        asked(postgres, empty, INSERT, "select 1", *ORDER)
        trips = log.trips
        transaction = log.transaction(lambda text: "key-7-" in text)
    assert [len(trip.statements) for trip in trips] == [1, 1, 2, 1, 1]
    assert [trip.text for trip in transaction] == list(ORDER)
    assert prepared(trips) == {"things.insert": INSERT}
    asked(postgres, empty, "select 2")
    assert len(log.trips) == 5, "the log is off again"


def test_pgbench_sends_the_same_with_an_id_a_key_and_a_number_of_its_own(postgres: PostgresServer, empty: str) -> None:
    trips = [Trip(1, text) for text in ORDER]
    sample = Sample(trips, "key-7-", "H000007", {OTHER})
    with heard(postgres, empty) as log:
        found: Paced = run(postgres, empty, [sample], {"things.insert": INSERT}, 0.1, 2)
        sent = log.transaction(lambda text: "EXECUTE" in text)
    assert found.rate > 0
    assert [len(trip.statements) for trip in sent] == [2, 1, 1], "in the same round trips"
    rows, ids, others, numbers, keys, notes = postgres.query(
        empty,
        "select count(*), count(distinct id), count(distinct other), count(distinct number), count(distinct key), "
        "count(*) filter (where note->>'id' = id::text and note->>'at' = '07:50:40' and note->>'said' = 'it''s; so') from things",
    )[0]
    assert others == 1
    assert rows == ids == numbers == keys == notes


def test_a_script_keeps_what_travels_together_together() -> None:
    sample = Sample([Trip(1, text) for text in ORDER], "key-7-", "H000007", {OTHER})
    text = script(sample, {"things.insert": INSERT}, "0190cccc-0000-7000")
    sent = text.split("\n", 7)[-1].splitlines()
    assert sent[0] == "BEGIN \\; select 'a;b', \"relname\" from pg_class limit 1;"
    assert ID not in text and "H000007" not in text and OTHER in text
    assert len(re.findall(r"0190cccc-0000-7000-8000-:n", text)) == 2
