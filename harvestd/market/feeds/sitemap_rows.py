"""Rows of a site map (sitemaps.org): where its parts begin, and the addresses of one, which PostgreSQL writes as they are sent.

Both are ranges of the index of ids. What is added comes at the end, since ids are in the order of time; what is taken away makes a part smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from harvestd.market.catalogue.sight import FOR_EVERYBODY, SHOWN_AT
from harvestd.market.farms.listed_rules import FOUND
from harvestd.market.feeds.links import Page
from harvestd.market.feeds.xml import text
from harvestd.store.postgres.statements import FIRST_ID, LAST_ID, Reader, Statement, scalar

Kind = Literal["farms", "products"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Addresses of a part when it is made, and the most that a part may come to have, by the protocol.
SIZE, MAX = 10_000, 50_000


class Part(NamedTuple):
    """A part: the ids after ``first`` up to ``last`` (None: all before, all after), and when any of them was changed last."""

    kind: Kind
    first: str | None
    last: str | None
    changed: datetime


_PARTED = """select '{kind}' as kind, (n - 1) / :size::bigint as part, max(case when n % :size = 0 then id::text end) as last,
                    max(changed) as changed
               from (select id, {changed} as changed, row_number() over (order by id) as n from {kind} p where {shown}) as found group by 2"""
_CHANGED: dict[Kind, str] = {"farms": "p.updated_at", "products": SHOWN_AT}
_PARTS = Statement(
    "sitemap.parts",
    f"""({_PARTED.format(kind="farms", shown=FOUND, changed=_CHANGED["farms"])})
         union all ({_PARTED.format(kind="products", shown=FOR_EVERYBODY, changed=_CHANGED["products"])}) order by kind, part""",
    lambda kind, part, last, changed: (kind, last, changed),
    heavy=True,
)
_TIME = "to_char(found.changed at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
_WRITTEN = f"""select coalesce(string_agg('<url><loc>' || :before || case when :by_id then found.id::text else found.slug end || :after || '</loc><lastmod>' || {_TIME} || '</lastmod></url>', E'\\n'), '')
  from (select p.id, p.slug, {{changed}} as changed from {{source}} and p.id > coalesce(:first::uuid, {FIRST_ID}) and p.id <= coalesce(:last::uuid, {LAST_ID})
         order by p.id limit {MAX}) as found"""
_URLS: dict[Kind, Statement[str]] = {
    "farms": Statement(
        "sitemap.farms", _WRITTEN.format(source=f"farms p where {FOUND}", changed=_CHANGED["farms"]), scalar, heavy=True
    ),
    "products": Statement(
        "sitemap.products",
        _WRITTEN.format(source=f"products p where {FOR_EVERYBODY}", changed=_CHANGED["products"]),
        scalar,
        heavy=True,
    ),
}


async def parts(reader: Reader, size: int) -> list[Part]:
    """The parts of all that is found, of ``size`` each."""
    found: list[Part] = []
    rows: Sequence[tuple[Kind, str | None, datetime]] = await reader.rows(_PARTS, size=size)
    for n, (kind, last, changed) in enumerate(rows):
        before = found[-1].last if found and found[-1].kind == kind else None
        is_last = n + 1 == len(rows) or rows[n + 1][0] != kind
        found.append(Part(kind, before, None if is_last else last, changed))
    return found


async def urls(reader: Reader, kind: Kind, page: Page, first: str | None = None, last: str | None = None) -> str:
    """The ``<url>`` elements of a part, each with the address of its page."""
    values = {"before": text(page.before), "by_id": page.by_id, "after": text(page.after)}
    return await reader.row(_URLS[kind], **values, first=first, last=last) or ""
