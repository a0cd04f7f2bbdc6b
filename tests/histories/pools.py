"""The plain model of what is sold and cannot be sold twice: of a product, and of a window in each of its measures.

A pool has so much left in each measure, and what it has given out: to each order, and to whoever holds a quote. Everything that clients do to products and windows
is one of the actions of :func:`step`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import attrs

#: So much in each measure.
Load = tuple[int, ...]
#: A hold takes the place of what its holder held before, which lets it go where it is of other things; a quote only asks, and a look has all that is left.
Kind = Literal["place", "hold", "let go", "order held", "amend", "cancel", "restock", "quote", "look"]
#: None: the answer was lost. ``gone``: there is no such order or quote any more.
Told = Literal["done", "full", "gone"] | None


@attrs.frozen(kw_only=True)
class Said:
    """One request as one pool knows it. ``by`` is what has the goods: an order, or whoever holds; ``quote`` is the name of a hold; ``left`` is what the answer says is
    left in the first measure."""

    kind: Kind
    told: Told
    by: str = ""
    quote: str = ""
    load: Load = ()
    left: int | None = None


@attrs.frozen
class Pool:
    """``given`` has, of each order and holder, the quote's name and the load."""

    left: Load
    given: frozenset[tuple[str, str, Load]] = frozenset()

    def of(self, by: str) -> Load:
        """What somebody has of it."""
        return next((load for one, _, load in self.given if one == by), (0,) * len(self.left))

    def has(self, by: str) -> bool:
        """Whether somebody has anything of it."""
        return any(one == by for one, _, _ in self.given)

    def fits(self, by: str, load: Load) -> bool:
        """Whether somebody can have this instead of what they have: less can always be had."""
        return all(more <= 0 or more <= left for more, left in zip(_minus(load, self.of(by)), self.left, strict=True))

    def put(self, by: str, quote: str, load: Load) -> Pool:
        """Somebody has this instead of what they had."""
        others = frozenset(one for one in self.given if one[0] != by)
        left = _minus(self.left, _minus(load, self.of(by)))
        return Pool(left, others | {(by, quote, load)} if any(load) else others)


def _minus(one: Load, other: Load) -> Load:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def step(pool: Pool, said: Said) -> Pool | None:
    """The pool after a request that was answered so; None if it cannot have been."""
    if said.told == "full":
        own = pool.of(said.by)[0] if said.kind == "hold" else 0
        told = said.left is None or said.left == max(0, pool.left[0] + own)
        return pool if told and not pool.fits(said.by, said.load) else None
    if said.told == "gone":
        there = said.quote in {quote for _, quote, _ in pool.given} if said.quote else pool.has(said.by)
        return None if there else pool
    return _DONE[said.kind](pool, said)


def _place(pool: Pool, said: Said) -> Pool | None:
    return pool.put(said.by, "", said.load) if not pool.has(said.by) and pool.fits(said.by, said.load) else None


def _hold(pool: Pool, said: Said) -> Pool | None:
    return pool.put(said.by, said.quote, said.load) if pool.fits(said.by, said.load) else None


def _let_go(pool: Pool, said: Said) -> Pool | None:
    return pool.put(said.by, "", (0,) * len(pool.left))


def _order_held(pool: Pool, said: Said) -> Pool | None:
    for holder, quote, load in pool.given:
        if quote == said.quote:
            return pool.put(holder, "", (0,) * len(load)).put(said.by, "", load)
    return None


def _amend(pool: Pool, said: Said) -> Pool | None:
    return pool.put(said.by, "", said.load) if pool.has(said.by) and pool.fits(said.by, said.load) else None


def _cancel(pool: Pool, said: Said) -> Pool | None:
    return _let_go(pool, said) if pool.has(said.by) else None


def _restock(pool: Pool, said: Said) -> Pool | None:
    after = attrs.evolve(pool, left=(pool.left[0] + said.load[0], *pool.left[1:]))
    return after if said.left is None or said.left == after.left[0] else None


def _quote(pool: Pool, said: Said) -> Pool | None:
    return pool if pool.fits("", said.load) else None


def _look(pool: Pool, said: Said) -> Pool | None:
    return pool if said.load == pool.left else None


_DONE: Mapping[Kind, Callable[[Pool, Said], Pool | None]] = {
    "place": _place, "hold": _hold, "let go": _let_go, "order held": _order_held, "amend": _amend, "cancel": _cancel, "restock": _restock, "quote": _quote,
    "look": _look,
}  # fmt: skip
