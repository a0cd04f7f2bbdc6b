"""docs/asvs.md tells the truth: every requirement of level 1 of OWASP ASVS 5.0.0 has a row, and whatever a row names is there. And
what the table says of the code as a whole, which no other test looks at.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from harvestd.kernel.tags import LANGUAGES
from harvestd.market.accounts import passwords
from harvestd.settings.table import Settings
from harvestd.store.encryption import Encryption
from harvestd.tables import ROUTES
from harvestd.web import signing_keys
from harvestd.web.pages import people, reference
from harvestd.web.routes import Mode

ROOT = Path(__file__).parents[1]
SETTINGS = [field.name for field in attrs.fields(Settings)]
_ROW = re.compile(r"\| V([0-9]+\.[0-9]+\.[0-9]+) \| ([12]) \| ([^|]+) \| ([^|]+) \|")
_TEST, _SETTING = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`"), re.compile(r"setting `(\w+)`")
_PAGE = re.compile(r"(docs/\w+\.md) \(\"([^\"]+)\"\)")
#: What a row of the settings' or the tests' names nothing else for.
EXCUSES = re.compile(r"Not met: \S.+|Does not apply: [\w-]+\Z")


def _read(name: str) -> str:
    return (ROOT / name).read_text()


def levels() -> dict[str, str]:
    lines = [line for line in _read("tests/asvs-5.0.0.csv").splitlines() if not line.startswith("#")]
    return dict(line.split(",") for line in lines[1:])


TABLE = [match.groups() for match in map(_ROW.fullmatch, _read("docs/asvs.md").splitlines()) if match]


@cache
def functions(name: str) -> frozenset[str]:
    """Names of the tests that pytest collects from a file."""
    nodes = ast.parse(_read(name)).body
    return frozenset(node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_the_standard_was_read_and_so_was_the_table() -> None:
    found = list(levels().values())
    assert [found.count(level) for level in "123"] == [70, 183, 92]
    rows = [line for line in _read("docs/asvs.md").splitlines() if line.startswith("| V")]
    assert len(rows) == len(TABLE) == len({row[0] for row in TABLE}), "a row that is not of the form, or is there twice"


def test_no_requirement_of_level_1_or_2_is_left_out_and_each_has_its_level() -> None:
    known, rows = levels(), {id: level for id, level, _, _ in TABLE}
    assert rows == {id: level for id, level in known.items() if id in rows}
    assert {id for id, level in known.items() if level == "1"} <= set(rows)
    apart = re.findall(
        r"V([0-9.]+[0-9])", _read("docs/asvs.md").partition("## What does not apply")[2].partition("## Keys")[0]
    )
    assert set(apart) | set(rows) >= {id for id, level in known.items() if level == "2"} and not set(apart) & set(rows)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"V{row[0]}")
def test_whatever_a_row_names_is_there(row: tuple[str, str, str, str]) -> None:
    met = row[3]
    tests, settings, pages = _TEST.findall(met), _SETTING.findall(met), _PAGE.findall(met)
    assert tests or settings or pages or EXCUSES.fullmatch(met), (
        "it names nothing that shows it, and does not say that it is not met"
    )
    for file, name in tests:
        assert name in functions(file), f"{file} has no {name}"
    for name in settings:
        assert name in SETTINGS, f"no setting {name}"
    for page, heading in pages:
        assert f"**{heading}" in _read(page), f"{page} says nothing of {heading}"
    for name in re.findall(r"docs/\w+\.md", met):
        assert (ROOT / name).exists()


# --- what it says of all of the code ---

SOURCES = sorted((ROOT / "harvestd").rglob("*.py"))
#: Of what these make nothing may be secret: pauses, names of processes and of leases, spans of traces.
BY_CHANCE = {
    "runtime/backoff.py", "web/tracing.py", "queue/postgres/leased_batches.py", "queue/rabbitmq/poison.py", "store/redis/topics.py",
    "store/redis/shared_responses.py", "store/cache/near.py", "store/cache/invalidation_bus.py", "market/notifications/mail_sender.py", "market/accounts/sign_ins_near.py",
    "market/accounts/sign_ins_redis.py", "loading/synthetic/catalogue.py", "loading/synthetic/farm_facts.py", "loading/drawing.py",
}  # fmt: skip
UNSAFE_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "jinja2", "mako"}
UNSAFE_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> set[str]:
    """First words of the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]


def test_nothing_runs_a_shell_evaluates_text_or_unpickles() -> None:
    """Nor reads XML or fills templates of a language of its own: there is nothing to inject into."""
    for path in SOURCES:
        assert not imported(path) & UNSAFE_MODULES, path
        for call in calls(path):
            assert ast.unparse(call.func) not in UNSAFE_CALLS, f"{path}:{call.lineno}"
            assert not any(word.arg == "shell" for word in call.keywords), f"{path}:{call.lineno}"


def test_secrets_come_of_the_system_s_generator() -> None:
    """``secrets`` and ``os.urandom``; ``random`` is for what anybody may guess. And no hash that is broken."""
    assert {str(path.relative_to(ROOT / "harvestd")) for path in SOURCES if "random" in imported(path)} <= BY_CHANCE
    broken = [
        (path.name, call.lineno)
        for path in SOURCES
        for call in calls(path)
        if ast.unparse(call.func) in ("hashlib.md5", "hashlib.sha1")
    ]
    assert [name for name, _ in broken] == ["client.py"], "Redis names scripts by SHA-1"


def test_passwords_are_hashed_and_tokens_signed_as_the_table_of_keys_says(real_hashes: None) -> None:
    assert passwords._HASHER.hash("a long walk to market").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert signing_keys.ALGORITHM == "EdDSA"
    stored = Encryption(["k" * 32]).encrypt(b"secret", "second_factor:1")
    assert len(stored) == 1 + 4 + 12 + len(b"secret") + 16, "form, mark of the key, nonce, and the tag of GCM"
    ciphers = {
        node
        for path in SOURCES
        for node in re.findall(
            r"\b(?:AESGCM|AESCCM|ChaCha20Poly1305|Fernet|algorithms\.\w+|modes\.\w+)\b", path.read_text()
        )
    }
    assert ciphers == {"AESGCM"}


def test_pages_write_no_markup_from_scripts() -> None:
    """What comes from the market is text of nodes."""
    for script in (ROOT / "harvestd/web/pages/static").glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|postMessage",
            script.read_text(),
        ), script


def test_fields_for_passwords_are_masked_and_can_be_filled_in() -> None:
    shown = [people.account("Acres", 12, language).decode() for language in LANGUAGES]
    pages = "".join(shown) + Path(reference.__file__).read_text()
    fields = re.findall(r'<input name="password"[^>]*>', pages)
    assert len(fields) >= 2 * len(LANGUAGES) + 1
    assert all(
        'type="password"' in field and re.search(r'autocomplete="(new|current)-password"', field) for field in fields
    )
    scripts = "".join(script.read_text() for script in (ROOT / "harvestd/web/pages/static").glob("*.js"))
    assert "paste" not in pages + scripts


def _names(type_: Any) -> set[str]:
    if isinstance(type_, msgspec.inspect.StructType):
        return {name for field in type_.fields for name in {field.encode_name} | _names(field.type)}
    parts = getattr(type_, "types", None) or [
        part for part in (getattr(type_, "item_type", None), getattr(type_, "type", None)) if part
    ]
    return {name for part in parts if isinstance(part, msgspec.inspect.Type) for name in _names(part)}


def test_nothing_in_the_contract_asks_for_hints_or_a_new_password_at_times() -> None:
    given = {
        name for route in ROUTES if route.body is not None for name in _names(msgspec.inspect.type_info(route.body))
    }
    assert "password" in given and not [
        name for name in given if re.search(r"hint|question|secret_answer|mother|birth", name)
    ]
    assert [name for name in SETTINGS if "password" in name] == ["password_least", "password_queue", "password_wait"]


#: A GET that opens a unit of work, and why no link of another site does harm by it.
WRITING_GETS = {
    "exportMe": "reads all of it at one moment",
    "endSignInElsewhere": "OpenID Connect: takes what the browser comes back with, if it is what it was sent away with",
}


def _sources(function: Any) -> str:
    """Of a function, and of those of its module that it calls."""
    found: dict[Any, str] = {}
    left = [inspect.unwrap(function)]
    while left:
        one = left.pop()
        found[one] = inspect.getsource(one)
        named = [one.__globals__.get(name) for name in one.__code__.co_names]
        left += [
            other
            for other in named
            if inspect.isfunction(other) and other.__module__ == one.__module__ and other not in found
        ]
    return "\n".join(found.values())


def test_no_get_changes_anything() -> None:
    """So that no link and no picture of another site does."""
    gets = [route for route in ROUTES if route.method == "GET"]
    assert [route.operation for route in gets if route.mode is Mode.WRITE] == []
    writing = {route.operation for route in gets if re.search(r"\.write\(|\bchange\(", _sources(route.handler))}
    assert writing == set(WRITING_GETS)


def test_what_is_asked_by_http_is_what_the_operator_names() -> None:
    """The search engine, the issuer and S3; there is no fourth, and no address of a person's."""
    asking = {str(path.relative_to(ROOT / "harvestd")) for path in SOURCES if _asks(path)}
    assert asking == {
        "partners/oidc_http.py",
        "store/elasticsearch/client.py",
        "store/elasticsearch/response_body.py",
        "store/s3/client.py",
        "store/s3/bodies.py",
    }


def _asks(path: Path) -> bool:
    """Whether a file has a client of HTTP."""
    others = imported(path) & {"requests", "httpx", "aiohttp", "urllib3", "treq"}
    return bool(others or re.search(r"twisted\.web\.client|http\.client\b|urllib\.request|urlopen", path.read_text()))
