"""This process's in-memory cache of good API keys, so that a request with one normally costs no statement.

An entry is valid until topic ``sessions:ended`` says that something of its owner changed. Secrets that are no key's are not cached: they are rate limited.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import attrs
from zope.interface import implementer

from harvestd.interfaces import ApiKey, IApiKeys, ISignIns, ITopics
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.permissions import Permission
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import key_rows as rows
from harvestd.market.accounts.sign_ins_near import CHANNEL, user_of
from harvestd.runtime.spawn import spawn
from harvestd.store.cache.remembered import Remembered
from harvestd.store.postgres.database import Database

_FORM = re.compile(r"hk_[A-Za-z0-9_-]{43}")


@attrs.frozen
class _Known:
    key: ApiKey
    ends: datetime | None


@implementer(IApiKeys)
class NearApiKeys:
    """``primary`` is queried on a cache miss; ``most`` keys are cached, each for ``ttl`` seconds. ``sign_ins`` has the way to other
    processes, which is the same for all that ends of an account."""

    def __init__(
        self, clock: Any, topics: ITopics, primary: Database, sign_ins: ISignIns, now: Callable[[], datetime],
        most: int = 10_000, ttl: float = 30.0,
    ) -> None:  # fmt: skip
        self._primary = primary
        self._sign_ins = sign_ins
        self._now = now
        self._known: Remembered[bytes, _Known | None] = Remembered(clock, topics, {CHANNEL: self._receive}, ttl, most)
        self.start, self.stop = self._known.start, self._known.stop

    async def find(self, secret: str) -> ApiKey | None:
        """The key with this secret, if it is good."""
        if not _FORM.fullmatch(secret):
            return None
        hashed = secret_hash(secret)
        known = await self._known.get(hashed, partial(self._asked, hashed))
        return None if known is None or (known.ends is not None and self._now() >= known.ends) else known.key

    async def _asked(self, hashed: bytes) -> _Known | None:
        found = await self._primary.row(rows.FIND, secret_hash=hashed, now=self._now())
        if found is None:
            return None
        scopes = frozenset(one for one in Permission if one.value in found.scopes)
        spawn("noting the use of an API key", self._note_use(found.id))
        return _Known(ApiKey(found.id, found.user_id, found.role, scopes, found.second_factor), found.expires_at)

    async def _note_use(self, key_id: str) -> None:
        with suppress(Unavailable):
            await self._primary.transaction(lambda tx: rows.note_use(tx, key_id, self._now()), by_keys=True)

    async def ended(self, user_id: str) -> None:
        """Forget the user's keys here, and in every other process."""
        self._drop(user_id)
        await self._sign_ins.ended(user_id)

    def _drop(self, user_id: str) -> None:
        self._known.forget_where(lambda known: known is not None and known.key.user_id == user_id)

    def _receive(self, payload: str) -> None:
        user_id = user_of(payload)
        if user_id is not None:
            self._drop(user_id)
