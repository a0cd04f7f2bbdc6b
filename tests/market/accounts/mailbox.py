"""What accounts are mailed."""

from __future__ import annotations

import re

from harvestd.store.postgres.statements import Statement
from tests.people import Market

_MAILS = Statement(
    "test.mailbox", "select subject, body from mails where recipient = :email order by created_at, id", lambda *row: row
)
_LINK = re.compile(r"#(verify|reset|link|invitation)=([A-Za-z0-9_-]{43})")


async def mails(market: Market, email: str) -> list[tuple[str, str]]:
    """Subject and text of each mail to an address, once the workers have done what there is to do."""
    await market.work()
    return await market.parts.database.rows(_MAILS, email=email)


async def token(market: Market, email: str, purpose: str) -> str:
    """The token of the newest mail for this purpose."""
    found = [
        match[2]
        for _, body in await mails(market, email)
        for match in [_LINK.search(body)]
        if match and match[1] == purpose
    ]
    return found[-1]
