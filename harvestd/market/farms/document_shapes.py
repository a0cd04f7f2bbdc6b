"""A farm's papers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from harvestd.web import uploads
from harvestd.web.shapes import CountedQuery, Out
from harvestd.web.vocabulary import closed

MAX_TITLE = 120
KINDS = ("organic_certificate", "register_extract", "hygiene_certificate", "insurance", "other")
_KINDS = closed("DocumentKind", KINDS, "What a farm's document is.")
KindIn = Annotated[
    Literal["organic_certificate", "register_extract", "hygiene_certificate", "insurance", "other"], _KINDS
]
KindOut = Annotated[str, _KINDS]
MediaTypeOut = Annotated[
    str, closed("DocumentType", ("application/pdf", "image/jpeg"), "The type of a document's file.")
]


class NewDocument(uploads.Uploaded, kw_only=True, frozen=True):
    """A PDF, or a picture."""

    kind: KindIn
    title: Annotated[str, Meta(max_length=MAX_TITLE)]


class Document(Out, kw_only=True, frozen=True):
    """A document of a farm."""

    id: str
    kind: KindOut
    title: str
    media_type: MediaTypeOut
    size: int
    url: str
    created_at: datetime


class DocumentsQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of documents."""


WORDS: dict[str, str] = {
    **uploads.WORDS,
    "NewDocument.kind": "What it is.",
    "NewDocument.title": "What it is called, for those who read it.",
    "Document.kind": "What it is.",
    "Document.title": "What it is called.",
    "media_type": "What kind of file it is; a picture is kept as JPEG.",
    "size": "Bytes.",
    "Document.url": "Address of the file.",
    "Document.created_at": "When it was added.",
}
