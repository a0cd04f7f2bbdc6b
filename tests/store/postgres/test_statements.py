"""Statements: parameters have names, whoever runs one gives each a value, and the source is held to that where it stands."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import harvestd
from harvestd.store.postgres.statements import Statement, scalar

MODULES = [importlib.import_module(found.name) for found in pkgutil.walk_packages(harvestd.__path__, "harvestd.")]


def test_names_are_numbered_in_the_order_of_their_first_mention_each_once() -> None:
    statement = Statement("test.named", "select :b::int, :a::text[], :b where :c > now() - '1:30'::interval", scalar)
    assert statement.names == ("b", "a", "c")
    assert statement.sql == "select $1::int, $2::text[], $1 where $3 > now() - '1:30'::interval"
    assert statement.call({"a": ["x"], "c": 3, "b": 1}) == ("test.named", statement.sql, (1, ["x"], 3))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"a": 1}, "has a parameter b, and no value for it"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, "has no parameter c, d"),
        ({}, "has a parameter a"),
    ],
)
def test_a_value_too_few_or_too_many_is_refused_by_its_name(values: dict[str, int], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Statement("test.named", "select :a, :b", scalar).call(values)


def test_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="and no numbers"):
        Statement("test.numbered", "select $1", scalar)


@pytest.mark.parametrize("name", ["", 'a"b', "100%", "x" * 64, "é" * 32])
def test_a_name_that_postgresql_would_cut_or_misread_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name has"):
        Statement(name, "select 1", scalar)


def _runs(module: ModuleType) -> Iterator[tuple[int, Statement[object], list[str]]]:
    """Where a module runs a statement of its own or another's, and the names that it gives there; without those places where both
    are only known when it runs."""
    with open(str(module.__file__), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr not in ("rows", "row", "run", "later", "count") or any(k.arg is None for k in node.keywords):
            continue
        for argument in node.args[:2]:
            either = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
            for found in [one for one in (_value(module, one) for one in either) if isinstance(one, Statement)]:
                yield node.lineno, found, sorted(str(keyword.arg) for keyword in node.keywords)


def _value(module: ModuleType, node: ast.expr) -> object:
    """What a name of the module's, or of a module that it knows, stands for."""
    if isinstance(node, ast.Name):
        return vars(module).get(node.id)
    return getattr(_value(module, node.value), node.attr, None) if isinstance(node, ast.Attribute) else None


def test_whoever_runs_a_statement_gives_its_parameters() -> None:
    runs = [(f"{module.__name__}:{line}", *run) for module in MODULES for line, *run in _runs(module)]
    assert len(runs) > 120, "the source was read"
    assert [where for where, statement, given in runs if given != sorted(statement.names)] == []


def test_no_two_statements_have_one_name() -> None:
    """A connection prepares each under its name."""
    found = {id(value): value for module in MODULES for value in vars(module).values() if isinstance(value, Statement)}
    names = [statement.name for statement in found.values()]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
