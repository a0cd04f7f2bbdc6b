"""Which searches that find nothing are counted, and as what: nothing that names anybody. Pure."""

from __future__ import annotations

import math
import re

from harvestd.market.search.text import asked

#: The longest query that is kept; a longer one was not typed by hand.
MAX_KEPT = 100
#: Programs that ask without a person who waits, by what they call themselves.
_BOT = re.compile(
    r"bot\b|bot[/_-]|crawl|spider|slurp|scan|monitor|preview|headless|facebookexternalhit|curl|wget|python|java/|go-http|libwww|httpclient|http-client|okhttp-bot|axios|scrapy",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
#: As many digits may be a telephone number, whatever stands between them, or the number of a card or a person.
PHONE_DIGITS = 6
_ADDRESS = re.compile(
    r"@|\b(?:https?|www)\b|\.(?:com|net|org|info|de|fr|es|at|ch|uk)\b|(?:\bat\b|\(a\)|\[at\]).*(?:\bdot\b|\.)",
    re.IGNORECASE,
)


def is_bot(agent: str) -> bool:
    """Whether a client by its ``User-Agent`` is no person's; whoever calls themselves nothing is none either."""
    return not agent.strip() or _BOT.search(agent) is not None


def kept(text: str) -> str:
    """The words of a query as they are counted, lower case and without accents; nothing for what may be somebody's address or number."""
    if len(text) > MAX_KEPT or _ADDRESS.search(text) or len(_DIGIT.findall(text)) >= PHONE_DIGITS:
        return ""
    return " ".join(asked(text))


def area(near: tuple[float, float] | None) -> str:
    """Where somebody searched, as a degree by a degree of the earth: its south-western corner; nothing without a position."""
    return "" if near is None else f"{math.floor(near[0])},{math.floor(near[1])}"
