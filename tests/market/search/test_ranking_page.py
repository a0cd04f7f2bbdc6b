"""The page of ranking says what the code ranks by."""

from __future__ import annotations

import re

from harvestd.market.search.ranking import FACTORS, MOST_BOOSTED, PIN
from tests.people import Market
from tests.web.client import Client


async def test_the_page_of_ranking_has_every_factor_with_its_points_in_words(client: Client) -> None:
    answer = await client.get("/docs/ranking")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>', answer.text)
    assert [(name.lower(), float(points), boosted) for name, points, _, boosted in rows] == [
        (name, one.most, "yes" if one.boosted else "no") for name, one in FACTORS.items()
    ]
    assert all(len(about) > 20 for _, _, about, _ in rows)
    assert "explain=true" in answer.text


async def test_the_reference_leads_there(market: Market) -> None:
    """From the page of its operations, from that of all, and from the market's own."""
    for path in ("/docs/search", "/docs", "/"):
        answer = await market.stranger.get(path, headers={"Accept": "text/html"})
        assert '<a href="/docs/ranking">' in answer.text, path


def test_no_factor_of_a_kind_makes_up_for_the_one_before_it() -> None:
    """What is sold out comes after what can be bought; what may be meant after what was typed; and a number finds its product."""
    fixed = [one.most for one in FACTORS.values() if not one.boosted]
    rest = sum(one.most for one in FACTORS.values() if one.boosted)
    for place, points in enumerate(fixed):
        assert points > sum(fixed[place + 1 :]) + rest


def test_no_boosts_make_up_for_a_pin() -> None:
    rest = sum(one.most for one in FACTORS.values() if one.boosted)
    assert PIN > sum(one.most for one in FACTORS.values() if not one.boosted) + MOST_BOOSTED * rest
