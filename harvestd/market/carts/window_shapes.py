"""The windows that can take a cart."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from harvestd.market.days.window_shapes import FulfilmentMethodOut, WindowArea
from harvestd.market.farms.delivery_shapes import PickupPoint
from harvestd.web.shapes import Out


class WindowDay(Out, kw_only=True, frozen=True):
    """The market day of a window; ``closes_at`` is until when these goods can be ordered for it."""

    id: str
    name: str
    closes_at: datetime


class CartWindowFarm(Out, kw_only=True, frozen=True):
    """A farm of the cart whose goods the window can take."""

    id: str
    name: str


class WindowLeft(Out, kw_only=True, frozen=True):
    """What is left of a window; null: that is not counted."""

    orders: int | None
    crates: int | None
    weight_kg: str | None


class CartWindow(Out, kw_only=True, frozen=True):
    """A window that can take the cart or, unless it is ``common``, what of it is from ``farms``."""

    id: str
    market_day: WindowDay
    method: FulfilmentMethodOut
    pickup_point: PickupPoint | None
    area: WindowArea | None
    from_: datetime = field(name="from")
    to: datetime
    common: bool
    farms: list[CartWindowFarm]
    left: WindowLeft


class CartWindows(Out, kw_only=True, frozen=True):
    """The windows that can take the cart: those for all of it first, the earliest first."""

    items: list[CartWindow]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "WindowDay.closes_at": "Until when these goods can be ordered for it.",
    "CartWindow.market_day": "Its market day.",
    "CartWindow.pickup_point": "Where goods are picked up; null for a delivery.",
    "CartWindow.area": "Where they are delivered; null: anywhere, or a pick-up.",
    "CartWindow.from": "When handing over begins.",
    "CartWindow.to": "When it ends.",
    "common": "Whether it can take what is in the cart from all farms.",
    "CartWindow.farms": "The farms of the cart whose goods it can take.",
    "left": "What is left of it.",
    "WindowLeft.orders": "Orders.",
    "crates": "Crates.",
    "weight_kg": "Kilograms.",
}
