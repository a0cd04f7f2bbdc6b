"""Mutants that nobody could notice: the module, the line as it is, the line as the mutant has it, and why it is the same.

By text, so that they stay known when lines move. One that no mutant is any more has to be deleted.
"""

from __future__ import annotations

_SPLIT = 'numbers = text.split(",", 2)'
_FARM_NAME = 'return Part(farm_id, shelf[own[0].product_id].farm_name, i, "placed", sum(line.total for line in own))'
_ALIKE = "if all(way == ways[0][1] for _, way in ways):"
_REPEATED = "length = (text + text).index(text, 1)"
_SAME_LENGTH = "return tuple(_part(value, kind) for value, kind in zip(found[1:], types, strict=True))"

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "kernel.readers",
        _SPLIT,
        _SPLIT.replace("2", "1"),
    ): "what is left over is in the second part, which is then no number",
    ("kernel.readers", _SPLIT, _SPLIT.replace("2", "3")): "three parts are as wrong as more",
    (
        "kernel.names",
        "return accept(clean_text(field, text, longest))[0]",
        "return accept(clean_text(field, text, longest))[-1]",
    ): "there is one",
    ("market.catalogue.stock_level_rules", "return kept, levels[0]", "return kept, levels[-1]"): "there is one",
    ("market.orders.placing", _FARM_NAME, _FARM_NAME.replace("own[0]", "own[-1]")): "they are of one farm",
    ("kernel.cursors", _SAME_LENGTH, _SAME_LENGTH.replace("True", "False")): "their lengths were compared before",
    (
        "market.accounts.password_rules",
        _REPEATED,
        _REPEATED.replace("1", "2"),
    ): "one character again and again is trivial, and never gets here",
    (
        "market.notifications.messages",
        _ALIKE,
        _ALIKE.replace("ways[0]", "ways[-1]"),
    ): "where all are like one they are like any",
}
