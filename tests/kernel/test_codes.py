"""Codes: whatever the package says that is wrong, it says by a code of the table, with that code's parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs
import pytest

from harvestd.kernel.codes import CODES

pytestmark = pytest.mark.xdist_group("codes")
PACKAGE = Path(__file__).parents[2] / "harvestd"
#: What a buyer must not meet: the names of our tools, of databases' things, and of patterns.
INTERNAL = re.compile(
    r"msgspec|struct\b|column|constraint|regex|pattern|postgres|traceback|\\[dwAZ]|\[a-z", re.IGNORECASE
)


@attrs.frozen
class Said:
    """A code in the source; ``params`` are the names of its parameters where they stand there, else None."""

    where: str
    code: str
    params: frozenset[str] | None
    message: ast.expr | None = None
    reasons: frozenset[str] = frozenset()


def _functions(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Each call, with the innermost function around it."""

    def walk(node: ast.AST, around: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                yield around, child
            yield from walk(child, child if isinstance(child, ast.FunctionDef) else around)

    return walk(tree, tree)


def _names(value: ast.expr | None, around: ast.AST) -> frozenset[str] | None:
    """The keys of a dict display, or of the one that a name was given in the function; None where they cannot be told."""
    if value is None:
        return frozenset()
    if isinstance(value, ast.Name):
        for node in ast.walk(around):
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets):
                return _names(node.value, around)
    if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
        return frozenset(str(key.value) for key in value.keys if isinstance(key, ast.Constant))
    return None


def _codes(value: ast.expr | None) -> list[str]:
    if isinstance(value, ast.IfExp):
        return [*_codes(value.body), *_codes(value.orelse)]
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def _said(path: Path) -> Iterator[Said]:
    for around, call in _functions(ast.parse(path.read_text())):
        callee, keywords = ast.unparse(call.func), {k.arg: k.value for k in call.keywords if k.arg}
        open_ended = any(k.arg is None for k in call.keywords)
        if callee == "FieldError":
            code, params = keywords.get("code"), _names(keywords.get("params"), around)
        elif callee == "Invalid.of":
            code = call.args[2] if len(call.args) > 2 else keywords.pop("code", None)
            params = None if open_ended else frozenset(keywords)
        elif callee == "Warning":
            code, params = call.args[1], _names(call.args[3] if len(call.args) > 3 else None, around)
        else:
            continue
        given = keywords.get("params")
        reasons = _reasons(call) | (_reasons(_text(given, around)) if isinstance(given, ast.Name) else frozenset())
        message = call.args[2 if callee == "Warning" else 1] if len(call.args) > 1 else None
        for one in _codes(code):
            yield Said(f"{path.relative_to(PACKAGE)}:{call.lineno}", one, params, _text(message, around), reasons)


def _reasons(node: ast.AST | None) -> frozenset[str]:
    """The values of ``reason`` that stand below a node."""
    found: set[str] = set()
    for one in ast.walk(node) if node is not None else ():
        if isinstance(one, ast.Dict):
            for key, value in zip(one.keys, one.values, strict=True):
                found |= set(_codes(value)) if isinstance(key, ast.Constant) and key.value == "reason" else set()
        if isinstance(one, ast.keyword) and one.arg == "reason" and isinstance(one.value, ast.Constant):
            found.add(str(one.value.value))
    return frozenset(found)


def _text(message: ast.expr | None, around: ast.AST) -> ast.expr | None:
    """A value; where that is a name, what it was given last in the function before."""
    if isinstance(message, ast.Name):
        given = [
            (node.lineno, value)
            for node in ast.walk(around)
            if isinstance(node, ast.Assign) and node.lineno <= message.lineno
            for name, value in _assigned(node)
            if name == message.id
        ]
        return max(given, key=lambda one: one[0])[1] if given else message
    return message


def _assigned(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """The names that get a value, each with it: also one of several at once."""
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = [*zip(target.elts, node.value.elts, strict=False)]
        yield from ((one.id, value) for one, value in pairs if isinstance(one, ast.Name))


@cache
def all_said() -> list[Said]:
    return [said for path in sorted(PACKAGE.rglob("*.py")) for said in _said(path)]


@cache
def _literals() -> frozenset[str]:
    """Every text in the package but in the table itself, and the list of a cart's warnings: of codes that tables and tuples hold."""
    trees = (
        ast.parse(path.read_text())
        for path in PACKAGE.rglob("*.py")
        if path.name != "codes.py" and path.parts[-2:] != ("carts", "shapes.py")
    )
    return frozenset(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_the_source_was_read() -> None:
    assert len(all_said()) > 50 and sum(said.params is not None for said in all_said()) > 40


def test_each_code_is_in_the_table_and_has_its_parameters() -> None:
    assert {said.where for said in all_said() if said.code not in CODES} == set()
    rows = [(said, CODES[said.code]) for said in all_said()]
    known = [(said.where, said.params, row) for said, row in rows if said.params is not None]
    assert [where for where, params, row in known if not {*row.params} <= params <= {*row.params, *row.more}] == []


#: Codes without parameters of which several things are said in English, that say no more than the code does; and why an address or a
#: password is refused, which is told by who wrote the rule.
ALIKE = {
    "before-start",
    "control-character",
    "given-twice",
    "not-accepted",
    "not-a-number",
    "not-a-position",
    "not-for-sale",
    "not-found",
    "required",
    "taken",
    "wrong-form",
}
TOLD_IN_ENGLISH = {"not-an-email", "bad-cursor", "taken"}


def test_what_is_said_without_parameters_has_no_details_that_another_language_would_lose() -> None:
    """A message that is put together of values gives them as parameters; several messages of one code are told apart by ``reason``."""
    bare = [said for said in all_said() if said.params == frozenset()]
    composed = {
        said.where for said in bare if isinstance(said.message, ast.JoinedStr) and said.code not in TOLD_IN_ENGLISH
    }
    assert composed == set()
    texts: dict[str, set[str]] = {}
    for said in bare:
        texts.setdefault(said.code, set()).add(ast.unparse(said.message) if said.message is not None else "")
    assert {code for code, found in texts.items() if len(found) > 1} <= ALIKE


@pytest.mark.parametrize("code", CODES)
def test_each_row_of_the_table_is_used_and_says_what_it_means(code: str) -> None:
    row = CODES[code]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code) and code in _literals()
    assert row.meaning[0].isupper() and row.meaning.endswith(".")
    assert not set(row.params) & set(row.more)


def test_no_message_has_a_word_that_only_we_know() -> None:
    """Whatever text stands in a call that says what is wrong with a field."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for _, call in _functions(ast.parse(path.read_text())):
            if ast.unparse(call.func) in ("FieldError", "Invalid.of", "Warning"):
                texts = [n.value for n in ast.walk(call) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                of_files = path.name.startswith(("table_", "import"))  # whose columns are the sender's own
                known = [text.replace("column", "") for text in texts] if of_files else texts
                assert not [text for text in known if INTERNAL.search(text)], f"{path}:{call.lineno}"
                assert not [text for text in texts if "`" in text], (
                    f"{path}:{call.lineno}: markup that would be shown as it is"
                )


def test_a_message_follows_the_name_of_its_field() -> None:
    """So it is a part of a sentence: in small letters at its beginning, and without a full stop."""
    for said in (said for said in all_said() if "carts/" not in said.where):
        first = said.message.values[0] if isinstance(said.message, ast.JoinedStr) else said.message
        if isinstance(first, ast.Constant):
            assert first.value[:1].islower(), said.where
        texts = [n.value for n in ast.walk(said.message or ast.Constant("")) if isinstance(n, ast.Constant)]
        assert not [text for text in texts if str(text).endswith(".")], said.where
