"""How many requests of one address may be in progress at once."""

from __future__ import annotations

from collections import Counter

from harvestd.kernel.sentences import worded
from harvestd.runtime.shortages import Shortages
from harvestd.settings.table import Settings
from harvestd.web.rate_limits import Limited, at_once_headers
from harvestd.web.routes import Route

#: The tag of the routes with a lower limit of concurrent requests per address.
SEARCHES = "search"


class Concurrency:
    """The requests in progress, by address (``who``: its bucket), and its searches among them."""

    def __init__(self, settings: Settings, shortages: Shortages) -> None:
        self._settings = settings
        self._shortages = shortages
        self._in_hand: Counter[str] = Counter()

    def began(self, who: str, route: Route) -> tuple[str, ...]:
        """Count a request; returns what :meth:`ended` takes."""
        counted = (who, SEARCHES + who) if route.tag == SEARCHES else (who,)
        in_hand = self._in_hand
        for key in counted:
            in_hand[key] = in_hand.get(key, 0) + 1
        return counted

    def ended(self, counted: tuple[str, ...]) -> None:
        """The request is over, or refused."""
        in_hand = self._in_hand
        for key in counted:
            if in_hand[key] > 1:
                in_hand[key] -= 1
            else:
                del in_hand[key]

    def check(self, who: str, route: Route) -> None:
        """Raise :class:`Limited` if the address has too many, the counted one included."""
        settings = self._settings
        if not settings.rate_limits:
            return
        bounds = {"address_requests": (who, settings.requests_per_address)}
        if route.tag == SEARCHES:
            bounds["address_searches"] = (SEARCHES + who, settings.searches_per_address)
        for short, (key, most) in bounds.items():
            if self._in_hand[key] > most:
                self._shortages.tell(short, who)
                detail = worded(
                    "{most} requests from your address are being answered; wait for some of the answers", most=most
                )
                raise Limited(detail, 1, at_once_headers(short, most))
