"""Whether the market lets a farm be found. Pure.

Where the market approves farms, a pending one is not let in yet, and a suspended one no more: neither it nor its products are in what everybody looks
through (lists, search, suggestions, feeds, site maps), and the pages of its products are not there. Its own page is, and says which of the two it is:
whoever has ordered there still needs to know who sells, and how to reach them. Orders that it has go on.
"""

from __future__ import annotations

#: The state of a farm that is found, and takes orders.
VERIFIED = "verified"
#: The condition on a row of ``farms`` that it is found.
FOUND = f"state = '{VERIFIED}'"


def found(state: str) -> bool:
    """Whether a farm in this state is found."""
    return state == VERIFIED
