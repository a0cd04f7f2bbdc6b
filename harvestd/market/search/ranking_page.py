"""The page ``/docs/ranking``: in words what search ranks by, from the table that it ranks by."""

from __future__ import annotations

from html import escape

from harvestd.market.search.ranking import FACTORS, MOST_BOOSTED, PIN
from harvestd.web.pages.html import marked, page, table

_ORDER = """A search without another `sort` shows the products with the most points first; of two with as many, the one that was offered first. No
farm pays for its place, and nobody's person, purchases or earlier searches count: whoever asks the same at the same time gets the same."""
_STEPS = """The first factors are so far apart from the others that none of these make up for them: whatever can be ordered comes before what is sold
out and fits as well, and what has the words as they were typed before what may have been meant."""
_RULES = f"""The market's staff may say of a query that words mean the same, that some products come first (in their order, from {PIN:g} points on), or that
a category, a farm or a tag counts more or less: then the factors marked so are multiplied by that, each time by 0.1 to 10, and
by {MOST_BOOSTED:g} at most if several of these are true of a product. One that is put first has to be on sale and to fit the filters, as all others."""
_WHY = """For the staff, `GET /api/search?explain=true` shows of each hit how many points it has of which factor: [the operations of search](/docs/search)."""


def ranking() -> bytes:
    """The page."""
    rows = [
        (escape(name.capitalize()), f"{one.most:g}", marked(one.about), "yes" if one.boosted else "no")
        for name, one in FACTORS.items()
    ]
    factors = table(
        ("Factor", "Points at most", "Which products have them", "Multiplied by rules"), rows, "Factors of ranking"
    )
    parts = (_ORDER, factors, _STEPS, "<h2>What the market's staff decides</h2>", _RULES, _WHY)
    main = "".join(part if part.startswith("<") else f"<p>{marked(part)}</p>" for part in parts)
    return page("Ranking", f"<h1>What search ranks by</h1>{main}")
