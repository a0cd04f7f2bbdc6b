"""Who asks, by what a client calls itself. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

#: Programs that ask without a person who waits.
_BOT = re.compile(
    r"bot\b|bot[/_-]|crawl|spider|slurp|scan|monitor|preview|headless|facebookexternalhit|curl|wget|python|java/|go-http|libwww|httpclient|http-client|okhttp-bot|axios|scrapy",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def is_bot(agent: str) -> bool:
    """Whether a client by its ``User-Agent`` is no person's; whoever calls themselves nothing is none either."""
    return not agent.strip() or _BOT.search(agent) is not None
