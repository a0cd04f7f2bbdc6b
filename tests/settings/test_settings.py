"""Settings: where they come from, which one counts, what is refused, and what is never shown."""

from __future__ import annotations

import json
import os
import re
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from harvestd.api import Options
from harvestd.ctl.command import whole
from harvestd.settings.faults import SettingError
from harvestd.settings.loading import Loaded, load, masked, resolved
from harvestd.settings.rows import ROWS, Row, Unfit, text
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.settings.values import parse
from harvestd.tables import TOPOLOGY


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(**given: str) -> str:
    """What is said of variables that are wrong."""
    with pytest.raises(SettingError) as caught:
        load({}, {f"HARVEST_{name.upper()}": value for name, value in given.items()}, queues=lambda: TOPOLOGY.queues)
    return str(caught.value)


def test_nothing_has_to_be_set() -> None:
    loaded = load({}, {})
    assert loaded.settings.http_port == 8080
    assert loaded.settings.database_url == ""
    assert set(loaded.origin.values()) == {"default"}


def test_the_file_then_the_environment_then_options(tmp_path: Path) -> None:
    file = tmp_path / "harvest.toml"
    file.write_text('http_port = 1111\nhttp_host = "0.0.0.0"\nlog_level = "warn"\n')
    loaded = load({"http_port": "3333"}, {"HARVEST_HTTP_PORT": "2222", "HARVEST_LOG_LEVEL": "error"})
    assert (loaded.settings.http_host, loaded.settings.log_level, loaded.settings.http_port) == (
        "0.0.0.0",
        "error",
        3333,
    )
    assert loaded.origin["http_host"] == "harvest.toml"
    assert loaded.origin["log_level"] == "HARVEST_LOG_LEVEL"
    assert loaded.origin["http_port"] == "--http-port"
    assert loaded.origin["data_dir"] == "default"


def test_the_file_may_be_named_by_option_argument_or_variable(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("http_port = 1111\n")
    for loaded in (
        load({"config": str(file)}, {}),
        load({}, {"HARVEST_CONFIG": str(file)}),
        load({}, {}, file),
    ):
        assert loaded.settings.http_port == 1111
        assert loaded.origin["http_port"] == "other.toml"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read: No such file"):
        load({"config": str(tmp_path / "gone.toml")}, {})


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    (tmp_path / "harvest.toml").write_text("http_port 1111\n")
    with pytest.raises(SettingError, match="line 1"):
        load({}, {})


def test_secrets_come_from_files_and_credentials(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:hidden@db/market\n")
    (tmp_path / "token_secret").write_text("x" * 40 + "\n")
    environment = {"HARVEST_DATABASE_URL_FILE": str(tmp_path / "url"), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    loaded = load({}, environment)
    assert loaded.settings.database_url == "postgresql://u:hidden@db/market"
    assert loaded.origin["database_url"] == "HARVEST_DATABASE_URL_FILE"
    assert loaded.settings.token_secret == "x" * 40
    assert loaded.origin["token_secret"] == "credential"


def test_only_secrets_come_from_files() -> None:
    assert "no such setting" in problems(http_port_file="/etc/hostname")


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("y" * 40)
    text = problems(token_secret="x" * 40, token_secret_file=str(tmp_path / "s"))
    assert "unset one of the two" in text


def test_a_file_of_a_secret_must_be_readable(tmp_path: Path) -> None:
    assert "No such file" in problems(token_secret_file=str(tmp_path / "gone"))


def test_an_empty_variable_is_not_set() -> None:
    loaded = load({}, {"HARVEST_HTTP_PORT": "", "HARVEST_DATABASE_URL": ""})
    assert loaded.settings.http_port == 8080
    assert loaded.origin["http_port"] == "default"


def test_unknown_names_are_refused_with_what_was_meant(tmp_path: Path) -> None:
    assert "did you mean HARVEST_HTTP_PORT?" in problems(htp_port="1")
    (tmp_path / "harvest.toml").write_text("demmo = true\n")
    with pytest.raises(SettingError, match=r"demmo .*harvest\.toml.*did you mean demo\?"):
        load({}, {})


@pytest.mark.parametrize("name", ["HARVEST_FOO", "HARVEST_", "HARVEST_X", "HARVEST_ZZZZ"])
def test_what_is_near_to_nothing_is_no_suggestion(name: str) -> None:
    """That all variables begin alike makes none near."""
    with pytest.raises(SettingError, match="there is no such setting; harvestctl settings lists them all"):
        load({}, {name: "1"})


@pytest.mark.parametrize("content", [None, "no TOML"])
def test_a_file_of_settings_is_told_with_who_named_it(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "market.toml"
    if content is not None:
        file.write_text(content)
    for options, environ, origin in (
        ({"config": str(file)}, {}, "--config"),
        ({}, {"HARVEST_CONFIG": str(file)}, "HARVEST_CONFIG"),
        ({"config": str(file)}, {"HARVEST_CONFIG": "other.toml"}, "--config"),
    ):
        with pytest.raises(SettingError, match=rf"config = {file} \(from {origin}\): "):
            load(options, environ)


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert isinstance(load({}, {"HARVEST_TESTING": "1", "HARVESTER": "x", "HARVEST_CHILD": "1"}), Loaded)


def test_every_wrong_setting_is_named_with_its_value_and_cure() -> None:
    text = problems(http_port="80800", demo="maybe", market_timezone="Mars/Olympus", log_level="loud")
    assert "4 settings are wrong" in text
    assert "http_port = '80800' (from HARVEST_HTTP_PORT): it must be from 0 to 65535" in text
    assert "demo = 'maybe' (from HARVEST_DEMO): true or false" in text
    assert "'Mars/Olympus'" in text
    assert "one of debug, info, warn, error" in text


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("http_host", "localhost", "an IP address"),
        ("http_port", "eighty", "a whole number"),
        ("http_port", "8080.0", "a whole number"),
        ("processes", "0", "from 1 to 64"),
        ("database_url", "mysql://db/market", "postgresql://"),
        ("database_url", "postgresql://db:notaport/market", "not a URL"),
        ("public_url", "https://market.example/shop", "host and port alone"),
        ("smtp_url", "mail.example.org", "smtp://"),
        ("s3_url", "s3://bucket", "https:// or http://"),
        ("s3_url", "https://key:secret@s3.example", "the name of a bucket"),
        ("s3_url", "https://key:secret@s3.example/Bucket", "the name of a bucket"),
        ("s3_url", "https://key:secret@s3.example/bucket/../x", "only a prefix"),
        ("s3_url", "https://key:secret@s3.example/bucket?x", "only a prefix"),
        ("s3_url", "https://key@s3.example/bucket", "the key and its secret"),
        ("s3_url", "https://s3.example/bucket", "the key and its secret"),
        ("media_base", "cdn.example", "or signed"),
        ("media_base", "https://cdn.example/?a", "or signed"),
        ("s3_region", "eu central", "a region"),
        ("redis_url", "http://cache", "redis:// or rediss:// or unix://"),
        ("redis_url", "redis://cache:0", "a port of 0"),
        ("redis_url", "redis://cache/market", "only the number of a database"),
        ("redis_url", "redis://cache?db=1", "only the number of a database"),
        ("redis_url", "unix://run/redis.sock", "the path of the socket"),
        ("rabbitmq_url", "rabbit://broker", "amqp:// or amqps://"),
        ("rabbitmq_url", "amqp:///market", "names no host"),
        ("rabbitmq_url", "amqp://broker/one/two", "one virtual host"),
        ("rabbitmq_url", "amqp://market@broker/market", "after its user comes a password"),
        ("rabbitmq_url", "amqp://broker/market?heartbeat=1", "one virtual host"),
        ("elasticsearch_url", "search.example:9200", "http:// or https://"),
        ("elasticsearch_url", "http://one:9200, two:9200", "http:// or https://"),
        ("elasticsearch_url", "http://search:9200/?pretty", "only a path"),
        ("rate_default", "60", "60/60"),
        ("rate_default", "0/60", "60/60"),
        *[
            ("rate_login", text, "60/60")
            for text in ("60/0", "-1/60", "a/b", "6e1/60", "10/60  30/3600", "10/60,30/3600")
        ],
        *[
            ("rate_login", text, "a longer time")
            for text in ("30/3600 10/60", "10/60 30/60", "10/60 10/3600", "10/60 9/3600", "1/2 2/3 3/3")
        ],
        ("trusted_proxies", "10.0.0.1/8", "an address or network"),
        ("allowed_hosts", "https://market.example", "without scheme"),
        ("market_currency", "euro", "three capital letters"),
        ("token_secret", "short", "32 characters"),
        ("body_limit", "10 parsecs", "64MiB"),
        ("statement_timeout", "5s", "a number of seconds"),
        ("statement_timeout", "nan", "a number"),
        ("market_name", "two\nlines", "control character"),
        ("queues", "orders,parcels", "no such queue"),
        ("replica_urls", "postgresql://replica/market", "set database_url too"),
        ("fail_points", "relay.sent=crash", "HARVEST_TESTING=1"),
        ("processes", "20", "the embedded database has 90"),
    ],
)
def test_what_is_refused(name: str, value: str, cure: str) -> None:
    assert cure in problems(**{name: value})


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("body_limit", "64MiB", 64 * 1024 * 1024),
        ("body_limit", "10MB", 10_000_000),
        ("body_limit", "2048", 2048),
        ("body_limit", 2048, 2048),
        ("statement_timeout", "2.5", 2.5),
        ("statement_timeout", 3, 3.0),
        ("demo", "ON", True),
        ("demo", "0", False),
        ("demo", True, True),
        ("queues", "orders, search", ("orders", "search")),
        ("queues", ["orders"], ("orders",)),
        ("queues", "", ()),
        ("market_name", "  Riverside  ", "Riverside"),
        ("database_url", "postgresql:///market?host=/run/postgresql", "postgresql:///market?host=/run/postgresql"),
        ("trusted_proxies", "10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
        ("redis_url", "rediss://u:p%40@cache:7000/2", "rediss://u:p%40@cache:7000/2"),
        ("redis_url", "unix:///run/redis.sock#1", "unix:///run/redis.sock#1"),
        ("s3_url", "https://k:s%2F@s3.example/a-bucket/a/prefix", "https://k:s%2F@s3.example/a-bucket/a/prefix"),
        ("media_base", "https://cdn.example/shop", "https://cdn.example/shop"),
        ("media_base", "signed", "signed"),
        (
            "rabbitmq_url",
            "amqps://u:p@broker/%2F?cacertfile=/etc/ca.pem",
            "amqps://u:p@broker/%2F?cacertfile=/etc/ca.pem",
        ),
        ("rabbitmq_url", "amqp://broker", "amqp://broker"),
        ("elasticsearch_url", "http://one:9200,https://u:p@two/es", "http://one:9200,https://u:p@two/es"),
    ],
)
def test_what_is_read(name: str, given: object, value: object) -> None:
    assert parse(ROWS[name], given) == value


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("http_port", "64KiB"),
        ("http_port", True),
        ("demo", 1),
        ("http_port", "-1"),
        ("market_name", 5),
        ("queues", [1]),
    ],
)
def test_types_of_toml_are_strict(name: str, given: object) -> None:
    with pytest.raises(Unfit):
        parse(ROWS[name], given)


#: What the meanings in the table give as examples, by setting; and what stands before a colon there.
DOCUMENTED = [
    (row, example)
    for row in ROWS.values()
    for example in [*re.findall(r"e\.g\. ([^ ;]+?)[.;]?(?= |$)", row.meaning), *re.findall(r"; (\*): any", row.meaning)]
]


def test_the_meanings_have_examples() -> None:
    assert {row.name for row, _ in DOCUMENTED} >= {
        "allowed_hosts", "trusted_proxies", "queues", "market_timezone", "search_language"
    }  # fmt: skip
    assert {example for row, example in DOCUMENTED if row.name == "allowed_hosts"} == {
        "market.example.org,*.example.org", "*"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "example"),
    [
        *DOCUMENTED,
        *((row, text(row.default)) for row in ROWS.values()),
        *((r, c) for r in ROWS.values() for c in r.choices),
    ],
)
def test_what_is_documented_is_read_from_wherever_it_may_come(tmp_path: Path, row: Row, example: str) -> None:
    """Examples, defaults and choices: in the environment, in the file, and on the command line of the daemon."""
    expected = parse(row, example)
    values = example.split(",") if row.kind is tuple else expected if row.kind is not str else example
    (tmp_path / "harvest.toml").write_text(f"{row.name} = {json.dumps([] if values == [''] else values)}\n")
    assert getattr(load({}, {}).settings, row.name) == getattr(load({}, {row.variable: example}).settings, row.name)
    (tmp_path / "harvest.toml").unlink()
    loaded = [load({}, {row.variable: example})]
    if row.kind is not bool:
        options = Options()
        options.parseOptions([f"{row.option}={example}"])
        loaded.append(options.loaded)
    for one in loaded:
        assert getattr(one.settings, row.name) == getattr(resolved(Settings(**{row.name: expected})), row.name)


@pytest.mark.parametrize("name", ["market_name", "data_dir", "allowed_hosts", "token_secret", "http_port", "demo"])
def test_what_is_not_utf8_is_refused_where_it_is_read(name: str) -> None:
    value = os.fsdecode(b"Caf\xe9" * 10)
    said = problems(**{name: value})
    assert f"(from HARVEST_{name.upper()}): it is not UTF-8 text" in said
    said.encode("utf-8", "backslashreplace")
    with pytest.raises(SettingError, match=f"from {ROWS[name].option}\\): it is not UTF-8 text"):
        load({name: value}, {})


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "harvest.toml").write_bytes(b'\xef\xbb\xbfmarket_name = "Riverside"\n')
    (tmp_path / "s").write_bytes(b"\xef\xbb\xbf" + b"y" * 32 + b"\r\n")
    settings = load({}, {"HARVEST_TOKEN_SECRET_FILE": str(tmp_path / "s")}).settings
    assert (settings.market_name, settings.token_secret) == ("Riverside", "y" * 32)


def test_secrets_are_masked_in_errors_and_in_what_is_shown() -> None:
    assert "hunter2" not in problems(database_url="mysql://u:hunter2@db/market", token_secret="hunter2")
    shown = masked(Settings(database_url="postgresql://u:hunter2@db/market", token_secret="hunter2" * 8))
    assert shown["database_url"] == "postgresql://u:***@db/market"
    assert shown["token_secret"] == "***"
    assert shown["smtp_url"] == ""
    assert masked(Settings(replica_urls=("postgresql://u:hunter2@a/m",)))["replica_urls"] == ("postgresql://u:***@a/m",)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("see postgresql://u:p%40ss@db/m now", "see postgresql://u:***@db/m now"),
        ("amqp://u:p@ss@host/v", "amqp://u:***@host/v"),
        ("postgresql://db/m?password=geheim&x=1", "postgresql://db/m?password=***&x=1"),
        ("https://market.example/a:b@c", "https://market.example/a:b@c"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, shown: str) -> None:
    assert mask_url(url) == shown


def test_the_public_url_and_the_data_folder_are_resolved(tmp_path: Path) -> None:
    settings = load({"http_port": "9000", "data_dir": "here"}, {}).settings
    assert settings.public_url == "http://127.0.0.1:9000"
    assert settings.data_dir == str(tmp_path / "here")
    assert load({"http_host": "0.0.0.0"}, {}).settings.public_url == "http://127.0.0.1:8080"
    assert load({"http_host": "::1"}, {}).settings.public_url == "http://[::1]:8080"
    assert load({"public_url": "https://market.example/"}, {}).settings.public_url == "https://market.example"
    assert load({"http_port": "0"}, {}).settings.public_url == "", "unknown until it listens"


def test_every_row_says_what_it_is() -> None:
    for name, row in ROWS.items():
        assert row.meaning.endswith("."), name
        assert row.kind in (str, int, float, bool, tuple), name
        assert row.group, name
        assert parse(row, row.default) == row.default, name


#: What Python's own constructors take for a number, or nearly, and what no documented form is.
NOT_NUMBERS = (
    "٣", "３", "۳", "१", "²", "½", "1_0", "+3", "1e1", "1E1", "0x10", " 3", "3 ", "3\n", "\t3", "\u00a03", "3\u2003", "3\u200b", "--3", "−3",
    "03", "3.", ".5", "3,5", "1'000", "inf", "nan", "Infinity", "True", "9" * 5000, "3\x00",
)  # fmt: skip
#: The same, of what is written with digits: rates, networks, ports and databases of URLs.
IN_DIGITS = {
    "rate_default": "{}/60", "trusted_proxies": "10.0.0.{}", "public_url": "http://market.example:{}", "redis_url": "redis://cache/{}",
    "database_url": "postgresql://db:{}/market",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.kind in (int, float)])
def test_numbers_are_ascii_digits_of_the_documented_form_alone(name: str) -> None:
    for given in NOT_NUMBERS:
        with pytest.raises(Unfit):
            parse(ROWS[name], given)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.kind is bool])
def test_switches_are_ascii_words_alone(name: str) -> None:
    for given in ("ｔｒｕｅ", "１", "١", "yeſ", " true", "true\n", "t", "01", "+1", "TRUE\u200b"):
        with pytest.raises(Unfit):
            parse(ROWS[name], given)


@pytest.mark.parametrize("name", IN_DIGITS)
@pytest.mark.parametrize("digit", ["٣", "３", "१", "²", "1_0", "+3", "1e1"])
def test_digits_inside_of_a_text_are_ascii_too(name: str, digit: str) -> None:
    with pytest.raises(Unfit):
        parse(ROWS[name], IN_DIGITS[name].format(digit))


@pytest.mark.parametrize("given", [*(n for n in NOT_NUMBERS if n != "\t3"), "3.0", ""])
def test_numbers_of_the_command_line_are_read_like_all_others(given: str) -> None:
    with pytest.raises(ArgumentTypeError):
        whole(given)
    assert whole("-12") == -12
