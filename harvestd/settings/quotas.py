"""Rate limits as settings write them: ``60/60``, or ``10/60 30/3600``, whose delay grows with the attempts."""

from __future__ import annotations

import re
from itertools import pairwise

#: Requests, and the seconds in which they are allowed.
Quota = tuple[int, int]
_FORM = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})")


def quotas(text: str) -> tuple[Quota, ...]:
    """The quotas of a limit, the shortest window first. Raises ``ValueError`` with the cure."""
    found = [_FORM.fullmatch(part) for part in text.split(" ")]
    read = tuple((int(one[1]), int(one[2])) for one in found if one)
    if len(read) < len(found):
        raise ValueError(
            "requests/seconds is needed, such as 60/60, or several with a space between them, such as 10/60 30/3600"
        )
    if any(more <= requests or longer <= seconds for (requests, seconds), (more, longer) in pairwise(read)):
        raise ValueError("each further quota must allow more requests in a longer time, such as 10/60 30/3600")
    return read
