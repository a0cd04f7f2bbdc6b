"""Consents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from harvestd.web.reading import form
from harvestd.web.shapes import In, Out

Kind = Annotated[str, form("[a-z0-9]+(?:-[a-z0-9]+)*", max_length=60, description="A fixed word.", examples=["terms"])]
Version = Annotated[
    str, form("[A-Za-z0-9._-]+", max_length=60, description="Of the text that was shown.", examples=["2026-05"])
]


class PutConsent(In, kw_only=True, frozen=True):
    """What a person says of a kind of thing."""

    kind: Kind
    version: Version
    agreed: bool


class PutConsents(In, kw_only=True, frozen=True):
    """What a person says now."""

    items: Annotated[list[PutConsent], Meta(min_length=1, max_length=50)]


class Consent(Out, kw_only=True, frozen=True):
    """What stands of a kind of thing."""

    kind: str
    version: str
    agreed: bool
    at: datetime


class Consents(Out, kw_only=True, frozen=True):
    """The latest of each kind."""

    items: list[Consent]


WORDS: dict[str, str] = {
    "agreed": "Whether the person agrees, or no longer does.",
    "Consent.at": "When it was said.",
    "Consent.kind": "A fixed word for what it is about, such as `terms` or `newsletter`.",
    "PutConsent.kind": "A fixed word for what it is about, such as `terms` or `newsletter`.",
    "Consent.version": "The version of the text that was agreed to.",
    "PutConsent.version": "The version of the text that was agreed to.",
    "PutConsents.items": "One answer a kind; what was said before is kept.",
    "Consents.items": "The latest of each kind.",
}
