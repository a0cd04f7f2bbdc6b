"""The mutants of a module: each is one small mistake at one place of its source.

A comparison that is off by one or turned round, an operator for its opposite, a number one higher or lower, ``and`` for ``or``, a
condition without its ``not``, ``min`` for ``max``, a result that is not returned. Texts are left alone: what people are told
is no rule. So are numbers written in hexadecimal: those are Unicode's, and whole tables of them.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path

import attrs

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}


@attrs.frozen
class Mutant:
    """``source`` is the whole module with the mistake; ``line`` the first line that it changed, as it was and as it is."""

    path: Path
    module: str
    number: int
    was: str
    became: str
    source: str

    def diff(self, original: str) -> str:
        """As ``diff -u`` shows it, with a line round it."""
        name = self.module.replace(".", "/") + ".py"
        return "".join(difflib.unified_diff(original.splitlines(True), self.source.splitlines(True), name, name, n=1))


def of(path: Path, module: str) -> Iterator[Mutant]:
    """Those of one module, in the order of the source."""
    text = path.read_text("utf-8")
    source = text.encode("utf-8")
    starts = [0]
    for line in source.splitlines(True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(text)
    meaning = ast.dump(tree)
    for node, changed in _changes(tree):
        begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        if source.startswith(b"0x", begin):
            continue
        wanted = f"({changed})" if isinstance(node, ast.expr) and not isinstance(node, ast.Constant) else changed
        new = (source[:begin] + wanted.encode("utf-8") + source[end:]).decode("utf-8")
        try:
            if ast.dump(ast.parse(new)) == meaning:
                continue
        except SyntaxError:
            continue
        number, was, became = _first_difference(text, new)
        yield Mutant(path, module, number, was, became, new)


def _first_difference(old: str, new: str) -> tuple[int, str, str]:
    for number, (was, became) in enumerate(zip(old.splitlines(), new.splitlines(), strict=False), 1):
        if was != became:
            return number, was.strip(), became.strip()
    raise AssertionError("they are the same")


def _changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in _looked_at(tree):
        if isinstance(node, ast.Compare):
            for at, op in enumerate(node.ops):
                ops = [*node.ops[:at], _COMPARED[type(op)](), *node.ops[at + 1 :]]
                yield node, ast.unparse(ast.Compare(node.left, ops, node.comparators))
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATED:
            yield node, ast.unparse(ast.BinOp(node.left, _OPERATED[type(node.op)](), node.right))
        elif isinstance(node, ast.AugAssign) and type(node.op) in _OPERATED:
            yield node, ast.unparse(ast.AugAssign(node.target, _OPERATED[type(node.op)](), node.value))
        elif isinstance(node, ast.BoolOp):
            yield node, ast.unparse(ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            yield node, ast.unparse(node.operand)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Return) and node.value is not None and not _is(node.value, None, False):
            yield node, "return None"
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield node, str(not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield from ((node, repr(node.value + step)) for step in (1, -1))


def _of_call(node: ast.Call) -> Iterator[tuple[ast.expr, str]]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _CALLED:
        yield node.func, _CALLED[name]
    if name == "Decimal" and node.args and isinstance(node.args[0], ast.Constant):
        digits = str(node.args[0].value)
        if digits.replace(".", "").isdigit():
            last = (int(digits[-1]) + 1) % 10
            yield node, f"Decimal('{digits[:-1]}{last}')"


def _is(node: ast.expr, *values: object) -> bool:
    return isinstance(node, ast.Constant) and any(node.value is value for value in values)


def _declares(node: ast.Call) -> bool:
    return ast.unparse(node.func) in ("attrs.field", "msgspec.field")


def _looked_at(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those of annotations, decorators, assertions and the options of a class or field, which mypy holds; of
    formatted texts; and of what only a type checker runs."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        if name == "keywords" and (isinstance(node, ast.ClassDef) or (isinstance(node, ast.Call) and _declares(node))):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr | ast.Assert):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            yield child
            yield from _looked_at(child)
