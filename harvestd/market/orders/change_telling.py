"""The events of a change of an order: who changed it, and what of it, before and after. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from harvestd.kernel.events import Event
from harvestd.kernel.quantities import shown
from harvestd.market.orders.fulfilment import Actor, Standing
from harvestd.market.orders.order import Line, Part

#: A line before and after a change; None: there was none, or it was taken out.
Pair = tuple[Line | None, Line | None]


@attrs.frozen(kw_only=True)
class By:
    """Who changes an order, and why: for which of its farms, if they act for farms."""

    actor: Actor
    reason: str = ""
    farms: Collection[str] = ()


def _state(line: Line | None) -> dict[str, Any] | None:
    """A line as an event tells of it; None unless it counts."""
    return {"quantity": shown(line.left), "total": line.owed} if line is not None and line.counts else None


@attrs.frozen
class Telling:
    """The events of a change."""

    order: Standing
    version: int
    status: str
    by: By
    placed_at: datetime

    def step(self, part: Part, from_: str, to: str) -> Event:
        """That a part changed; its status may be the same."""
        data = {"farm_id": part.farm_id, "from": from_, "to": to, "order_status": self.status, "actor": self.by.actor}
        new = {} if from_ else {"placed_at": self.placed_at.isoformat()}
        return self._event("order.updated", data | new)

    def change(self, type: str, pairs: Sequence[Pair], about: Sequence[str], more: Mapping[str, Any]) -> list[Event]:
        """What changed: in one event or, if it is about several lines, in one each."""
        data = {"by": self.by.actor, "farms": sorted(self.by.farms), "placed_at": self.placed_at.isoformat(), **more}
        told = [(_line(pair), _told(pair)) for pair in pairs]
        if not about:
            return [self._event(type, data | {"lines": [entry for _, entry in told if entry is not None]})]
        found = []
        every = {"change": [entry for _, entry in told if entry is not None]} if len(about) > 1 else {}
        for i, line_id in enumerate(about, 1):
            before, after = self._pair(pairs, line_id)
            subject = _line((before, after))
            own = [entry for line, entry in told if entry is not None and (len(about) == 1 or line.id == line_id)]
            found.append(
                self._event(type, data | {
                    "line_id": line_id, "farm_id": subject.farm_id, "product_id": subject.product_id, "before": _state(before), "after": _state(after),
                    "lines": own, "last": i == len(about), **(every if i == len(about) else {}),
                })
            )  # fmt: skip
        return found

    def _pair(self, pairs: Sequence[Pair], line_id: str) -> Pair:
        """A line before and after; of one that is as it was, since only what is in its place differs, it twice."""
        same = [(line, line) for line in self.order.lines if line.id == line_id]
        return next(pair for pair in (*pairs, *same) if _line(pair).id == line_id)

    def _event(self, type: str, data: dict[str, Any]) -> Event:
        order = self.order
        base = {"order_id": order.id, "number": order.number, "buyer_id": order.buyer_id, "reason": self.by.reason}
        return Event(type, f"order:{order.id}", self.version, base | data)


def _line(pair: Pair) -> Line:
    before, after = pair
    found = after or before
    assert found is not None
    return found


def _told(pair: Pair) -> dict[str, Any] | None:
    """A line that changed, as events tell of it; None if it counts neither before nor after."""
    line, (before, after) = _line(pair), map(_state, pair)
    if before is None and after is None:
        return None
    return {
        "line_id": line.id,
        "farm_id": line.farm_id,
        "product_id": line.product_id,
        "before": before,
        "after": after,
    }
