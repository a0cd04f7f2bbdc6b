"""API keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from harvestd.kernel.permissions import SCOPES
from harvestd.web.shapes import CountedQuery, In, Out
from harvestd.web.vocabulary import closed

if TYPE_CHECKING:
    _Scope = str
else:
    _Scope = Literal[tuple(SCOPES)]
Scope = Annotated[
    _Scope, closed("Scope", tuple(SCOPES), "A right of the key's owner that the key has, too: `<what>:<how>`.")
]


class NewKey(In, kw_only=True, frozen=True):
    """A key to be made."""

    name: Annotated[str, Meta(max_length=100)]
    scopes: Annotated[list[Scope], Meta(max_length=50)]
    expires_at: datetime | None = None


class ApiKey(Out, kw_only=True, frozen=True):
    """A key, without its secret."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewApiKey(ApiKey, kw_only=True, frozen=True):
    """A new key, with its secret, which no other answer has."""

    key: str


class KeysQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of keys."""


WORDS: dict[str, str] = {
    "hint": "How the secret begins, to know the key again.",
    "key": "The secret, shown this once: send it as `Authorization: Bearer hk_…`.",
    "last_used_at": "When it was last used, to the minute.",
    "scopes": "What the key may do, of what its owner may.",
    "ApiKey.name": "What it is for.",
    "NewApiKey.name": "What it is for.",
    "NewKey.name": "What it is for.",
    "NewKey.expires_at": "When it ends by itself; null: never.",
    "ApiKey.expires_at": "When it ends by itself; null: never.",
    "NewApiKey.expires_at": "When it ends by itself; null: never.",
}
