"""``harvestctl``: each command on a database of its own, its words and its exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import psycopg2
import pytest
from argon2 import PasswordHasher
from twisted.internet import reactor

from harvestd.ctl import main
from harvestd.ctl.check_result import CheckResult
from harvestd.ctl.command_line import COMMANDS, command_of
from harvestd.ctl.post import mail
from harvestd.ctl.settings import markdown
from harvestd.ctl.versions import within
from harvestd.ctl.words import counted
from harvestd.loading.demo.sunny_acres import OFFERS
from harvestd.loading.usda.reading import BadRow, Market, read
from harvestd.settings.rows import ROWS
from harvestd.settings.table import Settings
from servers import PostgresServer, wait_until
from servers.s3 import REGION, S3Server
from tests.daemons import HARVESTCTL, Daemon, ctl, environment, request
from tests.process.conftest import database_pid

MARKETS = Path(__file__).parents[1] / "loading" / "data" / "markets.csv"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, database_url: str) -> Run:
    """harvestctl on a migrated, empty database."""
    return lambda *words, **more: ctl(tmp_path, *words, **{"database_url": database_url, **more})


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def changes(url: str, sql: str) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


# --- the command line ---


def test_a_wrong_command_line_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["unknown"], ["check", "--unknown"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
    capsys.readouterr()


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(f"\n    {name}" in said for name in COMMANDS), said


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "exit codes" in said
    assert " ".join(command_of(name).explanation.split()) in " ".join(said.split())


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HARVEST_HTTP_PORT", "x")
    assert main(["check"]) == 1
    assert capsys.readouterr().err.startswith("harvestctl check: a setting is wrong:")


def test_a_database_that_is_away_is_told_in_a_line(tmp_path: Path) -> None:
    for command in ("check", "reindex"):
        done = ctl(tmp_path, command, database_url="postgresql://u:geheim@127.0.0.1:1/market")
        assert done.returncode == 1
        assert "127.0.0.1" in done.stdout
        assert len(done.stdout.splitlines()) == 1, done.stdout
        assert "geheim" not in done.stdout


# --- settings ---


def test_settings_prints_what_is_in_effect_and_what_set_it(tmp_path: Path) -> None:
    (tmp_path / "harvest.toml").write_text('market_name = "Riverside"\n')
    done = ctl(tmp_path, "settings", "--json", "--database-url=postgresql://u:geheim@h/m", http_port="9000")
    shown = json.loads(done.stdout)
    assert shown["market_name"] == {"value": "Riverside", "origin": "harvest.toml"}
    assert shown["http_port"] == {"value": 9000, "origin": "HARVEST_HTTP_PORT"}
    assert shown["database_url"] == {"value": "postgresql://u:***@h/m", "origin": "--database-url"}
    assert shown["log_level"]["origin"] == "default"
    plain = ctl(tmp_path, "settings", http_port="9000")
    assert "9000   <- HARVEST_HTTP_PORT" in plain.stdout
    assert plain.stdout.splitlines()[0] == next(iter(ROWS.values())).group


def test_the_page_of_settings_is_fresh() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert markdown() == page.read_text(), "run make docs"


# --- migrate, check ---


def test_migrate_brings_a_database_to_this_version(tmp_path: Path, postgres: PostgresServer) -> None:
    name = postgres.clone(template="template0")
    url = postgres.url(name)
    try:
        assert ctl(tmp_path, "migrate", "--check", database_url=url).returncode == 1
        assert "run harvestctl migrate" in ctl(tmp_path, "check", database_url=url).stdout
        first = ctl(tmp_path, "migrate", database_url=url)
        assert (first.returncode, "applied: 001_foundation" in first.stdout) == (0, True)
        assert ctl(tmp_path, "migrate", "--check", database_url=url).returncode == 0
        again = ctl(tmp_path, "migrate", database_url=url)
        assert (again.returncode, again.stdout) == (0, "the schema is of this version\n")
    finally:
        postgres.drop(name)


def test_a_newer_schema_is_refused(run: Run, database_url: str) -> None:
    changes(database_url, "insert into schema_migrations (number, name, checksum) values (999, 'later', 'x')")
    for command in ("migrate", "reindex"):
        done = run(command)
        assert done.returncode == 1
        assert "newer than this harvestd" in done.stdout


def test_what_is_logged_ends_with_the_work(run: Run, database_url: str) -> None:
    assert "Main loop" not in run("check", "--verbose").stdout


def test_check_finds_what_is_broken(run: Run, database_url: str) -> None:
    fine = run("check", "--at-rest")
    assert (fine.returncode, "rules hold" in fine.stdout) == (0, True)
    assert run("import-directory", str(MARKETS)).returncode == 1
    changes(database_url, "update products set stock = stock + 1 where slug like 'eggs-%'")
    broken = run("check")
    assert broken.returncode == 1
    assert "BROKEN: the stock ledger does not add up to the stock" in broken.stdout
    assert "slug=eggs-" in broken.stdout


def test_check_looks_at_the_folder_of_blobs(run: Run, tmp_path: Path) -> None:
    """Of the market's settings; what has no row there is named, and nothing is deleted."""
    stray = tmp_path / "blobs" / "5e" / "0197f0a0-7c1e-7abc-8def-01234567895e.small.webp"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    os.utime(stray, (1e9, 1e9))
    done = run("check")
    assert (done.returncode, "has no row" in done.stdout, stray.name in done.stdout.replace("\n", "")) == (
        1,
        True,
        True,
    )
    stray.unlink()
    assert run("check").returncode == 0


def test_blobs_check_compares_the_folder_with_the_rows_and_reads_it_if_asked(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    """Each file is named that is too much, missing, or not what was put there; and the command is no other word."""
    blob_id, digest = "0197f0a0-7c1e-7abc-8def-01234567895e", sha256(b"x").hexdigest()
    changes(
        database_url,
        "insert into users (id, email, email_key, username, username_key, name, role, password_hash, created_at, updated_at)"
        f" values ('{blob_id}', 'a@b.c', 'a@b.c', 'abc', 'abc', 'A', 'buyer', 'x', now(), now());"
        "insert into blobs (id, name, kind, user_id, media_type, size, sha256, created_at, changed_at)"
        f" values ('{blob_id}', 'small.webp', 'avatar', '{blob_id}', 'image/webp', 1, '{digest}', now(), now())",
    )
    assert (run("blobs").returncode, run("blobs", "sweep").returncode) == (2, 2)
    missing = run("blobs", "check")
    assert (missing.returncode, "has no file" in missing.stdout) == (1, True)
    path = tmp_path / "blobs" / "5e" / f"{blob_id}.small.webp"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"y")
    assert run("blobs", "check").returncode == 0
    read = run("blobs", "check", "--content")
    assert (read.returncode, "is not what was put there" in read.stdout) == (1, True)
    path.write_bytes(b"x")
    assert run("blobs", "check", "--content").returncode == 0


def test_blobs_check_compares_a_bucket_with_the_rows(database_url: str, tmp_path: Path, s3: S3Server) -> None:
    def checked(*words: str) -> subprocess.CompletedProcess[str]:
        return ctl(tmp_path, "blobs", "check", *words, database_url=database_url, s3_url=s3.url(prefix="shop"), s3_region=REGION)  # fmt: skip

    fine = checked("--content")
    assert (fine.returncode, "/market/shop and its rows agree" in fine.stdout.replace("\n", "")) == (0, True), (
        fine.stdout
    )
    assert "secret" not in fine.stdout
    stray = s3.objects / "shop" / "5e" / "0197f0a0-7c1e-7abc-8def-01234567895e.small.webp"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    os.utime(stray, (1e9, 1e9))
    found = checked()
    assert (found.returncode, stray.name in found.stdout.replace("\n", "")) == (1, True)
    away = ctl(tmp_path, "blobs", "check", database_url=database_url, s3_url=s3.url("wrong"), s3_region=REGION)
    assert (away.returncode, "correct the secret" in away.stdout.replace("\n", " ")) == (1, True), away.stdout


# --- import-directory ---


def test_an_import_stores_the_good_rows_and_reports_the_bad_ones(run: Run, database_url: str) -> None:
    done = run("import-directory", str(MARKETS))
    assert done.returncode == 1, "bad rows are never lost silently"
    assert "6 of 13 rows stored, 7 bad" in done.stdout
    for line, why in (
        (6, "FMID is 'x99', not a number"),
        (7, "stands in line 2 already"),
        (8, "y is '95.1', not a latitude"),
        (9, "x (longitude) or y (latitude) is missing"),
        (10, "Eggs is 'maybe', not Y or N"),
        (11, "fewer fields than the header"),
        (14, "MarketName is missing"),
    ):
        assert any(said.startswith(f"line {line}: ") and why in said for said in done.stdout.splitlines()), line
    assert "1 farm has a season that cannot be read" in done.stdout
    farms = rows(database_url, "select name, season_from, latitude, source from farms order by source")
    assert len(farms) == 6
    assert any(name == "Café “Früh” & Söhne" for name, *_ in farms)
    assert all(source.startswith("usda:") and latitude is not None for _, _, latitude, source in farms)
    assert sum(season is None for _, season, _, _ in farms) == 1
    ((products, published, found),) = rows(
        database_url,
        """select count(*), count(*) filter (where p.status = 'published' and p.category_id is not null), count(d.id)
             from products p left join search_documents d on d.id = p.id""",
    )
    assert products == published == found > 20
    assert run("check").returncode == 0, "the first stock is in the ledger"


def test_an_import_run_again_changes_nothing(run: Run, database_url: str) -> None:
    everything = "select (select json_agg(f order by id) from farms f)::text, (select json_agg(p order by id) from products p)::text"
    run("import-directory", str(MARKETS))
    before = rows(database_url, everything)
    again = run("import-directory", str(MARKETS))
    assert "0 farms new, 0 changed; 0 products new" in again.stdout
    assert rows(database_url, everything) == before


def test_an_import_that_was_broken_off_goes_on(run: Run, database_url: str) -> None:
    done = run("import-directory", str(MARKETS), "--limit=2")
    assert (done.returncode, "2 of 2 rows stored, 0 bad" in done.stdout) == (0, True)
    changes(database_url, "delete from search_documents")
    assert "4 farms new" in run("import-directory", str(MARKETS)).stdout
    assert rows(database_url, "select count(*) from products except select count(*) from search_documents") == []


def test_an_interrupted_import_ends_in_order(database_url: str, tmp_path: Path) -> None:
    lines = MARKETS.read_text().splitlines()
    many = tmp_path / "many.csv"
    many.write_text("\n".join([lines[0], *[f"{n}{lines[1][lines[1].index(',') :]}" for n in range(1, 1_501)]]))
    process = subprocess.Popen(
        [HARVESTCTL, "import-directory", many], env=environment(tmp_path, database_url=database_url),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_until("it stores", lambda: rows(database_url, "select count(*) from farms") != [(0,)])
    with contextlib.closing(psycopg2.connect(database_url)) as other:
        other.cursor().execute("lock table farms in exclusive mode")  # so that it is not done before it hears of it
        process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "harvestctl import-directory: stopping\n")
    ((stored,),) = rows(database_url, "select count(*) from farms")
    assert 0 < stored < 1_500 and stored % 250 == 0, "whole batches"


def test_a_farm_that_nobody_owns_follows_the_directory(run: Run, database_url: str, tmp_path: Path) -> None:
    admin = run("create-admin", "admin@example.org", "--generate")
    assert admin.returncode == 0
    run("import-directory", str(MARKETS), "--limit=1", "--owner=admin@example.org")
    run("import-directory", str(MARKETS), "--limit=2")
    lines = MARKETS.read_text().splitlines()
    names = [line.split(",")[1] for line in lines[1:3]]
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join(lines).replace(names[0], "First renamed").replace(names[1], "Second renamed"))
    assert "0 farms new, 1 changed" in run("import-directory", str(changed), "--limit=2").stdout
    assert {name for (name,) in rows(database_url, "select name from farms")} == {names[0], "Second renamed"}


def mangled(kind: str, text: str) -> bytes:
    return {
        "plain": text.encode(),
        "with a BOM": b"\xef\xbb\xbf" + text.encode(),
        "with CR LF": text.replace("\n", "\r\n").encode(),
        "with CR": text.replace("\n", "\r").encode(),
        "Latin-1": text.encode("latin-1", errors="replace"),
    }[kind]


@pytest.mark.parametrize("kind", ["plain", "with a BOM", "with CR LF", "with CR", "Latin-1"])
def test_standard_input_is_read_as_a_file_is(tmp_path: Path, kind: str) -> None:
    content = mangled(kind, MARKETS.read_text())
    (tmp_path / "file.csv").write_bytes(content)
    as_file = ctl(tmp_path, "import-directory", "file.csv", "--dry-run")
    as_input = ctl(tmp_path, "import-directory", "-", "--dry-run", standard_input=content)
    assert as_input.stdout == as_file.stdout
    assert "Traceback" not in as_file.stdout
    if kind != "Latin-1":
        assert "6 of 13 rows would be stored" in as_file.stdout
    else:
        assert "characters that are not UTF-8" in as_file.stdout, "those rows are bad, and the others are not"


def test_what_is_not_utf8_is_a_bad_row_of_standard_input_and_the_others_are_stored(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    first, *others = MARKETS.read_text().splitlines(keepends=True)
    names = [line.split(",")[1] for line in others]
    content = (first + "".join(others).replace(names[0], "Café des Halles", 1)).encode("latin-1", errors="replace")
    said = run("import-directory", "-", standard_input=content).stdout
    assert "Traceback" not in said and "characters that are not UTF-8" in said, said
    stored = {name for (name,) in rows(database_url, "select name from farms")}
    assert stored and all(name.isascii() for name in stored), stored
    assert f"{len(stored)} farms new" in said, said


def test_lines_are_counted_as_an_editor_does_and_an_open_quote_takes_its_own_line_alone() -> None:
    head, first, second, *_ = MARKETS.read_text().splitlines()

    def named(number: int, line: str, name: str) -> str:
        return line.replace(line.split(",")[0], str(number), 1).replace(line.split(",")[1], name, 1)

    file = [
        head,
        named(1, first, '"Two\nlines"'),  # 2 and 3
        named(2, second, '"never closed'),  # 4
        named(3, first, "Good"),  # 5
        named(4, second, '"again open'),  # 6
        named(5, first, "Good too"),  # 7
        "x99" + named(6, second, "Bad number"),  # 8
    ]
    found = list(read("\n".join(file).encode()))
    assert [row.line for row in found] == [2, 4, 5, 6, 7, 8]
    assert [row.name for row in found if isinstance(row, Market)] == ["Two lines", "Good", "Good too"]
    assert [row.why for row in found if isinstance(row, BadRow)][:2] == [
        "not CSV: a quote is opened in it and not closed, or the other way round"
    ] * 2


def test_an_owner_must_be_able_to_own(run: Run) -> None:
    assert "there is no account" in run("import-directory", str(MARKETS), "--owner=nobody@example.org").stdout
    assert run("import-directory", str(MARKETS), "--limit=0").returncode == 2


def test_a_file_that_is_not_the_directory(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    done = run("import-directory", str(other))
    assert (done.returncode, "has no column FMID" in done.stdout) == (1, True)
    assert "No such file" in run("import-directory", str(tmp_path / "gone.csv")).stdout


def test_a_dry_run_stores_nothing(run: Run, database_url: str) -> None:
    done = run("import-directory", str(MARKETS), "--dry-run")
    assert (done.returncode, "6 of 13 rows would be stored" in done.stdout) == (1, True)
    assert rows(database_url, "select count(*) from farms") == [(0,)]


# --- people ---


def test_create_admin(run: Run, database_url: str, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("a long walk to market\n")
    done = run("create-admin", "Ada@example.org", "--name=Ada", f"--password-file={secret}")
    assert (done.returncode, done.stdout) == (0, "Ada@example.org is an admin\n")
    assert rows(database_url, "select email, name, role from users") == [("Ada@example.org", "Ada", "admin")]
    again = run("create-admin", "ada@example.org", "--generate")
    assert (again.returncode, "--promote" in again.stdout) == (1, True)
    short = tmp_path / "short"
    short.write_text("short\n")
    refused = run("create-admin", "b@example.org", "--username=bea", f"--password-file={short}")
    assert (refused.returncode, "password: must have at least 12 characters" in refused.stdout) == (1, True)
    assert "no terminal" in run("create-admin", "c@example.org").stdout


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"\xef\xbb\xbfa long walk to market\r\n", 0, "is an admin"),
        ("ein langer Weg zum Käse".encode("latin-1"), 2, "it is not UTF-8 text"),
        ("a long walk to market".encode("utf-16"), 2, "it is not UTF-8 text"),
        (b"a long walk\nto market\n", 2, "more than one line"),
        (b"a long walk\rto market", 2, "more than one line"),
        (b"a long walk\0to market\n", 1, "has a NUL character"),
    ],
)
@pytest.mark.parametrize("place", ["file", "input"])
def test_a_password_is_the_one_line_of_a_file_and_of_standard_input_alike(
    run: Run, database_url: str, tmp_path: Path, place: str, content: bytes, code: int, said: str
) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(content)
    words = ("create-admin", "ada@example.org", f"--password-file={secret if place == 'file' else '-'}")
    done = run(*words, standard_input=content if place == "input" else b"")
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout
    if code == 0:
        ((stored,),) = rows(database_url, "select password_hash from users")
        assert PasswordHasher().verify(str(stored), "a long walk to market")


def test_a_username_that_nobody_typed_is_found_a_free_one(run: Run, database_url: str) -> None:
    for email in ("info@a.org", "info@b.org", "o'brien+market@b.org", "a@b.org"):
        done = run("create-admin", email, "--generate")
        assert done.returncode == 0, done.stdout
    names = {name for (name,) in rows(database_url, "select username from users")}
    assert names == {"info", "info.2", "o.brien", "a.admin"}
    taken = run("create-admin", "c@b.org", "--generate", "--username=info")
    assert (taken.returncode, "username" in taken.stdout) == (1, True), "one that was typed is taken literally"


def test_one_is_one() -> None:
    assert [counted(n, "farm") for n in (0, 1, 2)] == ["0 farms", "1 farm", "2 farms"]


def test_promote_makes_an_account_an_admin(run: Run, database_url: str) -> None:
    run("create-admin", "ada@example.org", "--generate")
    changes(database_url, "update users set role = 'buyer'")
    assert rows(database_url, "select username, name from users") == [("ada", "ada")], "the name is the username"
    for more in ("--generate", "--name=Ada", "--username=ada2"):
        refused = run("create-admin", "ada@example.org", "--promote", more)
        assert (refused.returncode, "harvestctl create-admin: --promote" in refused.stdout) == (2, True), more
    assert run("create-admin", "ada@example.org", "--promote").returncode == 0
    assert rows(database_url, "select role, version from users") == [("admin", 3)]
    assert run("create-admin", "nobody@example.org", "--promote").returncode == 1


def test_the_demo_fills_an_empty_market_once(run: Run, database_url: str, tmp_path: Path) -> None:
    done = run("demo")
    assert (done.returncode, "sign in as buyer: buyer@example.org" in done.stdout) == (0, True)
    password = (tmp_path / "demo-password").read_text().strip()
    told = done.stdout.replace("\n", "")
    assert str(tmp_path / "demo-password") in told and password not in told
    assert rows(database_url, "select role from users order by role") == [
        ("admin",),
        ("buyer",),
        ("farmer",),
        ("farmer",),
    ]
    owned = rows(
        database_url,
        "select username, count(*) from products join farm_members using (farm_id) join users u on u.id = user_id group by 1",
    )
    assert dict(owned)["farmer"] == len(OFFERS)
    assert rows(database_url, "select count(*) from farms where not staffed") == [(0,)], "each hears of its orders"
    assert rows(database_url, "select count(*) > 20 from farms where pickup_points <> '[]'") == [(True,)]
    assert (tmp_path / "demo-password").stat().st_mode & 0o777 == 0o600
    counts = "select (select count(*) from users), (select count(*) from farms), (select count(*) from products)"
    before = rows(database_url, counts)
    again = run("demo")
    assert (again.returncode, again.stdout.partition(";")[0]) == (1, "harvestctl demo: the market has accounts already")
    (tmp_path / "demo-password").unlink()
    forced = run("demo", "--force")
    assert (forced.returncode, rows(database_url, counts)) == (0, before)
    assert "the demo is there already: nothing was added" in forced.stdout
    assert "of the data folder that they were made with" in forced.stdout, (
        "nobody is told of a password that is not theirs"
    )
    assert not (tmp_path / "demo-password").exists()
    assert run("check").returncode == 0


# --- reindex, doctor ---


def test_reindex_says_that_the_search_server_is_away(tmp_path: Path, database_url: str) -> None:
    done = ctl(tmp_path, "reindex", database_url=database_url, elasticsearch_url="http://127.0.0.1:1")
    assert done.returncode == 1
    assert "a worker rebuilds the server's index once it is back" in done.stdout


def test_the_cause_and_the_address_are_said_of_a_broker_that_is_away(tmp_path: Path, database_url: str) -> None:
    done = ctl(tmp_path, "replay", database_url=database_url, rabbitmq_url="amqp://u:geheim@127.0.0.1:1/v")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stdout and "refused" in done.stdout and "geheim" not in done.stdout


def test_reindex_makes_everything_found_again(run: Run, database_url: str) -> None:
    run("import-directory", str(MARKETS))
    changes(database_url, "delete from search_documents")
    done = run("reindex")
    assert done.returncode == 0
    assert rows(database_url, "select count(*) from products except select count(*) from search_documents") == []


def test_doctor_finds_nothing_in_a_market_that_is_well(run: Run) -> None:
    done = run("doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all is well"), done.stdout
    assert "in 0.0 ms" not in done.stdout


async def all_of(results: AsyncIterator[CheckResult]) -> list[CheckResult]:
    return [one async for one in results]


@pytest.mark.parametrize(
    ("there", "url", "said"),
    [
        ("", "", "(not there: there is no market here yet)"),
        ("data", "", "(not there: there is no market here yet)"),
        ("", "postgresql://h/m", "(made for the first mail)"),
        ("data/postgres/PG_VERSION", "", "(made for the first mail)"),
        ("data/mail", "", "mail, and to nobody"),
    ],
)
async def test_doctor_says_of_mail_where_it_is_to_be(tmp_path: Path, there: str, url: str, said: str) -> None:
    (tmp_path / there).mkdir(parents=True, exist_ok=True)
    (finding,) = await all_of(mail(reactor, Settings(data_dir=str(tmp_path / "data"), database_url=url)))
    assert (finding.fine, said in finding.words) == (True, True), finding


def test_what_is_quicker_than_can_be_said_is_not_nothing() -> None:
    assert [within(seconds) for seconds in (0.00004, 0.0001, 0.00126)] == ["in under 0.1 ms", "in 0.1 ms", "in 1.3 ms"]


def test_doctor_says_what_is_wrong_and_the_cure(run: Run, database_url: str) -> None:
    run("import-directory", str(MARKETS))
    changes(
        database_url,
        """delete from search_documents;
           insert into queue_dead (queue, message_id, type, body, attempts, cause)
                values ('harvest.search', gen_random_uuid(), 'product.updated', '{}', 5, 'no such thing');
           insert into outbox (id, type, aggregate, version, data, trace, created_at)
                values (gen_random_uuid(), 'stock.low', 'product:1', 1, '{}', '{}', now() - interval '1 hour')""",
    )
    done = run("doctor", smtp_url="smtp://127.0.0.1:1", replica_urls=database_url)
    assert done.returncode == 1
    for words in (
        "dead letters: harvest.search 1 (such as: no such thing)",
        "1 event unsent, the oldest for 1 hour",
        "is a daemon running, and is its broker there?",
        "products not found as now offered",
        "harvestctl reindex",
        "smtp://127.0.0.1:1: ",
        "replica 1: it is no replica",
    ):
        assert words in done.stdout, words


def test_doctor_names_each_accelerator_that_is_away_its_cure_and_no_password(run: Run) -> None:
    away = {
        "redis_url": "redis://:hush@127.0.0.1:1/0",
        "rabbitmq_url": "amqp://market:hush@127.0.0.1:1/market",
        "elasticsearch_url": "http://market:hush@127.0.0.1:1",
    }
    done = run("doctor", **away)
    assert done.returncode == 1
    for name, setting in (("Redis", "redis_url"), ("RabbitMQ", "rabbitmq_url"), ("Elasticsearch", "elasticsearch_url")):
        said = done.stdout.partition(f"trouble  {name}: ")[2].splitlines()
        assert said and "correct" in said[1] and setting in said[1], done.stdout
    assert "hush" not in done.stdout


def test_doctor_of_a_database_that_is_away(tmp_path: Path) -> None:
    done = ctl(tmp_path, "doctor", database_url="postgresql://127.0.0.1:1/market")
    assert done.returncode == 1
    assert "trouble  database" in done.stdout
    assert "ok       data folder" in done.stdout


def test_dead_letters_are_listed_put_back_and_deleted(run: Run, database_url: str) -> None:
    assert run("replay").stdout == "no dead letters\n"
    changes(
        database_url,
        """insert into queue_dead (queue, message_id, type, body, attempts, cause)
           select 'harvest.search', gen_random_uuid(), 'product.updated', '{}', 5, 'no such thing' from generate_series(1, 4)""",
    )
    listed = run("replay", "search")
    assert (listed.returncode, "4 dead letters" in listed.stdout) == (1, True)
    ids = [line.split()[1] for line in listed.stdout.splitlines() if "product.updated  5 tries: no such thing" in line]
    assert run("replay", "search", ids[0]).stdout == "1 of harvest.search put back\n"
    assert rows(database_url, "select queue, attempts from queue_messages") == [("harvest.search", 0)]
    assert run("replay", "search", ids[1], "--discard").returncode == 0
    gone = run("replay", "search", ids[1])
    assert gone.returncode == 1
    assert (
        gone.stdout == f"harvestctl replay: harvest.search has no dead letter {ids[1]}\n0 of harvest.search put back\n"
    )
    refused = run("replay", "search", ids[2], "abc")
    assert (refused.returncode, "abc: no id" in refused.stdout, "put back" in refused.stdout) == (2, True, False)
    assert run("replay", "search", "--all").stdout == "2 of harvest.search put back\n"
    assert rows(database_url, "select count(*) from queue_dead") == [(0,)]
    assert "there is no queue parcels" in run("replay", "parcels", "--all").stdout
    assert run("replay", "--all").returncode == 2


# --- with the embedded database ---


def test_a_command_starts_the_embedded_database_for_its_own_duration(folder: Path) -> None:
    done = ctl(folder, "import-directory", str(MARKETS), "--limit=2")
    assert (done.returncode, "2 of 2 rows stored" in done.stdout) == (0, True), done.stdout
    assert (folder / "postgres").exists()
    assert database_pid(folder) is None
    assert ctl(folder, "check").returncode == 0


def test_a_command_uses_the_database_of_the_running_daemon(api: Callable[..., Daemon], folder: Path) -> None:
    daemon = api()
    daemon.start()
    server = database_pid(folder)
    assert request(daemon.port, "GET", "/api/products")[1]["items"] == []
    done = ctl(folder, "import-directory", str(MARKETS))
    assert "6 of 13 rows stored" in done.stdout, done.stdout
    assert database_pid(folder) == server
    wait_until("the daemon's cache is told", lambda: request(daemon.port, "GET", "/api/products")[1]["items"] != [])
    wait_until("search finds it", lambda: request(daemon.port, "GET", "/api/search?q=honey")[1]["total"] > 0)
    checked = ctl(folder, "check")
    assert checked.returncode == 0, checked.stdout
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("words", "right"),
    [(("--data-dir", "/srv/market", "doctor"), "harvestctl doctor --data-dir /srv/market"),
     (("--data-dir=/srv/market", "doctor"), "harvestctl doctor --data-dir=/srv/market"),
     (("--verbose",), "harvestctl COMMAND --verbose")],
)  # fmt: skip
def test_an_option_before_its_command_is_told_where_it_belongs(run: Run, words: tuple[str, ...], right: str) -> None:
    done = run(*words)
    assert done.returncode == 2 and right in done.stdout, done.stdout


def test_help_needs_no_command(run: Run) -> None:
    assert run("--help").returncode == run("--version").returncode == 0
