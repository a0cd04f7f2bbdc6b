"""No pattern of the package can be made to go back: each takes time in proportion to its text, whatever the text is.

Every call of ``re`` is found in the source, and how the pattern is used (``search``, ``match`` …); so a new one is tested by being
there. What it is fed are runs: of each kind of character that it names, of pairs and of whole iterations of its repetitions, after
what it begins with, and before something that makes it fail.
"""

from __future__ import annotations

import ast
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path
from time import process_time
from typing import Any

import attrs
import pytest

PACKAGE = Path(__file__).parent.parent / "harvestd"
METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
CALLED = re.compile(rf"(\w+)\.({'|'.join(sorted(METHODS))})\b")
parser: Any = re._parser  # type: ignore[attr-defined]

#: Characters of a run, at first and at last. What is linear takes some milliseconds for the last, what is quadratic seconds.
SHORT, LONG = 26, 12_000
#: Seconds of CPU; ten times what the slowest takes.
LIMIT = 0.1


@attrs.frozen
class Use:
    """A pattern, and one method that it is called by."""

    where: str
    pattern: re.Pattern[Any] = attrs.field(eq=False)
    method: str

    def __str__(self) -> str:
        return f"{self.where}.{self.method}"


class TooSlow(Exception):
    pass


@cache
def sources() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


#: The modules that may have patterns, by their text; parsing them is for their tests.
MODULES = [path for path, text in sources().items() if re.search(r"\bre\.|\bform\(", text)]


def uses(path: Path) -> Iterator[Use]:
    tree = ast.parse(sources()[path])
    here, nodes = called([sources()[path]]), [*ast.walk(tree)]
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for name, value in compiled(module, nodes):
        some = here if name.startswith("_") else called_anywhere()
        for method in sorted(some.get(name, METHODS - {"sub", "subn", "split", "findall"})):
            yield Use(f"{module}.{name}", value, method)
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "form":  # of a field of a body or query
            yield Use(f"{module}:{node.lineno}", re.compile(ast.literal_eval(node.args[0])), "fullmatch")
        elif is_re(node, METHODS):  # such as ``re.fullmatch("…", text)``
            assert isinstance(node, ast.Call)
            pattern, method = constant(module, node), node.func.attr  # type: ignore[attr-defined]
            yield Use(f"{module}:{node.lineno}", pattern, method)


def called(texts: Iterable[str]) -> dict[str, set[str]]:
    """By the name of a pattern, the methods that are named of it."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for name, method in CALLED.findall(text):
            found.setdefault(name, set()).add(method)
    return found


@cache
def called_anywhere() -> dict[str, set[str]]:
    return called(sources().values())


def is_re(node: ast.AST, attributes: set[str]) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in attributes
    )


def compiled(module: str, nodes: Iterable[ast.AST]) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns that stand at the top of a module, by their names; and those within its tables."""
    if not any(is_re(node, {"compile"}) for node in nodes):
        return
    loaded = import_module(module)
    for name, value in vars(loaded).items():
        for number, pattern in enumerate(patterns_in(value)):
            if not imported(nodes, name):
                yield (f"{name}[{number}]" if not isinstance(value, re.Pattern) else name), pattern


def imported(nodes: Iterable[ast.AST], name: str) -> bool:
    return any(
        (alias.asname or alias.name) == name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from patterns_in(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from patterns_in(part)


def constant(module: str, node: ast.Call) -> re.Pattern[Any]:
    try:
        source = ast.literal_eval(node.args[0])
    except ValueError:
        raise AssertionError(
            f"{module}:{node.lineno}: compile it at the top of the module, where this test finds it"
        ) from None
    assert len(node.args) + len(node.keywords) == 2 + (getattr(node.func, "attr", "") == "sub"), (
        f"{module}:{node.lineno}: compile it, with its flags"
    )
    return re.compile(source)


def test_patterns_are_compiled_at_the_top_of_their_modules() -> None:
    """Within a function this test would not see what it is made of."""
    wrong = []
    for path in sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "web" / "reading.py"}):  # which is given them
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                wrong += [f"{path}:{n.lineno}" for n in ast.walk(function) if is_re(n, {"compile"})]  # type: ignore[attr-defined]
    assert wrong == []
    assert sum(1 for path in MODULES for _ in uses(path)) > 50


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_pattern_takes_time_in_proportion_to_its_text(path: Path) -> None:
    for use in uses(path):
        check(use)


def check(use: Use) -> None:
    text_of: Callable[[str], Any] = (
        (lambda t: t) if isinstance(use.pattern.pattern, str) else (lambda t: t.encode("latin-1", "replace"))
    )
    for length in (SHORT, 400, LONG):
        for text in attacks(use.pattern, length):
            seconds = bounded(use, text_of(text))
            assert seconds < LIMIT, f"{use}: {seconds:.2f} s for {length} times {text[:60]!r} … {text[-3:]!r}"


def bounded(use: Use, text: Any) -> float:
    """Seconds of CPU that one call takes; it is broken off where it would take long."""

    def enough(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, enough)
    signal.setitimer(signal.ITIMER_VIRTUAL, 4 * LIMIT)
    started = process_time()
    try:
        call(use, text)
    except TooSlow:
        return 4 * LIMIT
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return process_time() - started


def call(use: Use, text: Any) -> None:
    if use.method in ("sub", "subn"):
        getattr(use.pattern, use.method)(text[:0], text)
    elif use.method == "finditer":
        for _ in use.pattern.finditer(text):
            pass
    else:
        getattr(use.pattern, use.method)(text)


def attacks(pattern: re.Pattern[Any], length: int) -> Iterator[str]:
    parsed = parser.parse(
        pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )
    letters = sorted({"a", *sample(parsed)})
    pieces = [
        *letters,
        *("".join(pair) for pair in product(letters, letters) if pair[0] != pair[1]),
        *iterations(parsed),
    ]
    whole = example(parsed, 1)
    starts = sorted({"", *(whole[:n] for n in range(1, min(len(whole), 12)))})
    for piece in list(dict.fromkeys(pieces))[: 400 if length <= SHORT else 100 if length < LONG else 50]:
        run = (piece * (length // len(piece) + 1))[:length]
        for start in starts if length < LONG else starts[:3]:
            for end in ("", "\x00", "\n", "!"):
                yield start + run + end


def sample(parsed: Any) -> Iterator[str]:
    """One character of each kind that the pattern names."""
    for kind, value in parsed:
        name = str(kind)
        if name in ("LITERAL", "NOT_LITERAL"):
            yield chr(value)
        elif name == "IN":
            yield from (c for c in (one(part) for part in value) if c)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            yield from sample(value[2])
        elif name == "SUBPATTERN":
            yield from sample(value[3])
        elif name == "ATOMIC_GROUP":
            yield from sample(value)
        elif name == "BRANCH":
            for branch in value[1]:
                yield from sample(branch)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from sample(value[1])


def one(part: Any) -> str:
    kind, value = str(part[0]), part[1]
    if kind == "LITERAL":
        return chr(value)
    if kind == "RANGE":
        return chr(value[0])
    if kind == "CATEGORY":
        return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}.get(str(value), "a")
    return ""


def iterations(parsed: Any) -> Iterator[str]:
    """What one turn of each repetition may match."""
    for kind, value in parsed:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            yield from (example(value[2], n) for n in (0, 1, 2) if example(value[2], n))
            yield from iterations(value[2])
        elif name == "SUBPATTERN":
            yield from iterations(value[3])
        elif name == "BRANCH":
            for branch in value[1]:
                yield from iterations(branch)
    whole = example(parsed, 1)
    if whole:
        yield whole
        yield whole[:-1] or whole


def example(parsed: Any, times: int) -> str:
    """A text that the pattern roughly matches, each repetition taken so often."""
    found = ""
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            found += chr(value)
        elif name in ("NOT_LITERAL", "ANY"):
            found += "a"
        elif name == "IN":
            negated = str(value[0][0]) == "NEGATE"
            found += "a" if negated else one(value[0])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            found += example(value[2], times) * max(value[0], min(value[1], times))
        elif name == "SUBPATTERN":
            found += example(value[3], times)
        elif name == "ATOMIC_GROUP":
            found += example(value, times)
        elif name == "BRANCH":
            found += example(value[1][0], times)
    return found


@pytest.mark.parametrize(
    ("source", "method"),
    [(r"[A-Za-z0-9](?:[ ]?[A-Za-z0-9,.:;!'()-]+)*", "fullmatch"), (r"\s+\Z", "search"), (r"(a|a)*b", "match"), (r"(.*?)(.*?)x", "match"),
     (r"(\b[a-z][a-z0-9+.-]*://[^\s/:@?#]*):[^\s/@]*(?:@[^\s/@]*)*@", "sub"), (r"[^@]+@(?:[a-z-]+\.?)+", "fullmatch"), ('"(?:[^"\\\\]|\\\\.)*"|([\\[{])', "finditer")],
)  # fmt: skip
def test_what_can_go_back_is_found_out(source: str, method: str) -> None:
    """Patterns that stood here once, and their like."""
    with pytest.raises(AssertionError, match="s for"):
        check(Use("here", re.compile(source), method))


assert sys.version_info >= (3, 11)
