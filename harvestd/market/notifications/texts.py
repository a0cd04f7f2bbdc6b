"""All texts of notices and mails, together. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harvestd.market.notifications.account_messages import ACCOUNT_MAILS, MORE, NOTED, UNPROVEN
from harvestd.market.notifications.farm_messages import FARM_MAILS
from harvestd.market.notifications.guest_messages import GUEST_MAIL, GUEST_TOLD
from harvestd.market.notifications.messages import MESSAGES, PIECES, ROLES

#: Mails that are no notices, by their kind: the subject, and the text.
MAILS: dict[str, tuple[str, str]] = {**ACCOUNT_MAILS, **FARM_MAILS}


def texts() -> Iterator[str]:
    """Every text, each of which a language's catalogue has as a ``mail``."""
    for messages in MESSAGES.values():
        for message in messages:
            yield from (message.title, message.body)
    yield from (*PIECES.values(), *MORE, *UNPROVEN, *GUEST_MAIL, *GUEST_TOLD.values())
    for mail in MAILS.values():
        yield from mail
    yield from (*NOTED.values(), *ROLES.values())
