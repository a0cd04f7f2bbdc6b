"""What was asked and answered about a line, as the audit rows of its order have it."""

from __future__ import annotations

from harvestd.market.orders.answering import Said
from harvestd.store.postgres.statements import Reader, Statement, scalar

# A proposed line that was accepted is there, one that was not is gone; for one that weighs more than was agreed on, more was agreed on then, or not. What is asked about no more without
# an answer was taken back. Rows from before it was kept have no `asked`.
_SAID = Statement(
    "orders.said",
    """select case when c.kind <> 'answered' then null when b.line ? 'proposed' then a.line is not null
                   else coalesce((a.line ->> 'agreed_total')::bigint > (b.line ->> 'agreed_total')::bigint, false) end, c.actor, c.at
         from order_changes c
              cross join lateral jsonb_array_elements(c.before -> 'lines') as b(line)
              left join lateral jsonb_array_elements(c.after -> 'lines') as a(line) on a.line ->> 'line_id' = b.line ->> 'line_id'
        where c.order_id = :order_id and b.line ->> 'line_id' = :line_id::text
          and (c.kind = 'answered' or (b.line ? 'asked' and not coalesce(a.line ? 'asked', false)))
        order by c.version desc limit 1""",
    Said,
)

_FIRST_ASKED = Statement(
    "orders.first_asked",
    """select min((a.line ->> 'asked')::bigint)
         from order_changes c cross join lateral jsonb_array_elements(c.after -> 'lines') as a(line)
        where c.order_id = :order_id and a.line ->> 'line_id' = :line_id::text""",
    scalar,
)


async def first_asked(reader: Reader, order_id: str, line_id: str) -> int | None:
    """The least that a line of a locked order came to in any question about it; None if that is not known."""
    found: int | None = await reader.row(_FIRST_ASKED, order_id=order_id, line_id=line_id)
    return found


async def said(reader: Reader, order_id: str, line_id: str) -> Said | None:
    """How the last question about a line of a locked order has ended; None: there was none."""
    found: Said | None = await reader.row(_SAID, order_id=order_id, line_id=line_id)
    return found
