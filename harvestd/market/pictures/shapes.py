"""Pictures of a product, as those see them who run its farm."""

from __future__ import annotations

from typing import Annotated, get_args

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.catalogue.image_shapes import ImageSizes, ImageStatusOut
from harvestd.market.pictures.rules import MAX_ALT, MOST, Reason
from harvestd.web import uploads
from harvestd.web.shapes import In, Out
from harvestd.web.vocabulary import closed

ImageReasonOut = Annotated[str, closed("ImageReason", get_args(Reason), "Why a picture cannot be shown.")]
Alt = Annotated[str, Meta(max_length=MAX_ALT)]


class OwnImage(Out, kw_only=True, frozen=True):
    """A picture of a product, whether or not it can be shown yet."""

    id: str
    status: ImageStatusOut
    reason: ImageReasonOut | None
    alt: str
    position: int
    width: int
    height: int
    dominant_color: str | None
    sizes: ImageSizes | None


class ChangedImage(OwnImage, kw_only=True, frozen=True):
    """A picture once it was changed, and its product's version by then."""

    version: int


class Images(Out, kw_only=True, frozen=True):
    """All pictures of a product, in order."""

    items: list[OwnImage]


class Uploaded(Out, kw_only=True, frozen=True):
    """The picture, which is yet to be made in each size."""

    image: OwnImage


class NewImage(uploads.Uploaded, kw_only=True, frozen=True):
    """A picture: JPEG, PNG, WebP or AVIF; of one that moves the first is taken."""

    alt: Alt = ""


class ChangeImage(In, kw_only=True, frozen=True):
    """The fields to change."""

    alt: Alt | UnsetType = UNSET
    position: Annotated[int, Meta(ge=0, le=MOST - 1)] | UnsetType = UNSET


_OWN = {
    "position": "Position among the product's pictures, from 0.",
    "status": "Whether it can be shown.",
    "reason": "Why it cannot be shown; null unless it has failed. Delete it, and send another.",
    "width": "Width of the original in pixels.",
    "height": "Height of the original in pixels.",
    "dominant_color": "Dominant colour, as `#rrggbb`; null until it is ready.",
    "sizes": "The picture in each size; null until it is ready.",
}
WORDS: dict[str, str] = {
    **uploads.WORDS,
    "alt": "Alternative text: what the picture shows.",
    "ChangeImage.position": "Its new position among the product's pictures, from 0; the others make room.",
    **{f"{shape}.{name}": text for shape in ("OwnImage", "ChangedImage") for name, text in _OWN.items()},
    "ChangedImage.version": "The product's version; the ETag is derived from it.",
    "Images.items": "The pictures.",
    "Uploaded.image": "The picture.",
}
