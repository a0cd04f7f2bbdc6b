"""A file of products."""

from __future__ import annotations

from harvestd.web import uploads
from harvestd.web.shapes import FarmId, In


class ImportProducts(uploads.Uploaded, kw_only=True, frozen=True):
    """A table of products, CSV or JSON Lines."""


class ImportQuery(In, kw_only=True, frozen=True):
    """Whose products, and whether they are only looked at."""

    dry_run: bool = False
    farm_id: FarmId | None = None


class ExportQuery(In, kw_only=True, frozen=True):
    """Whose products."""

    farm_id: FarmId | None = None


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **uploads.WORDS,
    "dry_run": "Check the file and tell what would happen; write nothing.",
    "ImportQuery.farm_id": "The farm; required of those with more than one, and of staff.",
    "ExportQuery.farm_id": "The farm; required of those with more than one, and of staff.",
}  # fmt: skip
