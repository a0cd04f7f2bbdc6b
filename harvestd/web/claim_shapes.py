"""Claims such as organic farming, of a product or a farm."""

from __future__ import annotations

import datetime
from typing import Annotated

from msgspec import Meta

from harvestd.kernel.claims import MAX_BODY, MAX_CLAIMS, MAX_NUMBER, MAX_SCHEME
from harvestd.web.shapes import In, Out


class CertificationIn(In, kw_only=True, frozen=True):
    """A claim such as organic farming, which is shown until its last day; null: without end."""

    scheme: Annotated[str, Meta(min_length=1, max_length=MAX_SCHEME, examples=["EU organic"])]
    body_code: Annotated[str, Meta(max_length=MAX_BODY, examples=["DE-ÖKO-006"])] = ""
    number: Annotated[str, Meta(max_length=MAX_NUMBER)] = ""
    valid_until: datetime.date | None = None


class Certification(Out, kw_only=True, frozen=True):
    """A claim such as organic farming, which is shown until its last day; null: without end."""

    scheme: str
    body_code: str
    number: str
    valid_until: datetime.date | None


Certifications = Annotated[list[CertificationIn], Meta(max_length=MAX_CLAIMS)]

#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "CertificationIn.number": "Number of the certificate.",
    "Certification.number": "Number of the certificate.",
    "scheme": "What is claimed.",
    "body_code": "Code of the body that certifies it.",
    "valid_until": "Its last day; null: without end.",
}
