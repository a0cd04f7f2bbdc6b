"""Lists of what has changed, which another system follows without missing a change.

A row has the number of the transaction that changed it last (``changed_in``, by the trigger ``row_changed``), and a list is in the order of these
numbers. Of two transactions the earlier may be committed later; so a list ends before the first that still goes on: whatever those before it changed
can be seen, and all that is to come has higher numbers. Nothing can appear behind a cursor.
"""

from __future__ import annotations

#: The first transaction that goes on, or that is to come.
SETTLED = "(select pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
