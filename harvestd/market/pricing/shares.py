"""Rounding, taxing and sharing of amounts in integers: each amount is rounded half up once, where it arises, and shares sum to what is shared."""

from __future__ import annotations

from collections.abc import Sequence

#: Rates and percentages are in thousandths of a per cent: 19 % is 19,000.
WHOLE = 100_000


def tax(amount: int, rate: int, included: bool) -> int:
    """The tax that an amount includes, or that is added to it."""
    return rounded(amount * rate, WHOLE + rate if included else WHOLE)


def rounded(amount: int, of: int) -> int:
    """The quotient of two integers, rounded half up."""
    return (2 * amount + of) // (2 * of)


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in shares that sum to it, by largest remainder, of equal ones the first; of weights that are all 0, the first has it. No share is above
    its weight if the amount is not above their sum."""
    whole = sum(weights)
    if not whole:
        return [amount if not i else 0 for i in range(len(weights))]
    shares = [amount * weight // whole for weight in weights]
    most = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % whole))
    for i in most[: amount - sum(shares)]:
        shares[i] += 1
    return shares
