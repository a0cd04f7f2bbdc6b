"""Who sees a product, and at which price, by the groups of buyers that they are in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.market.catalogue import measure_rules
from harvestd.market.catalogue.price_rules import alone_faults

#: Groups that one product may name.
MAX_GROUPS = 20


@attrs.frozen
class GroupPrice:
    """What members of a group pay, in minor units, for what the product's own price is for."""

    group: str
    price: int


@attrs.frozen
class Buyer:
    """Who looks at products, as far as that changes what they see: the ``groups`` that they are in, by id and in order; whether they are of the
    market's ``staff``; and who they are (``viewer``), since farms' own people see what is theirs."""

    groups: tuple[str, ...] = ()
    staff: bool = False
    viewer: str | None = None

    @property
    def key(self) -> str:
        """What tells answers for such people from answers for others; empty for everybody."""
        return "staff" if self.staff else ",".join(self.groups)

    @property
    def bound(self) -> dict[str, Any]:
        """As the SQL of ``sight.py`` takes it."""
        return {"groups": list(self.groups), "staff": self.staff, "viewer": self.viewer}


#: Everybody, and so nobody in particular.
EVERYBODY = Buyer()


def stored(prices: Sequence[GroupPrice]) -> str | None:
    """Prices as JSON, as they are kept; None without any."""
    return msgspec.json.encode([attrs.asdict(one) for one in prices]).decode() if prices else None


def of_stored(prices: Iterable[Mapping[str, Any]] | None) -> tuple[GroupPrice, ...]:
    """The prices that :func:`stored` wrote."""
    return tuple(GroupPrice(one["group"], one["price"]) for one in prices or ())


def normal(given: Mapping[str, Any]) -> dict[str, Any]:
    """The groups and prices of an offer in order, each once."""
    prices: Sequence[GroupPrice] = given["prices"]
    return {
        "visible_to": tuple(sorted(set(given["visible_to"]))),
        "prices": tuple(sorted(set(prices), key=lambda one: one.group)),
    }


def among_groups(before: Any, after: Any) -> bool:
    """Whether an offer is another than ``before`` for groups alone: at their prices, or to which of them it is shown. Nobody else is told of that."""
    alike = attrs.evolve(before, visible_to=after.visible_to, prices=after.prices) == after
    return alike and before != after and bool(before.visible_to) == bool(after.visible_to)


def faults(given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given groups and prices, whatever else the product is."""
    for name in ("visible_to", "prices"):
        if len(given.get(name) or ()) > MAX_GROUPS:
            params = {"maximum": str(MAX_GROUPS), "reason": "elements"}
            yield FieldError(name, f"must have at most {MAX_GROUPS} elements", code="too-long", params=params)
    seen: set[str] = set()
    for i, one in enumerate(given.get("prices") or ()):
        if one.group in seen:
            yield FieldError(f"prices[{i}].group", "is already given above", code="given-twice")
        seen.add(one.group)
        yield from _placed(alone_faults(one.price), i)


def offer_faults(offer: Any, *, said: bool = True) -> Iterator[FieldError]:
    """The same of a whole offer, whose prices are for its ``price_per``. Groups' prices that are ``said`` now are no higher than everybody's; those that it
    had before may have become so by a lower one of everybody, which their members pay then."""
    wrong = list(faults({"visible_to": offer.visible_to, "prices": offer.prices}))
    wrong += dearer(offer, {fault.field for fault in wrong}) if said else ()
    yield from wrong
    named = {fault.field for fault in wrong}
    for i, one in enumerate(offer.prices):
        found = _placed(measure_rules.price_faults(one.price, offer.measures, offer.unit), i)
        yield from (fault for fault in found if fault.field not in named)


def dearer(offer: Any, wrong: Collection[str] = ()) -> Iterator[FieldError]:
    """Prices of groups, but those that are ``wrong`` anyway, above the one of everybody."""
    for i, one in enumerate(offer.prices):
        field = f"prices[{i}].price"
        if one.price > offer.price and field not in wrong:
            message = f"must be at most what everybody pays: {offer.price}, in minor units of the currency"
            params = {"maximum": str(offer.price), "reason": "above-everybodys"}
            yield FieldError(field, message, code="above-maximum", params=params)


def _placed(found: Iterable[FieldError], i: int) -> Iterator[FieldError]:
    return (attrs.evolve(fault, field=f"prices[{i}].price") for fault in found)
