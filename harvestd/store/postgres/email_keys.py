"""Recomputes the keys of accounts' e-mail addresses under the present rules."""

from __future__ import annotations

from typing import Any

from harvestd.kernel.email_addresses import key


def renew(cursor: Any) -> int:
    """Give each account whose address is not pure ASCII its present key; returns how many changed.

    If another account has that key already (one mailbox had several accounts under older rules), the older key stays: a
    sign-in with the address reaches the account with the present key.
    """
    cursor.execute(
        "select id, email, email_key from users where octet_length(email_key) <> length(email_key) order by id"
    )
    renewed = 0
    for id, email, before in cursor.fetchall():
        present = key(email)
        if present != before:
            cursor.execute(
                """update users set email_key = %s where id = %s
                   and not exists (select from users where email_key = %s)""",
                (present, id, present),
            )
            renewed += cursor.rowcount
    return renewed
